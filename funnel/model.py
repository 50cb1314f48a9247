"""The nouns: frozen values that every room shares.

Times are aware datetimes in UTC unless a name says `local`. Durations are `timedelta`. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

# --- places and variants -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something was written: a path relative to the project, and a line counted from 1."""

    path: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Variant(StrEnum):
    """Which of a series' forms a person gets. `ALL` means that no side is involved."""

    LEFT = "left"
    RIGHT = "right"
    NOT_SURE = "not_sure"
    ALL = "all"

    @property
    def is_sided(self) -> bool:
        """Tell whether this is one of the two sides."""
        return self in (Variant.LEFT, Variant.RIGHT)


SIDES = (Variant.LEFT, Variant.RIGHT, Variant.NOT_SURE)

# --- settings: what funnel.toml says that the core needs ----------------------------------------------------

PLACEHOLDER = "PLACEHOLDER"  #: the mark that staff leave where a fact is still missing


@dataclass(frozen=True, slots=True)
class Brand:
    """How the sender looks: colours as `#rrggbb`, logo as a path inside the project (empty: none)."""

    name: str
    color: str = "#0b5c66"
    logo: str = ""
    postal_address: str = PLACEHOLDER
    tagline: str = ""


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Who mail comes from: display name and addresses. `domain` is the From address' own domain."""

    name: str
    address: str
    reply_to: str

    @property
    def domain(self) -> str:
        """Return the domain of the From address."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Window:
    """When mail may go out, on the recipient's own clock. `end <= start` crosses midnight.

    `days` holds ISO weekdays (Monday is 1); a window that crosses midnight belongs to the day that it opens on.
    """

    days: frozenset[int] = frozenset(range(1, 8))
    start: time = time(0)
    end: time = time(0)

    @property
    def is_all_day(self) -> bool:
        """Tell whether the window never closes on the days that it is open."""
        return self.start == self.end == time(0)


@dataclass(frozen=True, slots=True)
class SendingPolicy:
    """When the engine may send. Dates and times are local to each recipient.

    `quiet` is a span of local time in which nothing goes out (None: no quiet hours); it may cross midnight.
    `holidays` are whole local dates without mail. `spread_minutes` spreads what a window held back (0: off).
    """

    window: Window = field(default_factory=Window)
    quiet: tuple[time, time] | None = None
    holidays: Container[date] = frozenset()
    spread_minutes: int = 60


@dataclass(frozen=True, slots=True)
class Privacy:
    """Which words must never leave a mail's body, and whether sided bodies may pass through a third party."""

    sensitive_terms: tuple[str, ...] = ()
    allowed_phrases: tuple[str, ...] = ()
    health_data: str = "first_party"


@dataclass(frozen=True, slots=True)
class Settings:
    """The part of `funnel.toml` that shapes mail. `timezone` is an IANA name: the fallback zone."""

    name: str
    timezone: str
    brand: Brand
    sender: SenderIdentity
    sending: SendingPolicy = field(default_factory=SendingPolicy)
    privacy: Privacy = field(default_factory=Privacy)
    site_url: str = "https://example.com"
    links: Mapping[str, str] = field(default_factory=dict)  #: fixed addresses: inquiry, article, credit
    lines: Mapping[str, int] = field(default_factory=dict)  #: key such as `brand.postal_address` -> its line

    @property
    def place(self) -> Place:
        """Return where the settings are written."""
        return Place("funnel.toml")

    def at(self, key: str) -> Place:
        """Return where a key stands in funnel.toml; the first line when it was left out."""
        return Place("funnel.toml", self.lines.get(key, 1))


# --- content: what staff write -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise card. The side is the exercise's place in the article, not the words in its name."""

    slug: str
    name: str
    side: Variant
    order: int
    equipment: str = ""
    video: str = ""
    cues: tuple[str, ...] = ()
    name_only: bool = False
    place: Place = Place("")


@dataclass(frozen=True, slots=True)
class Email:
    """One mail in one variant, before it is compiled. `body` is Markdown with Jinja, from `body_line` on."""

    slug: str
    variant: Variant
    subject: str
    preheader: str
    body: str
    template: str
    place: Place
    body_line: int = 1
    exercise: Exercise | None = None
    delivers: str = ""  #: slug of the offer that this mail hands over
    keys: Mapping[str, int] = field(default_factory=dict)  #: front matter key -> its line

    def at(self, key: str) -> Place:
        """Return where `key` stands in the front matter, or the file's first line."""
        return Place(self.place.path, self.keys.get(key, self.place.line))


class WaitUnit(StrEnum):
    """`48h` is elapsed time, `2d` the same wall clock two dates on, `2bd` business days."""

    HOURS = "h"
    DAYS = "d"
    BUSINESS_DAYS = "bd"


@dataclass(frozen=True, slots=True)
class Wait:
    """A delay counted from the moment when the previous step really finished."""

    amount: int
    unit: WaitUnit

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a series. The `id` never changes; position is not identity."""

    id: str
    email: str
    wait: Wait
    only: frozenset[Variant] = frozenset()  #: empty: every variant
    only_if: str = ""  #: a fact about the person that must hold
    unless: str = ""  #: a fact about the person that skips the step
    exercise: int | None = None
    place: Place = Place("")

    def is_for(self, variant: Variant) -> bool:
        """Tell whether people of this variant get the step."""
        return not self.only or variant in self.only

    @property
    def is_sided(self) -> bool:
        """Tell whether the step's mail differs by side because it shows an exercise."""
        return self.exercise is not None


@dataclass(frozen=True, slots=True)
class Series:
    """A drip: steps in order. `code` is what machines outside see, `nickname` what people outside see."""

    slug: str
    name: str
    code: str
    steps: tuple[Step, ...]
    nickname: Mapping[Variant, str] = field(default_factory=dict)
    entry: str = "confirmed"
    variant_by: str = "side"  #: "side" or "none"
    goals: Mapping[str, frozenset[str]] = field(default_factory=dict)  #: event -> ids of the steps it skips
    window: Window | None = None  #: narrows the project's window
    start_at: datetime | None = None
    place: Place = Place("")

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Return the variants that people of this series can have."""
        return SIDES if self.variant_by == "side" else (Variant.ALL,)

    def path(self, variant: Variant) -> tuple[Step, ...]:
        """Return the steps that people of `variant` get, in order."""
        return tuple(step for step in self.steps if step.is_for(variant))


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A one-off newsletter. `send_at` is a local wall clock in `timezone`, or in each person's own zone."""

    slug: str
    name: str
    code: str
    email: str
    segment: str
    send_at: datetime | None = None  #: naive; None: a draft that nobody gets
    local: bool = False
    timezone: str = ""
    place: Place = Place("")


@dataclass(frozen=True, slots=True)
class Offer:
    """What people get for signing up. `delivery` is "link" (signed, reopenable) or "attachment"."""

    slug: str
    title: str
    file: str
    landing: str = ""
    delivery: str = "link"
    place: Place = Place("")


@dataclass(frozen=True, slots=True)
class Segment:
    """A small filter over contacts: every field must equal its value (`{}` is everyone)."""

    slug: str
    where: Mapping[str, str]
    place: Place = Place("")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the public site, written in Markdown."""

    slug: str
    title: str
    body: str
    place: Place
    body_line: int = 1


@dataclass(frozen=True, slots=True)
class Review:
    """A clinician's sign-off: bound to the hash of what is clinical in one email and variant."""

    email: str
    variant: Variant
    digest: str
    by: str
    credential: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that staff wrote, loaded and checked for shape."""

    settings: Settings
    emails: Mapping[str, Mapping[Variant, Email]]
    series: Mapping[str, Series]
    broadcasts: Mapping[str, Broadcast]
    offers: Mapping[str, Offer]
    segments: Mapping[str, Segment]
    pages: Mapping[str, Page]
    exercises: tuple[Exercise, ...] = ()
    reviews: tuple[Review, ...] = ()
    partials: Mapping[str, str] = field(default_factory=dict)  #: path below content/ -> source
    templates: Mapping[str, str] = field(default_factory=dict)  #: path below templates/ -> source

    def every_email(self) -> tuple[Email, ...]:
        """Return every email in every variant: first as the series send them, then broadcasts', then the rest."""
        steps = [step.email for _, one in sorted(self.series.items()) for step in one.steps]
        broadcasts = [one.email for _, one in sorted(self.broadcasts.items())]
        order = [slug for slug in dict.fromkeys([*steps, *broadcasts, *sorted(self.emails)]) if slug in self.emails]
        return tuple(
            self.emails[slug][variant]
            for slug in order
            for variant in sorted(self.emails[slug], key=list(Variant).index)
        )


# --- compiled mail -------------------------------------------------------------------------------------------


class Context(StrEnum):
    """Where a merge spot stands; each place has its own escape."""

    TEXT = "text"  #: plain text part
    HTML = "html"  #: between HTML tags
    ATTRIBUTE = "attribute"  #: inside a quoted HTML attribute
    URL = "url"  #: part of an address inside an HTML attribute
    HEADER = "header"  #: subject line


@dataclass(frozen=True, slots=True)
class MergeSpot:
    """A typed place that is filled for each person. `field` is `person.*` or `link.*`."""

    field: str
    context: Context
    fallback: str | None = None


Merged = tuple[str | MergeSpot, ...]  #: literal pieces and spots, in order


@dataclass(frozen=True, slots=True, order=True)
class Missing:
    """A fact that staff still have to supply. Every sender but the local mailbox refuses mail that has one."""

    what: str
    place: Place


@dataclass(frozen=True, slots=True)
class Rendered:
    """One email in one variant, compiled: ready for every person who gets it."""

    slug: str
    variant: Variant
    subject: Merged
    preheader: str
    html: Merged
    text: Merged
    digest: str  #: of everything above; same input, same digest
    clinical: str  #: digest of what a clinician signs
    place: Place
    clinical_text: str  #: what the digest `clinical` covers, for the review page
    exercise: str | None = None
    missing: tuple[Missing, ...] = ()
    delivers: str = ""  #: slug of the offer that this mail hands over
    attachment: str = ""  #: path of the offer's file when it travels inside the mail


class Severity(StrEnum):
    """An error stops a push; a warning is for people to weigh."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that lint, or the MJML check, has to say. `column` counts from 1 (0: not known)."""

    code: str
    severity: Severity
    message: str
    place: Place
    hint: str = ""
    column: int = 0


# --- people ----------------------------------------------------------------------------------------------------


class ContactStatus(StrEnum):
    """Where a person stands."""

    UNCONFIRMED = "unconfirmed"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Contact:
    """A person. `email` is as entered; the store keys on its normalised form. `timezone` is IANA or empty."""

    id: int
    email: str
    first_name: str = ""
    side: Variant | None = None
    timezone: str = ""
    status: ContactStatus = ContactStatus.UNCONFIRMED
    tags: frozenset[str] = frozenset()
    created_at: datetime | None = None


class ConsentEvent(StrEnum):
    """The kinds of line in the append-only consent log."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    IMPORTED = "imported"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Consent:
    """Proof that a person said yes or no: when, where, and to which exact words."""

    event: ConsentEvent
    at: datetime
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """One line of an import, checked: ready to be stored. `line` is its line in the file."""

    email: str
    email_key: str
    first_name: str = ""
    side: Variant | None = None
    timezone: str = ""
    tags: frozenset[str] = frozenset()
    consent: Consent | None = None
    unsubscribed: bool = False
    line: int = 0


# --- the engine's nouns ---------------------------------------------------------------------------------------


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


# --- push ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resource:
    """One object that we own at a provider. `payload` is JSON text in canonical form; `digest` is its hash."""

    kind: str  #: email, series, broadcast
    slug: str
    digest: str
    payload: str
    summary: str = ""


class Action(StrEnum):
    """What a change does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a plan; everything that applying it needs. `before` is None for a create."""

    action: Action
    kind: str
    slug: str
    summary: str
    before: Resource | None
    after: Resource | None
    people_affected: int = 0


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Something the provider cannot express, and why. Never silently dropped."""

    kind: str
    slug: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push would do. `digest` names exactly this plan."""

    provider: str
    changes: tuple[Change, ...]
    unsupported: tuple[Unsupported, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change. `error` is empty when it was applied."""

    change: Change
    error: str = ""
