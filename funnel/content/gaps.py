"""Find references that lead nowhere (an exercise, email, offer, segment, template), and names that clash."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from funnel.errors import ContentError, FunnelError
from funnel.fields import nearest
from funnel.model import Broadcast, Email, Project, SendingPolicy, Series, Step, Variant, Wait, WaitUnit
from funnel.when import due, narrow

DESIGN = ".mjml.j2"


def find_gaps(project: Project, known: Iterable[ContentError]) -> Iterator[ContentError]:
    """Yield one problem for each missing thing; files that did not load are not reported a second time."""
    broken = {problem.message.partition(":")[0] for problem in known}
    for series in project.series.values():
        yield from _series_gaps(series, project, broken)
        yield from _shut(series, project.settings.sending)
    for broadcast in project.broadcasts.values():
        yield from _broadcast_gaps(broadcast, project, broken)
    for variants in project.emails.values():
        email = next(iter(variants.values()))
        yield from _template_gaps(email, project.templates)
        yield from _offer_gaps(email, project, broken)
    yield from _same_code([*project.series.values(), *project.broadcasts.values()])


def _shut(series: Series, policy: SendingPolicy) -> Iterator[ContentError]:
    """Find a series whose own window leaves no time at all."""
    try:
        both = replace(narrow(policy, series.window), holidays=frozenset())  # no calendar shuts every day
        due(datetime(2026, 1, 1, tzinfo=UTC), Wait(0, WaitUnit.HOURS), ZoneInfo("UTC"), both, key="")
    except FunnelError as error:
        yield ContentError(f"{series.place}: {error.message}", hint=error.hint)


def _same_code(objects: Iterable[Series | Broadcast]) -> Iterator[ContentError]:
    first: dict[str, Series | Broadcast] = {}
    for one in objects:
        other = first.setdefault(one.code, one)
        if other is not one:
            yield ContentError(
                f"{one.place}: the code `{one.code}` is used twice",
                hint=f"the other one is {other.place.path}; a code is never used again, so make a new one",
            )


def _series_gaps(series: Series, project: Project, broken: set[str]) -> Iterator[ContentError]:
    for step in series.steps:
        wanted = [variant for variant in series.variants if step.is_for(variant)]
        missing = [variant for variant in wanted if variant not in project.emails.get(step.email, {})]
        if step.exercise is not None:
            yield from (_no_exercise(step, variant) for variant in missing if not _lost(broken, variant))
        elif missing and f"content/emails/{step.email}.md" not in broken:
            yield ContentError(
                f"{step.place}: step `{step.id}` sends the email `{step.email}`, which does not exist",
                hint=nearest(step.email, project.emails),
            )


def _no_exercise(step: Step, variant: Variant) -> ContentError:
    file = f"content/exercises/{variant}/{step.exercise}-<name>.md"
    return ContentError(
        f"{step.place}: step `{step.id}` asks for exercise {step.exercise}, which `{variant}` does not have",
        hint=f"add {file}" if variant.is_sided else "say who gets it: only: [left, right]",
    )


def _lost(broken: set[str], variant: Variant) -> bool:
    return any(path.startswith(f"content/exercises/{variant}/") for path in broken)


def _broadcast_gaps(broadcast: Broadcast, project: Project, broken: set[str]) -> Iterator[ContentError]:
    if broadcast.email not in project.emails and f"content/emails/{broadcast.email}.md" not in broken:
        yield ContentError(
            f"{broadcast.place}: the broadcast sends the email `{broadcast.email}`, which does not exist",
            hint=nearest(broadcast.email, project.emails),
        )
    if broadcast.segment not in project.segments and "content/segments.yaml" not in broken:
        yield ContentError(
            f"{broadcast.place}: there is no segment `{broadcast.segment}`",
            hint=nearest(broadcast.segment, project.segments),
        )


def _template_gaps(email: Email, templates: Collection[str]) -> Iterator[ContentError]:
    designs = {path.removesuffix(DESIGN) for path in templates if path.endswith(DESIGN) and "/" not in path}
    words = f"text/{email.template}.txt.j2"
    if email.template not in designs:
        yield ContentError(
            f"{email.at('template')}: there is no template `{email.template}`", hint=nearest(email.template, designs)
        )
    elif words not in templates:
        yield ContentError(
            f"{email.at('template')}: the template `{email.template}` has no form for plain text",
            hint=f"add templates/{words}",
        )


def _offer_gaps(email: Email, project: Project, broken: set[str]) -> Iterator[ContentError]:
    file = f"content/offers/{email.delivers}.yaml"
    if email.delivers and email.delivers not in project.offers and file not in broken:
        yield ContentError(
            f"{email.at('delivers')}: there is no offer `{email.delivers}`",
            hint=nearest(email.delivers, project.offers) or f"add {file}",
        )
