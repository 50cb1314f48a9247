"""What holds for every wait, window, calendar and zone; checked against a wall clock that is read minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from funnel.errors import FunnelError
from funnel.model import SendingPolicy, Wait, WaitUnit, Window
from funnel.when import after, due, instant, is_open, narrow, parse_window, zone

ZONES = tuple(
    ZoneInfo(name)
    for name in (
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Pacific/Chatham",
        "Asia/Kathmandu",
        "America/Havana",  # its clock changes at midnight
    )
)
MINUTE = timedelta(minutes=1)
AT_ONCE = Wait(0, WaitUnit.HOURS)

clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 0, 15, 30, 59]))
windows = st.builds(Window, st.frozensets(st.integers(1, 7), min_size=1), clocks, clocks)
quiet_hours = st.none() | st.tuples(clocks, clocks).filter(lambda span: span[0] != span[1])
zones = st.sampled_from(ZONES)
days_of_2026 = st.dates(date(2026, 1, 1), date(2026, 12, 20))
near_a_clock_change = st.sampled_from(
    [date(2026, month, day) for month, day in ((3, 8), (3, 29), (4, 5), (9, 27), (10, 4), (10, 25), (11, 1))]
).flatmap(lambda day: st.integers(-1, 1).map(lambda by: day + timedelta(days=by)))
anchors = st.builds(
    lambda day, second: datetime.combine(day, time(), UTC) + timedelta(seconds=second),
    days_of_2026 | near_a_clock_change,
    st.integers(0, 86399),
)
waits = st.builds(Wait, st.integers(0, 60), st.sampled_from(WaitUnit))


@st.composite
def policies(draw: st.DrawFn, spread: int = 0) -> SendingPolicy:
    first = draw(days_of_2026 | near_a_clock_change)
    holidays = draw(st.frozensets(st.integers(0, 6).map(lambda by: first + timedelta(days=by)), max_size=3))
    return SendingPolicy(draw(windows), draw(quiet_hours), holidays, spread)


def covers(start: time, end: time, clock: time) -> bool:
    return start <= clock < end if start < end else clock >= start or clock < end


def wall_clock_allows(at: datetime, tz: ZoneInfo, policy: SendingPolicy) -> bool:
    """Read the rule off the wall clock, without any arithmetic on spans."""
    local = at.astimezone(tz)
    clock, window = local.time(), policy.window
    is_after_midnight = window.end <= window.start and clock < window.start
    opened_on = local.date() - timedelta(days=1) if is_after_midnight else local.date()
    return (
        covers(window.start, window.end, clock)
        and opened_on.isoweekday() in window.days
        and not {opened_on, local.date()} & policy.holidays
        and not (policy.quiet and covers(*policy.quiet, clock))
    )


@settings(max_examples=300, deadline=None)
@given(anchors, zones, policies())
def test_open_is_what_the_wall_clock_says(at: datetime, tz: ZoneInfo, policy: SendingPolicy) -> None:
    assert is_open(at, tz, policy) == wall_clock_allows(at, tz, policy)


@settings(max_examples=200, deadline=None)
@given(anchors, waits, zones, policies(), st.tuples(st.integers(0, 90), st.text(max_size=8)))
def test_due_is_open_and_never_early_and_always_the_same(
    anchor: datetime, wait: Wait, tz: ZoneInfo, policy: SendingPolicy, spread_by: tuple[int, str]
) -> None:
    spread, key = spread_by
    spread_policy = replace(policy, spread_minutes=spread)
    try:
        plain = due(anchor, wait, tz, policy, key=key)
    except FunnelError:
        with pytest.raises(FunnelError):
            due(anchor, wait, tz, spread_policy, key=key)
        return
    answer = due(anchor, wait, tz, spread_policy, key=key)
    assert answer == due(anchor, wait, tz, spread_policy, key=key)
    assert wall_clock_allows(answer.at, tz, policy)
    assert anchor <= answer.wanted <= plain.at <= answer.at <= plain.at + max(spread - 1, 0) * MINUTE
    assert bool(answer.shifts) == (answer.at > answer.wanted)
    assert not answer.shifts or answer.at.tzinfo is UTC


@settings(max_examples=60, deadline=None)
@given(anchors, zones, policies())
def test_no_minute_before_due_is_open(anchor: datetime, tz: ZoneInfo, policy: SendingPolicy) -> None:
    try:
        at = due(anchor, AT_ONCE, tz, policy, key="k").at
    except FunnelError:
        at = anchor + timedelta(days=3)
    assume(at - anchor < timedelta(days=9))
    minutes = range(int((at - anchor) / MINUTE))
    assert not any(wall_clock_allows(anchor + MINUTE * minute, tz, policy) for minute in minutes)
    assert at == anchor or at.second == 0 or not wall_clock_allows(at, tz, policy)


@settings(max_examples=200, deadline=None)
@given(anchors, zones, policies(), st.integers(0, 400))
def test_not_before_is_the_same_as_wanting_it_later(
    anchor: datetime, tz: ZoneInfo, policy: SendingPolicy, hours: int
) -> None:
    later = anchor + timedelta(hours=hours)
    assume(any(_opens_within_a_week(later, tz, policy)))
    from_floor = due(anchor, AT_ONCE, tz, policy, key="k", not_before=later)
    assert from_floor.at == due(later, AT_ONCE, tz, policy, key="k").at
    assert from_floor.wanted == anchor


def _opens_within_a_week(at: datetime, tz: ZoneInfo, policy: SendingPolicy) -> Iterator[bool]:
    return (is_open(at + timedelta(hours=hour), tz, policy) for hour in range(7 * 24))


@settings(max_examples=300, deadline=None)
@given(anchors, st.integers(1, 60), zones)
def test_days_keep_the_wall_clock_unless_the_clock_skips_it(anchor: datetime, days: int, tz: ZoneInfo) -> None:
    before = anchor.astimezone(tz)
    then = after(anchor, Wait(days, WaitUnit.DAYS), tz, SendingPolicy()).astimezone(tz)
    wanted = before.replace(tzinfo=None, fold=0) + timedelta(days=days)
    is_skipped = wanted.replace(tzinfo=tz).astimezone(UTC).astimezone(tz).replace(tzinfo=None, fold=0) != wanted
    if is_skipped:
        just_before = (then.astimezone(UTC) - timedelta(seconds=1)).astimezone(tz)
        assert just_before.replace(tzinfo=None) < wanted < then.replace(tzinfo=None)
        assert just_before.utcoffset() != then.utcoffset()
    else:
        assert then.replace(tzinfo=None, fold=0) == wanted
        assert then.fold == 0


@settings(max_examples=200, deadline=None)
@given(anchors, st.integers(1, 30), zones, policies())
def test_business_days_count_the_working_dates_between(
    anchor: datetime, count: int, tz: ZoneInfo, policy: SendingPolicy
) -> None:
    first = anchor.astimezone(tz).date()
    last = after(anchor, Wait(count, WaitUnit.BUSINESS_DAYS), tz, policy).astimezone(tz).date()
    dates = [first + timedelta(days=by) for by in range(1, (last - first).days + 1)]
    working = [day for day in dates if day.isoweekday() not in {6, 7} and day not in policy.holidays]
    assert len(working) == count
    assert working[-1] == last


@settings(max_examples=200, deadline=None)
@given(windows, windows, anchors, zones)
def test_a_narrowed_policy_is_open_only_where_both_windows_are(
    project: Window, series: Window, at: datetime, tz: ZoneInfo
) -> None:
    try:
        rules = narrow(SendingPolicy(project), series)
    except FunnelError:
        hours = [at + timedelta(hours=hour) for hour in range(24)]
        assert not any(both_open(hour, tz, project, series) for hour in hours)
        return
    for hour in range(24):
        moment = at + timedelta(hours=hour)
        assert not wall_clock_allows(moment, tz, rules) or both_open(moment, tz, project, series)
        if project.start < project.end and series.start < series.end:
            assert wall_clock_allows(moment, tz, rules) == both_open(moment, tz, project, series)


def both_open(at: datetime, tz: ZoneInfo, project: Window, series: Window) -> bool:
    return all(wall_clock_allows(at, tz, SendingPolicy(window)) for window in (project, series))


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31)), zones)
def test_an_instant_is_the_first_at_which_the_clock_has_reached_the_time(local: datetime, tz: ZoneInfo) -> None:
    at = instant(local, tz)
    assert at.astimezone(tz).replace(tzinfo=None) >= local
    assert (at - timedelta(seconds=1)).astimezone(tz).replace(tzinfo=None) < local


@given(st.text(max_size=30), st.sampled_from(["UTC", "Europe/Berlin"]))
def test_no_text_breaks_the_choice_of_a_zone(name: str, default: str) -> None:
    tz, is_own = zone(name, default)
    assert tz == ZoneInfo(name if is_own else default)


@pytest.mark.parametrize("tz", ZONES, ids=str)
def test_every_hour_of_a_year_is_due_in_the_window_of_its_own_or_the_next_open_day(tz: ZoneInfo) -> None:
    holiday = date(2026, 5, 25)
    policy = SendingPolicy(
        parse_window("mon-fri", "06:00-10:00"), (time(21), time(7)), frozenset({holiday}), spread_minutes=60
    )
    new_year = datetime(2026, 1, 1, tzinfo=UTC)
    for hour in range(365 * 24):
        anchor = new_year + timedelta(hours=hour)
        local = due(anchor, AT_ONCE, tz, policy, key=str(hour)).at.astimezone(tz)
        assert time(7) <= local.time() < time(10)
        assert local.isoweekday() <= 5
        assert local.date() != holiday
        assert (local - anchor.astimezone(tz)) < timedelta(days=4)
