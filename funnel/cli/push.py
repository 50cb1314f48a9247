"""`funnel push`: apply exactly the plan that was shown. Safe to repeat after any interruption."""

from __future__ import annotations

from pathlib import Path

import typer

from funnel.app import App
from funnel.cli.call import Call, calling
from funnel.cli.plan import as_data, show
from funnel.errors import Refused, UsageError
from funnel.model import Plan, Severity
from funnel.ports import Remote


def push(
    context: typer.Context,
    provider: str = typer.Option("", "--provider", help="Whom to push to [default: the one that [run] names]."),
    plan: Path | None = typer.Option(None, "--plan", help="Apply the plan kept in this file, and no other."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    force: bool = typer.Option(False, "--force", help="Also do what takes something away from people inside."),
) -> None:
    """Make a provider, or the engine on this machine, hold exactly what is written here."""
    call = calling(context)
    app = call.app()
    from funnel.push import make_plan, refuse_dangerous, refuse_unready

    name = provider or app.config.run.series
    _refuse_errors(app, call)
    wanted = app.desired(now=call.now)
    refuse_unready(wanted, sender=app.config.run.sender if name == "local" else name)
    remote = app.remote(name, now=call.now)
    found = make_plan(wanted, remote, provider=name)
    if plan is not None:
        _refuse_drift(call.path(plan), found)
    refuse_dangerous(found, force=force)
    if not call.as_json:
        show(call, found)
    if found.changes and not (yes or plan is not None):
        _ask(call)
    applied = _apply(found, remote)
    if call.as_json:
        call.json({**as_data(found), "applied": applied})
    elif applied:
        call.say(f"pushed: {applied} changes")
        call.next("funnel contacts add EMAIL, then funnel run --once")


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
    errors = [one for one in app.findings(now=call.now) if one.severity is Severity.ERROR]
    if errors:
        first = errors[0]
        raise Refused(
            f"lint found {len(errors)} errors; the first: {first.place}: {first.code} {first.message}",
            hint="funnel lint shows them all",
        )


def _refuse_drift(path: Path, found: Plan) -> None:
    if not path.is_file():
        raise UsageError(f"there is no plan {path.name}", hint="funnel plan --out FILE makes one")
    provider, _, digest = path.read_text(encoding="utf-8").strip().partition(" ")
    if (provider, digest) != (found.provider, found.digest):
        raise Refused(
            f"things have changed since the plan {digest} was made: now it would be {found.digest}",
            hint="look at it again: funnel plan --out FILE",
        )


def _ask(call: Call) -> None:
    if not call.environment.stderr.isatty():
        raise UsageError("nobody is here to say yes", hint="add --yes, or --plan FILE")
    if not typer.confirm("push this?", err=True):
        raise Refused("nothing was pushed")
