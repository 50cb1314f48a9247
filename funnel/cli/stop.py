"""`funnel stop` and `funnel resume`: the brakes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from funnel.cli.call import Call, calling
from funnel.errors import UsageError

if TYPE_CHECKING:
    from funnel.app import App
    from funnel.model import Program

STATES = {"hold": "held", "freeze": "frozen", "close": "closed"}


def stop(
    context: typer.Context,
    slug: str = typer.Argument("", help="The series or broadcast."),
    everything: bool = typer.Option(False, "--all", help="Every series and broadcast."),
    freeze: bool = typer.Option(False, "--freeze", help="Stop the clock too: waits go on later where they stood."),
    close: bool = typer.Option(False, "--close", help="Only take nobody new in; whoever is inside goes on."),
) -> None:
    """Hold a series at once: nothing more goes out.

    Nobody is dropped, and the clock runs on (or --freeze).
    """
    call = calling(context)
    if freeze and close:
        raise UsageError("--freeze or --close?", hint="freeze stops the mail; close only takes nobody new in")
    app = call.app()
    from funnel.engine import stop as hold

    how = "freeze" if freeze else "close" if close else "hold"
    chosen = _chosen(app, slug, everything, command="stop")
    for program in chosen:
        hold(app.engine, program, how=how, now=call.now)
    _tell(call, chosen, STATES[how])
    call.next(f"funnel resume {slug or '--all'}")


def resume(
    context: typer.Context,
    slug: str = typer.Argument("", help="The series or broadcast."),
    everything: bool = typer.Option(False, "--all", help="Every series and broadcast."),
) -> None:
    """Lift a hold, a freeze or a closing.

    What became due meanwhile goes out, one mail a person; the rest shifts.
    """
    call = calling(context)
    app = call.app()
    from funnel.engine import resume as lift

    chosen = _chosen(app, slug, everything, command="resume")
    for program in chosen:
        lift(app.engine, program, now=call.now)
    _tell(call, chosen, "open")
    call.next("funnel run")


def _tell(call: Call, programs: Iterable[Program], state: str) -> None:
    words = {"closed": "closed to new people"}.get(state, state)
    lines = [f"{one.slug}: {words}" for one in programs]
    facts = {"programs": [{"kind": one.kind, "slug": one.slug, "state": state} for one in programs]}
    call.answer("\n".join(lines) or "nothing has been pushed yet", facts)


def _chosen(app: App, slug: str, everything: bool, *, command: str) -> list[Program]:
    if everything == bool(slug):
        raise UsageError("which one?", hint=f"funnel {command} SLUG, or --all")
    if everything:
        return [one for one in app.store.programs.all() if one.kind != "request" and one.state != "retired"]
    return [app.engine.program(slug)]
