"""What the engine keeps: runs, deliveries, receipts, events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from funnel.model.places import Variant


class EnrollmentStatus(StrEnum):
    """Where a run through a series stands."""

    ACTIVE = "active"
    COMPLETED = "completed"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One person's run through one series. `after` is the last finished step's id ("" at the start)."""

    id: int
    contact_id: int
    series: str
    variant: Variant
    after: str
    visit: int
    status: EnrollmentStatus
    entered_at: datetime
    anchor_at: datetime
    exit_reason: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """What can be entered, as it was last published. `definition` is the canonical JSON of payload.py."""

    id: int
    kind: str  #: series, broadcast or request
    slug: str
    code: str
    state: str  #: open, closed, held, frozen or retired
    state_at: datetime
    version: int
    digest: str
    definition: str
    start_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run whose time has come."""

    due_at: datetime
    enrollment: Enrollment
    program_id: int


@dataclass(frozen=True, slots=True)
class Published:
    """A compiled email in the database."""

    id: int
    slug: str
    variant: Variant
    digest: str
    payload: str


@dataclass(frozen=True, slots=True)
class Lease:
    """One delivery that this worker, and no other, may attempt now."""

    delivery_id: int
    contact_id: int
    due_at: datetime
    email_id: int
    program_id: int
    fence: int
    attempts: int
    first_at: datetime


class DeliveryState(StrEnum):
    """The protocol's states; `unknown` is never resent by itself."""

    PLANNED = "planned"
    READY = "ready"
    LEASED = "leased"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SKIPPED = "skipped"


class Reason(StrEnum):
    """Why somebody did not get something: a closed list."""

    SUPPRESSED = "suppressed"
    UNSUBSCRIBED = "unsubscribed"
    CAPPED = "capped"
    EXITED = "exited"
    GOAL = "goal"
    HELD_OUT = "held_out"
    CONDITION = "condition"
    TOO_LATE = "too_late"
    DUPLICATE = "duplicate"
    NO_ADDRESS = "no_address"
    RENDER_ERROR = "render_error"
    PAUSED = "paused"
    LANE_QUOTA = "lane_quota"
    PROVIDER_REJECTED = "provider_rejected"
    UNKNOWN_OUTCOME = "unknown_outcome"
    NO_CONSENT = "no_consent"
    UNAPPROVED = "unapproved"
    STEP_REMOVED = "step_removed"
    SIDE_CHANGED = "side_changed"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the ledger: what happened, or will happen, to one step for one person."""

    id: int
    enrollment_id: int
    contact_id: int
    step: str
    visit: int
    email: str
    variant: Variant
    state: DeliveryState
    due_at: datetime
    settled_at: datetime | None = None
    reason: str = ""
    fence: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """Exact bytes for one recipient. `key` is deterministic: Message-ID and idempotency key grow from it."""

    delivery_id: int
    key: str
    envelope_from: str
    envelope_to: str
    raw: bytes


class ReceiptKind(StrEnum):
    """What a sender learnt about one message."""

    ACCEPTED = "accepted"  #: the other side has it
    REFUSED = "refused"  #: it said no to this recipient or message, for good
    RETRY = "retry"  #: it is certain that it was not taken; try later
    HOLD = "hold"  #: the relay itself is at fault: stop the queue, no recipient is to blame
    WITHDRAWN = "withdrawn"  #: the intent was not granted: nothing was sent
    UNKNOWN = "unknown"  #: it may or may not have been taken; never resend by itself


@dataclass(frozen=True, slots=True)
class Receipt:
    """A sender's answer for one message. `text` never holds an address; `bad_address` asks for suppression."""

    delivery_id: int
    kind: ReceiptKind
    code: int = 0
    text: str = ""
    provider_id: str = ""
    bad_address: bool = False


class EventType(StrEnum):
    """The field's shared words (django-anymail's), plus what a clinic counts."""

    QUEUED = "queued"
    SENT = "sent"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    SUBSCRIBED = "subscribed"
    EBOOK_DOWNLOADED = "ebook_downloaded"
    INQUIRY = "inquiry"
    SIDE_CHANGED = "side_changed"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a person or a delivery. `key` makes a repeat count once."""

    type: EventType
    contact_id: int
    at: datetime
    key: str
    delivery_id: int | None = None


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that must not be mailed. Never lowered by an event."""

    email_key: str
    reason: str
    at: datetime
