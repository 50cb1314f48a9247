"""Read who gets what and when: `content/series/*.yaml`."""

from __future__ import annotations

import re
from pathlib import Path

from funnel.content.schedule import code, moment, window
from funnel.content.written import read_yaml, slug_of
from funnel.errors import ContentError, FunnelError
from funnel.fields import Fields, Lined, nearest
from funnel.model import SIDES, EventType, Series, Step, Variant, Wait
from funnel.when import parse_wait

FACTS = (EventType.EBOOK_DOWNLOADED, EventType.INQUIRY)  #: what `only_if` and `unless` can ask of a person
EXAMPLE = "- {id: welcome, email: welcome, wait: 0h}"


def read_series(root: Path, path: str) -> Series:
    """Read one series file. Raises ContentError at the first thing that is wrong in it."""
    fields = Fields(read_yaml(root, path), path=path, what="a series")
    steps = _steps(fields)
    series = Series(
        slug=slug_of(path),
        name=fields.text("name"),
        code=code(fields),
        steps=steps,
        nickname=_nickname(fields),
        entry=fields.choice("entry", ("confirmed", "manual"), "confirmed"),
        variant_by=fields.choice("variant_by", ("side", "none"), "none"),
        goals=_goals(fields, {step.id for step in steps}),
        window=window(fields.section("window")) if fields.has("window") else None,
        start_at=moment(fields, "start_at"),
        place=fields.place(),
    )
    fields.done()
    _check_variants(series)
    return series


def _check_variants(series: Series) -> None:
    """Refuse steps for a side in a series that has none."""
    sided = next((step for step in series.steps if step.only or step.is_sided), None)
    if sided and series.variant_by == "none":
        raise ContentError(
            f"{sided.place}: step `{sided.id}` is for a side, but `variant_by` is none",
            hint="write variant_by: side at the top of the series",
        )


def _nickname(fields: Fields) -> dict[Variant, str]:
    part = fields.section("nickname")
    names = {variant: part.text(variant) for variant in Variant if part.has(variant)}
    part.done()
    return names


def _steps(fields: Fields) -> tuple[Step, ...]:
    items = fields.raw("steps")
    if not isinstance(items, list) or not items:
        raise fields.fail("steps", "a series needs steps", EXAMPLE)
    steps: dict[str, Step] = {}
    for item in items:
        if not isinstance(item, Lined):
            raise fields.fail("steps", "each step holds keys and values", EXAMPLE)
        step = _step(Fields(item, path=fields.path, what="a step"))
        if step.id in steps:
            raise _twice(step, steps[step.id])
        steps[step.id] = step
    return tuple(steps.values())


def _twice(step: Step, first: Step) -> FunnelError:
    return ContentError(
        f"{step.place}: the step id `{step.id}` is used twice",
        hint=f"the first one is on line {first.place.line}; an id names one step for ever, so give this one its own",
    )


def _step(fields: Fields) -> Step:
    exercise = fields.number("exercise", least=1) if fields.has("exercise") else None
    if exercise is not None and fields.has("email"):
        raise fields.fail("email", "a step has an email or an exercise, not both", "take one of the two out")
    step = Step(
        id=fields.text("id"),
        email=f"exercise-{exercise}" if exercise is not None else fields.text("email"),
        wait=_wait(fields),
        only=_only(fields),
        only_if=_fact(fields, "only_if"),
        unless=_fact(fields, "unless"),
        exercise=exercise,
        place=fields.place(),
    )
    fields.done()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", step.id):
        raise fields.fail("id", f"`{step.id}` cannot be a step id", "small letters, digits and dashes, at most 40")
    return step


def _only(fields: Fields) -> frozenset[Variant]:
    names = fields.words("only")
    for name in names:
        if name not in SIDES:
            raise fields.fail("only", f"`{name}` is not a variant", nearest(name, SIDES))
    return frozenset(Variant(name) for name in names)


def _fact(fields: Fields, key: str) -> str:
    fact = fields.text(key, "")
    if fact and fact not in FACTS and not re.fullmatch(r"tag:.+", fact):
        raise fields.fail(key, f"`{fact}` is not something known about a person", nearest(fact, [*FACTS, "tag:..."]))
    return fact


def _wait(fields: Fields) -> Wait:
    try:
        return parse_wait(fields.text("wait"))
    except ValueError as error:
        raise fields.fail("wait", str(error), "such as wait: 2d") from error


def _goals(fields: Fields, ids: set[str]) -> dict[str, frozenset[str]]:
    part = fields.section("goals")
    goals: dict[str, frozenset[str]] = {}
    for event in part.data:
        skips = part.section(event)
        names = skips.words("skips")
        if event not in FACTS:
            raise part.fail(event, f"`{event}` is not a goal that can be recorded", nearest(event, FACTS))
        for name in names:
            if name not in ids:
                raise part.fail(event, f"the goal skips `{name}`, which is no step here", nearest(name, ids))
        skips.done()
        goals[event] = frozenset(names)
    return goals
