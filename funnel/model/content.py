"""What staff write: emails, exercises, series, broadcasts, offers, pages, sign-offs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from funnel.model.places import NOWHERE, SIDES, Place, Variant
from funnel.model.settings import Settings, Window


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
    place: Place = NOWHERE


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
    place: Place = NOWHERE

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
    place: Place = NOWHERE

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
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Offer:
    """What people get for signing up. `delivery` is "link" (signed, reopenable) or "attachment"."""

    slug: str
    title: str
    file: str
    landing: str = ""
    delivery: str = "link"
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Segment:
    """A small filter over contacts: every field must equal its value (`{}` is everyone)."""

    slug: str
    where: Mapping[str, str]
    place: Place = NOWHERE


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
