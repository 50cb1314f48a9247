"""`funnel contacts import` and `export`: people as rows of a CSV file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from funnel.cli.call import Call, calling
from funnel.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from funnel.app import App
    from funnel.model import Person
    from funnel.people import Problem

CHUNK = 2000  #: lines that one transaction of an import stores
COUNTED = ("new", "updated", "known", "unsubscribed", "without_consent", "refused")


def import_(
    context: typer.Context,
    file: Path = typer.Argument(..., metavar="FILE.csv", help="One person a line, under a line of column names."),
    encoding: str = typer.Option("", "--encoding", metavar="E", help="When the file is neither UTF-8 nor UTF-16."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would happen."),
) -> None:
    """Read people from a CSV file.

    Bad lines are reported and left out, and then the exit code is 1; the same file twice changes nothing.
    """
    call = calling(context)
    opened = call.app()
    path = call.path(file)
    if not path.is_file():
        raise UsageError(f"there is no file {file}")
    counts, problems = _import(call, opened, path, encoding or None, dry_run=dry_run)
    if call.as_json:
        listed = [{"line": one.line, "message": one.message, "warning": one.warning} for one in problems]
        call.json({"counts": counts, "problems": listed, "dry_run": dry_run})
    else:
        _tell(call, counts, problems, file, dry_run=dry_run)
    if any(not one.warning for one in problems):
        raise typer.Exit(ExitCode.NO)


def _import(
    call: Call, opened: App, path: Path, encoding: str | None, *, dry_run: bool
) -> tuple[dict[str, int], list[Problem]]:
    from funnel.people import read

    counts = dict.fromkeys(COUNTED, 0)
    problems: list[Problem] = []
    rows = read(path, encoding=encoding, default_timezone=opened.config.settings.timezone, now=call.now)
    with opened.store.rehearsal() if dry_run else nullcontext():
        for chunk in _chunks(_progress(call, rows)):
            with opened.store.transaction():
                for one in chunk:
                    _take(call, opened, one, counts, problems)
    counts["refused"] = len({one.line for one in problems if not one.warning})
    return counts, problems


def _take(call: Call, opened: App, one: Person | Problem, counts: dict[str, int], problems: list[Problem]) -> None:
    from funnel.engine import import_person
    from funnel.people import Problem

    if isinstance(one, Problem):
        problems.append(one)
        return
    outcome = import_person(opened.engine, one, now=call.now)
    counts[outcome] += 1
    counts["without_consent"] += outcome == "new" and one.consent is None


def _chunks(rows: Iterator[Person | Problem]) -> Iterator[list[Person | Problem]]:
    chunk: list[Person | Problem] = []
    for one in rows:
        chunk.append(one)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    yield chunk


def _progress(call: Call, rows: Iterator[Person | Problem]) -> Iterator[Person | Problem]:
    """Count aloud on a terminal; say nothing elsewhere."""
    stream = call.environment.stderr
    is_loud = stream.isatty() and not call.quiet
    for number, row in enumerate(rows, start=1):
        if is_loud and number % CHUNK == 0:
            stream.write(f"\r{number:,} lines")
            stream.flush()
        yield row
    if is_loud:
        stream.write("\r\x1b[K")


def _tell(call: Call, counts: dict[str, int], problems: Iterable[Problem], file: Path, *, dry_run: bool) -> None:
    for one in problems:
        kind = "warning: " if one.warning else ""
        hint = f" ({one.hint})" if one.hint else ""
        call.say(f"{file}:{one.line}: {kind}{one.message}{hint}")
    would = "would be " if dry_run else ""
    call.say(
        f"{counts['new']} {would}new, {counts['updated']} {would}updated, {counts['known']} known already, "
        f"{counts['unsubscribed']} unsubscribed, {counts['refused']} lines refused"
    )
    if counts["without_consent"]:
        call.say(f"{counts['without_consent']} came without consent: nothing is sent to them until they confirm")
    if counts["new"] and not dry_run:
        call.say("an import enters nobody into a series")
    call.next("funnel enroll SLUG EMAIL" if not dry_run else f"funnel contacts import {file}")


def export(context: typer.Context) -> None:
    """Write everyone to stdout as CSV; import reads it back."""
    call = calling(context)
    from funnel.people import write

    rows = _rows(call.app())
    if call.as_json:
        call.json(list(rows))
    else:
        write(rows, call.environment.stdout)


def _rows(opened: App) -> Iterator[dict[str, str]]:
    from funnel.model import ConsentEvent

    people = opened.store.people
    for contact in people.each():
        yes = [one for one in people.consents(contact.id) if one.event is not ConsentEvent.WITHDRAWN]
        last = yes[-1] if yes else None
        yield {
            "email": contact.email,
            "first_name": contact.first_name,
            "side": contact.side or "",
            "timezone": contact.timezone,
            "tags": ";".join(sorted(contact.tags)),
            "consent_at": last.at.isoformat() if last else "",
            "consent_source": last.source if last else "",
            "consent_text": last.text if last else "",
            "status": contact.status,
        }
