"""`funnel push`: apply exactly the plan that was shown. Safe to repeat after any interruption."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from funnel.cli.call import Call, calling
from funnel.cli.plan import as_data, show
from funnel.errors import Refused, UsageError

if TYPE_CHECKING:
    from funnel.app import App
    from funnel.model import Plan
    from funnel.ports import Remote


def push(
    context: typer.Context,
    provider: str = typer.Option("", "--provider", metavar="P", help="Whom to push to [default: what [run] names]."),
    plan: Path | None = typer.Option(None, "--plan", metavar="FILE", help="Apply the plan kept there, and no other."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    force: bool = typer.Option(False, "--force", help="Also do what takes something away from people inside."),
) -> None:
    """Make the provider hold exactly what is written here.

    The provider may be the engine on this machine. Sends nothing by itself; safe to repeat after any interruption.
    """
    call = calling(context)
    app = call.app()
    from funnel.push import make_plan, refuse_dangerous, refuse_unready

    name = provider or app.config.run.series
    remote = app.remote(name, now=call.now)
    _refuse_errors(app, call)
    wanted = app.desired(now=call.now)
    refuse_unready(wanted, sender=app.config.run.sender if name == "local" else name)
    found = make_plan(wanted, remote, provider=name)
    if plan is not None:
        _refuse_drift(call.path(plan), found)
    refuse_dangerous(found, force=force)
    if not call.as_json:
        show(call, found)
    if found.changes and not (yes or plan is not None) and not call.ask("push this?"):
        raise Refused("nothing was pushed")
    applied = _apply(found, remote)
    if call.as_json:
        call.json({**as_data(found), "applied": applied})
    elif applied:
        call.say(f"pushed: {applied} changes")
    call.next("funnel contacts add EMAIL, then funnel run --once" if applied else "funnel run --once")


def _apply(plan: Plan, remote: Remote) -> int:
    from funnel.push import apply

    outcomes = list(apply(plan, remote))
    failed = [one for one in outcomes if one.error]
    if failed:
        done = len(outcomes) - len(failed)
        raise Refused(
            f"{failed[0].change.kind} {failed[0].change.slug}: {failed[0].error}",
            hint=f"{done} of {len(plan.changes)} changes were made; funnel push goes on from there",
        )
    return len(outcomes)


def _refuse_errors(app: App, call: Call) -> None:
    from funnel.model import Severity

    errors = [one for one in app.findings(now=call.now) if one.severity is Severity.ERROR]
    if errors:
        number = "an error" if len(errors) == 1 else f"{len(errors)} errors; the first"
        raise Refused(
            f"lint found {number}: {errors[0].place}: {errors[0].code} {errors[0].message}",
            hint="funnel lint shows them all",
        )


def _refuse_drift(path: Path, found: Plan) -> None:
    """Refuse when what a push would do is not what the file of `funnel plan --out` says."""
    if not path.is_file():
        raise UsageError(f"there is no plan {path.name}", hint="funnel plan --out FILE makes one")
    provider, _, digest = path.read_text(encoding="utf-8", errors="replace").strip().partition(" ")
    if (provider, digest) == (found.provider, found.digest):
        return
    if provider != found.provider or not re.fullmatch(r"[0-9a-z]{8,64}", digest):
        raise UsageError(f"{path.name} is no plan for {found.provider}", hint="funnel plan --out FILE makes one")
    raise Refused(
        f"things have changed since the plan {digest} was made: now it would be {found.digest}",
        hint="look at it again: funnel plan --out FILE",
    )
