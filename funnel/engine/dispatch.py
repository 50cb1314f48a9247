"""Hand over what is ready, each message once: lease, freeze, intent, handing over, settling. Promises C1-C5."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from funnel.engine.kernel import Engine
from funnel.engine.people import exit_runs
from funnel.engine.runs import plan_next
from funnel.errors import FunnelError
from funnel.headers import Headers
from funnel.message import Attachment, Skeleton, build, message_key, skeleton
from funnel.model import (
    Contact,
    Delivery,
    DeliveryState,
    EnrollmentStatus,
    Event,
    EventType,
    Lease,
    Message,
    Program,
    Reason,
    Receipt,
    ReceiptKind,
)
from funnel.payload import Letter, letter_from
from funnel.ports import Sender

BATCH = 32  #: intents that one commit may carry; a crash leaves at most that many unknown
LEASE = timedelta(hours=1)  #: longer than any bounded dialogue with a relay (RFC 5321 4.5.3.2 adds up to 30 min)
FIRST_RETRY = timedelta(minutes=5)
LONGEST_RETRY = timedelta(hours=6)
GIVE_UP_AFTER = timedelta(hours=48)
MOST_ATTEMPTS = 8
HOLD = timedelta(minutes=5)


@dataclass(slots=True)
class Dispatched:
    """What one dispatch did. `held` says why the relay, rather than a person, stopped it."""

    sent: int = 0
    failed: int = 0
    postponed: int = 0
    unknown: int = 0
    cancelled: int = 0
    blocked: int = 0
    held: str = ""
    sent_ids: list[int] = field(default_factory=list)


class _Bench:
    """Keeps what one dispatch reuses: compiled skeletons and programs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._letters: dict[int, tuple[Letter, Skeleton]] = {}
        self.programs: dict[int, Program] = {one.id: one for one in engine.store.programs.all()}

    def letter(self, email_id: int) -> tuple[Letter, Skeleton]:
        if email_id not in self._letters:
            email = self._engine.store.programs.email(email_id)
            letter = letter_from(email.slug, email.variant, email.payload)
            self._letters[email_id] = (letter, skeleton(letter.rendered, attachment=self._file(letter)))
        return self._letters[email_id]

    def _file(self, letter: Letter) -> Attachment | None:
        path = letter.rendered.attachment
        if not path:
            return None
        kind = "application/pdf" if path.endswith(".pdf") else "application/octet-stream"
        return Attachment(PurePosixPath(path).name, kind, self._engine.files(path))


def dispatch(engine: Engine, sender: Sender, *, now: datetime) -> Dispatched:
    """Send everything that is ready at `now`. Idempotent: what is gone is not found again."""
    done = Dispatched()
    bench = _Bench(engine)
    while not done.held:
        leases = engine.store.ledger.lease(owner=engine.owner, now=now, until=now + LEASE, limit=BATCH)
        if not leases:
            break
        _send_batch(engine, sender, bench, leases, done, now)
    return done


def recover(engine: Engine, sender: Sender, *, now: datetime, alone: bool) -> int:
    """Take over from workers that are gone. `alone`: the caller knows that no other worker is alive.

    What was only leased is ready again. What was being sent is looked up at the sender; without an answer it
    becomes `unknown` and waits for evidence or a person.
    """
    stale = engine.store.ledger.stale(owner=engine.owner, now=now, alone=alone)
    bench = _Bench(engine)
    for delivery_id, state in stale:
        delivery = engine.store.ledger.delivery(delivery_id)
        with engine.store.transaction():
            if state is DeliveryState.LEASED:
                engine.store.ledger.postpone(delivery_id, delivery.due_at)
            else:
                _look_up(engine, sender, bench, delivery, now)
    return len(stale)


def key_of(engine: Engine, delivery_id: int) -> str:
    """Return a delivery's key: the same for ever, and opaque."""
    return message_key(engine.secret, f"{engine.store.get('instance')}/{delivery_id}")


def compose(
    engine: Engine,
    letter: Letter,
    bones: Skeleton,
    contact: Contact,
    program: Program,
    *,
    key: str,
    now: datetime,
) -> bytes:
    """Build the exact bytes for one person."""
    sender = engine.settings.sender
    values = engine.values(contact, now)
    is_request = program.kind == "request"
    headers = Headers(
        from_name=sender.name,
        from_address=sender.address,
        reply_to=sender.reply_to,
        to_name="" if is_request else contact.first_name,
        to_address=contact.email,
        message_id=f"{key}@{sender.domain}",
        date=now,
        list_id="" if is_request else f"{program.code}.{sender.domain}",
        list_name="" if is_request else engine.settings.name,
        unsubscribe_url="" if is_request else values["link.unsubscribe"],
        feedback_id=f"{program.code}:{program.kind}:funnel",
    )
    return build(bones, headers, values)


def _look_up(engine: Engine, sender: Sender, bench: _Bench, delivery: Delivery, now: datetime) -> None:
    match sender.settle(key_of(engine, delivery.id)):
        case ReceiptKind.ACCEPTED:
            engine.store.ledger.settle(delivery.id, DeliveryState.SENT, now=now)
            _move_on(engine, bench, delivery, now)
        case ReceiptKind.RETRY:
            engine.store.ledger.postpone(delivery.id, delivery.due_at)
        case _:
            _unknown(engine, bench, delivery, now)


def _send_batch(
    engine: Engine, sender: Sender, bench: _Bench, leases: Sequence[Lease], done: Dispatched, now: datetime
) -> None:
    messages: list[Message] = []
    with engine.store.transaction():
        for lease in leases:
            message = _prepare(engine, sender, bench, lease, done, now)
            if message is not None:
                messages.append(message)
    held = {lease.delivery_id: lease for lease in leases}
    refused: dict[int, Reason] = {}

    def intent(ids: Sequence[int]) -> frozenset[int]:
        answers = engine.store.ledger.intend([held[one] for one in ids], owner=engine.owner)
        refused.update({one: reason for one, reason in answers.items() if reason is not None})
        return frozenset(one for one, reason in answers.items() if reason is None)

    for receipt in sender.send(messages, intent):
        with engine.store.transaction():
            _settle(engine, bench, held[receipt.delivery_id], receipt, refused, done, now)


def _prepare(
    engine: Engine, sender: Sender, bench: _Bench, lease: Lease, done: Dispatched, now: datetime
) -> Message | None:
    """Freeze the bytes of one delivery, or put it aside when it must not leave this machine."""
    ledger = engine.store.ledger
    letter, bones = bench.letter(lease.email_id)
    if letter.is_blocked and not sender.is_local:
        ledger.postpone(lease.delivery_id, now + timedelta(hours=1))
        done.blocked += 1
        return None
    key = key_of(engine, lease.delivery_id)
    if ledger.frozen(lease.delivery_id) is None:
        contact = engine.store.people.get(lease.contact_id)
        program = bench.programs[lease.program_id]
        try:
            raw = compose(engine, letter, bones, contact, program, key=key, now=now)
        except FunnelError:
            _fail(engine, bench, ledger.delivery(lease.delivery_id), Reason.RENDER_ERROR, now)
            done.failed += 1
            return None
        ledger.freeze(lease.delivery_id, contact.email, raw)
    frozen = ledger.frozen(lease.delivery_id)
    if frozen is None:
        return None
    recipient, raw = frozen
    return Message(lease.delivery_id, key, engine.settings.sender.address, recipient, raw)


def _settle(
    engine: Engine,
    bench: _Bench,
    lease: Lease,
    receipt: Receipt,
    refused: dict[int, Reason],
    done: Dispatched,
    now: datetime,
) -> None:
    delivery = engine.store.ledger.delivery(lease.delivery_id)
    match receipt.kind:
        case ReceiptKind.ACCEPTED:
            engine.store.ledger.settle(delivery.id, DeliveryState.SENT, now=now)
            engine.store.ledger.mailed(delivery.contact_id, now=now)
            _move_on(engine, bench, delivery, now)
            done.sent += 1
            done.sent_ids.append(delivery.id)
        case ReceiptKind.REFUSED:
            _refused(engine, bench, delivery, receipt, now)
            done.failed += 1
        case ReceiptKind.RETRY:
            _again(engine, bench, delivery, lease, receipt, done, now)
        case ReceiptKind.HOLD:
            engine.store.ledger.postpone(delivery.id, now + HOLD)
            done.postponed += 1
            done.held = receipt.text or "the relay refused us"
        case ReceiptKind.WITHDRAWN:
            _withdrawn(engine, delivery, refused.get(delivery.id, Reason.DUPLICATE), done, now)
        case ReceiptKind.UNKNOWN:
            _unknown(engine, bench, delivery, now)
            done.unknown += 1


def _move_on(engine: Engine, bench: _Bench, delivery: Delivery, now: datetime) -> None:
    """Let the next wait count from now, unless the run has gone elsewhere meanwhile."""
    run = engine.store.ledger.enrollment(delivery.enrollment_id)
    if run.status is not EnrollmentStatus.ACTIVE or run.visit != delivery.visit:
        return
    engine.store.ledger.advance(run.id, delivery.step, now=now)
    plan_next(engine, bench.programs[engine.store.ledger.program_of(run.id)], run.id)


def _refused(engine: Engine, bench: _Bench, delivery: Delivery, receipt: Receipt, now: datetime) -> None:
    if not receipt.bad_address:
        _fail(engine, bench, delivery, Reason.PROVIDER_REJECTED, now)
        return
    engine.store.ledger.settle(delivery.id, DeliveryState.FAILED, now=now, reason=Reason.NO_ADDRESS)
    bounced = Event(EventType.BOUNCED, delivery.contact_id, now, f"bounced/{delivery.id}", delivery.id)
    engine.store.people.happened(bounced)
    exit_runs(engine, delivery.contact_id, Reason.SUPPRESSED, now=now, suppress_as="bounced")


def _fail(engine: Engine, bench: _Bench, delivery: Delivery, why: Reason, now: datetime) -> None:
    engine.store.ledger.settle(delivery.id, DeliveryState.FAILED, now=now, reason=why)
    _move_on(engine, bench, delivery, now)


def _again(
    engine: Engine,
    bench: _Bench,
    delivery: Delivery,
    lease: Lease,
    receipt: Receipt,
    done: Dispatched,
    now: datetime,
) -> None:
    """Try later, with a growing pause; give up after 8 tries or 48 hours.

    A relay that does not answer at all (no reply code) is nobody's fault here: it stops the dispatch and counts
    against no person.
    """
    if not receipt.code:
        engine.store.ledger.postpone(delivery.id, now + HOLD)
        done.postponed += 1
        done.held = receipt.text or "the relay does not answer"
        return
    if lease.attempts >= MOST_ATTEMPTS or now - lease.first_at >= GIVE_UP_AFTER:
        _fail(engine, bench, delivery, Reason.PROVIDER_REJECTED, now)
        done.failed += 1
        return
    engine.store.ledger.postpone(delivery.id, now + pause(delivery.id, lease.attempts))
    done.postponed += 1


def pause(delivery_id: int, attempts: int) -> timedelta:
    """Return how long to wait before the next try: doubling, capped, and spread by the delivery's own number."""
    longest: timedelta = min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY)
    byte = hashlib.sha256(f"{delivery_id}/{attempts}".encode()).digest()[0]
    return longest / 2 + longest / 2 * (byte / 255)


def _withdrawn(engine: Engine, delivery: Delivery, why: Reason, done: Dispatched, now: datetime) -> None:
    match why:
        case Reason.DUPLICATE:
            return  # another worker holds it now; nothing of ours was sent
        case Reason.PAUSED:
            engine.store.ledger.postpone(delivery.id, delivery.due_at)
            done.postponed += 1
        case Reason.NO_ADDRESS:
            # The address was changed after the bytes were frozen: the next try is written for the new one.
            engine.store.ledger.thaw(delivery.id)
            engine.store.ledger.postpone(delivery.id, delivery.due_at)
            done.postponed += 1
        case _:
            engine.store.ledger.settle(delivery.id, DeliveryState.CANCELLED, now=now, reason=why)
            engine.store.ledger.finish(delivery.enrollment_id, EnrollmentStatus.EXITED, why)
            done.cancelled += 1


def _unknown(engine: Engine, bench: _Bench, delivery: Delivery, now: datetime) -> None:
    """Write that nobody knows. For the schedule an uncertain step counts as done; it is never resent by itself."""
    engine.store.ledger.settle(delivery.id, DeliveryState.UNKNOWN, now=now, reason=Reason.UNKNOWN_OUTCOME)
    engine.store.ledger.mailed(delivery.contact_id, now=now)
    _move_on(engine, bench, delivery, now)
