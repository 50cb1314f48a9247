"""`python -m funnel` and the console script."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path

from funnel.cli import Environment, main


def run() -> None:
    """Run the command line with this process's own streams, environment and clock; exit with its code."""
    _speak_utf8()
    environment = Environment(
        stdout=sys.stdout,
        stderr=sys.stderr,
        environ=os.environ,
        cwd=Path.cwd(),
        clock=lambda: datetime.now(UTC),
        stdin=sys.stdin,
    )
    code = main(sys.argv[1:], environment)
    _let_go()
    sys.exit(code)


def _speak_utf8() -> None:
    """Write UTF-8 to files and pipes in any locale; what a terminal cannot show is spelled out."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _let_go() -> None:
    """Drop what a reader that is gone, or a full disk, did not take, so that the end of the process stays quiet.

    Source: Python's documentation of SIGPIPE, in the module `signal`.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run()
