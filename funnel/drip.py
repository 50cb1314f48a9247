"""What comes next for one person in one series. Pure: no clock, no I/O; the engine obeys, the timeline shows.

The rules are docs/decisions/0005-when-and-to-whom.md. A step is known by its id; position is not identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from funnel.model import Enrollment, Reason, SendingPolicy, Series, Step, Variant, Wait, WaitUnit
from funnel.when import Due, due, is_open, narrow

CAP = timedelta(hours=20)  #: at most one drip mail a person in this span, unless the step's own wait is shorter
GRACE = timedelta(minutes=15)  #: an engine this late is still on time; later than that, windows are asked again
AT_ONCE = Wait(0, WaitUnit.HOURS)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a person when a step arrives: events and tags by name, steps already received."""

    known: frozenset[str] = frozenset()
    received: frozenset[str] = frozenset()  #: steps sent in any earlier visit of this run
    last_mail_at: datetime | None = None  #: the last drip mail, of any series


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


def stand(series: Series, enrollment: Enrollment, finished: str, done: frozenset[str]) -> str:
    """Return the step behind which a run stands once `finished` is done.

    That one, unless it left the series meanwhile, or was moved behind something that the person has still to get.
    """
    path = [step.id for step in series.path(enrollment.variant)]
    following = follow(series, enrollment, done | {finished})
    if finished not in path or (following and path.index(following.id) < path.index(finished)):
        return enrollment.after
    return finished


def stand_anew(old: Series, new: Series, enrollment: Enrollment, done: frozenset[str]) -> str:
    """Return the step behind which a run stands after an edit, so that it loses nothing that lay ahead of it.

    What is inserted ahead of the person is got, what is inserted behind never runs; after a reorder the new order
    holds for what is still owed; who stood on a removed step goes on with what followed it.
    """
    before = [step.id for step in old.path(enrollment.variant)]
    position = before.index(enrollment.after) + 1 if enrollment.after in before else 0
    owed = set(before[position:]) - done
    path = [step.id for step in new.path(enrollment.variant)]
    first = next((number for number, step in enumerate(path) if step in owed), len(path))
    behind = {*before[:position], *done}
    if position and enrollment.after not in path and first and owed.intersection(path):
        return path[first - 1]  # what took a removed step's place may be the same mail under a new id
    return next((step for step in reversed(path[:first]) if step in behind), "")


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
    if goes_at_once(enrollment, step):
        return Next(step, Due(at=enrollment.anchor_at, wanted=enrollment.anchor_at, shifts=()))
    allowed = narrow(policy, series.window)
    key = f"{enrollment.id}/{step.id}"
    return Next(
        step,
        due(enrollment.anchor_at, step.wait, zone, allowed, key=key, not_before=_capped_until(step, facts)),
    )


def defer(
    series: Series,
    enrollment: Enrollment,
    step: Step,
    *,
    now: datetime,
    planned: datetime,
    zone: ZoneInfo,
    policy: SendingPolicy,
    facts: Facts,
) -> datetime | None:
    """Tell until when a step that arrives at `now` must still wait, or None when it may go.

    Another series may have mailed since it was planned, and an engine that was down may arrive at night.
    """
    if goes_at_once(enrollment, step):
        return None
    allowed = narrow(policy, series.window)
    capped = _capped_until(step, facts)
    is_capped = capped is not None and capped > now
    if not is_capped and (now - planned <= GRACE or is_open(now, zone, allowed)):
        return None
    return due(now, AT_ONCE, zone, allowed, key=f"{enrollment.id}/{step.id}", not_before=capped).at


def goes_at_once(enrollment: Enrollment, step: Step) -> bool:
    """Tell whether this is the mail that the person has just asked for."""
    return not enrollment.after and step.wait.amount == 0


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


def restart(series: Series, enrollment: Enrollment, variant: Variant, passed: frozenset[str]) -> str:
    """Return the step after which a run begins anew as `variant`: the last one behind it before the first exercise.

    `passed` holds what this run got, or was spared, in any visit: the welcome is not repeated, and what the person
    has still to get before the first exercise is not lost.
    """
    path = [step.id for step in series.path(enrollment.variant)]
    position = path.index(enrollment.after) + 1 if enrollment.after in path else 0
    behind = passed.union(path[:position])
    before = ""
    for step in series.path(variant):
        if step.is_sided or step.id not in behind:
            break
        before = step.id
    return before


def _capped_until(step: Step, facts: Facts) -> datetime | None:
    is_short = step.wait.amount == 0 or (step.wait.unit is WaitUnit.HOURS and timedelta(hours=step.wait.amount) < CAP)
    return None if facts.last_mail_at is None or is_short else facts.last_mail_at + CAP
