"""`funnel preview`: read every mail in a browser, on this machine."""

from __future__ import annotations

from pathlib import Path

import typer

from funnel.cli.call import calling


def preview(
    context: typer.Context,
    port: int = typer.Option(8025, "--port", metavar="N", help="Where it listens, on this machine only."),
    export: Path | None = typer.Option(None, "--export", metavar="DIR", help="Write the pages to a folder instead."),
) -> None:
    """Read every mail in a browser, on this machine.

    A gallery of every email, and the inbox of every person in the local mailbox. Sends nothing.
    """
    call = calling(context)
    app = call.app()
    if export is not None:
        from funnel.build import build

        folder = call.path(export)
        app.check_out(folder)
        build(app.sampler, app.rendered, app.pages, app.findings(now=call.now), out=folder)
        call.answer(f"written: {export / 'index.html'}", {"path": str(folder / "index.html")})
        return
    from funnel.studio import serve_preview

    serve_preview(app, port=port, now=call.now, note=call.note)
