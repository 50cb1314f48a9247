"""People, and the proof that they said yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from funnel.model.places import Variant


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
