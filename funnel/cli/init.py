"""`funnel init`: a new project from the starter that ships with funnel."""

from __future__ import annotations

from pathlib import Path

import typer

from funnel.cli.call import calling


def init(
    context: typer.Context,
    folder: Path = typer.Argument(..., metavar="DIR", help="Where the new project goes; made when it is missing."),
) -> None:
    """Start a project from the example, ready to edit.

    You get the example series, its mails and their design. Overwrites nothing.
    """
    call = calling(context)
    from funnel.starter import copy_starter

    number = copy_starter(call.path(folder))
    call.answer(f"{folder}: {number} files, ready to edit", {"path": str(call.path(folder)), "files": number})
    call.next(f"cd {folder}, then funnel demo, or funnel preview")
