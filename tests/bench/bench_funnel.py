"""Measure what people wait for: start, build, import, compilation, messages. Prints a table and JSON; asserts nothing.

`make bench`, or `python tests/bench/bench_funnel.py [--contacts N]`. Each command runs in a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

RUNS = 5
CONTACTS = 200_000
MESSAGES = 5_000
NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Measure:
    """One line of the table: the median, and every run."""

    what: str
    unit: str
    median: float
    runs: list[float]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=CONTACTS)
    contacts = parser.parse_args().contacts
    with project() as folder:
        measures = [
            starting(folder),
            building(folder),
            *importing(folder, contacts),
            compiling(folder),
            writing(folder),
        ]
    for one in measures:
        sys.stdout.write(f"{one.what:<44} {one.median:>10,.3f} {one.unit}\n")
    facts = {"machine": machine(), "measures": [vars(one) for one in measures]}
    sys.stdout.write(json.dumps(facts, indent=2) + "\n")


@contextmanager
def project() -> Iterator[Path]:
    """Copy the example project into a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copy(ROOT / "funnel.toml", root)
        for part in ("content", "templates", "assets"):
            shutil.copytree(ROOT / part, root / part)
        yield root


def starting(folder: Path) -> Measure:
    """Measure how long `funnel --help` takes."""
    return repeated("funnel --help", lambda: run(folder, "--help")[0])


def building(folder: Path) -> Measure:
    """Measure a build of the whole project into an empty folder."""

    def once() -> float:
        shutil.rmtree(folder / "dist", ignore_errors=True)
        return run(folder, "build")[0]

    return repeated("funnel build, cold", once)


def importing(folder: Path, contacts: int) -> list[Measure]:
    """Measure one import of many people: seconds, and the most memory that the process held."""
    with (folder / "people.csv").open("w", encoding="utf-8") as file:
        file.write("email,first_name,side,consent_at,consent_source,consent_text\n")
        for n in range(contacts):
            file.write(f"person{n}@example.com,Person {n},{('left', 'right')[n % 2]},2026-02-01T10:00:00Z,site,Yes\n")
    seconds, megabytes = run(folder, "contacts", "import", "people.csv")
    return [
        Measure(f"import of {contacts:,} people", "s", seconds, [seconds]),
        Measure(f"import of {contacts:,} people, peak memory", "MB", megabytes, [megabytes]),
    ]


def compiling(folder: Path) -> Measure:
    """Measure compiling every email, per email, without starting a process."""
    from funnel.app import open_app

    def once() -> float:
        app = open_app(folder, {})
        number = len(app.project.every_email())
        start = time.perf_counter()
        compiled = len(app.rendered)
        return (time.perf_counter() - start) * 1000 / max(number, compiled)

    return repeated("compile one email, templates parsed once", once, unit="ms")


def writing(folder: Path) -> Measure:
    """Measure how many finished messages a second are written from one compiled email."""
    from dataclasses import replace

    from funnel.app import open_app
    from funnel.engine.letters import compose
    from funnel.message import message_key, skeleton
    from funnel.sample import PERSON, PROGRAM

    app = open_app(folder, {})
    engine = app.sampler
    bones = skeleton(app.rendered[0])

    def once() -> float:
        start = time.perf_counter()
        for n in range(MESSAGES):
            person = replace(PERSON, id=n, email=f"person{n}@example.com", first_name=f"Person {n}")
            compose(engine, bones, person, PROGRAM, key=message_key(engine.secret, str(n)), now=NOW)
        return MESSAGES / (time.perf_counter() - start)

    return repeated("messages written from one skeleton", once, unit="per second")


def repeated(what: str, once: Callable[[], float], *, unit: str = "s") -> Measure:
    """Measure several times, after one run that only warms the caches."""
    once()
    runs = [once() for _ in range(RUNS)]
    return Measure(what, unit, statistics.median(runs), runs)


def run(folder: Path, *argv: str) -> tuple[float, float]:
    """Run one command in a fresh process; return its seconds and its peak memory in MB."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "funnel", *argv]
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode:
        raise SystemExit(f"funnel {' '.join(argv)} ended with {child.returncode}")
    return seconds, usage.ru_maxrss / (1024 if sys.platform.startswith("linux") else 1024**2)


def machine() -> dict[str, object]:
    """Say on what this was measured."""
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.system(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "load": [round(one, 2) for one in os.getloadavg()],
    }


if __name__ == "__main__":
    main()
