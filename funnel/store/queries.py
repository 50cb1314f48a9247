"""Named SQL: each query lives in a `.sql` file under a line `-- name: ...`, with its reason beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources


@cache
def queries(name: str) -> Mapping[str, str]:
    """Read `sql/<name>.sql` once: query name -> SQL text."""
    text = resources.files("funnel.store").joinpath(f"sql/{name}.sql").read_text(encoding="utf-8")
    blocks = text.split("-- name: ")[1:]
    return {head.strip(): body for head, _, body in (block.partition("\n") for block in blocks)}


@cache
def migrations() -> tuple[str, ...]:
    """Read the schema's migrations in order."""
    folder = resources.files("funnel.store").joinpath("sql")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name[:3].isdigit())
    return tuple(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def statements(script: str) -> Iterator[str]:
    """Cut a script into its statements; the semicolons inside a trigger do not end it."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
