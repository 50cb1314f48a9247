"""`funnel plan`: what a push would change, and for whom. Writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from funnel.cli.call import BOLD, DIM, GREEN, RED, YELLOW, Call, calling
from funnel.errors import ExitCode

if TYPE_CHECKING:
    from funnel.model import Change, Plan

SIGNS = {
    "create": ("+", GREEN),
    "update": ("~", YELLOW),
    "delete": ("-", RED),
    "schedule": ("@", BOLD),
}


def plan(
    context: typer.Context,
    provider: str = typer.Option(
        "", "--provider", metavar="P", help="Whom to compare with [default: what [run] names]."
    ),
    out: Path | None = typer.Option(None, "--out", metavar="FILE", help="Keep the plan for funnel push --plan FILE."),
    detailed_exitcode: bool = typer.Option(False, "--detailed-exitcode", help="Exit 5 when there are changes."),
) -> None:
    """Show what a push would change, and for whom.

    Names how many people each change touches, and what the provider cannot express. Writes nothing there.
    """
    call = calling(context)
    app = call.app()
    from funnel.push import make_plan

    name = provider or app.config.run.series
    found = make_plan(app.desired(now=call.now), app.remote(name, now=call.now), provider=name)
    if out is not None:
        from funnel.build import write_whole

        write_whole(call.path(out), f"{found.provider} {found.digest}\n".encode())
    if call.as_json:
        call.json(as_data(found))
    else:
        show(call, found)
        keep = f" --plan {out}" if out is not None else ""
        call.next(f"funnel push{keep}" if found.changes else "funnel run --once")
    if detailed_exitcode and found.changes:
        raise typer.Exit(ExitCode.CHANGES)


def as_data(plan: Plan) -> dict[str, object]:
    """Return a plan in the stable form of the command line's contract."""
    return {
        "provider": plan.provider,
        "digest": plan.digest,
        "changes": [
            {
                "action": change.action.value,
                "kind": change.kind,
                "slug": change.slug,
                "summary": change.summary,
                "people_affected": change.people_affected,
            }
            for change in plan.changes
        ],
        "unsupported": [{"kind": one.kind, "slug": one.slug, "reason": one.reason} for one in plan.unsupported],
    }


def show(call: Call, plan: Plan) -> None:
    """Print a plan for people."""
    if not plan.changes:
        call.say(f"nothing to change: {plan.provider} has exactly what is written here")
    width = max((len(f"{one.kind} {one.slug}") for one in plan.changes), default=0)
    for change in plan.changes:
        _show_change(call, change, width)
    for one in plan.unsupported:
        call.say(f"  {call.paint('!', RED)} {one.kind} {one.slug}: {one.reason}")
    if plan.changes:
        call.say(f"plan {call.paint(plan.digest, BOLD)} for {plan.provider}: {_counts(plan)}")


def _counts(plan: Plan) -> str:
    actions = [str(one.action) for one in plan.changes]
    return ", ".join(f"{actions.count(action)} to {action}" for action in SIGNS if action in actions)


def _show_change(call: Call, change: Change, width: int) -> None:
    sign, colour = SIGNS[change.action]
    people = f"  ({change.people_affected} people inside)" if change.people_affected else ""
    what = f"{change.kind} {change.slug}".ljust(width)
    call.say(f"  {call.paint(sign, colour)} {what}  {call.paint(change.summary, DIM)}{people}")
    for line in _difference(change):
        call.say(f"      {line}")


def _difference(change: Change) -> list[str]:
    """Say what changes inside, in words: steps of a series, text of an email."""
    if change.before is None or change.after is None:
        return []
    from funnel.difference import difference

    return difference(change.kind, change.slug, change.before.payload, change.after.payload)
