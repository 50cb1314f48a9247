"""`python -m funnel` and the console script."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from funnel.cli import Environment, main


def run() -> None:
    """Run the command line with this process's own streams, environment and clock; exit with its code."""
    environment = Environment(
        stdout=sys.stdout,
        stderr=sys.stderr,
        environ=os.environ,
        cwd=Path.cwd(),
        clock=lambda: datetime.now(UTC),
    )
    sys.exit(main(sys.argv[1:], environment))


if __name__ == "__main__":
    run()
