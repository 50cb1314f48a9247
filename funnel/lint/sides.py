"""The side invariant: nobody ever gets the other side's exercise, and a phone's screen shows no side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from funnel.lint.page import Section, squeeze
from funnel.lint.subject import Mail, Rule, Subject, error
from funnel.model import Exercise, Finding, Place, Project, Series, Variant

_BOTH = (Variant.LEFT, Variant.RIGHT)
_TEXT_HEADING = re.compile(r"^(?P<words>\S.*)\n(?P<rule>[-=]{3,})$", re.MULTILINE)


def check_sides(subject: Subject) -> Iterator[Finding]:
    """Find a mail, a series or a newsletter that breaks the rule of sides.

    A sided exercise mail shows exactly its own exercise, letter for letter. No mail of a side shows a name
    of the other side, and no name stands twice on the lists. A mail for people who are not sure shows no
    exercise name at all. In a series each side gets exactly its own exercises, in order from 1. A newsletter
    that names exercises carries both lists, each whole, in order, and under a heading that says its side.
    Both parts of a mail, HTML and text, are held to this.

    Why: the names mention left and right on both lists, so a reader cannot tell that an exercise is the
    wrong one. A wrong side is a safety fault, not a slip of the pen.

    Mend: take the other side's name out, or put the exercise back into its folder and its place in the
    series.

    Example: "Hooklying Hip Shift with Right Glute Max" in the welcome mail of people with left-sided pain.
    """
    names = _Names(subject.project)
    for mail in subject.mails:
        match mail.variant:
            case Variant.ALL:
                yield from _lists(mail, names)
            case _:
                yield from _shown(mail, names)
    yield from _shared(names)
    for series in subject.project.series.values():
        yield from _path(series, names)


def check_outside(subject: Subject) -> Iterator[Finding]:
    """Find a mail whose subject or preheader is not the same for left and right.

    Why: subject and preheader stand on a locked phone and in the provider's logs. When they differ by side,
    they tell which side hurts, to anybody who has seen both.

    Mend: write the same subject and preheader in both files, or without a condition on the side.

    Example: exercise 2 has the subject "2 of 5: small movement" on one side and "2 of 5: your left" on the
    other.
    """
    sides = {(mail.rendered.slug, mail.variant): mail for mail in subject.mails}
    for (slug, variant), right in sides.items():
        left = sides.get((slug, Variant.LEFT))
        if variant is not Variant.RIGHT or left is None:
            continue
        for key in ("subject", "preheader"):
            if getattr(left.rendered, key) != getattr(right.rendered, key):
                yield error(
                    "SD002",
                    f"the {key} of `{slug}` is not the same for both sides",
                    right.email.at(key),
                    f"make it the same as in {left.email.at(key)}",
                )


RULES = (Rule("SD001", "side-invariant", check_sides), Rule("SD002", "same-outside", check_outside))


@dataclass(frozen=True, slots=True)
class _Found:
    """An exercise name as it stands in a part, and the heading that it stands under."""

    name: str
    words: str
    heading: str


class _Names:
    """Both lists, and how to find their names in running words."""

    def __init__(self, project: Project) -> None:
        ordered = sorted(project.exercises, key=lambda one: one.order)
        self.of: dict[Variant, list[Exercise]] = {side: [one for one in ordered if one.side is side] for side in _BOTH}
        self.every = {one.name.casefold(): one.name for one in ordered}
        longest_first = sorted(self.every.values(), key=len, reverse=True)
        one_of = "|".join(r"\s+".join(map(re.escape, name.split())) for name in longest_first)
        self._pattern = re.compile(rf"(?<!\w)(?:{one_of})(?!\w)" if one_of else r"(?!)", re.IGNORECASE)

    def list_of(self, side: Variant) -> list[str]:
        return [one.name for one in self.of[side]]

    def is_only_on(self, side: Variant, name: str) -> bool:
        """Tell whether a name is on this side's list and not on the other's too."""
        return [one for one in _BOTH if name in self.list_of(one)] == [side]

    def find(self, sections: Iterable[Section]) -> list[_Found]:
        """Find every name in order, whatever its capitals are."""
        return [
            _Found(self.every[squeeze(match[0]).casefold()], squeeze(match[0]), one.heading)
            for one in sections
            for match in self._pattern.finditer(f"{one.heading} | {one.words}")
        ]


def _sections(mail: Mail) -> dict[str, tuple[Section, ...]]:
    pieces = _TEXT_HEADING.split(mail.text)
    levels = {"=": 1, "-": 2}
    text = [Section(0, "", squeeze(pieces[0]))]
    for words, rule, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        text.append(Section(levels[rule[0]], squeeze(words), squeeze(body)))
    return {"HTML": mail.page.sections, "text": tuple(text)}


def _shown(mail: Mail, names: _Names) -> Iterator[Finding]:
    own = mail.email.exercise
    for part, sections in _sections(mail).items():
        found = names.find(sections)
        for name in dict.fromkeys(one.name for one in found):
            if own is None or name != own.name:
                yield from _foreign(mail, name, names)
        if own and own.name not in {one.words for one in found}:
            yield error(
                "SD001",
                f"the {part} part does not show its exercise, “{own.name}”, letter for letter",
                own.place,
                "print {{ exercise.name }} in the template, unchanged",
            )


def _foreign(mail: Mail, name: str, names: _Names) -> Iterator[Finding]:
    on_own_list = mail.variant.is_sided and name in names.list_of(mail.variant)
    place = mail.written(name, "exercises.")
    if mail.variant is Variant.NOT_SURE:
        message = f"“{name}” in a mail for people who are not sure of their side"
        yield error("SD001", message, place, "take the name out")
    elif not on_own_list:
        other = "left" if mail.variant is Variant.RIGHT else "right"
        message = f"“{name}” is on the {other}-sided list, and this mail goes to the {mail.variant} side"
        yield error("SD001", message, place, "take the name out, or show it to its own side only")
    elif mail.email.exercise:
        message = f"“{name}” is another mail's exercise; this one is for “{mail.email.exercise.name}”"
        yield error("SD001", message, place, "one exercise in each mail")


def _shared(names: _Names) -> Iterator[Finding]:
    """Find a name that stands twice, on both lists or on one: a copied file whose name was not changed."""
    every = [one for side in _BOTH for one in names.of[side]]
    for one in every:
        for other in every:
            if other is not one and squeeze(other.name).casefold() == squeeze(one.name).casefold():
                message = f"“{one.name}” is also exercise {other.order} of the {other.side} side"
                yield error("SD001", message, one.place, f"one of the two is wrong: {other.place} is the other")


def _path(series: Series, names: _Names) -> Iterator[Finding]:
    if series.variant_by != "side" or not any(step.is_sided for step in series.steps):
        return
    for side in _BOTH:
        got = [step.exercise for step in series.path(side) if step.exercise is not None]
        want = [one.order for one in names.of[side]]
        in_order = list(range(1, len(want) + 1))
        if want != in_order:
            message = f"the {side}-sided exercises are numbered {_row(want)}"
            yield error("SD001", message, _first(names, side), f"number them {_row(in_order)}")
        elif got != want:
            message = f"the {side} side gets exercises {_row(got)}"
            yield error("SD001", message, _astray(series, side, want), f"it should get {_row(want)}")


def _first(names: _Names, side: Variant) -> Place:
    """Return the first exercise that is not where its number says."""
    wrong = (one for at, one in enumerate(names.of[side], start=1) if one.order != at)
    return next(wrong).place


def _astray(series: Series, side: Variant, want: Sequence[int]) -> Place:
    """Return the first step that is out of its place, or the series when a step is missing at the end."""
    steps = [step for step in series.path(side) if step.exercise is not None]
    wrong = (step for at, step in enumerate(steps) if at >= len(want) or step.exercise != want[at])
    return next((step.place for step in wrong), series.place)


def _row(numbers: Iterable[int | None]) -> str:
    return ", ".join(map(str, numbers)) or "none"


def _lists(mail: Mail, names: _Names) -> Iterator[Finding]:
    if not _is_about_sides(mail, names):
        return
    for part, sections in _sections(mail).items():
        found = names.find(sections)
        for side in _BOTH:
            yield from _list(mail, part, found, side, names)
        yield from _altered(mail, part, found)


def _is_about_sides(mail: Mail, names: _Names) -> bool:
    """Tell whether a mail for everybody names exercises, means to, or has a heading for a side."""
    if any(True for _ in mail.sources.places(mail.email, r"\bexercises\.(?:left|right)\b")):
        return True
    headed = any(_side_of(one.heading) for one in mail.page.headings if one.level > 1)
    return headed or bool(names.find(mail.page.sections))


def _list(mail: Mail, part: str, found: list[_Found], side: Variant, names: _Names) -> Iterator[Finding]:
    want = names.list_of(side)
    listed = [one.name for one in found if _side_of(one.heading) is side]
    elsewhere = [one.name for one in found if _side_of(one.heading) is not side and names.is_only_on(side, one.name)]
    place = mail.written(f"exercises.{side}", *want, f"{side}-sided", "exercises.")
    if want and not any(one.name in want for one in found):
        message = f"the {part} part has no list for the {side} side"
        yield error("SD001", message, place, "a newsletter carries both lists")
    elif want and not listed:
        message = f"the {part} part has no heading over the {side}-sided list that says so"
        yield error("SD001", message, place, f"a heading that says {side}, and not the other side")
    elif listed != want or elsewhere:
        message = f"the {part} part's {side}-sided list is not all of that side's exercises in order"
        yield error("SD001", message, place, f"{len(want)} names in this order: {'; '.join(want)}")


def _altered(mail: Mail, part: str, found: list[_Found]) -> Iterator[Finding]:
    for one in found:
        if one.words != one.name:
            message = f"the {part} part writes “{one.words}”; the exercise is called “{one.name}”"
            yield error("SD001", message, mail.written(one.words, "exercises."), "keep the name letter for letter")


def _side_of(heading: str) -> Variant | None:
    said = {side for side in _BOTH if re.search(rf"\b{side}\b", heading, re.IGNORECASE)}
    return said.pop() if len(said) == 1 else None
