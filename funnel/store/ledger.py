"""Runs, timers and deliveries in the database: the ledger that keeps anyone from being mailed twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from funnel.errors import StoreError
from funnel.model import (
    Delivery,
    DeliveryState,
    Enrollment,
    EnrollmentStatus,
    Lease,
    Reason,
    Variant,
    Waiting,
)
from funnel.store.database import Database, Row, from_epoch, maybe, to_epoch
from funnel.store.people import SqlPeople
from funnel.store.rows import delivery_from, enrollment_from, ledger_key

BOOK = "ledger"


class SqlLedger:
    """`ports.Ledger` over a Database."""

    def __init__(self, database: Database, people: SqlPeople) -> None:
        self._db = database
        self._people = people

    # --- runs

    def enroll(self, program_id: int, contact_id: int, variant: Variant, *, key: str, now: datetime) -> int | None:
        """Start a run; None when this person already has one under this key."""
        values = {
            "program_id": program_id,
            "contact_id": contact_id,
            "entry_key": key,
            "variant": variant,
            "now": to_epoch(now),
        }
        return self._db.insert(BOOK, "enroll", values)

    def enrollment(self, enrollment_id: int) -> Enrollment:
        """Return a run."""
        return enrollment_from(self._run_row(enrollment_id))

    def program_of(self, enrollment_id: int) -> int:
        """Return the id of the program that a run belongs to."""
        return int(self._run_row(enrollment_id)[10])

    def runs(self, contact_id: int) -> tuple[Enrollment, ...]:
        """Return a person's runs, oldest first."""
        return tuple(enrollment_from(row) for row in self._db.rows(BOOK, "enrollments_of", {"contact_id": contact_id}))

    def active(self, program_id: int) -> tuple[Enrollment, ...]:
        """Return the runs inside a program."""
        rows = self._db.rows(BOOK, "active_of_program", {"program_id": program_id})
        return tuple(enrollment_from(row) for row in rows)

    def advance(self, enrollment_id: int, step: str, *, now: datetime) -> None:
        """Write that `step` finished at `now`."""
        self._db.run(BOOK, "advance", {"id": enrollment_id, "step": step, "now": to_epoch(now)})

    def point(self, enrollment_id: int, step: str) -> None:
        """Stand the run behind `step` without touching its anchor."""
        self._db.run(BOOK, "point", {"id": enrollment_id, "step": step})

    def change_side(self, enrollment_id: int, variant: Variant, after: str, *, now: datetime) -> None:
        """Begin a new visit on another side."""
        values = {"id": enrollment_id, "variant": variant, "step": after, "now": to_epoch(now)}
        self._db.run(BOOK, "change_side", values)

    def finish(self, enrollment_id: int, status: EnrollmentStatus, reason: str = "") -> None:
        """End an active run, and its timer."""
        self._db.run(BOOK, "finish", {"id": enrollment_id, "status": status, "reason": reason})
        self.wait(enrollment_id, None)

    # --- timers

    def due(self, *, now: datetime, limit: int) -> tuple[Waiting, ...]:
        """Return runs whose time has come, oldest first."""
        rows = self._db.rows(BOOK, "due_timers", {"now": to_epoch(now), "limit": limit})
        return tuple(Waiting(from_epoch(row[0]), enrollment_from(row[1:]), row[11]) for row in rows)

    def wait(self, enrollment_id: int, until: datetime | None) -> None:
        """Set the run's timer, or clear it."""
        if until is None:
            self._db.run(BOOK, "clear_timer", {"enrollment_id": enrollment_id})
        else:
            self._db.run(BOOK, "set_timer", {"enrollment_id": enrollment_id, "due_at": to_epoch(until)})

    def waits_until(self, enrollment_id: int) -> datetime | None:
        """Return when the run's timer fires."""
        row = self._db.row(BOOK, "timer_of", {"enrollment_id": enrollment_id})
        return from_epoch(row[0]) if row else None

    def shift_anchors(self, program_id: int, *, since: datetime, now: datetime) -> None:
        """Move the anchors of active runs by as long as each stood still, after a freeze from `since` to `now`."""
        values = {"program_id": program_id, "since": to_epoch(since), "now": to_epoch(now)}
        self._db.run(BOOK, "shift_anchors", values)

    def next_instant(self) -> datetime | None:
        """Return the next moment at which anything can happen."""
        row = self._db.row(BOOK, "next_instant", {})
        return maybe(row[0]) if row else None

    # --- deliveries

    def add(self, delivery: Delivery, *, number: int, email_id: int | None) -> bool:
        """Write a row of the ledger; False when this key exists: nobody gets it twice."""
        values = {
            "id": ledger_key(delivery.enrollment_id, number, delivery.visit),
            "email_id": email_id,
            "state": delivery.state,
            "due_at": to_epoch(delivery.due_at),
            "settled_at": to_epoch(delivery.settled_at) if delivery.settled_at else None,
            "reason": delivery.reason,
        }
        return self._db.run(BOOK, "add_delivery", values) == 1

    def settled(self, enrollment_id: int) -> tuple[tuple[str, int, DeliveryState], ...]:
        """Return (step, visit, state) for everything in this run's ledger."""
        rows = self._db.rows(BOOK, "settled_steps", {"id": enrollment_id})
        return tuple((step, visit, DeliveryState(state)) for step, visit, state in rows)

    def history(self, contact_id: int) -> tuple[Delivery, ...]:
        """Return a person's deliveries in order of time."""
        return tuple(delivery_from(row) for row in self._db.rows(BOOK, "deliveries_of", {"contact_id": contact_id}))

    def in_state(self, state: DeliveryState, *, limit: int = 1000) -> tuple[Delivery, ...]:
        """Return deliveries in one state, oldest first."""
        return tuple(delivery_from(row) for row in self._db.rows(BOOK, "by_state", {"state": state, "limit": limit}))

    def delivery(self, delivery_id: int) -> Delivery:
        """Return one delivery. Raises StoreError when there is none."""
        row = self._db.row(BOOK, "delivery_by_id", {"id": delivery_id})
        if row is None:
            raise StoreError(f"there is no delivery {delivery_id}")
        return delivery_from(row)

    def email_of(self, delivery_id: int) -> int:
        """Return the id of the compiled email of a delivery. Raises StoreError when it has none."""
        row = self._db.row(BOOK, "delivery_by_id", {"id": delivery_id})
        if row is None or row[9] is None:
            raise StoreError(f"delivery {delivery_id} has no compiled email")
        return int(row[9])

    def lease(self, *, owner: str, now: datetime, until: datetime, limit: int) -> tuple[Lease, ...]:
        """Take ready deliveries for this worker; each lease raises the fence."""
        with self._db.transaction():
            rows = self._db.rows(BOOK, "leasable", {"now": to_epoch(now), "limit": limit})
            return tuple(self._take(row, owner, now, until) for row in rows)

    def freeze(self, delivery_id: int, recipient: str, raw: bytes) -> None:
        """Keep the exact bytes of the first attempt; later calls change nothing."""
        self._db.run(BOOK, "freeze", {"id": delivery_id, "recipient": recipient, "raw": raw})

    def frozen(self, delivery_id: int) -> tuple[str, bytes] | None:
        """Return the frozen recipient and bytes."""
        row = self._db.row(BOOK, "frozen", {"id": delivery_id})
        return (row[0], bytes(row[1])) if row else None

    def thaw(self, delivery_id: int) -> None:
        """Forget the frozen bytes, because they must not be sent any more."""
        self._db.run(BOOK, "drop_frozen", {"id": delivery_id})

    def intend(self, leases: Sequence[Lease], *, owner: str) -> Mapping[int, Reason | None]:
        """Durably mark which of these are being sent: None is yes, a Reason is no."""
        with self._db.transaction():
            answers = {lease.delivery_id: self._gate(lease, owner) for lease in leases}
            for delivery_id, reason in answers.items():
                if reason is None:
                    self._db.run(BOOK, "set_state", {"id": delivery_id, "state": DeliveryState.SENDING})
        return answers

    def holds(self, lease: Lease, *, owner: str) -> bool:
        """Tell whether this lease is still in force, so that its worker may say what became of the message."""
        values = {"id": lease.delivery_id, "owner": owner, "fence": lease.fence}
        row = self._db.row(BOOK, "holds", values)
        return bool(row and row[0])

    def excuse(self, delivery_id: int) -> None:
        """Do not count the last attempt against this delivery."""
        self._db.run(BOOK, "excuse", {"id": delivery_id})

    def reopen(self, delivery_id: int, now: datetime) -> None:
        """Make an uncertain delivery ready again, with the same bytes, because a person said so."""
        self._db.run(BOOK, "reopen", {"id": delivery_id, "now": to_epoch(now)})

    def settle(self, delivery_id: int, state: DeliveryState, *, now: datetime, reason: str = "") -> None:
        """Make a delivery final (or unknown); drop its lease, and its frozen bytes unless it is unknown."""
        values = {"id": delivery_id, "state": state, "now": to_epoch(now), "reason": reason}
        self._db.run(BOOK, "settle", values)
        self._db.run(BOOK, "drop_lease", {"id": delivery_id})
        if state is not DeliveryState.UNKNOWN:
            self._db.run(BOOK, "drop_frozen", {"id": delivery_id})

    def postpone(self, delivery_id: int, until: datetime) -> None:
        """Make a delivery ready again at `until`; its bytes stay frozen."""
        self._db.run(BOOK, "back_to_ready", {"id": delivery_id, "due_at": to_epoch(until)})

    def stale(self, *, owner: str, now: datetime, alone: bool) -> tuple[tuple[int, DeliveryState], ...]:
        """Return deliveries whose worker is gone. `alone`: no other worker can be alive."""
        values = {"owner": owner, "now": to_epoch(now), "alone": int(alone)}
        return tuple((number, DeliveryState(state)) for number, state in self._db.rows(BOOK, "stale", values))

    def cancel_open(self, contact_id: int, reason: Reason, *, now: datetime) -> int:
        """Cancel a person's mail that has not gone. Return how many."""
        rows = self._db.rows(BOOK, "open_of_contact", {"contact_id": contact_id})
        for (delivery_id,) in rows:
            self.settle(delivery_id, DeliveryState.CANCELLED, now=now, reason=reason)
        return len(rows)

    def mailed(self, contact_id: int, *, now: datetime) -> None:
        """Remember when the person last got a drip mail."""
        self._db.run(BOOK, "mark_mailed", {"id": contact_id, "now": to_epoch(now)})

    def has_drip_open(self, contact_id: int, *, now: datetime) -> bool:
        """Tell whether a drip mail is on its way to this person at `now`."""
        row = self._db.row(BOOK, "drip_open", {"contact_id": contact_id, "now": to_epoch(now)})
        return bool(row and row[0])

    def last_mail_at(self, contact_id: int) -> datetime | None:
        """Return when the person last got a drip mail."""
        row = self._db.row(BOOK, "last_mail_at", {"id": contact_id})
        return maybe(row[0]) if row else None

    def counts(self) -> list[tuple[str, str, str, str, int]]:
        """Count deliveries by program, step, state and reason."""
        rows = self._db.rows(BOOK, "count_by_state", {})
        return [(slug, step, state, reason, number) for slug, step, state, reason, number in rows]

    def run_counts(self) -> list[tuple[str, str, str, int]]:
        """Count runs by program, status and reason of exit."""
        rows = self._db.rows(BOOK, "count_by_status", {})
        return [(slug, status, reason, number) for slug, status, reason, number in rows]

    def _run_row(self, enrollment_id: int) -> Row:
        row = self._db.row(BOOK, "enrollment_by_id", {"id": enrollment_id})
        if row is None:
            raise StoreError(f"there is no enrollment {enrollment_id}")
        return row

    def _take(self, row: Row, owner: str, now: datetime, until: datetime) -> Lease:
        delivery_id, contact_id, due_at, email_id, program_id = row
        values = {"id": delivery_id, "owner": owner, "until": to_epoch(until), "now": to_epoch(now)}
        self._db.run(BOOK, "lease", values)
        self._db.run(BOOK, "set_state", {"id": delivery_id, "state": DeliveryState.LEASED})
        lease = self._db.row(BOOK, "lease_of", {"id": delivery_id})
        if lease is None:
            raise StoreError(f"the lease of delivery {delivery_id} vanished")
        _, _, fence, attempts, first_at = lease
        return Lease(
            delivery_id,
            contact_id,
            from_epoch(due_at),
            email_id,
            program_id,
            fence,
            attempts,
            from_epoch(first_at),
        )

    def _gate(self, lease: Lease, owner: str) -> Reason | None:
        row = self._db.row(BOOK, "gate", {"id": lease.delivery_id})
        if row is None:
            return Reason.DUPLICATE
        state, holder, fence, status, email_key, program_state, kind, same_address, run_status, same_visit = row
        if (state, holder, fence) != (DeliveryState.LEASED, owner, lease.fence):
            return Reason.DUPLICATE
        if program_state in ("held", "frozen"):
            return Reason.PAUSED
        if status == "erased":
            return Reason.ERASED
        if run_status == "exited":
            return Reason.EXITED
        if not same_visit:
            return Reason.SIDE_CHANGED
        if not same_address:
            return Reason.NO_ADDRESS
        return self._forbidden(email_key, status, kind)

    def _forbidden(self, email_key: str, status: str, kind: str) -> Reason | None:
        """Tell why this person must not be mailed, if they must not."""
        if suppressed := self._people.suppression(email_key):
            return Reason.UNSUBSCRIBED if suppressed == "unsubscribed" else Reason.SUPPRESSED
        if status != "subscribed" and kind != "request":
            return Reason.UNSUBSCRIBED if status == "unsubscribed" else Reason.NO_CONSENT
        return None
