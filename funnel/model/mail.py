"""Mail that has been compiled, and what is said about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from funnel.model.places import Place, Variant


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
