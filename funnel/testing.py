"""Messages for a look: written like the real ones, marked as tests, outside the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from funnel import sample
from funnel.engine import Engine
from funnel.model import Contact, Message, Rendered

MARK = "[Test] "


def write_test(
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

    Its key holds the time, so that a second test is a second message. Its links open nothing: a test that is
    passed around must not unsubscribe the person it was written for.
    """
    subject = (MARK, *rendered.subject) if is_marked else rendered.subject
    marked = replace(rendered, subject=subject)
    name = f"test/{rendered.digest}/{address}/{now.timestamp()}/{number}"
    key, raw = sample.write(engine, marked, replace(person, id=0, email=address), name=name, now=now)
    return Message(number, key, engine.settings.sender.address, address, raw)
