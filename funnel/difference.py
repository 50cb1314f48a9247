"""What changes inside a published object, in words: subject, text and schedule, line by line. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from funnel.merge import fill
from funnel.model import Merged, MergeSpot
from funnel.payload import launch_from, letter_from, series_from

MOST_LINES = 40  #: of one email's text; a longer difference is better read in the preview


def difference(kind: str, slug: str, before: str, after: str) -> list[str]:
    """Return the difference between two payloads of the same object."""
    if kind == "email":
        return _clip(list(_email(slug, before, after)))
    lines = list(_lines(_series(slug, before), _series(slug, after)))
    if kind == "broadcast":
        lines += _lines([str(launch_from(before))], [str(launch_from(after))])
    return _clip(lines)


def _email(slug: str, before: str, after: str) -> Iterator[str]:
    name, _, variant = slug.partition("/")
    old, new = letter_from(name, variant, before), letter_from(name, variant, after)
    yield from _lines([f"subject: {_shown(old.rendered.subject)}"], [f"subject: {_shown(new.rendered.subject)}"])
    yield from _lines([f"preheader: {old.rendered.preheader}"], [f"preheader: {new.rendered.preheader}"])
    yield from _lines(_shown(old.rendered.text).splitlines(), _shown(new.rendered.text).splitlines())
    if old.rendered.text == new.rendered.text and old.rendered.html != new.rendered.html:
        yield "the layout changes; the words stay"
    if old.unapproved != new.unapproved:
        yield "a clinician's sign-off is missing now" if new.unapproved else "signed by a clinician"


def _series(slug: str, payload: str) -> list[str]:
    series = series_from(slug, payload)
    return (
        [f"name: {series.name}", f"start at: {series.start_at}", f"window: {series.window}"]
        + [
            f"step {step.id}: {step.email}, after {step.wait}"
            + (f", only {', '.join(sorted(step.only))}" if step.only else "")
            + (f", unless {step.unless}" if step.unless else "")
            + (f", only if {step.only_if}" if step.only_if else "")
            for step in series.steps
        ]
        + [f"goal {event} skips {', '.join(sorted(ids))}" for event, ids in sorted(series.goals.items())]
    )


def _shown(merged: Merged) -> str:
    """Write a merged piece with its spots named, so that a change of a spot shows too."""
    return fill(tuple(f"[{one.field}]" if isinstance(one, MergeSpot) else one for one in merged), {})


def _lines(before: list[str], after: list[str]) -> Iterator[str]:
    for line in difflib.ndiff(before, after):
        if line[:2] in ("- ", "+ "):
            yield line


def _clip(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"... and {len(lines) - MOST_LINES} lines more: funnel preview"]
