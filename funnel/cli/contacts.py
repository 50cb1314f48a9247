"""`funnel contacts ...`: people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from funnel.cli import spreadsheet
from funnel.cli.call import BOLD, EVERYWHERE, Call, calling, visible
from funnel.cli.spelling import Commands
from funnel.errors import Refused, UsageError

if TYPE_CHECKING:
    from funnel.app import App
    from funnel.model import Consent, Contact, Person

app = typer.Typer(
    help="People: import, list, show, change, forget.", cls=Commands, no_args_is_help=True, rich_markup_mode=None
)

app.command("import", epilog=EVERYWHERE)(spreadsheet.import_)
app.command("export", epilog=EVERYWHERE)(spreadsheet.export)

SETTABLE = ("first_name", "side", "timezone", "tags")


@app.command("list", epilog=EVERYWHERE)
def list_(context: typer.Context) -> None:
    """List everyone."""
    call = calling(context)
    contacts = call.app().store.people.each()
    if call.as_json:
        call.json([_contact(one) for one in contacts])
        return
    rows = [(one.email, one.first_name, one.side or "", one.timezone, one.status) for one in contacts]
    call.table(rows, head=("address", "name", "side", "time zone", "status"))
    if not rows:
        call.say("nobody yet")
        call.next("funnel contacts import FILE.csv, or funnel contacts add EMAIL")


@app.command("show", epilog=EVERYWHERE)
def show(context: typer.Context, email: str = typer.Argument(..., help="The person's address.")) -> None:
    """Show one person's past and future.

    Consent, mail that went and that did not, events, and what comes next, when and why.
    """
    call = calling(context)
    opened = call.app()
    from funnel.cli.people import find
    from funnel.timeline import timeline

    contact = find(opened, email)
    story = timeline(opened.engine, contact)
    if call.as_json:
        call.json(story.as_json())
        return
    about = (contact.first_name, str(contact.side or ""), str(contact.status))
    call.say("  ".join([call.paint(contact.email, BOLD), *(visible(one) for one in about if one)]))
    call.table(story.lines())


@app.command("add", epilog=EVERYWHERE)
def add(
    context: typer.Context,
    email: str = typer.Argument(..., help="The person's address."),
    first_name: str = typer.Option("", "--first-name", metavar="NAME", help="What a mail calls them."),
    which: str = typer.Option("", "--side", metavar="SIDE", help="left, right or not_sure."),
    timezone: str = typer.Option("", "--timezone", metavar="ZONE", help="Such as America/New_York."),
    consent: str = typer.Option("", "--consent", metavar="WORDS", help="The exact words that they said yes to."),
    source: str = typer.Option("in person", "--source", metavar="WHERE", help="Where they said it."),
    ask: bool = typer.Option(False, "--ask", help="Send one mail that asks them to confirm."),
) -> None:
    """Add a person, with or without their consent.

    Without --consent nothing is sent to them but, with --ask, one confirmation mail.
    """
    call = calling(context)
    opened = call.app()
    from funnel.cli.people import key, side
    from funnel.model import Consent, ConsentEvent, Person

    if consent and ask:
        raise UsageError("--consent or --ask?", hint="whoever has said yes need not be asked")
    person = Person(email, key(email), first_name, side(which), _zone(timezone))
    before = opened.store.people.suppression(person.email_key)
    if before not in ("", "unsubscribed"):
        why = {"bounced": "bounced before", "erased": "belongs to somebody who asked to be forgotten"}
        raise Refused(f"this address {why.get(before, 'must not be mailed')}; it is not mailed again")
    yes = Consent(ConsentEvent.CONFIRMED, call.now, source, consent) if consent else None
    is_new, entered = _add(call, opened, person, yes, ask=ask)
    if consent:
        if before == "unsubscribed":
            call.note("they had unsubscribed; this new yes lifts that")
        call.note(f"entered: {', '.join(entered) or 'nothing: no series is open to them, or they were in it before'}")
    facts = {"email": email, "added": is_new, "entered": entered, "asked": ask}
    call.answer(f"{'added' if is_new else 'known already'}: {email}", facts)
    call.next("funnel run --once" if consent or ask else f"funnel contacts add {email} --ask")


def _add(call: Call, opened: App, person: Person, yes: Consent | None, *, ask: bool) -> tuple[bool, tuple[str, ...]]:
    """Store a person, with the yes that they gave or the question that they get, in one transaction."""
    from funnel.engine import confirm, request_confirmation

    entered: tuple[str, ...] = ()
    with opened.store.transaction():
        contact_id, is_new = opened.store.people.add(person, now=call.now)
        if yes is not None:
            entered = confirm(opened.engine, contact_id, yes, now=call.now)
        elif ask:
            request_confirmation(opened.engine, opened.store.people.get(contact_id), now=call.now)
    return is_new, entered


@app.command("set", epilog=EVERYWHERE)
def set_(
    context: typer.Context,
    email: str = typer.Argument(..., help="The person's address."),
    pairs: list[str] = typer.Argument(..., metavar="KEY=VALUE...", help="first_name, side, timezone, tags (a;b)."),
) -> None:
    """Change what is known of a person.

    A new side begins that side's first exercise, without a second welcome.
    """
    call = calling(context)
    opened = call.app()
    from funnel.cli.people import find, side
    from funnel.engine import change_side, set_fields

    contact = find(opened, email)
    chosen = contact.side
    for name, value in _pairs(pairs):
        if name == "side":
            chosen = side(value)
        else:
            contact = _changed(contact, name, value)
    if chosen is None and contact.side is not None:
        raise UsageError("a side cannot be taken away", hint="side=not_sure, when they are not sure")
    set_fields(opened.engine, contact, now=call.now)
    if chosen is not None and chosen != contact.side:
        change_side(opened.engine, contact.id, chosen, now=call.now)
    call.answer(f"changed: {email}", {"contact": _contact(opened.store.people.get(contact.id))})
    call.next(f"funnel contacts show {email}")


def _pairs(written: Iterable[str]) -> Iterator[tuple[str, str]]:
    from funnel.fields import nearest

    for pair in written:
        name, equals, value = pair.partition("=")
        if name not in SETTABLE:
            raise UsageError(f"`{name}` cannot be set", hint=nearest(name, SETTABLE))
        if not equals:
            raise UsageError(f"`{name}` has no value", hint=f"write {name}=value")
        yield name, value


@app.command("unsubscribe", epilog=EVERYWHERE)
def unsubscribe(context: typer.Context, email: str = typer.Argument(..., help="The person's address.")) -> None:
    """Stop all mail to a person, now.

    What waited for them is cancelled.
    """
    call = calling(context)
    opened = call.app()
    from funnel.cli.people import find
    from funnel.engine import unsubscribe as stop

    cancelled = stop(opened.engine, find(opened, email).id, source="by staff", now=call.now)
    call.answer(
        f"unsubscribed: {email} ({cancelled} waiting mails cancelled)", {"email": email, "cancelled": cancelled}
    )


@app.command("erase", epilog=EVERYWHERE)
def erase(context: typer.Context, email: str = typer.Argument(..., help="The person's address.")) -> None:
    """Forget who a person was.

    A keyed hash stays, so that they are never mailed again.
    """
    call = calling(context)
    opened = call.app()
    from funnel.cli.people import find
    from funnel.engine import erase as forget

    forget(opened.engine, find(opened, email).id, now=call.now)
    opened.store.compact()
    call.answer("forgotten; mails in the local mailbox are yours to delete", {"erased": True})


@app.command("goal", epilog=EVERYWHERE)
def goal(
    context: typer.Context,
    email: str = typer.Argument(..., help="The person's address."),
    event: str = typer.Argument("inquiry", help="inquiry or ebook_downloaded."),
) -> None:
    """Record that a person got in touch, or has the eBook.

    Steps that this makes needless are skipped.
    """
    call = calling(context)
    opened = call.app()
    from funnel.cli.people import find
    from funnel.engine import happened
    from funnel.fields import nearest
    from funnel.model import EventType

    known = (EventType.INQUIRY, EventType.EBOOK_DOWNLOADED)
    if event not in known:
        raise UsageError(f"`{event}` cannot be recorded", hint=nearest(event, known))
    is_new = happened(opened.engine, find(opened, email).id, EventType(event), now=call.now)
    words = f"recorded: {event}" if is_new else f"known already: {event}"
    call.answer(words, {"email": email, "event": event, "recorded": is_new})
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
