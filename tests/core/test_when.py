"""The clock, case by case: what a wait, a window and a calendar make of one moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from funnel.errors import ConfigError, FunnelError
from funnel.model import SendingPolicy, Wait, WaitUnit, Window
from funnel.when import (
    after,
    due,
    instant,
    is_open,
    is_zone,
    narrow,
    parse_span,
    parse_wait,
    parse_window,
    zone,
    zone_names,
)

AT_ONCE = Wait(0, WaitUnit.HOURS)
ALWAYS = SendingPolicy(spread_minutes=0)
WEEKDAYS = frozenset(range(1, 6))


def policy(days: str, between: str, *, quiet: str = "", holidays: str = "", spread: int = 0) -> SendingPolicy:
    return SendingPolicy(
        parse_window(days, between),
        parse_span(quiet) if quiet else None,
        frozenset(date.fromisoformat(day) for day in holidays.split()),
        spread,
    )


def utc(local: str, name: str) -> datetime:
    """Return the instant of a wall clock time that is neither missing nor doubled."""
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(name)).astimezone(UTC)


def local(at: datetime, name: str) -> str:
    return f"{at.astimezone(ZoneInfo(name)):%Y-%m-%d %H:%M}"


def due_local(anchor: str, name: str, rules: SendingPolicy, wait: str = "0h") -> str:
    return local(due(utc(anchor, name), parse_wait(wait), ZoneInfo(name), rules, key="k").at, name)


# --- reading what staff write ---


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("0h", Wait(0, WaitUnit.HOURS)),
        ("48h", Wait(48, WaitUnit.HOURS)),
        ("2d", Wait(2, WaitUnit.DAYS)),
        (" 2BD ", Wait(2, WaitUnit.BUSINESS_DAYS)),
    ],
)
def test_a_wait_is_read(text: str, wait: Wait) -> None:
    assert parse_wait(text) == wait


@pytest.mark.parametrize("text", ["", "2", "d", "-1d", "1.5d", "2 d", "2w", "1d2h", "٢d", "2bdx", "0x2h"])
def test_a_wait_that_is_none_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match=r"48h \(hours\), 2d \(days\) or 2bd \(business days\)"):
        parse_wait(text)


@pytest.mark.parametrize("text", ["3651d", "87601h", "3651bd", "999999d"])
def test_a_wait_of_more_than_ten_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ten years"):
        parse_wait(text)


@pytest.mark.parametrize("wait", [Wait(3, unit) for unit in WaitUnit])
def test_a_wait_reads_back_what_it_prints(wait: Wait) -> None:
    assert parse_wait(str(wait)) == wait


@pytest.mark.parametrize(
    ("days", "numbers"),
    [
        ("mon-fri", {1, 2, 3, 4, 5}),
        ("mon,wed,fri", {1, 3, 5}),
        ("sat-sun", {6, 7}),
        ("sat-mon", {6, 7, 1}),
        ("Mon - Wed, sun", {1, 2, 3, 7}),
        ("tue", {2}),
        ("daily", {1, 2, 3, 4, 5, 6, 7}),
    ],
)
def test_the_days_of_a_window_are_read(days: str, numbers: set[int]) -> None:
    assert parse_window(days, "07:00-10:00").days == numbers


@pytest.mark.parametrize(
    ("between", "start", "end"),
    [
        ("07:00-10:00", time(7), time(10)),
        ("22:00-06:00", time(22), time(6)),
        ("7:30 - 24:00", time(7, 30), time(0)),
        ("00:00-24:00", time(0), time(0)),
    ],
)
def test_the_times_of_a_window_are_read(between: str, start: time, end: time) -> None:
    assert parse_window("daily", between) == Window(start=start, end=end)


@pytest.mark.parametrize(
    ("days", "between", "right"),
    [
        ("mom-fri", "07:00-10:00", "did you mean 'mon'"),
        ("", "07:00-10:00", "mon-fri, mon,wed,fri or daily"),
        ("mon,,fri", "07:00-10:00", "mon-fri, mon,wed,fri or daily"),
        ("mon-", "07:00-10:00", "mon-fri, mon,wed,fri or daily"),
        ("daily", "7-10", "such as 07:00-10:00"),
        ("daily", "07:60-10:00", "such as 07:00-10:00"),
        ("daily", "24:00-07:00", "such as 07:00-10:00"),
        ("daily", "07:00-24:01", "such as 07:00-10:00"),
        ("daily", "07:00", "such as 07:00-10:00"),
        ("daily", "09:00-09:00", "for the whole day write 00:00-24:00"),
    ],
)
def test_a_window_that_is_none_is_refused_with_what_would_be_right(days: str, between: str, right: str) -> None:
    with pytest.raises(ValueError, match=right):
        parse_window(days, between)


def test_quiet_hours_are_read() -> None:
    assert parse_span("21:00-07:00") == (time(21), time(7))


@pytest.mark.parametrize("text", ["00:00-24:00", "09:00-09:00", "21-7", ""])
def test_quiet_hours_that_leave_no_time_or_are_unreadable_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"whole day|07:00-10:00"):
        parse_span(text)


# --- zones ---


@pytest.mark.parametrize("name", ["America/New_York", "UTC", "Asia/Kathmandu", "America/Argentina/Buenos_Aires"])
def test_a_person_gets_their_own_zone(name: str) -> None:
    assert zone(name, "Europe/Berlin") == (ZoneInfo(name), True)


@pytest.mark.parametrize(
    "name",
    [
        *("", "Mars/Base", "../x", "/etc/passwd", "..", "+02:00", "UTC+3", "GMT+2", "america/new_york"),
        *(
            "Factory",
            "localtime",
            "posixrules",
            "America",
            "America/New_York ",
            "Europe/Berlin\0",
            "EST5EDT4",
        ),
    ],
)
def test_a_name_that_is_no_zone_gives_the_default(name: str) -> None:
    assert not is_zone(name)
    assert zone(name, "Europe/Berlin") == (ZoneInfo("Europe/Berlin"), False)


def test_a_default_that_is_no_zone_is_an_error_and_never_utc_by_accident() -> None:
    with pytest.raises(ConfigError, match="'Europe/Bertin' is not a time zone"):
        zone("", "Europe/Bertin")


def test_every_zone_name_can_be_loaded() -> None:
    assert len(zone_names()) > 400
    assert all(zone(name, "")[1] for name in zone_names())


# --- a wall clock and its instant ---


@pytest.mark.parametrize(
    ("name", "wanted", "right"),
    [
        ("America/New_York", "2026-03-08 02:30", "2026-03-08T07:00+00:00"),
        ("America/New_York", "2026-03-08 03:00", "2026-03-08T07:00+00:00"),
        ("America/New_York", "2026-11-01 01:30", "2026-11-01T05:30+00:00"),
        ("Europe/Berlin", "2026-03-29 02:00", "2026-03-29T01:00+00:00"),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30+00:00"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03T15:30+00:00"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45+00:00"),
        ("Pacific/Chatham", "2026-09-27 03:00", "2026-09-26T14:00+00:00"),
        ("Pacific/Chatham", "2026-04-05 03:00", "2026-04-04T13:15+00:00"),
        ("Asia/Kathmandu", "2026-05-01 09:00", "2026-05-01T03:15+00:00"),
        ("Pacific/Apia", "2011-12-30 09:00", "2011-12-30T10:00+00:00"),
        ("Africa/Cairo", "2026-04-24 00:30", "2026-04-23T22:00+00:00"),
    ],
)
def test_a_missing_time_is_the_end_of_the_gap_and_a_doubled_one_the_first(name: str, wanted: str, right: str) -> None:
    assert instant(datetime.fromisoformat(wanted), ZoneInfo(name)) == datetime.fromisoformat(right)


# --- the wait ---


@pytest.mark.parametrize(
    ("name", "anchor", "wait", "right"),
    [
        ("America/New_York", "2026-03-07 09:00", "24h", "2026-03-08 10:00"),
        ("America/New_York", "2026-03-07 09:00", "1d", "2026-03-08 09:00"),
        ("America/New_York", "2026-10-31 09:00", "24h", "2026-11-01 08:00"),
        ("America/New_York", "2026-10-31 09:00", "1d", "2026-11-01 09:00"),
        ("America/New_York", "2026-03-07 02:30", "1d", "2026-03-08 03:00"),
        ("America/New_York", "2026-03-06 02:30", "2d", "2026-03-08 03:00"),
        ("America/New_York", "2026-03-07 02:30", "2d", "2026-03-09 02:30"),
        ("Europe/Berlin", "2026-03-28 09:00", "1d", "2026-03-29 09:00"),
        ("Europe/Berlin", "2026-10-24 09:00", "2d", "2026-10-26 09:00"),
        ("Australia/Lord_Howe", "2026-10-03 12:00", "1d", "2026-10-04 12:00"),
        ("Australia/Lord_Howe", "2026-10-03 12:00", "24h", "2026-10-04 12:30"),
        ("Pacific/Chatham", "2026-09-26 08:45", "1d", "2026-09-27 08:45"),
        ("Asia/Kathmandu", "2026-02-27 23:59", "2d", "2026-03-01 23:59"),
        ("Pacific/Apia", "2011-12-29 09:00", "1d", "2011-12-31 00:00"),
        ("Pacific/Apia", "2011-12-29 09:00", "2d", "2011-12-31 09:00"),
        ("Pacific/Apia", "2011-12-29 09:00", "24h", "2011-12-31 09:00"),
        ("Europe/Berlin", "2026-05-22 15:00", "1bd", "2026-05-25 15:00"),
        ("Europe/Berlin", "2026-05-23 15:00", "1bd", "2026-05-25 15:00"),
        ("Europe/Berlin", "2026-05-18 15:00", "5bd", "2026-05-25 15:00"),
        ("Pacific/Apia", "2011-12-29 09:00", "1bd", "2012-01-02 09:00"),
    ],
)
def test_a_wait_ends_at(name: str, anchor: str, wait: str, right: str) -> None:
    assert local(after(utc(anchor, name), parse_wait(wait), ZoneInfo(name), ALWAYS), name) == right


def test_business_days_pass_over_holidays_and_plain_days_do_not() -> None:
    rules = policy("daily", "00:00-24:00", holidays="2026-05-25 2026-05-26")
    friday = utc("2026-05-22 08:00", "Europe/Berlin")
    berlin = ZoneInfo("Europe/Berlin")
    assert local(after(friday, parse_wait("1bd"), berlin, rules), "Europe/Berlin") == "2026-05-27 08:00"
    assert local(after(friday, parse_wait("3d"), berlin, rules), "Europe/Berlin") == "2026-05-25 08:00"


@pytest.mark.parametrize("wait", ["0h", "0d", "0bd"])
def test_no_wait_is_the_anchor_itself_even_in_the_second_of_a_doubled_hour(wait: str) -> None:
    second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)  # 01:30 in New York, for the second time
    assert after(second, parse_wait(wait), ZoneInfo("America/New_York"), ALWAYS) == second


# --- the window: the table of research/engine.md 1.3, as right answers, and more of its kind ---


@pytest.mark.parametrize(
    ("name", "days", "between", "anchor", "right"),
    [
        # another product answers Tuesday, Saturday, Sunday, 10:00, 08:00, 06:00 and noon
        ("Asia/Tokyo", "mon", "08:00-09:00", "2026-06-06 12:00", "2026-06-08 08:00"),
        ("Pacific/Auckland", "mon-fri", "09:00-10:00", "2026-06-05 12:00", "2026-06-08 09:00"),
        ("America/Los_Angeles", "mon", "20:00-21:00", "2026-06-06 12:00", "2026-06-08 20:00"),
        ("Europe/Berlin", "daily", "09:00-10:00", "2026-03-28 12:00", "2026-03-29 09:00"),
        ("America/New_York", "daily", "09:00-10:00", "2026-10-31 12:00", "2026-11-01 09:00"),
        ("Europe/Berlin", "daily", "22:00-06:00", "2026-06-01 23:30", "2026-06-01 23:30"),
        ("Europe/Berlin", "daily", "22:00-06:00", "2026-06-01 12:00", "2026-06-01 22:00"),
        # the rest of the globe
        ("Europe/Berlin", "daily", "09:00-10:00", "2026-10-24 12:00", "2026-10-25 09:00"),
        ("America/New_York", "daily", "09:00-10:00", "2026-03-07 12:00", "2026-03-08 09:00"),
        ("Australia/Lord_Howe", "daily", "09:00-10:00", "2026-10-03 12:00", "2026-10-04 09:00"),
        ("Australia/Lord_Howe", "daily", "09:00-10:00", "2026-04-04 12:00", "2026-04-05 09:00"),
        ("Pacific/Chatham", "mon-fri", "07:00-10:00", "2026-09-26 12:00", "2026-09-28 07:00"),
        ("Asia/Kathmandu", "mon-fri", "07:00-10:00", "2026-06-05 10:00", "2026-06-08 07:00"),
        ("Pacific/Apia", "daily", "07:00-10:00", "2011-12-29 12:00", "2011-12-31 07:00"),
        ("Pacific/Apia", "fri", "22:00-06:00", "2011-12-29 12:00", "2012-01-06 22:00"),
        # the edges of a window: the start is inside, the end is not
        ("Europe/Berlin", "daily", "07:00-10:00", "2026-06-01 07:00", "2026-06-01 07:00"),
        ("Europe/Berlin", "daily", "07:00-10:00", "2026-06-01 09:59", "2026-06-01 09:59"),
        ("Europe/Berlin", "daily", "07:00-10:00", "2026-06-01 10:00", "2026-06-02 07:00"),
        # a window over midnight belongs to the day that it opens on
        ("Europe/Berlin", "fri", "22:00-06:00", "2026-06-06 05:59", "2026-06-06 05:59"),
        ("Europe/Berlin", "fri", "22:00-06:00", "2026-06-05 05:00", "2026-06-05 22:00"),
        ("Europe/Berlin", "fri", "22:00-06:00", "2026-06-06 06:00", "2026-06-12 22:00"),
        ("Europe/Berlin", "mon-fri", "22:00-24:00", "2026-06-05 23:59", "2026-06-05 23:59"),
        ("Europe/Berlin", "mon-fri", "22:00-24:00", "2026-06-06 00:00", "2026-06-08 22:00"),
        # whole days
        ("Europe/Berlin", "mon-fri", "00:00-24:00", "2026-06-06 12:00", "2026-06-08 00:00"),
        ("Africa/Cairo", "fri", "00:00-24:00", "2026-04-23 12:00", "2026-04-24 01:00"),
        # an opening inside the hour that the clock skips
        ("America/New_York", "daily", "02:15-04:00", "2026-03-08 01:00", "2026-03-08 03:00"),
        ("America/New_York", "daily", "02:15-02:45", "2026-03-08 01:00", "2026-03-09 02:15"),
    ],
)
def test_a_window_holds_until(name: str, days: str, between: str, anchor: str, right: str) -> None:
    assert due_local(anchor, name, policy(days, between)) == right


@pytest.mark.parametrize(
    ("quiet", "between", "anchor", "right"),
    [
        ("21:00-07:00", "00:00-24:00", "2026-06-01 20:59", "2026-06-01 20:59"),
        ("21:00-07:00", "00:00-24:00", "2026-06-01 21:00", "2026-06-02 07:00"),
        ("21:00-07:00", "00:00-24:00", "2026-06-02 03:00", "2026-06-02 07:00"),
        ("21:00-07:00", "06:00-10:00", "2026-06-02 03:00", "2026-06-02 07:00"),
        ("21:00-07:00", "18:00-10:00", "2026-06-01 22:00", "2026-06-02 07:00"),
        ("12:00-13:00", "09:00-17:00", "2026-06-01 12:30", "2026-06-01 13:00"),
        ("12:00-13:00", "12:00-14:00", "2026-06-01 11:00", "2026-06-01 13:00"),
        ("21:00-07:00", "22:00-08:00", "2026-06-01 22:00", "2026-06-02 07:00"),
    ],
)
def test_quiet_hours_are_taken_out_of_the_window(quiet: str, between: str, anchor: str, right: str) -> None:
    assert due_local(anchor, "America/New_York", policy("daily", between, quiet=quiet)) == right


@pytest.mark.parametrize(
    ("between", "anchor", "right"),
    [
        ("07:00-10:00", "2026-05-25 08:00", "2026-05-26 07:00"),
        ("07:00-10:00", "2026-05-24 23:00", "2026-05-26 07:00"),
        ("00:00-24:00", "2026-05-25 15:00", "2026-05-26 00:00"),
        # over midnight: cut where a holiday begins, and not opened on a holiday at all
        ("22:00-06:00", "2026-05-24 23:30", "2026-05-24 23:30"),
        ("22:00-06:00", "2026-05-25 00:00", "2026-05-26 22:00"),
        ("22:00-06:00", "2026-05-26 01:00", "2026-05-26 22:00"),
    ],
)
def test_a_holiday_holds_until_the_next_days_opening(between: str, anchor: str, right: str) -> None:
    assert due_local(anchor, "America/New_York", policy("daily", between, holidays="2026-05-25")) == right


def test_a_holiday_is_a_date_in_the_persons_own_zone() -> None:
    rules = policy("daily", "00:00-24:00", holidays="2026-05-25")
    at = datetime(2026, 5, 25, 12, tzinfo=UTC)
    assert not is_open(at, ZoneInfo("America/New_York"), rules)
    assert is_open(at, ZoneInfo("Pacific/Kiritimati"), rules)  # already the 26th


def test_in_a_doubled_hour_the_wall_clock_decides_both_times() -> None:
    rules = policy("daily", "01:00-01:30")
    new_york = ZoneInfo("America/New_York")
    first, second = (datetime(2026, 11, 1, hour, tzinfo=UTC) for hour in (5, 6))
    minutes = [timedelta(minutes=minute) for minute in range(60)]
    assert [is_open(first + by, new_york, rules) for by in minutes] == [True] * 30 + [False] * 30
    assert [is_open(second + by, new_york, rules) for by in minutes] == [True] * 30 + [False] * 30
    held = due(first + timedelta(minutes=45), AT_ONCE, new_york, rules, key="k")
    assert held.at == second


# --- what due() says besides the moment ---


def test_the_shifts_tell_in_order_why_a_mail_waits() -> None:
    rules = policy("mon-fri", "07:00-10:00", quiet="21:00-08:00", holidays="2026-05-25", spread=60)
    sunday = utc("2026-05-24 17:00", "America/New_York")
    answer = due(sunday, AT_ONCE, ZoneInfo("America/New_York"), rules, key="enrollment 7, step welcome")
    minutes = (answer.at - utc("2026-05-26 08:00", "America/New_York")) // timedelta(minutes=1)
    assert 0 < minutes < 30  # a quarter of the two hours that the quiet ones leave
    assert answer.wanted == sunday
    assert answer.shifts == (
        "+14 h: outside the sending window",
        "+1 d: holiday 2026-05-25",
        "+1 h: quiet hours",
        f"+{minutes} min: spread",
    )


@pytest.mark.parametrize(
    ("anchor", "holidays", "shifts"),
    [
        ("2026-06-01 08:00", "", ()),
        ("2026-06-01 06:59:15", "", ("+45 s: outside the sending window",)),
        ("2026-06-01 06:30", "", ("+30 min: outside the sending window",)),
        ("2026-06-05 10:30", "", ("+2 d 20 h 30 min: outside the sending window",)),
        ("2026-11-26 07:00", "2026-11-26 2026-11-27", ("+4 d: holiday 2026-11-26, 2026-11-27",)),
    ],
)
def test_a_shift_is_told_in_days_hours_and_minutes(anchor: str, holidays: str, shifts: tuple[str, ...]) -> None:
    rules = policy("mon-fri", "07:00-10:00", holidays=holidays)
    assert due(utc(anchor, "Asia/Tokyo"), AT_ONCE, ZoneInfo("Asia/Tokyo"), rules, key="k").shifts == shifts


def test_a_night_window_shut_since_yesterdays_holiday_names_that_holiday() -> None:
    rules = policy("daily", "22:00-06:00", holidays="2026-05-25")
    answer = due(utc("2026-05-26 01:00", "Asia/Tokyo"), AT_ONCE, ZoneInfo("Asia/Tokyo"), rules, key="k")
    assert answer.shifts == ("+21 h: holiday 2026-05-25",)


def test_not_before_moves_the_moment_and_says_so_but_not_what_was_wanted() -> None:
    rules = policy("mon-fri", "07:00-10:00", spread=60)
    tokyo = ZoneInfo("Asia/Tokyo")
    anchor, floor = utc("2026-06-01 08:00", "Asia/Tokyo"), utc("2026-06-02 09:00", "Asia/Tokyo")
    answer = due(anchor, AT_ONCE, tokyo, rules, key="k", not_before=floor)
    assert (answer.at, answer.wanted) == (floor, anchor)
    assert answer.shifts == ("+1 d 1 h: not before 2026-06-02 09:00",)
    assert due(anchor, AT_ONCE, tokyo, rules, key="k", not_before=anchor - timedelta(days=9)).shifts == ()


def test_the_spread_uses_every_minute_of_its_hour_and_no_more() -> None:
    rules = policy("daily", "07:00-11:00", spread=60)
    opening = utc("2026-06-02 07:00", "Asia/Tokyo")
    anchor = utc("2026-06-01 12:00", "Asia/Tokyo")
    times = [due(anchor, AT_ONCE, ZoneInfo("Asia/Tokyo"), rules, key=f"person {n}").at for n in range(1000)]
    assert {(at - opening) // timedelta(minutes=1) for at in times} == set(range(60))


@pytest.mark.parametrize(("between", "below"), [("07:00-07:40", 10), ("07:00-07:03", 1), ("07:00-19:00", 60)])
def test_the_spread_stays_in_the_first_quarter_of_a_short_window(between: str, below: int) -> None:
    rules = policy("daily", between, spread=60)
    opening = utc("2026-06-02 07:00", "Asia/Tokyo")
    anchor = opening - timedelta(hours=2)
    times = [due(anchor, AT_ONCE, ZoneInfo("Asia/Tokyo"), rules, key=f"person {n}").at for n in range(200)]
    assert min(times) == opening
    assert max(times) < opening + timedelta(minutes=below)


def test_the_spread_of_a_key_never_changes_between_releases() -> None:
    rules = policy("daily", "07:00-19:00", spread=60)
    anchor = utc("2026-06-01 05:00", "Asia/Tokyo")
    minutes = [due(anchor, AT_ONCE, ZoneInfo("Asia/Tokyo"), rules, key=key).at.minute for key in ("1:a", "2:a", "1:b")]
    assert minutes == [54, 57, 44]


def test_who_was_not_held_is_not_spread() -> None:
    rules = policy("daily", "07:00-11:00", spread=60)
    anchor = utc("2026-06-01 08:17", "Asia/Tokyo")
    assert due(anchor, AT_ONCE, ZoneInfo("Asia/Tokyo"), rules, key="k").at == anchor


@pytest.mark.parametrize(
    "rules",
    [
        replace(ALWAYS, window=Window(days=frozenset())),
        replace(ALWAYS, quiet=(time(0), time(0))),
        policy("daily", "07:00-10:00", quiet="06:00-11:00"),
        replace(ALWAYS, holidays=frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(600))),
    ],
)
def test_a_policy_that_never_opens_is_an_error_that_says_so(rules: SendingPolicy) -> None:
    with pytest.raises(FunnelError, match="no open time in the 400 days after 2026-06-01") as caught:
        due_local("2026-06-01 08:00", "Europe/Berlin", rules)
    assert "quiet hours" in caught.value.hint


def test_a_long_closure_inside_400_days_is_waited_out() -> None:
    closed = frozenset(date(2026, 6, 1) + timedelta(days=n) for n in range(390))
    assert due_local("2026-06-01 08:00", "Europe/Berlin", replace(ALWAYS, holidays=closed)) == "2027-06-26 00:00"


# --- two windows ---


@pytest.mark.parametrize(
    ("project", "series", "meeting"),
    [
        (("mon-fri", "07:00-10:00"), ("daily", "08:00-12:00"), ("mon-fri", "08:00-10:00")),
        (("mon-fri", "07:00-10:00"), ("fri-sun", "00:00-24:00"), ("fri", "07:00-10:00")),
        (("daily", "00:00-24:00"), ("mon", "22:00-06:00"), ("mon", "22:00-06:00")),
        (("mon-fri", "07:00-24:00"), ("daily", "20:00-24:00"), ("mon-fri", "20:00-24:00")),
        (("daily", "22:00-06:00"), ("daily", "23:00-02:00"), ("daily", "23:00-02:00")),
        (("fri", "20:00-06:00"), ("daily", "05:00-09:00"), ("sat", "05:00-06:00")),
        (("daily", "05:00-09:00"), ("fri", "20:00-06:00"), ("sat", "05:00-06:00")),
        (("daily", "22:00-06:00"), ("daily", "05:00-23:30"), ("daily", "22:00-23:30")),
        (("mon-fri", "00:00-24:00"), ("daily", "22:00-06:00"), ("mon-fri", "00:00-06:00")),
    ],
)
def test_a_series_window_narrows_the_projects(
    project: tuple[str, str], series: tuple[str, str], meeting: tuple[str, str]
) -> None:
    rules = policy(*project, quiet="21:00-07:00", holidays="2026-05-25", spread=30)
    assert narrow(rules, parse_window(*series)) == replace(rules, window=parse_window(*meeting))


def test_without_a_window_of_its_own_a_series_uses_the_projects() -> None:
    rules = policy("mon-fri", "07:00-10:00")
    assert narrow(rules, None) is rules


@pytest.mark.parametrize(
    ("project", "series"),
    [
        (("daily", "07:00-10:00"), ("daily", "12:00-14:00")),
        (("daily", "07:00-10:00"), ("daily", "10:00-14:00")),
        (("mon-fri", "07:00-10:00"), ("sat-sun", "07:00-10:00")),
        (("mon", "20:00-06:00"), ("mon", "05:00-09:00")),
    ],
)
def test_windows_that_never_meet_are_an_error_and_not_a_night_window(
    project: tuple[str, str], series: tuple[str, str]
) -> None:
    with pytest.raises(FunnelError, match="never open together"):
        narrow(policy(*project), parse_window(*series))
