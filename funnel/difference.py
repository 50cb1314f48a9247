"""What changes inside a published object, in words: subject, text and schedule, line by line. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import datetime

from funnel.merge import fill
from funnel.model import Merged, MergeSpot, Rendered, Step, Window
from funnel.payload import Letter, launch_from, letter_from, series_from
from funnel.when import WEEKDAYS

MOST_LINES = 40  #: of one email's text; a longer difference is better read in the preview


def difference(kind: str, slug: str, before: str, after: str) -> list[str]:
    """Return the difference between two payloads of the same object: lines that begin `- ` and `+ `, or a note."""
    if kind == "email":
        return _clip(list(_email(slug, before, after)))
    lines = _lines(_series(slug, before), _series(slug, after))
    if kind == "broadcast":
        lines += _lines(_launch(before), _launch(after))
    return _clip(lines)


def _email(slug: str, before: str, after: str) -> Iterator[str]:
    name, _, variant = slug.partition("/")
    old, new = letter_from(name, variant, before), letter_from(name, variant, after)
    yield from _lines(list(_outside(old)), list(_outside(new)))
    yield from _lines(_shown(old.rendered.text).splitlines(), _shown(new.rendered.text).splitlines())
    if old.rendered.text == new.rendered.text and old.rendered.html != new.rendered.html:
        yield "the layout changes; the words stay"
    if old.unapproved != new.unapproved:
        yield "a clinician's sign-off is missing now" if new.unapproved else "signed by a clinician"
    elif old.rendered.clinical != new.rendered.clinical:
        yield "what is clinical changes"


def _outside(letter: Letter) -> Iterator[str]:
    """Write what is not in the text part, a line each."""
    rendered = letter.rendered
    yield f"subject: {_shown(rendered.subject)}"
    yield f"preheader: {rendered.preheader}"
    yield from (f"{key}: {value}" for key, value in _handed_over(rendered) if value)
    yield from (f"still missing: {one.what}" for one in rendered.missing)


def _handed_over(rendered: Rendered) -> tuple[tuple[str, str], ...]:
    return ("delivers", rendered.delivers), ("attachment", rendered.attachment), ("exercise", rendered.exercise or "")


def _series(slug: str, payload: str) -> list[str]:
    series = series_from(slug, payload)
    names = ", ".join(f"{variant}: {name}" for variant, name in sorted(series.nickname.items()))
    return [
        f"name: {series.name}",
        f"code: {series.code}",
        f"nickname: {names or 'none'}",
        f"who enters: {series.entry}, by {series.variant_by}",
        f"start at: {_moment(series.start_at)}",
        f"window: {_window(series.window)}",
        *(_step(step) for step in series.steps),
        *(f"goal {event} skips {', '.join(sorted(ids))}" for event, ids in sorted(series.goals.items())),
    ]


def _step(step: Step) -> str:
    conditions = (
        f", only {', '.join(sorted(step.only))}" if step.only else "",
        f", unless {step.unless}" if step.unless else "",
        f", only if {step.only_if}" if step.only_if else "",
    )
    return f"step {step.id}: {step.email}, after {step.wait}{''.join(conditions)}"


def _launch(payload: str) -> list[str]:
    launch = launch_from(payload)
    who = " and ".join(f"{key} {value}" for key, value in sorted(launch.where.items()))
    clock = "on each person's own clock" if launch.local else f"in {launch.timezone}"
    return [f"for: {who or 'everyone'}", f"goes out: {_moment(launch.send_at)}, {clock}"]


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "not set"


def _window(window: Window | None) -> str:
    if window is None:
        return "the project's"
    days = ", ".join(WEEKDAYS[day - 1] for day in sorted(window.days))
    return f"{days} {window.start:%H:%M}-{window.end:%H:%M}"


def _shown(merged: Merged) -> str:
    """Write a merged piece with its spots named, so that a change of a spot shows too."""
    return fill(tuple(f"[{one.field}]" if isinstance(one, MergeSpot) else one for one in merged), {})


def _lines(before: list[str], after: list[str]) -> list[str]:
    return [line for line in difflib.ndiff(before, after) if line[:2] in ("- ", "+ ")]


def _clip(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"... and {len(lines) - MOST_LINES} lines more: funnel preview"]
