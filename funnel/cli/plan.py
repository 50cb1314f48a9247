"""`funnel plan`: what a push would change, and for whom. Writes nothing."""

from __future__ import annotations

from pathlib import Path

import typer

from funnel.cli.call import BOLD, DIM, GREEN, RED, YELLOW, Call, calling
from funnel.errors import ExitCode
from funnel.model import Action, Change, Plan

SIGNS = {
    Action.CREATE: ("+", GREEN),
    Action.UPDATE: ("~", YELLOW),
    Action.DELETE: ("-", RED),
    Action.SCHEDULE: ("@", BOLD),
}


def plan(
    context: typer.Context,
    provider: str = typer.Option("", "--provider", help="Whom to compare with [default: the one that [run] names]."),
    out: Path | None = typer.Option(None, "--out", help="Keep the plan in a file for `funnel push --plan`."),
    detailed_exitcode: bool = typer.Option(False, "--detailed-exitcode", help="Exit 5 when there are changes."),
) -> None:
    """Show what a push would change, with how many people each change touches."""
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
        call.next("funnel push --yes" if found.changes else "funnel run --once")
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
    for change in plan.changes:
        _show_change(call, change)
    for one in plan.unsupported:
        call.say(f"  ! {one.kind} {one.slug}: {one.reason}")
    if plan.changes:
        counts = [f"{sum(one.action is action for one in plan.changes)} to {action}" for action in Action]
        real = ", ".join(words for words in counts if not words.startswith("0 "))
        call.say(f"plan {call.paint(plan.digest, BOLD)} for {plan.provider}: {real}")


def _show_change(call: Call, change: Change) -> None:
    sign, colour = SIGNS[change.action]
    people = f"  ({change.people_affected} people inside)" if change.people_affected else ""
    call.say(f"  {call.paint(sign, colour)} {change.kind} {change.slug:<28} {call.paint(change.summary, DIM)}{people}")
    for line in _difference(change):
        call.say(f"      {line}")


def _difference(change: Change) -> list[str]:
    """Say what changes inside, in words: steps of a series, text of an email."""
    if change.before is None or change.after is None:
        return []
    from funnel.difference import difference

    return difference(change.kind, change.slug, change.before.payload, change.after.payload)
