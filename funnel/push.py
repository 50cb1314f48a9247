"""Use case: pull, plan, apply. Sees only ports; writes only through `Remote.apply`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from funnel.errors import FunnelError, Refused
from funnel.model import Action, Outcome, Plan, Resource
from funnel.payload import Letter, letter_from
from funnel.plan import diff
from funnel.ports import Remote


def make_plan(wanted: Sequence[Resource], remote: Remote, *, provider: str) -> Plan:
    """Read the remote once and compare. Writes nothing."""
    return diff(
        wanted,
        remote.pull(),
        provider=provider,
        unsupported=remote.unsupported(wanted),
        people=remote.people_affected,
    )


def refuse_unready(wanted: Sequence[Resource], *, sender: str) -> None:
    """Raise Refused when mail that is unapproved, or still has placeholders, could leave this machine.

    Only the local mailbox may carry such mail (promise A4).
    """
    if sender == "mailbox":
        return
    emails = [one for one in wanted if one.kind == "email"]
    letters = [(one.slug, _letter(one)) for one in emails]
    missing = sorted({what.what for _, letter in letters for what in letter.rendered.missing})
    if missing:
        raise Refused(
            f"mail for real people still lacks: {'; '.join(missing)}",
            hint='fill these in (funnel lint names every place), or set sender = "mailbox" to try it out here',
        )
    unapproved = sorted({slug for slug, letter in letters if letter.unapproved})
    if unapproved:
        raise Refused(
            f"no clinician has signed: {', '.join(unapproved)}",
            hint="funnel approve SLUG --by NAME --credential C",
        )


def refuse_dangerous(plan: Plan, *, force: bool) -> None:
    """Raise Refused when the plan takes something away from people who are inside it."""
    lost = [one for one in plan.changes if one.action is Action.DELETE and one.people_affected]
    if lost and not force:
        names = ", ".join(f"{one.kind} {one.slug} ({one.people_affected} people)" for one in lost)
        raise Refused(f"this would end, for people who are inside: {names}", hint="--force does it all the same")


def apply(plan: Plan, remote: Remote) -> Iterator[Outcome]:
    """Apply the plan, change by change, in order; stop at the first that fails. Safe to repeat."""
    for change in plan.changes:
        try:
            remote.apply(change)
        except FunnelError as error:
            yield Outcome(change, error.message)
            return
        yield Outcome(change)


def _letter(resource: Resource) -> Letter:
    slug, _, variant = resource.slug.partition("/")
    return letter_from(slug, variant, resource.payload)
