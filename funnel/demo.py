"""The whole story on one machine: four made-up people, a made-up clock, the real engine, a local mailbox.

The start date and the key are fixed, so that two demos give the same bytes. Everything that has happened stands in
the ledger; a demo that was killed goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from funnel.calendar import local_time
from funnel.engine import Engine, confirm, happened, unsubscribe
from funnel.engine.dispatch import key_of
from funnel.mailbox import Mailbox
from funnel.merge import fill
from funnel.model import (
    Consent,
    ConsentEvent,
    Contact,
    ContactStatus,
    Delivery,
    DeliveryState,
    EventType,
    Person,
    Variant,
)
from funnel.payload import letter_from
from funnel.ports import Sender
from funnel.simulate import clock, fast_forward
from funnel.timeline import not_sent

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)  #: a Monday, 9 in the morning in New York
DAYS = 60  #: long enough for the slowest to finish; daylight saving time begins on the way
KEY = b"the demo's key is no secret: 1234"
INSTANCE = "demo"
CONSENT = "Yes, send me the series and the eBook. I can stop at any time."
LATER = timedelta(hours=2)

#: Who signs up, and how long after the start.
CAST = (
    (Person("rosa@example.com", "rosa@example.com", "Rosa", Variant.RIGHT, "America/New_York"), timedelta()),
    (Person("liam@example.com", "liam@example.com", "Liam", Variant.LEFT, "America/Los_Angeles"), LATER),
    (Person("noor@example.com", "noor@example.com", "Noor", Variant.NOT_SURE, "Europe/London"), 2 * LATER),
    (Person("uma@example.com", "uma@example.com", "Uma", Variant.RIGHT, "America/Denver"), 3 * LATER),
)
READER = "liam@example.com"  #: opens the eBook two days after the welcome, and so needs no reminder
LEAVER = "uma@example.com"  #: unsubscribes two hours after her second mail


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that one of the people does, once. `when` is None until it can be known."""

    when: Callable[[], datetime | None]
    is_done: Callable[[], bool]
    do: Callable[[datetime], object]


def play(engine: Engine, sender: Sender) -> None:
    """Tell the story from where it stands to its end. A second call finds it told and changes nothing."""
    acts = [
        *(_sign_up(engine, person, START + after) for person, after in CAST),
        _read(engine),
        _leave(engine),
    ]
    fast_forward(
        engine,
        sender,
        start=clock(engine) or START,
        until=START + timedelta(days=DAYS),
        between=lambda now: _act(acts, now),
    )


def has_begun(engine: Engine) -> bool:
    """Tell whether anybody has signed up yet in this demo's database."""
    return engine.store.people.find(CAST[0][0].email_key) is not None


def tell(engine: Engine, mailbox: Mailbox) -> list[dict[str, object]]:
    """Say what each person received, and what not and why, from the ledger and the mailbox."""
    contacts = [engine.store.people.find(person.email_key) for person, _ in CAST]
    return [_story(engine, mailbox, contact) for contact in contacts if contact is not None]


def _act(acts: Iterable[Act], now: datetime) -> datetime | None:
    """Do what is due, and return when somebody acts next."""
    upcoming: list[datetime] = []
    for act in acts:
        at = act.when()
        if at is None or act.is_done():
            continue
        if at <= now:
            act.do(now)
        else:
            upcoming.append(at)
    return min(upcoming, default=None)


def _sign_up(engine: Engine, person: Person, at: datetime) -> Act:
    people = engine.store.people

    def is_done() -> bool:
        contact = people.find(person.email_key)
        return contact is not None and contact.status is not ContactStatus.UNCONFIRMED

    def do(_: datetime) -> None:
        with engine.store.transaction():
            contact_id, _is_new = people.add(person, now=at)
            people.consent(contact_id, Consent(ConsentEvent.REQUESTED, at, "sign-up page", CONSENT))
            yes = Consent(ConsentEvent.CONFIRMED, at, "confirmation link", CONSENT)
            confirm(engine, contact_id, yes, now=at)

    return Act(lambda: at, is_done, do)


def _read(engine: Engine) -> Act:
    def when() -> datetime | None:
        sent = _sent(engine, READER)
        return sent[0] + timedelta(days=2) if sent else None

    def is_done() -> bool:
        contact = engine.store.people.find(READER)
        return contact is not None and EventType.EBOOK_DOWNLOADED in engine.store.people.known(contact.id)

    def do(now: datetime) -> None:
        contact = engine.store.people.find(READER)
        if contact is not None:
            happened(engine, contact.id, EventType.EBOOK_DOWNLOADED, now=now)

    return Act(when, is_done, do)


def _leave(engine: Engine) -> Act:
    def when() -> datetime | None:
        sent = _sent(engine, LEAVER)
        return sent[1] + LATER if len(sent) > 1 else None

    def is_done() -> bool:
        contact = engine.store.people.find(LEAVER)
        return contact is not None and contact.status is ContactStatus.UNSUBSCRIBED

    def do(now: datetime) -> None:
        contact = engine.store.people.find(LEAVER)
        if contact is not None:
            unsubscribe(engine, contact.id, source="link in a mail", now=now)

    return Act(when, is_done, do)


def _sent(engine: Engine, email_key: str) -> list[datetime]:
    contact = engine.store.people.find(email_key)
    history = engine.store.ledger.history(contact.id) if contact else ()
    return [one.settled_at for one in history if one.state is DeliveryState.SENT and one.settled_at]


def _story(engine: Engine, mailbox: Mailbox, contact: Contact) -> dict[str, object]:
    history = engine.store.ledger.history(contact.id)
    received = [_received(engine, mailbox, contact, one) for one in history if one.state is DeliveryState.SENT]
    return {
        "email": contact.email,
        "first_name": contact.first_name,
        "side": contact.side.value if contact.side else None,
        "timezone": contact.timezone,
        "status": contact.status.value,
        "received": received,
        "not_sent": [{"step": step, "reason": reason} for step, reason in not_sent(engine, contact)],
    }


def _received(engine: Engine, mailbox: Mailbox, contact: Contact, delivery: Delivery) -> dict[str, object]:
    email = engine.store.programs.email(engine.store.ledger.email_of(delivery.id))
    letter = letter_from(email.slug, email.variant, email.payload)
    key = key_of(engine, delivery.id)
    at = delivery.settled_at or delivery.due_at
    stored = mailbox.find(key)
    return {
        "step": delivery.step,
        "email": delivery.email,
        "sent_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "local_time": local_time(at, engine.zone(contact)).isoformat(),
        "subject": fill(letter.rendered.subject, engine.values(contact, at)),
        "exercise": letter.rendered.exercise,
        "delivers": letter.rendered.delivers or None,
        "message_id": f"<{key}@{engine.settings.sender.domain}>",
        "path": str(stored.path) if stored else None,
    }


def as_json(contacts: list[dict[str, object]], *, built: int, errors: int, warnings: int) -> str:
    """Write the demo's outcome in the stable form of the command line's contract."""
    outcome = {
        "contacts": contacts,
        "built": built,
        "findings": {"error": errors, "warning": warnings},
    }
    return json.dumps(outcome, indent=2, ensure_ascii=False)
