"""Read the pieces that several files share: codes, wall clocks, zones, sending windows."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from funnel.fields import Fields
from funnel.model import Window
from funnel.when import is_zone, parse_window

NINE = time(9)


def code(fields: Fields) -> str:
    """Return the six characters that machines outside see in place of a name."""
    value = fields.text("code")
    if not re.fullmatch(r"[a-z2-7]{6}", value):
        raise fields.fail(
            "code", f"`{value}` is not a code", "six of a-z and 2-7, such as q7x2mk; funnel new makes one"
        )
    return value


def moment(fields: Fields, key: str) -> datetime | None:
    """Return a local wall clock such as `2026-12-01 09:00` (naive), or None when nothing is written.

    A date alone means nine in the morning.
    """
    value = fields.raw(key)
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        found: datetime | None = value
    elif isinstance(value, date):
        found = datetime.combine(value, NINE)
    else:
        found = _parse(str(value))
    if found is None or found.tzinfo is not None:
        raise fields.fail(key, f"`{key}` is not a local date and time", 'write it as "2026-12-01 09:00"')
    return found


def _parse(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return datetime.combine(found, NINE) if len(text) <= len("2026-12-01") else found
    except ValueError:
        return None


def zone(fields: Fields, key: str = "timezone") -> str:
    """Return an IANA time zone name, or nothing."""
    name = fields.text(key, "")
    if name and not is_zone(name):
        raise fields.fail(key, f"`{name}` is not a time zone", 'write an IANA name such as "America/New_York"')
    return name


def window(fields: Fields) -> Window:
    """Return a sending window written as `{days: mon-fri, between: "07:00-10:00"}`."""
    days, between = fields.text("days", "daily"), fields.text("between", "00:00-24:00")
    fields.done()
    for key, hours in (("days", "00:00-24:00"), ("between", between)):
        try:
            found = parse_window(days, hours)
        except ValueError as error:
            raise fields.fail(key, str(error), 'such as {days: mon-fri, between: "07:00-10:00"}') from error
    return found
