"""Make a Person of one row, or say what keeps it out; what is only doubtful becomes a warning."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from funnel.addresses import check_address, email_key
from funnel.model import Consent, ConsentEvent, ContactStatus, Person, Variant
from funnel.people.rows import CONSENT, Problem
from funnel.people.wording import MAX_SHOWN, near, nearest_known, one_of, shown, word
from funnel.when import instant, is_zone, zone_names

STATUSES = {str(status): status for status in ContactStatus if status is not ContactStatus.ERASED}
SIDES = {"left": Variant.LEFT, "right": Variant.RIGHT, "not_sure": Variant.NOT_SURE, "both": Variant.NOT_SURE}


def read_person(line: int, row: Mapping[str, str], tz: ZoneInfo, now: datetime) -> Iterator[Person | Problem]:
    """Yield the Person and the warnings about it, or the Problems that keep the row out."""
    side, side_slip = _choice(row, "side", SIDES)
    status, status_slip = _status(row)
    is_no = status is ContactStatus.UNSUBSCRIBED
    unclear = (side_slip, status_slip)  # keeps a person out, but never an unsubscribe
    refusing = (_address_slip(row["email"]), *(() if is_no else unclear))
    if any(refusing):
        yield from (Problem(line, *slip) for slip in refusing if slip)
        return
    timezone, zone_slip = _timezone(row.get("timezone", ""))
    consent, consent_slip = _consent(row, status, tz, now)
    yield Person(
        email=row["email"],
        email_key=email_key(row["email"]),
        first_name=row.get("first_name", ""),
        side=side,
        timezone=timezone,
        tags=frozenset(filter(None, map(str.strip, row.get("tags", "").split(";")))),
        consent=consent,
        unsubscribed=is_no,
        line=line,
    )
    warnings = (*unclear, zone_slip, consent_slip, _joined_slip(row))
    yield from (Problem(line, *slip, warning=True) for slip in warnings if slip)


Slip = tuple[str, str]  #: what is wrong, and what would be right


def _address_slip(address: str) -> Slip | None:
    try:
        check_address(address)
    except ValueError as error:
        return str(error), ""
    return None


T = TypeVar("T")


def _choice(row: Mapping[str, str], column: str, choices: Mapping[str, T]) -> tuple[T | None, Slip | None]:
    text = row.get(column, "")
    chosen = choices.get(word(text))
    if chosen is None and text:
        hint = nearest_known(text, choices) or one_of(choices)
        return None, (f"the {column} {shown(text)} is not known", hint)
    return chosen, None


def _status(row: Mapping[str, str]) -> tuple[ContactStatus | None, Slip | None]:
    """Read the status; a word that is nearest to `unsubscribed` counts as a no, with a warning."""
    status, slip = _choice(row, "status", STATUSES)
    text = row.get("status", "")
    if slip and near(text, STATUSES) == ContactStatus.UNSUBSCRIBED:
        slip = f"the status {shown(text)} is not known: it is read as unsubscribed", "Write unsubscribed."
        return ContactStatus.UNSUBSCRIBED, slip
    return status, slip


def _timezone(name: str) -> tuple[str, Slip | None]:
    if not name or is_zone(name):
        return name, None
    return "", (f"the time zone {shown(name)} is not known: the default is used", _nearest_zone(name))


def _consent(
    row: Mapping[str, str], status: ContactStatus | None, tz: ZoneInfo, now: datetime
) -> tuple[Consent | None, Slip | None]:
    at_text, source, text = (row.get(column, "") for column in CONSENT)
    if not (at_text or source or text):
        return None, None
    at = _moment(at_text, tz)
    if not (at_text and source and text):
        slip = "the consent is not complete and is not taken", f"It needs {', '.join(CONSENT)}."
    elif at is None:
        slip = "the consent is not taken: consent_at is no date", "Write it like 2026-05-01T14:30Z."
    elif at > now:
        slip = "the consent is not taken: consent_at is in the future", ""
    elif status is ContactStatus.UNCONFIRMED:
        slip = "the consent is not taken: the status says unconfirmed", "Leave one of the two out."
    else:
        return Consent(ConsentEvent.IMPORTED, at, source, text), None
    return None, slip


def _moment(text: str, tz: ZoneInfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return instant(moment, tz) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _joined_slip(row: Mapping[str, str]) -> Slip | None:
    """Suspect rows that stray quotation marks joined: an address beside a line break in a short field."""
    texts = (row.get(column, "") for column in ("first_name", "tags", "consent_source"))
    if not any("\n" in text and "@" in text for text in texts):
        return None
    return "a field has a line break and an @ sign: it may have swallowed rows", "Check its quotation marks."


@lru_cache(maxsize=1024)  # a file tends to repeat its mistakes, and comparing 600 names takes a while
def _nearest_zone(text: str) -> str:
    cities = {name.rpartition("/")[2].casefold(): name for name in sorted(zone_names())}
    names = cities | {name.casefold(): name for name in zone_names()}
    close = difflib.get_close_matches(word(text)[:MAX_SHOWN], names, n=1)
    return f"Did you mean {names[close[0]]}?" if close else "Write a name such as America/New_York."
