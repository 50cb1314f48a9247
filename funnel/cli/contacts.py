"""`funnel contacts ...`: people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import typer

from funnel.app import App
from funnel.cli.call import BOLD, Call, calling
from funnel.cli.people import find, key, side
from funnel.errors import ExitCode, Refused, UsageError
from funnel.fields import nearest
from funnel.model import Consent, ConsentEvent, Contact, EventType, Person
from funnel.people import Problem

app = typer.Typer(help="People: import, list, show, change, forget.", no_args_is_help=True, rich_markup_mode=None)

CHUNK = 2000  #: lines that one transaction of an import stores
SETTABLE = ("first_name", "side", "timezone", "tags")


@app.command("import")
def import_(
    context: typer.Context,
    file: Path = typer.Argument(..., help="A CSV file; its columns are in docs/guide/content.md."),
    encoding: str = typer.Option("", "--encoding", help="When the file is neither UTF-8 nor UTF-16."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would happen."),
) -> None:
    """Read people from a CSV file. Bad lines are reported and left out; the same file twice changes nothing."""
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

    counts = dict.fromkeys(("new", "updated", "known", "unsubscribed", "without_consent", "refused"), 0)
    problems: list[Problem] = []
    rows = read(path, encoding=encoding, default_timezone=opened.config.settings.timezone, now=call.now)
    with opened.store.rehearsal() if dry_run else nullcontext():
        for chunk in _chunks(_progress(call, rows)):
            with opened.store.transaction():
                for one in chunk:
                    _take(call, opened, one, counts, problems)
    return counts, problems


def _take(call: Call, opened: App, one: Person | Problem, counts: dict[str, int], problems: list[Problem]) -> None:
    from funnel.engine import import_person

    if isinstance(one, Problem):
        problems.append(one)
        counts["refused"] += not one.warning
        return
    counts[import_person(opened.engine, one, now=call.now)] += 1
    counts["without_consent"] += one.consent is None and not one.unsubscribed


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


def _tell(call: Call, counts: dict[str, int], problems: list[Problem], file: Path, *, dry_run: bool) -> None:
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
    call.next("funnel contacts list" if not dry_run else f"funnel contacts import {file}")


@app.command("export")
def export(context: typer.Context) -> None:
    """Write everyone to stdout as CSV; import reads it back."""
    call = calling(context)
    from funnel.people import write

    write(_rows(call.app()), call.environment.stdout)


def _rows(opened: App) -> Iterator[dict[str, str]]:
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


@app.command("list")
def list_(context: typer.Context) -> None:
    """List everyone."""
    call = calling(context)
    contacts = call.app().store.people.each()
    if call.as_json:
        call.json([_contact(one) for one in contacts])
        return
    call.table([(one.email, one.first_name, one.side or "", one.timezone, one.status) for one in contacts])


@app.command("show")
def show(context: typer.Context, email: str = typer.Argument(..., help="The person's address.")) -> None:
    """Show a person's whole timeline: consent, mail that went and that did not, events, and what comes next."""
    call = calling(context)
    opened = call.app()
    from funnel.timeline import timeline

    contact = find(opened, email)
    story = timeline(opened.engine, contact)
    if call.as_json:
        call.json(story.as_json())
        return
    call.say(f"{call.paint(contact.email, BOLD)}  {contact.first_name}  {contact.side or ''}  {contact.status}")
    call.table(story.lines())


@app.command("add")
def add(
    context: typer.Context,
    email: str = typer.Argument(..., help="The person's address."),
    first_name: str = typer.Option("", "--first-name"),
    which: str = typer.Option("", "--side", help="left, right or not_sure."),
    timezone: str = typer.Option("", "--timezone", help="Such as America/New_York."),
    consent: str = typer.Option("", "--consent", help="The exact words that the person said yes to."),
    source: str = typer.Option("in person", "--source", help="Where they said it."),
    ask: bool = typer.Option(False, "--ask", help="Send one mail that asks them to confirm."),
) -> None:
    """Add a person. Without --consent nothing is sent to them but, with --ask, one confirmation mail."""
    call = calling(context)
    opened = call.app()
    from funnel.engine import confirm, request_confirmation

    person = Person(email, key(email), first_name, side(which), _zone(timezone))
    if person.email_key and opened.store.people.suppression(person.email_key) not in ("", "unsubscribed"):
        raise Refused("this address bounced or complained before; it is not mailed again")
    with opened.store.transaction():
        contact_id, is_new = opened.store.people.add(person, now=call.now)
        if consent:
            yes = Consent(ConsentEvent.CONFIRMED, call.now, source, consent)
            entered = confirm(opened.engine, contact_id, yes, now=call.now)
            call.note(f"entered: {', '.join(entered) or 'nothing (funnel push first?)'}")
        elif ask:
            request_confirmation(opened.engine, opened.store.people.get(contact_id), now=call.now)
    call.say(f"{'added' if is_new else 'known already'}: {email}")
    call.next("funnel run --once" if consent or ask else f"funnel contacts add {email} --ask")


@app.command("set")
def set_(
    context: typer.Context,
    email: str = typer.Argument(..., help="The person's address."),
    pairs: list[str] = typer.Argument(..., metavar="KEY=VALUE...", help="first_name, side, timezone, tags (a;b)."),
) -> None:
    """Change what is known of a person. A new side begins that side's first exercise, without a second welcome."""
    call = calling(context)
    opened = call.app()
    from funnel.engine import change_side, set_fields

    contact = find(opened, email)
    chosen = contact.side
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in SETTABLE:
            raise UsageError(f"`{pair}` cannot be set", hint=nearest(name, SETTABLE) + ", written as key=value")
        if name == "side":
            chosen = side(value)
        else:
            contact = _changed(contact, name, value)
    set_fields(opened.engine, contact, now=call.now)
    if chosen is not None and chosen != contact.side:
        change_side(opened.engine, contact.id, chosen, now=call.now)
    call.say(f"changed: {email}")
    call.next(f"funnel contacts show {email}")


@app.command("unsubscribe")
def unsubscribe(context: typer.Context, email: str = typer.Argument(..., help="The person's address.")) -> None:
    """Stop all mail to a person, now; what waited for them is cancelled."""
    call = calling(context)
    opened = call.app()
    from funnel.engine import unsubscribe as stop

    cancelled = stop(opened.engine, find(opened, email).id, source="by staff", now=call.now)
    call.say(f"unsubscribed: {email} ({cancelled} waiting mails cancelled)")


@app.command("erase")
def erase(context: typer.Context, email: str = typer.Argument(..., help="The person's address.")) -> None:
    """Forget who a person was. A keyed hash stays, so that they are never mailed again."""
    call = calling(context)
    opened = call.app()
    from funnel.engine import erase as forget

    forget(opened.engine, find(opened, email).id, now=call.now)
    opened.store.compact()
    call.say("forgotten; mails in the local mailbox are yours to delete")


@app.command("goal")
def goal(
    context: typer.Context,
    email: str = typer.Argument(..., help="The person's address."),
    event: str = typer.Argument("inquiry", help="inquiry or ebook_downloaded."),
) -> None:
    """Record that a person got in touch, or has the eBook; steps that this makes needless are skipped."""
    call = calling(context)
    opened = call.app()
    from funnel.engine import happened

    known = (EventType.INQUIRY, EventType.EBOOK_DOWNLOADED)
    if event not in known:
        raise UsageError(f"`{event}` cannot be recorded", hint=nearest(event, known))
    is_new = happened(opened.engine, find(opened, email).id, EventType(event), now=call.now)
    call.say(f"recorded: {event}" if is_new else f"known already: {event}")
    call.next(f"funnel contacts show {email}")


def _changed(contact: Contact, name: str, value: str) -> Contact:
    match name:
        case "tags":
            return replace(contact, tags=frozenset(filter(None, value.split(";"))))
        case "timezone":
            return replace(contact, timezone=_zone(value))
        case _:
            return replace(contact, first_name=value)


def _zone(name: str) -> str:
    from funnel.when import is_zone

    if name and not is_zone(name):
        raise UsageError(f"`{name}` is not a time zone", hint="write an IANA name such as America/New_York")
    return name


def _contact(contact: Contact) -> dict[str, object]:
    return {
        "email": contact.email,
        "first_name": contact.first_name,
        "side": contact.side,
        "timezone": contact.timezone,
        "status": contact.status,
        "tags": sorted(contact.tags),
    }
