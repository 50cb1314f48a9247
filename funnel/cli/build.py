"""`funnel build`: every email in every variant, on disk."""

from __future__ import annotations

from pathlib import Path

import typer

from funnel.cli.call import calling


def build(
    context: typer.Context,
    out: Path = typer.Option(Path("dist"), "--out", help="Where the files go."),
) -> None:
    """Write every email in every variant, and a gallery that opens in a browser without a server."""
    call = calling(context)
    app = call.app()
    from funnel.build import build as write

    folder = call.path(out)
    app.check_out(folder)
    built = write(app.engine, app.rendered, app.pages, app.findings(now=call.now), out=folder)
    if call.as_json:
        call.json({"emails": built.emails, "written": built.written, "unchanged": built.unchanged})
        return
    keys = ("slug", "variant", "html_bytes", "subject")
    call.table([[str(entry[key]) for key in keys] for entry in built.emails])
    call.say(f"{len(built.emails)} emails: {built.written} files written, {built.unchanged} unchanged")
    call.next(f"open {folder / 'index.html'}, or funnel preview")
