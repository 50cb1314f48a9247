"""Read when mail may go out: `[sending]` with its window, quiet hours and holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from funnel.errors import FunnelError
from funnel.fields import Fields, nearest
from funnel.model import SendingPolicy, Wait, WaitUnit, Window
from funnel.when import due, parse_span, parse_window

HOLIDAY_YEARS = range(2024, 2041)  #: the span of years for which named holiday calendars are worked out


def read_sending(fields: Fields) -> SendingPolicy:
    """Read `[sending]`. Raises the error of `fields`, also for a policy under which mail could never go out."""
    policy = SendingPolicy(
        window=_window(fields.section("window")) if fields.has("window") else Window(),
        quiet=_quiet_hours(fields),
        holidays=_holidays(fields),
        spread_minutes=fields.number("spread_minutes", 60),
    )
    fields.done()
    try:
        due(datetime(2026, 1, 1, tzinfo=UTC), Wait(0, WaitUnit.HOURS), ZoneInfo("UTC"), policy, key="")
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


def _holidays(fields: Fields) -> frozenset[date]:
    days: set[date] = set()
    for name in fields.words("holidays"):
        days |= {_date(fields, name)} if name[:1].isdigit() else _calendar(fields, name)
    return frozenset(days)


def _date(fields: Fields, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise fields.fail("holidays", f"`{text}` is not a date", "write it as 2026-12-24") from error


def _calendar(fields: Fields, name: str) -> set[date]:
    """Work out a named public calendar: `us-federal`, or a country or country-region code such as `de-by`."""
    import holidays

    country, _, region = name.partition("-")
    region = "" if region == "federal" else region.upper()
    try:
        return set(holidays.country_holidays(country.upper(), subdiv=region or None, years=HOLIDAY_YEARS))
    except NotImplementedError as error:
        hint = nearest(name, ["us-federal", "ca", "gb", "de", "fr", "au", "nz", "ie"])
        raise fields.fail("holidays", f"there is no holiday calendar `{name}`", hint) from error
