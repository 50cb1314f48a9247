"""`funnel stop` and `funnel resume`: the brakes."""

from __future__ import annotations

import typer

from funnel.app import App
from funnel.cli.call import calling
from funnel.errors import UsageError
from funnel.model import Program


def stop(
    context: typer.Context,
    slug: str = typer.Argument("", help="The series or broadcast."),
    everything: bool = typer.Option(False, "--all", help="Every series and broadcast."),
    freeze: bool = typer.Option(False, "--freeze", help="Stop the clock too: waits go on later where they stood."),
    close: bool = typer.Option(False, "--close", help="Only take nobody new in; whoever is inside goes on."),
) -> None:
    """Hold a series at once: nothing more goes out, nobody is dropped, and the clock runs on (or --freeze)."""
    call = calling(context)
    app = call.app()
    from funnel.engine import stop as hold

    how = "freeze" if freeze else "close" if close else "hold"
    for program in _chosen(app, slug, everything):
        hold(app.engine, program, how=how, now=call.now)
        done = {"hold": "held", "freeze": "frozen", "close": "closed to new people"}[how]
        call.say(f"{program.slug}: {done}")
    call.next(f"funnel resume {slug or '--all'}")


def resume(
    context: typer.Context,
    slug: str = typer.Argument("", help="The series or broadcast."),
    everything: bool = typer.Option(False, "--all", help="Every series and broadcast."),
) -> None:
    """Lift a hold, freeze or closing. What became due meanwhile goes out, one mail a person; the rest shifts."""
    call = calling(context)
    app = call.app()
    from funnel.engine import resume as lift

    for program in _chosen(app, slug, everything):
        lift(app.engine, program, now=call.now)
        call.say(f"{program.slug}: open")
    call.next("funnel run")


def _chosen(app: App, slug: str, everything: bool) -> list[Program]:
    if everything:
        return [one for one in app.store.programs.all() if one.kind != "request" and one.state != "retired"]
    if not slug:
        raise UsageError("which one?", hint="funnel stop SLUG, or --all")
    return [app.engine.program(slug)]
