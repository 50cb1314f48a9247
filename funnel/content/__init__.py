"""Load everything that staff and designers wrote into one Project, with all problems reported together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeVar

from funnel.content.around import read_broadcast, read_offer, read_page, read_reviews, read_segments
from funnel.content.emails import read_email, read_exercise
from funnel.content.files import check_files, check_strays
from funnel.content.gaps import find_gaps
from funnel.content.series import read_series
from funnel.content.written import read_text
from funnel.errors import ContentError
from funnel.model import Broadcast, Email, Project, Series, Settings, Variant

__all__ = ["ContentProblems", "load"]

T = TypeVar("T")


class ContentProblems(ContentError):
    """Several independent problems, each with its own place and hint."""

    def __init__(self, problems: Iterable[ContentError]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(one.message for one in self.problems), hint=self.problems[0].hint)


class _Reader:
    """Reads file after file and keeps the problems, so that one mistake does not hide the next."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[ContentError] = []

    def each(self, pattern: str, read: Callable[[Path, str], T]) -> list[T]:
        """Read every file that matches; what cannot be read is kept as a problem."""
        return [value for path in self.paths(pattern) for value in self.one(path, read)]

    def one(self, path: str, read: Callable[[Path, str], T]) -> list[T]:
        try:
            return [read(self.root, path)]
        except ContentError as error:
            self.problems.append(error)
            return []

    def paths(self, pattern: str) -> list[str]:
        """List what matches, folders too: one with a file's name is a mistake. Hidden files are editors' own."""
        found = (path for path in self.root.glob(pattern) if not path.name.startswith("."))
        return sorted(path.relative_to(self.root).as_posix() for path in found)


def load(root: Path, settings: Settings) -> Project:
    """Load a project's content and templates. Reads files only; raises ContentProblems with every problem found."""
    reader = _Reader(root)
    series = {one.slug: one for one in reader.each("content/series/*.yaml", read_series)}
    broadcasts = {one.slug: one for one in reader.each("content/broadcasts/*.yaml", read_broadcast)}
    exercises = _exercises(reader)
    emails = _emails(reader, _usage(series.values(), broadcasts.values()))
    _join(reader, emails, exercises)
    project = Project(
        settings=settings,
        emails=emails,
        series=series,
        broadcasts=broadcasts,
        offers={one.slug: one for one in reader.each("content/offers/*.yaml", read_offer)},
        segments={k: v for many in reader.each("content/segments.yaml", read_segments) for k, v in many.items()},
        pages={one.slug: one for one in reader.each("content/pages/*.md", read_page)},
        exercises=tuple(email.exercise for email in exercises if email.exercise),
        reviews=tuple(one for many in reader.each("content/reviews.toml", read_reviews) for one in many),
        partials=_sources(reader, "content", "content/**/*.md"),
        templates=_sources(reader, "templates", "templates/**/*.j2"),
    )
    problems = _all_problems(reader, project)
    if problems:
        raise ContentProblems(problems)
    return project


def _all_problems(reader: _Reader, project: Project) -> list[ContentError]:
    """Add what shows only with everything at hand; the same problem met twice is said once."""
    files = check_files(reader.root, project.settings, project.offers.values())
    found = [*reader.problems, *find_gaps(project, reader.problems), *files, *check_strays(reader.root)]
    return list({one.message: one for one in found}.values())


def _join(reader: _Reader, emails: dict[str, dict[Variant, Email]], exercises: Iterable[Email]) -> None:
    """Put the exercises' mails beside the others; their names, `exercise-1` and so on, belong to them."""
    written = dict(emails)
    for email in exercises:
        if email.slug in written:
            place = next(iter(written.pop(email.slug).values())).place
            hint = f"{email.place.path} makes the mail of that name; rename this file"
            reader.problems.append(ContentError(f"{place}: the name `{email.slug}` is taken", hint=hint))
        emails.setdefault(email.slug, {})[email.variant] = email


def _exercises(reader: _Reader) -> list[Email]:
    """Read both sides' exercises, in the article's order."""
    taken: dict[tuple[Variant, int], Email] = {}
    for side in (Variant.LEFT, Variant.RIGHT):
        for email in reader.each(f"content/exercises/{side}/*.md", partial(read_exercise, side=side)):
            order = email.exercise.order if email.exercise else 0
            if (side, order) in taken:
                reader.problems.append(
                    ContentError(
                        f"{email.at('order')}: exercise {order} of the {side} side is written twice",
                        hint=f"the other one is {taken[side, order].place.path}",
                    )
                )
            taken[side, order] = email
    return [taken[key] for key in sorted(taken)]


def _usage(series: Iterable[Series], broadcasts: Iterable[Broadcast]) -> dict[str, set[Variant]]:
    """Work out which variants of each email somebody can get."""
    usage: dict[str, set[Variant]] = {}
    for one in series:
        for step in one.steps:
            usage.setdefault(step.email, set()).update(step.only or one.variants)
    for broadcast in broadcasts:
        usage.setdefault(broadcast.email, set()).add(Variant.ALL)
    return usage


def _emails(reader: _Reader, usage: dict[str, set[Variant]]) -> dict[str, dict[Variant, Email]]:
    emails: dict[str, dict[Variant, Email]] = {}
    for path in reader.paths("content/emails/*.md"):
        wanted = usage.get(Path(path).stem, {Variant.ALL})
        ordered = [variant for variant in Variant if variant in wanted]
        for variants in reader.one(path, partial(read_email, variants=ordered)):
            emails[Path(path).stem] = variants
    return emails


def _sources(reader: _Reader, folder: str, pattern: str) -> dict[str, str]:
    found = {path: reader.one(path, read_text) for path in reader.paths(pattern)}
    return {path.removeprefix(f"{folder}/"): texts[0] for path, texts in found.items() if texts}
