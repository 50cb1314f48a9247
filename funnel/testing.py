"""Messages for a look: written like the real ones, marked as tests, outside the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from funnel.engine import Engine
from funnel.engine.dispatch import compose
from funnel.message import message_key, skeleton
from funnel.model import Contact, Message, Program, Rendered
from funnel.payload import Letter

MARK = "[Test] "


def test_message(
    engine: Engine,
    rendered: Rendered,
    person: Contact,
    address: str,
    *,
    number: int,
    is_marked: bool,
    now: datetime,
) -> Message:
    """Write one email to `address`, as `person` would get it. `is_marked` puts [Test] before the subject.

    Its key holds the time, so that a second test is a second message.
    """
    subject = (MARK, *rendered.subject) if is_marked else rendered.subject
    marked = replace(rendered, subject=subject)
    key = message_key(engine.secret, f"test/{rendered.digest}/{address}/{now.timestamp()}/{number}")
    raw = compose(
        engine,
        Letter(marked, unapproved=False),
        skeleton(marked),
        replace(person, email=address),
        _program(now),
        key=key,
        now=now,
    )
    return Message(number, key, engine.settings.sender.address, address, raw)


def _program(now: datetime) -> Program:
    return Program(
        id=0,
        kind="series",
        slug="test",
        code="tstest",
        state="open",
        state_at=now,
        version=0,
        digest="",
        definition="",
    )
