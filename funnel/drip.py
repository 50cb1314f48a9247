"""What comes next for one person in one series. Pure: no clock, no I/O; the engine obeys, the timeline shows.

The rules are docs/decisions/0005-when-and-to-whom.md. A step is known by its id; position is not identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from funnel.model import Enrollment, Reason, SendingPolicy, Series, Step, WaitUnit
from funnel.when import Due, due, narrow

CAP = timedelta(hours=20)  #: at most one drip mail a person in this span, unless the step's own wait is shorter


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a person when a step arrives: events and tags by name, steps already received."""

    known: frozenset[str] = frozenset()
    received: frozenset[str] = frozenset()  #: steps sent in any earlier visit of this run
    last_mail_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """The step that comes next, when, and the reason for every shift."""

    step: Step
    due: Due


def follow(series: Series, enrollment: Enrollment, done: frozenset[str]) -> Step | None:
    """Return the next step of this run, or None at the end.

    `done` holds the ids that this visit has already settled: a step that was moved is not sent again, and one
    that was inserted behind the person never runs.
    """
    path = series.path(enrollment.variant)
    start = next((number for number, step in enumerate(path, start=1) if step.id == enrollment.after), 0)
    return next((step for step in path[start:] if step.id not in done), None)


def plan(
    series: Series,
    enrollment: Enrollment,
    step: Step,
    *,
    zone: ZoneInfo,
    policy: SendingPolicy,
    facts: Facts,
) -> Next:
    """Work out when `step` is due: anchor plus wait, then the first instant that the policy allows.

    The first mail of a run goes at once, outside windows and cap: the person has just asked for it.
    """
    if not enrollment.after and step.wait.amount == 0:
        return Next(step, Due(at=enrollment.anchor_at, wanted=enrollment.anchor_at, shifts=()))
    allowed = narrow(policy, series.window)
    key = f"{enrollment.id}/{step.id}"
    return Next(
        step,
        due(enrollment.anchor_at, step.wait, zone, allowed, key=key, not_before=_capped_until(step, facts)),
    )


def judge(series: Series, step: Step, facts: Facts) -> Reason | None:
    """Tell why `step` is skipped when it arrives, or None when it is sent."""
    for goal, skipped in series.goals.items():
        if goal in facts.known and step.id in skipped:
            return Reason.GOAL
    if step.unless and step.unless in facts.known:
        return Reason.CONDITION
    if step.only_if and step.only_if not in facts.known:
        return Reason.CONDITION
    if step.id in facts.received and not step.is_sided:
        return Reason.DUPLICATE
    return None


def restart(series: Series, enrollment: Enrollment) -> str:
    """Return the step after which a changed side begins: the one before its first exercise.

    The welcome is not repeated; whatever the person already received is skipped by `judge`.
    """
    before = ""
    for step in series.path(enrollment.variant):
        if step.is_sided:
            return before
        before = step.id
    return enrollment.after


def _capped_until(step: Step, facts: Facts) -> datetime | None:
    is_short = step.wait.unit is WaitUnit.HOURS and timedelta(hours=step.wait.amount) < CAP
    return None if facts.last_mail_at is None or is_short else facts.last_mail_at + CAP
