"""The seams: small Protocols that adapters fill and that the use cases see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from funnel.model import (
    Change,
    Consent,
    Contact,
    ContactStatus,
    Delivery,
    DeliveryState,
    Enrollment,
    EnrollmentStatus,
    Event,
    Lease,
    Message,
    Person,
    Program,
    Published,
    Reason,
    Receipt,
    ReceiptKind,
    Resource,
    Unsupported,
    Variant,
    Waiting,
)

Clock = Callable[[], datetime]

#: Asks the ledger, in one durable transaction, which of these deliveries may be handed over now.
#: A delivery that is not in the answer must not be sent. At most 32 ids a call.
Intent = Callable[[Sequence[int]], frozenset[int]]


class Sender(Protocol):
    """Hands messages over, and never guesses about what it does not know."""

    name: str
    is_local: bool  #: only the local mailbox may carry placeholders and unapproved text

    def send(self, batch: Sequence[Message], intent: Intent) -> Iterator[Receipt]:
        """Send each message of `batch` at most once; yield one Receipt for each, as soon as it is known.

        `intent` is called after everything that can fail harmlessly and before the point of no return
        (SMTP: the end-of-data dot; a file: its final rename; HTTP: the first request byte).
        Never raises for a network or relay fault: the receipt says what happened.
        """

    def settle(self, key: str) -> ReceiptKind:
        """Look up an uncertain message by its key: ACCEPTED, RETRY (certainly not taken) or UNKNOWN."""


class People(Protocol):
    """Contacts, their consent, their events; and addresses that must not be mailed."""

    def add(self, person: Person, *, now: datetime) -> tuple[int, bool]:
        """Store a person, or find the one with this address. Return the id, and whether it is new."""

    def find(self, email_key: str) -> Contact | None:
        """Return the contact with this normalised address."""

    def key_of(self, contact_id: int) -> str:
        """Return a contact's normalised address."""

    def get(self, contact_id: int) -> Contact:
        """Return a contact. Raises StoreError when there is none."""

    def each(self) -> Iterator[Contact]:
        """Read every contact that is not erased, in pages, so that memory stays flat."""

    def update(self, contact: Contact) -> None:
        """Write name, side, zone and tags."""

    def set_status(self, contact_id: int, status: ContactStatus) -> None:
        """Write where the person stands."""

    def consent(self, contact_id: int, consent: Consent) -> None:
        """Append to the consent log."""

    def consents(self, contact_id: int) -> tuple[Consent, ...]:
        """Return the person's consent log, oldest first."""

    def suppress(self, email_key: str, reason: str, *, now: datetime) -> None:
        """Never mail this address again. A second call changes nothing."""

    def lift(self, email_key: str) -> None:
        """Forget an unsubscribe after a new consent; bounces and complaints stay."""

    def suppression(self, email_key: str) -> str:
        """Return why the address is suppressed, or nothing."""

    def happened(self, event: Event) -> bool:
        """Record an event; False when its key is known already."""

    def events(self, contact_id: int) -> tuple[Event, ...]:
        """Return the person's events, oldest first."""

    def known(self, contact_id: int) -> frozenset[str]:
        """Return the names of events and `tag:` names that hold for the person."""

    def erase(self, contact_id: int) -> None:
        """Replace the person's identity by nothing; the suppression keeps a keyed hash."""

    def count(self) -> Mapping[str, int]:
        """Count people by status."""


class Programs(Protocol):
    """What has been pushed to the embedded engine: immutable versions, compiled mail."""

    def publish(
        self,
        kind: str,
        slug: str,
        code: str,
        definition: str,
        *,
        steps: Sequence[str],
        now: datetime,
        start_at: datetime | None = None,
    ) -> Program:
        """Store a new version; the same definition again makes none."""

    def get(self, kind: str, slug: str) -> Program | None:
        """Return a program as last published."""

    def all(self) -> tuple[Program, ...]:
        """Return every program."""

    def by_id(self, program_id: int) -> Program:
        """Return a program. Raises StoreError when there is none."""

    def set_state(self, program_id: int, state: str, *, now: datetime) -> None:
        """Open, close, hold, freeze or retire a program."""

    def launched(self, program_id: int) -> None:
        """Write that a broadcast has entered everyone it is for."""

    def numbers(self, program_id: int) -> Mapping[str, int]:
        """Return each step's number, given once and never used again."""

    def put_email(self, slug: str, variant: str, digest: str, payload: str, *, now: datetime) -> None:
        """Store a compiled email and make it the current one."""

    def retire_email(self, slug: str, variant: str) -> None:
        """Take a compiled email out of use; what was sent of it stays in the ledger."""

    def emails(self) -> tuple[Published, ...]:
        """Return every current compiled email."""

    def current_email(self, slug: str, variant: Variant) -> Published | None:
        """Return the email in this variant, or in the variant for all."""

    def email_id(self, slug: str, variant: Variant) -> int | None:
        """Return the id of the email in this variant, or in the variant for all."""

    def email(self, email_id: int) -> Published:
        """Return a compiled email by its id."""

    def count_inside(self, kind: str, slug: str) -> int:
        """Count the people who are inside this program, or who may still get this email."""


class Ledger(Protocol):
    """Runs, timers and deliveries. Every method is one statement or one short, locked group of them."""

    def enroll(self, program_id: int, contact_id: int, variant: Variant, *, key: str, now: datetime) -> int | None:
        """Start a run; None when this person already has one under this key."""

    def enrollment(self, enrollment_id: int) -> Enrollment:
        """Return a run."""

    def runs(self, contact_id: int) -> tuple[Enrollment, ...]:
        """Return a person's runs, oldest first."""

    def active(self, program_id: int) -> tuple[Enrollment, ...]:
        """Return the runs inside a program."""

    def program_of(self, enrollment_id: int) -> int:
        """Return the id of the program that a run belongs to."""

    def due(self, *, now: datetime, limit: int) -> tuple[Waiting, ...]:
        """Return runs whose time has come, oldest first."""

    def wait(self, enrollment_id: int, until: datetime | None) -> None:
        """Set the run's timer, or clear it."""

    def waits_until(self, enrollment_id: int) -> datetime | None:
        """Return when the run's timer fires."""

    def shift_anchors(self, program_id: int, *, since: datetime, now: datetime) -> None:
        """Move the anchors of active runs by as long as each stood still, after a freeze from `since` to `now`."""

    def next_instant(self) -> datetime | None:
        """Return the next moment at which anything can happen."""

    def advance(self, enrollment_id: int, step: str, *, now: datetime) -> None:
        """Write that `step` finished at `now`."""

    def point(self, enrollment_id: int, step: str) -> None:
        """Stand the run behind `step` without touching its anchor."""

    def change_side(self, enrollment_id: int, variant: Variant, after: str, *, now: datetime) -> None:
        """Begin a new visit on another side."""

    def finish(self, enrollment_id: int, status: EnrollmentStatus, reason: str = "") -> None:
        """End an active run."""

    def settled(self, enrollment_id: int) -> tuple[tuple[str, int, DeliveryState], ...]:
        """Return (step, visit, state) for everything in this run's ledger."""

    def add(self, delivery: Delivery, *, number: int, email_id: int | None) -> bool:
        """Write a row of the ledger; False when this key exists: nobody gets it twice."""

    def history(self, contact_id: int) -> tuple[Delivery, ...]:
        """Return a person's deliveries in order of time."""

    def in_state(self, state: DeliveryState, *, limit: int = 1000) -> tuple[Delivery, ...]:
        """Return deliveries in one state, oldest first."""

    def delivery(self, delivery_id: int) -> Delivery:
        """Return one delivery. Raises StoreError when there is none."""

    def email_of(self, delivery_id: int) -> int:
        """Return the id of the compiled email of a delivery. Raises StoreError when it has none."""

    def lease(self, *, owner: str, now: datetime, until: datetime, limit: int) -> tuple[Lease, ...]:
        """Take ready deliveries for this worker; each lease raises the fence."""

    def freeze(self, delivery_id: int, recipient: str, raw: bytes) -> None:
        """Keep the exact bytes of the first attempt; later calls change nothing."""

    def frozen(self, delivery_id: int) -> tuple[str, bytes] | None:
        """Return the frozen recipient and bytes."""

    def thaw(self, delivery_id: int) -> None:
        """Forget the frozen bytes, because they must not be sent any more."""

    def intend(self, leases: Sequence[Lease], *, owner: str) -> Mapping[int, Reason | None]:
        """Durably mark which of these are being sent: None is yes, a Reason is no.

        Checks lease, fence, run, consent, suppression, pause and recipient again in the same transaction.
        """

    def holds(self, lease: Lease, *, owner: str) -> bool:
        """Tell whether this lease is still in force, so that its worker may say what became of the message."""

    def excuse(self, delivery_id: int) -> None:
        """Do not count the last attempt against this delivery."""

    def reopen(self, delivery_id: int, now: datetime) -> None:
        """Make an uncertain delivery ready again, with the same bytes, because a person said so."""

    def settle(self, delivery_id: int, state: DeliveryState, *, now: datetime, reason: str = "") -> None:
        """Make a delivery final (or unknown); drop its lease, and its frozen bytes unless it is unknown."""

    def postpone(self, delivery_id: int, until: datetime) -> None:
        """Make a delivery ready again at `until`; its bytes stay frozen."""

    def stale(self, *, owner: str, now: datetime, alone: bool) -> tuple[tuple[int, DeliveryState], ...]:
        """Return deliveries whose worker is gone. `alone`: no other worker can be alive."""

    def cancel_open(self, contact_id: int, reason: Reason, *, now: datetime) -> int:
        """Cancel a person's mail that has not gone. Return how many."""

    def counts(self) -> Sequence[tuple[str, str, str, str, int]]:
        """Count deliveries: (program, step, state, reason, how many), in the steps' order."""

    def run_counts(self) -> Sequence[tuple[str, str, str, int]]:
        """Count runs: (program, status, reason of exit, how many)."""

    def mailed(self, contact_id: int, *, now: datetime) -> None:
        """Remember when the person last got a drip mail."""

    def has_drip_open(self, contact_id: int, *, now: datetime) -> bool:
        """Tell whether a drip mail is on its way to this person at `now`."""

    def last_mail_at(self, contact_id: int) -> datetime | None:
        """Return when the person last got a drip mail."""


class Store(Protocol):
    """One database."""

    @property
    def people(self) -> People:
        """Contacts."""

    @property
    def programs(self) -> Programs:
        """What was pushed."""

    @property
    def ledger(self) -> Ledger:
        """Runs and deliveries."""

    def transaction(self) -> AbstractContextManager[None]:
        """Open a durable write transaction; one inside another joins it. All or nothing."""

    def get(self, key: str, default: str = "") -> str:
        """Read a fact about this database."""

    def put(self, key: str, value: str) -> None:
        """Write a fact about this database."""


class Remote(Protocol):
    """An account that we plan against and push to."""

    def pull(self) -> Iterable[Resource]:
        """Read what we own there, once."""

    def unsupported(self, desired: Sequence[Resource]) -> Iterable[Unsupported]:
        """Name what this provider cannot hold, each with a reason."""

    def apply(self, change: Change) -> None:
        """Make one change. Looks at nothing but the change; a second call with the same change does nothing."""

    def people_affected(self, kind: str, slug: str) -> int:
        """Count the people who are inside this object now."""


class EventSource(Protocol):
    """Webhooks of one provider."""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
        """Tell whether the raw bytes were signed by the provider."""

    def parse(self, body: bytes) -> Iterable[Event]:
        """Translate a verified body into our words."""
