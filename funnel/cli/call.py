"""One call of the command line: where it runs, what it was asked for globally, and how it speaks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from funnel.ports import Clock

if TYPE_CHECKING:
    from funnel.app import App

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything that the command line takes from its process; tests give their own."""

    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]
    cwd: Path
    clock: Clock


@dataclass(slots=True)
class Call:
    """A command's way to its project and to the person who called it. Results go to stdout, all else to stderr."""

    environment: Environment
    project: Path | None = None
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def now(self) -> datetime:
        """Return the time, in whole seconds."""
        return self.environment.clock().replace(microsecond=0)

    def path(self, given: Path) -> Path:
        """Read a path as the caller wrote it: relative to where the command was called."""
        return self.environment.cwd / given

    def app(self) -> App:
        """Open the project. Raises ConfigError when there is none."""
        from funnel.app import open_app

        return open_app(self.path(self.project or Path()), self.environment.environ)

    def say(self, text: str = "") -> None:
        """Print a result."""
        self.environment.stdout.write(text + "\n")

    def json(self, value: object) -> None:
        """Print a result for machines."""
        self.say(json.dumps(value, indent=2, ensure_ascii=False))

    def note(self, text: str) -> None:
        """Tell the person something that is not the result; silent with -q."""
        if not self.quiet:
            self.environment.stderr.write(text + "\n")

    def next(self, command: str) -> None:
        """Name the next useful command."""
        self.note(self.paint(f"next: {command}", DIM, stream=self.environment.stderr))

    def paint(self, text: str, *codes: str, stream: TextIO | None = None) -> str:
        """Colour a text where the stream is a terminal and nobody asked for NO_COLOR."""
        stream = stream or self.environment.stdout
        if not stream.isatty() or self.environment.environ.get("NO_COLOR"):
            return text
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m"

    def table(self, rows: Iterable[Sequence[str]], *, indent: str = "  ") -> None:
        """Print rows in columns as wide as they need to be."""
        written = [[str(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*written, strict=True)] if written else []
        for row in written:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.say(indent + "  ".join(cells).rstrip())


def calling(context: typer.Context) -> Call:
    """Return the call that a command belongs to."""
    call = context.find_root().obj
    if not isinstance(call, Call):
        raise TypeError("a command was run outside main()")
    return call
