"""`funnel build`: every email in every variant, on disk."""

from __future__ import annotations

from pathlib import Path

import typer

from funnel.cli.call import calling


def build(
    context: typer.Context,
    out: Path = typer.Option(Path("dist"), "--out", metavar="DIR", help="Where the files go."),
) -> None:
    """Write every email and a gallery into a folder.

    Every email in every variant: page, text, message and facts. The gallery opens in a browser without a server.
    A second build with nothing changed writes nothing, and the same content gives the same bytes anywhere.
    """
    call = calling(context)
    app = call.app()
    from funnel.build import build as write

    folder = call.path(out)
    app.check_out(folder)
    built = write(app.sampler, app.rendered, app.pages, app.findings(now=call.now), out=folder)
    if call.as_json:
        counts = {"written": built.written, "unchanged": built.unchanged, "removed": built.removed}
        call.json({"emails": built.emails, **counts})
        return
    keys = ("slug", "variant", "html_bytes", "subject")
    call.table([[str(one[key]) for key in keys] for one in built.emails], head=("email", "variant", "bytes", "subject"))
    gone = f", {built.removed} removed" if built.removed else ""
    call.say(f"{len(built.emails)} emails: {built.written} files written, {built.unchanged} unchanged{gone}")
    call.next(f"open {out / 'index.html'}, or funnel preview")
