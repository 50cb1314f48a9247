"""What a push would change: desired resources against those that the provider has. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from funnel.errors import Refused
from funnel.model import Action, Change, Plan, Project, Rendered, Resource, Unsupported
from funnel.payload import broadcast_json, canonical, digest_of, email_json, series_json
from funnel.signoff import is_approved

ORDER = ("email", "series", "broadcast")  #: what others point at is pushed first


def desired(project: Project, rendered: Iterable[Rendered], *, now: datetime) -> tuple[Resource, ...]:
    """List everything that should exist at a provider, in the order in which it must be made."""
    resources = [_email(one, project, now) for one in rendered]
    resources += [_resource("series", one.slug, series_json(one), one.name) for one in project.series.values()]
    for broadcast in project.broadcasts.values():
        segment = project.segments[broadcast.segment]
        payload = broadcast_json(broadcast, segment, project.settings.timezone)
        when = f"{broadcast.send_at:%Y-%m-%d %H:%M}" if broadcast.send_at else "a draft, not scheduled"
        resources.append(_resource("broadcast", broadcast.slug, payload, f"{broadcast.name} ({when})"))
    return tuple(sorted(resources, key=_making_order))


def diff(
    wanted: Sequence[Resource],
    actual: Iterable[Resource],
    *,
    provider: str,
    unsupported: Iterable[Unsupported],
    people: Callable[[str, str], int],
) -> Plan:
    """Compare, and say what a push would do. `people` counts who is inside an object now.

    What the provider cannot hold is left alone there. Raises Refused when `actual` has two of the same name.
    """
    known = _by_name(actual, provider)
    left_out = tuple(unsupported)
    skipped = {(one.kind, one.slug) for one in left_out}
    pairs = [(known.pop((one.kind, one.slug), None), one) for one in wanted]
    changes = [_change(before, one, people) for before, one in pairs if (one.kind, one.slug) not in skipped]
    gone = sorted(known.values(), key=_making_order, reverse=True)
    real = (*(change for change in changes if change is not None), *(_delete(one, people) for one in gone))
    return Plan(provider, real, left_out, _digest(provider, real))


def _by_name(actual: Iterable[Resource], provider: str) -> dict[tuple[str, str], Resource]:
    known: dict[tuple[str, str], Resource] = {}
    for one in actual:
        if known.setdefault((one.kind, one.slug), one) is not one:
            raise Refused(
                f"there are two of {one.kind} {one.slug} at {provider}",
                hint="take one of the two away there: which one is ours cannot be guessed",
            )
    return known


def _making_order(resource: Resource) -> tuple[int, str]:
    """Sort so that what others point at comes first."""
    return ORDER.index(resource.kind), resource.slug


def _email(rendered: Rendered, project: Project, now: datetime) -> Resource:
    unapproved = not is_approved(rendered, project.reviews, now=now)
    subject = "".join(piece if isinstance(piece, str) else f"[{piece.field}]" for piece in rendered.subject)
    payload = email_json(rendered, unapproved=unapproved)
    return _resource("email", f"{rendered.slug}/{rendered.variant}", payload, subject)


def _resource(kind: str, slug: str, payload: str, summary: str) -> Resource:
    return Resource(kind, slug, digest_of(payload), payload, summary)


def _change(before: Resource | None, after: Resource, people: Callable[[str, str], int]) -> Change | None:
    if before is None:
        return Change(Action.CREATE, after.kind, after.slug, after.summary, None, after)
    if before.digest == after.digest:
        return None
    affected = people(after.kind, after.slug)
    return Change(Action.UPDATE, after.kind, after.slug, after.summary, before, after, affected)


def _delete(before: Resource, people: Callable[[str, str], int]) -> Change:
    affected = people(before.kind, before.slug)
    return Change(Action.DELETE, before.kind, before.slug, before.summary, before, None, affected)


def _digest(provider: str, changes: Sequence[Change]) -> str:
    """Name exactly this plan: what it changes, from what, to what."""
    return digest_of(
        canonical(
            [
                provider,
                *(
                    [
                        change.action,
                        change.kind,
                        change.slug,
                        change.before.digest if change.before else "",
                        change.after.digest if change.after else "",
                    ]
                    for change in changes
                ),
            ]
        )
    )[:12]
