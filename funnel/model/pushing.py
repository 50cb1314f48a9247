"""What a push compares and changes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
