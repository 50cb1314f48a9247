"""One call of the command line: where it runs, what it was asked for globally, and how it speaks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from funnel.errors import UsageError

if TYPE_CHECKING:
    from funnel.app import App
    from funnel.ports import Clock

EVERYWHERE = "Works with every command: --project DIR, --json, --quiet, --verbose."  #: below each command's help
BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything that the command line takes from its process; tests give their own. No `stdin`: nobody to ask."""

    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]
    cwd: Path
    clock: Clock
    stdin: TextIO | None = None


@dataclass(slots=True)
class Call:
    """A command's way to its project and to the person who called it. Results go to stdout, all else to stderr."""

    environment: Environment
    project: Path | None = None
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    opened: list[App] = field(default_factory=list)

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

        return self.keep(open_app(self.path(self.project or Path()), self.environment.environ))

    def keep(self, app: App) -> App:
        """Remember an opened project, so that it is closed when the command ends."""
        self.opened.append(app)
        return app

    def close(self) -> None:
        """Close what the command opened."""
        for app in self.opened:
            app.close()

    def say(self, text: str = "") -> None:
        """Print a result."""
        self.environment.stdout.write(text + "\n")

    def json(self, value: object) -> None:
        """Print a result for machines."""
        self.say(json.dumps(value, indent=2, ensure_ascii=False))

    def answer(self, words: str, facts: object) -> None:
        """Print a short result: in words, or with --json as an object."""
        if self.as_json:
            self.json(facts)
        else:
            self.say(words)

    def ask(self, question: str) -> bool:
        """Ask for a yes on a terminal. Raises UsageError when nobody is there to answer."""
        stdin = self.environment.stdin
        if stdin is None or not stdin.isatty():
            raise UsageError("nobody is here to say yes", hint="add --yes")
        self.environment.stderr.write(f"{question} [y/N] ")
        self.environment.stderr.flush()
        return stdin.readline().strip().lower() in ("y", "yes")

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

    def table(self, rows: Iterable[Sequence[str]], *, head: Sequence[str] = (), indent: str = "  ") -> None:
        """Print rows in columns as wide as they need to be, below `head`. Prints nothing without rows."""
        written = [[visible(str(cell)) for cell in row] for row in rows]
        if not written:
            return
        lines = [list(head), *written] if head else written
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for number, row in enumerate(lines):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            line = indent + "  ".join(cells).rstrip()
            self.say(self.paint(line, DIM) if head and not number else line)


def visible(text: str) -> str:
    """Take out what could steer a terminal: a name may come from anybody."""
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)


def calling(context: typer.Context) -> Call:
    """Return the call that a command belongs to."""
    call = context.find_root().obj
    if not isinstance(call, Call):
        raise TypeError("a command was run outside main()")
    return call
