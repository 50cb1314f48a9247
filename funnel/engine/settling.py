"""Write into the ledger what became of each message, and let its run go on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from funnel.engine.kernel import Engine
from funnel.engine.people import exit_runs
from funnel.engine.runs import give_up, move_on, needless, next_opening
from funnel.model import (
    Delivery,
    DeliveryState,
    EnrollmentStatus,
    Event,
    EventType,
    Lease,
    Reason,
    Receipt,
    ReceiptKind,
)

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


@dataclass(frozen=True, slots=True)
class Settling:
    """One worker's settling at one moment. Each method belongs inside a transaction."""

    engine: Engine
    done: Dispatched
    now: datetime

    def settle(self, lease: Lease, receipt: Receipt, refused: Reason | None) -> None:
        """Settle a delivery by its receipt. `refused` is why the gate said no, if it did.

        Whoever slept past the lease may only add what is certain: that the message was taken.
        """
        delivery = self.engine.store.ledger.delivery(lease.delivery_id)
        if not self.engine.store.ledger.holds(lease, owner=self.engine.owner):
            if receipt.kind is ReceiptKind.ACCEPTED and delivery.state is not DeliveryState.SENT:
                self.sent(delivery)
            return
        match receipt.kind:
            case ReceiptKind.ACCEPTED:
                self.sent(delivery)
            case ReceiptKind.REFUSED:
                self._refused(delivery, receipt)
            case ReceiptKind.RETRY:
                self._again(delivery, lease, receipt)
            case ReceiptKind.HOLD:
                self._hold(delivery, receipt.text or "the relay refused us")
            case ReceiptKind.WITHDRAWN:
                self._withdrawn(delivery, refused)
            case ReceiptKind.UNKNOWN:
                self.unknown(delivery)

    def sent(self, delivery: Delivery) -> None:
        """Write that the other side has it."""
        self.engine.store.ledger.settle(delivery.id, DeliveryState.SENT, now=self.now)
        self._received(delivery)
        self.done.sent += 1
        self.done.sent_ids.append(delivery.id)

    def unknown(self, delivery: Delivery) -> None:
        """Write that nobody knows. For the schedule an uncertain step counts as done; it is never resent by itself."""
        why = Reason.UNKNOWN_OUTCOME
        self.engine.store.ledger.settle(delivery.id, DeliveryState.UNKNOWN, now=self.now, reason=why)
        self._received(delivery)
        self.done.unknown += 1

    def fail(self, delivery: Delivery, why: Reason) -> None:
        """Write that this person does not get this mail; the run goes on."""
        self.engine.store.ledger.settle(delivery.id, DeliveryState.FAILED, now=self.now, reason=why)
        move_on(self.engine, delivery, now=self.now)
        self.done.failed += 1

    def put_back(self, delivery: Delivery, until: datetime) -> None:
        """Make a delivery ready again, unless its run has ended or gone elsewhere since it was leased."""
        run = self.engine.store.ledger.enrollment(delivery.enrollment_id)
        if run.status is EnrollmentStatus.EXITED:
            self._cancel(delivery, Reason(run.exit_reason))
        elif run.visit != delivery.visit:
            self._cancel(delivery, Reason.SIDE_CHANGED)
        elif needless(self.engine, delivery) is Reason.STEP_REMOVED:
            self._cancel(delivery, Reason.STEP_REMOVED)
        else:
            self.engine.store.ledger.postpone(delivery.id, until)
            self.done.postponed += 1

    def _received(self, delivery: Delivery) -> None:
        """Start the frequency cap, which counts drip mail only, and let the run go on."""
        run = self.engine.store.ledger.enrollment(delivery.enrollment_id)
        if self.engine.program_of(run).kind == "series":
            self.engine.store.ledger.mailed(delivery.contact_id, now=self.now)
        move_on(self.engine, delivery, now=self.now)

    def _refused(self, delivery: Delivery, receipt: Receipt) -> None:
        if not receipt.bad_address:
            self.fail(delivery, Reason.PROVIDER_REJECTED)
            return
        store = self.engine.store
        store.ledger.settle(delivery.id, DeliveryState.FAILED, now=self.now, reason=Reason.NO_ADDRESS)
        bounced = Event(EventType.BOUNCED, delivery.contact_id, self.now, f"bounced/{delivery.id}", delivery.id)
        store.people.happened(bounced)
        exit_runs(self.engine, delivery.contact_id, Reason.SUPPRESSED, now=self.now, suppress_as="bounced")
        self.done.failed += 1

    def _again(self, delivery: Delivery, lease: Lease, receipt: Receipt) -> None:
        """Try later, with a growing pause; give up after 8 tries or 48 hours.

        A relay that does not answer at all (no reply code) is nobody's fault here: it stops the dispatch and counts
        against no person.
        """
        if not receipt.code:
            self._hold(delivery, receipt.text or "the relay does not answer")
        elif lease.attempts >= MOST_ATTEMPTS or self.now - lease.first_at >= GIVE_UP_AFTER:
            self.fail(delivery, Reason.PROVIDER_REJECTED)
        else:
            at = self.now + pause(delivery.id, lease.attempts)
            self.put_back(delivery, next_opening(self.engine, delivery, at))

    def _hold(self, delivery: Delivery, why: str) -> None:
        self.engine.store.ledger.excuse(delivery.id)
        self.put_back(delivery, next_opening(self.engine, delivery, self.now + HOLD))
        self.done.held = why

    def _withdrawn(self, delivery: Delivery, refused: Reason | None) -> None:
        match refused:
            case None | Reason.DUPLICATE | Reason.PAUSED:
                self.engine.store.ledger.excuse(delivery.id)
                self.put_back(delivery, delivery.due_at)
            case Reason.NO_ADDRESS:
                # The address was changed after the bytes were frozen: the next try is written for the new one.
                self.engine.store.ledger.thaw(delivery.id)
                self.put_back(delivery, delivery.due_at)
            case Reason.EXITED | Reason.SIDE_CHANGED:
                self.put_back(delivery, delivery.due_at)
            case _:
                self._cancel(delivery, refused)
                self.engine.store.ledger.finish(delivery.enrollment_id, EnrollmentStatus.EXITED, refused)

    def _cancel(self, delivery: Delivery, why: Reason) -> None:
        give_up(self.engine, delivery, why, now=self.now)
        self.done.cancelled += 1


def pause(delivery_id: int, attempts: int) -> timedelta:
    """Return how long to wait before the next try: doubling, capped, and spread by the delivery's own number."""
    longest: timedelta = min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY)
    byte = hashlib.sha256(f"{delivery_id}/{attempts}".encode()).digest()[0]
    return longest / 2 + longest / 2 * (byte / 255)
