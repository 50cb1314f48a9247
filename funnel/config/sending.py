"""Read when mail may go out: `[sending]` with its window, quiet hours and holidays."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

from funnel.errors import FunnelError
from funnel.fields import Fields, nearest
from funnel.model import SendingPolicy, Wait, WaitUnit, Window
from funnel.when import due, parse_span, parse_window

#: Calendars that are known to exist, so that reading the settings need not load the library that works them out.
WELL_KNOWN = frozenset({"us-federal", "us", "ca", "gb", "ie", "au", "nz", "de", "fr", "nl", "es", "it", "ch", "at"})


@dataclass(frozen=True, slots=True)
class Holidays(Container[date]):
    """Days without mail: single dates, and named public calendars, worked out year by year when they are asked for."""

    dates: frozenset[date]
    calendars: tuple[str, ...] = ()

    def __contains__(self, day: object) -> bool:
        """Tell whether nothing goes out on this local date."""
        if not isinstance(day, date):
            return False
        return day in self.dates or any(day in _public(name, day.year) for name in self.calendars)


def read_sending(fields: Fields) -> SendingPolicy:
    """Read `[sending]`. Raises the error of `fields`, also for a policy under which mail could never go out."""
    policy = SendingPolicy(
        window=_window(fields.section("window")) if fields.has("window") else Window(),
        quiet=_quiet_hours(fields),
        holidays=_holidays(fields),
        spread_minutes=fields.number("spread_minutes", 60),
    )
    fields.done()
    without_calendars = replace(policy, holidays=frozenset())
    try:
        due(datetime(2026, 1, 1, tzinfo=UTC), Wait(0, WaitUnit.HOURS), ZoneInfo("UTC"), without_calendars, key="")
    except FunnelError as error:
        raise fields.fail("window", error.message, error.hint) from error
    return policy


def _quiet_hours(fields: Fields) -> tuple[time, time] | None:
    if not fields.has("quiet_hours"):
        return None
    try:
        return parse_span(fields.text("quiet_hours"))
    except ValueError as error:
        raise fields.fail("quiet_hours", str(error), 'such as "21:00-07:00"') from error


def _window(fields: Fields) -> Window:
    days, between = fields.text("days", "daily"), fields.text("between", "00:00-24:00")
    fields.done()
    for key, hours in (("days", "00:00-24:00"), ("between", between)):
        try:
            window = parse_window(days, hours)
        except ValueError as error:
            raise fields.fail(key, str(error), 'such as { days = "mon-fri", between = "07:00-10:00" }') from error
    return window


def _holidays(fields: Fields) -> Holidays:
    words = fields.words("holidays")
    calendars = tuple(name for name in words if not name[:1].isdigit())
    for name in calendars:
        _check_calendar(fields, name)
    return Holidays(frozenset(_date(fields, word) for word in words if word[:1].isdigit()), calendars)


def _date(fields: Fields, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise fields.fail("holidays", f"`{text}` is not a date", "write it as 2026-12-24") from error


def _check_calendar(fields: Fields, name: str) -> None:
    try:
        if name.lower() not in WELL_KNOWN:
            _public(name, 2026)
    except NotImplementedError as error:
        raise fields.fail("holidays", f"there is no holiday calendar `{name}`", nearest(name, WELL_KNOWN)) from error


@cache
def _public(name: str, year: int) -> frozenset[date]:
    """Work out one year of a public calendar: `us-federal`, or a country or country-region code such as `de-by`.

    Raises NotImplementedError when there is none of that name.
    """
    import holidays

    country, _, region = name.partition("-")
    region = "" if region == "federal" else region.upper()
    return frozenset(holidays.country_holidays(country.upper(), subdiv=region or None, years=year))
