"""A desk to call the command line from: a copy of the example project, two streams, and a clock that stands still."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from funnel.cli import Environment, main
from funnel.errors import ExitCode

REPOSITORY = Path(__file__).resolve().parents[2]
MONDAY = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)  #: 9 in the morning in New York, inside the sending window


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Answer:
    """What one call of the command line gave back."""

    code: ExitCode
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@dataclass
class Desk:
    """Calls the command line in this process, in one folder and at one time."""

    folder: Path
    now: datetime = MONDAY
    environ: dict[str, str] = field(default_factory=dict)
    stream: Callable[[], StringIO] = StringIO

    def __call__(self, *argv: str, stdin: str | None = None) -> Answer:
        out, err = self.stream(), self.stream()
        keyboard = Terminal(stdin) if stdin is not None else None
        code = main([*argv], Environment(out, err, self.environ, self.folder, lambda: self.now, keyboard))
        return Answer(code, out.getvalue(), err.getvalue())

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def edit(self, path: str, old: str, new: str) -> None:
        """Change some words of a file; they must be there."""
        text = (self.folder / path).read_text(encoding="utf-8")
        assert old in text
        self.write(path, text.replace(old, new))

    def files(self) -> dict[str, bytes]:
        """Return every file below the folder."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}

    def letters(self) -> list[bytes]:
        """Return the messages in the local mailbox."""
        return [path.read_bytes() for path in sorted((self.folder / ".funnel" / "mailbox" / "new").glob("*.eml"))]

    def make_ready(self) -> None:
        """Fill in what the example still lacks, and let a made-up clinician sign it: ready for a real relay."""
        settings = (self.folder / "funnel.toml").read_text(encoding="utf-8")
        settings = re.sub(r'"PLACEHOLDER: [^"]*"', '"1 Sample Street, Springfield"', settings)
        settings = settings.replace("hello@example.com", "hello@clinic-sample.com")
        settings = settings.replace("https://example.com/PLACEHOLDER-", "https://clinic-sample.com/")
        settings = settings.replace('url = "https://example.com"', 'url = "https://clinic-sample.com"')
        self.write("funnel.toml", settings)
        (self.folder / "assets" / "PLACEHOLDER-ebook.pdf").rename(self.folder / "assets" / "ebook.pdf")
        self.edit("content/offers/ebook.yaml", "PLACEHOLDER-ebook.pdf", "ebook.pdf")
        for card in (self.folder / "content" / "exercises").rglob("*.md"):
            text = card.read_text(encoding="utf-8")
            card.write_text(re.sub(r"name_only: false", "name_only: true ", text), encoding="utf-8")
        signed = self("approve", "--all", "--by", "Dr. Ana Example", "--credential", "PT, DPT")
        assert signed.code == ExitCode.OK, signed.err


@pytest.fixture
def funnel(project: Path) -> Desk:
    return Desk(project)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Desk:
    """A desk in an empty folder, outside any project."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return Desk(folder)


@pytest.fixture
def process(project: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the command line as a process of its own, in the project's folder."""

    def start(*argv: str, python: tuple[str, ...] = (), environ=None, **options) -> subprocess.Popen[str]:
        environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), **(environ or {})}
        command = [sys.executable, *python, "-m", "funnel", *argv]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.Popen(command, cwd=project, env=environ, encoding="utf-8", **streams)

    return start
