"""Find references that lead nowhere: a missing exercise, email, segment or template."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from funnel.errors import ContentError
from funnel.fields import nearest
from funnel.model import Broadcast, Email, Project, Series, Step, Variant


def find_gaps(project: Project, known: Iterable[ContentError]) -> Iterator[ContentError]:
    """Yield one problem for each missing thing; files that did not load are not reported a second time."""
    broken = {problem.message.partition(":")[0] for problem in known}
    for series in project.series.values():
        yield from _series_gaps(series, project, broken)
    for broadcast in project.broadcasts.values():
        yield from _broadcast_gaps(broadcast, project, broken)
    templates = {path.removesuffix(".mjml.j2") for path in project.templates if "/" not in path}
    for variants in project.emails.values():
        yield from _template_gaps(next(iter(variants.values())), templates)


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


def _template_gaps(email: Email, templates: set[str]) -> Iterator[ContentError]:
    if email.template not in templates:
        yield ContentError(
            f"{email.at('template')}: there is no template `{email.template}`",
            hint=nearest(email.template, templates),
        )
