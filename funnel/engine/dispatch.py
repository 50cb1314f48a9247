"""Hand over what is ready, each message once: lease, freeze, intent, handing over, settling. Promises C1-C5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from funnel.engine.kernel import Engine
from funnel.engine.letters import Letters, compose, key_of
from funnel.engine.runs import MAX_LATE, may_go_at, move_on, needless, skip
from funnel.engine.settling import Dispatched, Settling
from funnel.errors import FunnelError, Refused
from funnel.model import Delivery, DeliveryState, EnrollmentStatus, Lease, Message, Reason, ReceiptKind
from funnel.ports import Sender

__all__ = ["Dispatched", "compose", "dispatch", "key_of", "recover", "resolve"]

BATCH = 32  #: intents that one commit may carry; a crash leaves at most that many unknown
LEASE = timedelta(hours=1)  #: longer than any bounded dialogue with a relay (RFC 5321 4.5.3.2 adds up to 30 min)
BLOCKED = timedelta(hours=1)  #: until mail that may not leave this machine is looked at again


def dispatch(engine: Engine, sender: Sender, *, now: datetime) -> Dispatched:
    """Send everything that is ready at `now`. Idempotent: what is gone is not found again."""
    one = _Dispatch(engine, sender, Letters(engine), Settling(engine, Dispatched(), now), now)
    while not one.settling.done.held:
        leases = engine.store.ledger.lease(owner=engine.owner, now=now, until=now + LEASE, limit=BATCH)
        if not leases:
            break
        one.send(leases)
    return one.settling.done


def recover(engine: Engine, sender: Sender, *, now: datetime, alone: bool) -> int:
    """Take over from workers that are gone. `alone`: the caller knows that no other worker is alive.

    What was only leased is ready again. What was being sent is looked up at the sender; without an answer it
    becomes `unknown` and waits for evidence or a person. What is unknown already is looked up again, and never
    resent by itself. Return how many were taken over.
    """
    ledger = engine.store.ledger
    settling = Settling(engine, Dispatched(), now)
    stale = ledger.stale(owner=engine.owner, now=now, alone=alone)
    for delivery_id, state in stale:
        answer = ReceiptKind.RETRY if state is DeliveryState.LEASED else sender.settle(key_of(engine, delivery_id))
        with engine.store.transaction():
            delivery = ledger.delivery(delivery_id)
            if delivery.state is state:
                _take_over(settling, delivery, answer)
    for delivery in ledger.in_state(DeliveryState.UNKNOWN):
        if sender.settle(key_of(engine, delivery.id)) is ReceiptKind.ACCEPTED:
            resolve(engine, delivery.id, is_sent=True, now=delivery.settled_at or now)
    return len(stale)


def resolve(engine: Engine, delivery_id: int, *, is_sent: bool, now: datetime) -> None:
    """Settle an uncertain delivery by evidence or a person's word: it was sent, or it is to be sent again (C3).

    The same bytes go again. Raises Refused when nothing is uncertain about it, or when its run has ended since.
    """
    ledger = engine.store.ledger
    with engine.store.transaction():
        delivery = ledger.delivery(delivery_id)
        if delivery.state is not DeliveryState.UNKNOWN:
            raise Refused(f"delivery {delivery_id} is {delivery.state}: nothing is uncertain about it")
        if is_sent:
            ledger.settle(delivery_id, DeliveryState.SENT, now=now)
            return
        run = ledger.enrollment(delivery.enrollment_id)
        if run.status is EnrollmentStatus.EXITED or run.visit != delivery.visit:
            raise Refused(f"delivery {delivery_id} cannot be sent again: the person has left, or chose another side")
        ledger.reopen(delivery_id, now)


def _take_over(settling: Settling, delivery: Delivery, answer: ReceiptKind) -> None:
    match answer:
        case ReceiptKind.ACCEPTED:
            settling.sent(delivery)
        case ReceiptKind.RETRY:
            settling.engine.store.ledger.excuse(delivery.id)
            settling.put_back(delivery, delivery.due_at)
        case _:
            settling.unknown(delivery)


@dataclass(frozen=True, slots=True)
class _Dispatch:
    """One dispatch: what it reuses from batch to batch."""

    engine: Engine
    sender: Sender
    letters: Letters
    settling: Settling
    now: datetime

    def send(self, leases: Sequence[Lease]) -> None:
        """Freeze, hand over and settle one batch."""
        with self.engine.store.transaction():
            prepared = [self._prepare(lease) for lease in leases]
        messages = [message for message in prepared if message is not None]
        held = {lease.delivery_id: lease for lease in leases}
        refused: dict[int, Reason] = {}

        def intent(ids: Sequence[int]) -> frozenset[int]:
            answers = self.engine.store.ledger.intend([held[one] for one in ids], owner=self.engine.owner)
            refused.update({one: reason for one, reason in answers.items() if reason is not None})
            return frozenset(one for one, reason in answers.items() if reason is None)

        for receipt in self.sender.send(messages, intent) if messages else ():
            with self.engine.store.transaction():
                self.settling.settle(held[receipt.delivery_id], receipt, refused.get(receipt.delivery_id))

    def _prepare(self, lease: Lease) -> Message | None:
        """Freeze the bytes of one delivery, or put it aside when it is needless, early, late or blocked."""
        delivery = self.engine.store.ledger.delivery(lease.delivery_id)
        if self._is_put_aside(lease, delivery):
            return None
        key = key_of(self.engine, lease.delivery_id)
        try:
            recipient, raw = self._bytes(lease, key)
        except FunnelError:
            self.settling.fail(delivery, Reason.RENDER_ERROR)
            return None
        return Message(lease.delivery_id, key, self.engine.settings.sender.address, recipient, raw)

    def _is_put_aside(self, lease: Lease, delivery: Delivery) -> bool:
        run = self.engine.store.ledger.enrollment(delivery.enrollment_id)
        at = may_go_at(self.engine, delivery, now=self.now)
        is_blocked = self.letters.letter(lease.email_id).is_blocked and not self.sender.is_local
        if why := needless(self.engine, delivery):
            skip(self.engine, delivery, why, now=self.now)
        elif at > self.now:
            self._wait(delivery, at)
            self.settling.done.postponed += 1
        elif self.engine.program_of(run).kind == "broadcast" and self.now - run.anchor_at > MAX_LATE:
            self._expire(delivery)
        elif is_blocked:
            self._wait(delivery, self.now + BLOCKED)
            self.settling.done.blocked += 1
        else:
            return False
        return True

    def _wait(self, delivery: Delivery, until: datetime) -> None:
        """Put a mail aside that was not tried: no attempt is counted."""
        self.engine.store.ledger.excuse(delivery.id)
        self.engine.store.ledger.postpone(delivery.id, until)

    def _expire(self, delivery: Delivery) -> None:
        why = Reason.TOO_LATE
        self.engine.store.ledger.settle(delivery.id, DeliveryState.EXPIRED, now=self.now, reason=why)
        move_on(self.engine, delivery, now=self.now)

    def _bytes(self, lease: Lease, key: str) -> tuple[str, bytes]:
        """Return the frozen recipient and bytes; write them at the first attempt."""
        store = self.engine.store
        if frozen := store.ledger.frozen(lease.delivery_id):
            return frozen
        contact, program = store.people.get(lease.contact_id), store.programs.by_id(lease.program_id)
        bones = self.letters.bones(lease.email_id)
        raw = compose(self.engine, bones, contact, program, key=key, now=self.now)
        store.ledger.freeze(lease.delivery_id, contact.email, raw)
        return contact.email, raw
