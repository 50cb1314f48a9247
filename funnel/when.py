"""The arithmetic of waiting: what a delay, a window and a calendar make of one moment in one person's zone.

Instants are aware datetimes in UTC; a `local` time is a naive wall clock, read in the zone beside it.
An instant is open when its own wall clock is inside the window, outside quiet hours and on no holiday.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from bisect import bisect_left
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from funnel.errors import ConfigError, FunnelError
from funnel.model import SendingPolicy, Wait, WaitUnit, Window

Span = tuple[datetime, datetime]  #: from the first moment up to, and without, the second

HORIZON_DAYS = 400  #: a policy that stays shut for longer never opens
LONGEST_WAIT_DAYS = 3650
ONE_DAY = timedelta(days=1)
HOUR_MINUTES = 60
DAY_MINUTES = 24 * HOUR_MINUTES
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SATURDAY = 6

# --- what staff write ---------------------------------------------------------------------------------------


def parse_wait(text: str) -> Wait:
    """Read a delay such as `0h`, `48h`, `2d` or `2bd`; a ValueError says what would be right."""
    match = re.fullmatch(r"([0-9]{1,6})(h|d|bd)", text.strip().lower())
    if match is None:
        raise ValueError(
            f"'{text}' is not a wait: write a whole number and a unit, "
            "such as 48h (hours), 2d (days) or 2bd (business days)"
        )
    wait = Wait(int(match[1]), WaitUnit(match[2]))
    if wait.amount > LONGEST_WAIT_DAYS * (24 if wait.unit is WaitUnit.HOURS else 1):
        raise ValueError(f"'{text}' is longer than ten years: write a shorter wait")
    return wait


def parse_window(days: str, between: str) -> Window:
    """Read `mon-fri`, `mon,wed,fri` or `daily`, and `07:00-10:00`; the times may cross midnight.

    `00:00-24:00` is the whole day. A ValueError says what would be right.
    """
    start, end = _parse_times(between)
    return Window(_parse_days(days), start, end)


def parse_span(text: str) -> tuple[time, time]:
    """Read quiet hours such as `21:00-07:00`; a ValueError says what would be right."""
    start, end = _parse_times(text)
    if start == end:
        raise ValueError(f"'{text}' is the whole day: quiet hours must leave some time to send")
    return start, end


def _parse_days(text: str) -> frozenset[int]:
    if text.strip().lower() == "daily":
        return frozenset(range(1, 8))
    return frozenset(day for part in text.split(",") for day in _day_range(part))


def _day_range(text: str) -> Iterator[int]:
    first, dash, last = text.partition("-")
    start = _weekday(first)
    length = (_weekday(last) - start) % 7 if dash else 0
    return ((start + step) % 7 + 1 for step in range(length + 1))


def _weekday(name: str) -> int:
    word = name.strip().lower()
    if word in WEEKDAYS:
        return WEEKDAYS.index(word)
    near = difflib.get_close_matches(word, WEEKDAYS, n=1)
    question = f" (did you mean '{near[0]}'?)" if near else ""
    raise ValueError(f"'{name.strip()}' is not a day{question}: write mon-fri, mon,wed,fri or daily")


def _parse_times(text: str) -> tuple[time, time]:
    match = re.fullmatch(r"([0-9]{1,2}):([0-5][0-9])\s*-\s*([0-9]{1,2}):([0-5][0-9])", text.strip())
    hour, minute, end_hour, end_minute = map(int, match.groups()) if match else (0, 0, 0, 0)
    start, end = hour * HOUR_MINUTES + minute, end_hour * HOUR_MINUTES + end_minute
    if match is None or start >= DAY_MINUTES or end > DAY_MINUTES:
        raise ValueError(f"'{text}' is not a span of time: write two clock times, such as 07:00-10:00")
    if start == end:
        raise ValueError(f"'{text}' starts where it ends: for the whole day write 00:00-24:00")
    return _clock(start), _clock(end)


def _clock(minutes: int) -> time:
    hour, minute = divmod(minutes % DAY_MINUTES, HOUR_MINUTES)
    return time(hour, minute)


# --- zones --------------------------------------------------------------------------------------------------


@cache
def zone_names() -> frozenset[str]:
    """Return every IANA zone name, from the `tzdata` package, so that all machines know the same ones."""
    names = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return frozenset(names) - {"Factory"}  # tzdata's own mark for "nobody set a zone"


def is_zone(name: str) -> bool:
    """Tell whether `name` is an IANA zone, letter for letter."""
    return name in zone_names()


@lru_cache(maxsize=1024)
def zone(name: str, default: str) -> tuple[ZoneInfo, bool]:
    """Return the zone to use, and whether it is `name`'s own.

    Anything that is no IANA name (empty, unknown, an offset such as `+02:00`, a path) gives the default.
    Raises ConfigError when it is the default that is unknown.
    """
    if is_zone(name):
        return ZoneInfo(name), True
    if not is_zone(default):
        raise ConfigError(
            f"'{default}' is not a time zone", hint="Write a name such as America/New_York or Europe/Berlin."
        )
    return ZoneInfo(default), False


def instant(local: datetime, tz: ZoneInfo) -> datetime:
    """Return when a wall clock shows `local`.

    A time that the clock skips gives the first instant after the gap; one shown twice gives the first.
    """
    return _readings(local, tz)[0]


def _readings(local: datetime, tz: ZoneInfo) -> Span:
    """Return the first and the last instant at which the wall clock shows `local` (PEP 495)."""
    first, last = (local.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first > last:  # the clock jumps over `local`: fold 0 still counts with the offset before the jump
        first = last = _turn(last, first, tz)
    return first, last


def _turn(before: datetime, after: datetime, tz: ZoneInfo) -> datetime:
    """Return the instant in (before, after] at which the zone's offset changes, to the second."""
    start = before.replace(microsecond=0)
    old = start.astimezone(tz).utcoffset()

    def turns(seconds: int) -> int:
        """Count the changes by then: none or one, so that a binary search can find where."""
        return int((start + timedelta(seconds=seconds)).astimezone(tz).utcoffset() != old)

    seconds = range(int((after - start).total_seconds()) + 1)
    return start + timedelta(seconds=bisect_left(seconds, 1, key=turns))


def _local(at: datetime, tz: ZoneInfo) -> datetime:
    return at.astimezone(tz).replace(tzinfo=None, fold=0)


def _exists(day: date, tz: ZoneInfo) -> bool:
    """Tell whether the zone has that date: Samoa went from 29 to 31 December 2011."""
    return _local(instant(datetime.combine(day, time()), tz), tz).date() == day


# --- the wait -----------------------------------------------------------------------------------------------


def after(anchor: datetime, wait: Wait, tz: ZoneInfo, policy: SendingPolicy) -> datetime:
    """Return `anchor` plus `wait`, never before `anchor`.

    Days keep the wall clock; business days count neither Saturdays, Sundays nor the policy's holidays.
    A wait of nothing (`0h`, `0d`, `0bd`) is the anchor itself: the window decides the rest.
    """
    if wait.amount == 0 or wait.unit is WaitUnit.HOURS:
        return anchor + timedelta(hours=wait.amount)
    local = _local(anchor, tz)
    if wait.unit is WaitUnit.DAYS:
        day = local.date() + timedelta(days=wait.amount)
    else:
        day = _business_day(local.date(), wait.amount, tz, policy.holidays)
    return instant(datetime.combine(day, local.time()), tz)


def _business_day(day: date, count: int, tz: ZoneInfo, holidays: Container[date]) -> date:
    while count:
        day += ONE_DAY
        count -= day.isoweekday() < SATURDAY and day not in holidays and _exists(day, tz)
    return day


# --- the window ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """When a step goes out. `wanted` is anchor plus wait; `shifts` says in plain words why `at` is later."""

    at: datetime
    wanted: datetime
    shifts: tuple[str, ...] = ()


def due(
    anchor: datetime,
    wait: Wait,
    tz: ZoneInfo,
    policy: SendingPolicy,
    *,
    key: str,
    not_before: datetime | None = None,
) -> Due:
    """Return the first allowed moment from anchor plus wait on, and from `not_before` on.

    What was held to an opening is spread by a hash of `key` over `spread_minutes`, or over a quarter of the
    opening where that is less, so that the same key always gets the same minute.
    Raises FunnelError when the policy stays shut for 400 days.
    """
    wanted = after(anchor, wait, tz, policy)
    base = wanted if not_before is None else max(wanted, not_before)
    shifts = [(base - wanted, f"not before {_local(base, tz):%Y-%m-%d %H:%M}")]
    opening = _next_open(base, tz, policy)
    at = opening[0]
    if at > base:
        shifts += _why_held(base, at, tz, policy)
        at += _spread(opening, key, policy.spread_minutes)
        shifts.append((at - opening[0], "spread"))
    return Due(at, wanted, tuple(f"+{_length(by)}: {why}" for by, why in shifts if by))


def is_open(at: datetime, tz: ZoneInfo, policy: SendingPolicy) -> bool:
    """Tell whether mail may go out at this instant."""
    local = _local(at, tz)
    return any(
        begin <= local < end
        for day in (local.date() - ONE_DAY, local.date())
        if _opens_on(day, tz, policy)
        for begin, end in _local_openings(day, policy)
    )


def _next_open(at: datetime, tz: ZoneInfo, policy: SendingPolicy) -> Span:
    """Return what is left, at or after `at`, of the first opening that has not ended by then."""
    first = _local(at, tz).date()
    for ahead in range(-1, HORIZON_DAYS + 1):
        for begin, end in _openings(first + timedelta(days=ahead), tz, policy):
            if at < end:
                return max(at, begin), end
    raise FunnelError(
        f"Mail can never go out: there is no open time in the {HORIZON_DAYS} days after {first}",
        hint="Look at the sending window, the quiet hours and the holidays: together they leave nothing.",
    )


@lru_cache(maxsize=4096)  # many people share a zone, a policy and a day
def _openings(day: date, tz: ZoneInfo, policy: SendingPolicy) -> tuple[Span, ...]:
    """Return when mail may go out in the window that opens on `day`, in order."""
    if not _opens_on(day, tz, policy):
        return ()
    return tuple(span for local in _local_openings(day, policy) for span in _on_the_clock(local, tz))


def _opens_on(day: date, tz: ZoneInfo, policy: SendingPolicy) -> bool:
    return day.isoweekday() in policy.window.days and day not in policy.holidays and _exists(day, tz)


def _local_openings(day: date, policy: SendingPolicy) -> list[Span]:
    """Return the parts of the window opening on `day` that quiet hours and a holiday next day leave."""
    spans = [_on(day, policy.window.start, policy.window.end)]
    if day + ONE_DAY in policy.holidays:
        spans = _without(spans, _on(day + ONE_DAY, time(), time()))
    if policy.quiet is not None:
        for quiet_day in (day - ONE_DAY, day, day + ONE_DAY):
            spans = _without(spans, _on(quiet_day, *policy.quiet))
    return spans


def _on(day: date, start: time, end: time) -> Span:
    """Return the span that begins on `day`; an end at or before the start is on the next day."""
    return datetime.combine(day, start), datetime.combine(day if start < end else day + ONE_DAY, end)


def _without(spans: list[Span], hole: Span) -> list[Span]:
    before = [(begin, min(end, hole[0])) for begin, end in spans]
    behind = [(max(begin, hole[1]), end) for begin, end in spans]
    return sorted((begin, end) for begin, end in before + behind if begin < end)


def _on_the_clock(local: Span, tz: ZoneInfo) -> Iterator[Span]:
    """Yield the instants at which the wall clock is inside `local`: two where a doubled hour cuts it."""
    opens, closes = _readings(local[0], tz), _readings(local[1], tz)
    pieces = [(opens[0], closes[1])]
    doubled = opens if opens[0] != opens[1] else closes
    if doubled[0] != doubled[1]:
        turn = _turn(*doubled, tz)
        pieces = [(opens[0], min(closes[0], turn)), (max(opens[1], turn), closes[1])]
    yield from ((begin, end) for begin, end in pieces if begin < end)


# --- why, and how far apart ---------------------------------------------------------------------------------


def _why_held(base: datetime, opening: datetime, tz: ZoneInfo, policy: SendingPolicy) -> list[tuple[timedelta, str]]:
    """Share the wait for `opening` between the window, the holidays and the quiet hours, in that order."""
    without_quiet = replace(policy, quiet=None)
    in_window, _ = _next_open(base, tz, replace(without_quiet, holidays=frozenset()))
    no_holiday, _ = _next_open(in_window, tz, without_quiet)
    met = _holidays_met(_local(in_window, tz).date(), _local(no_holiday, tz).date(), policy.holidays)
    return [
        (in_window - base, "outside the sending window"),
        (no_holiday - in_window, f"holiday {', '.join(map(str, met))}"),
        (opening - no_holiday, "quiet hours"),
    ]


def _holidays_met(first: date, last: date, holidays: Container[date]) -> list[date]:
    days = (first + number * ONE_DAY for number in range((last - first).days + 1))
    met = [day for day in days if day in holidays]
    return met or [first - ONE_DAY]  # a window that crossed midnight: shut since the day it would have opened on


def _spread(opening: Span, key: str, minutes: int) -> timedelta:
    limit = min(minutes, (opening[1] - opening[0]) // timedelta(minutes=4))
    if limit < 1:
        return timedelta()
    digest = hashlib.sha256(key.encode()).digest()
    return timedelta(minutes=int.from_bytes(digest[:8], "big") % limit)


def _length(by: timedelta) -> str:
    """Write a length of time: `2 d 9 h`, `14 h`, `23 min`; under a minute in seconds."""
    seconds = round(by.total_seconds())
    if by < timedelta(minutes=1):
        return f"{max(seconds, 1)} s"
    days, rest = divmod(round(seconds / 60), DAY_MINUTES)
    hours, minutes = divmod(rest, HOUR_MINUTES)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount)


# --- two windows --------------------------------------------------------------------------------------------


def narrow(policy: SendingPolicy, window: Window | None) -> SendingPolicy:
    """Return `policy` with its window cut down to what `window` (a series' own) allows as well.

    Days intersect; times run from the later start to the earlier end. A window is one span that belongs to
    the day it opens on, so where two windows that cross midnight meet twice, the longer meeting is kept: the
    result is never open where one of the two is shut. Raises FunnelError when they never meet.
    """
    if window is None or _is_always(window):
        return policy
    if _is_always(policy.window):
        return replace(policy, window=window)
    meetings = [_meeting(policy.window, window, lag) for lag in (0, -1, 1)]
    begin, end, days = max(meetings, key=lambda meeting: meeting[1] - meeting[0])
    if begin >= end:
        raise FunnelError(
            f"The sending windows {_text(policy.window)} and {_text(window)} are never open together",
            hint="Give the series a window inside the project's own, or leave its window out.",
        )
    return replace(policy, window=Window(days, _clock(begin), _clock(end)))


def _is_always(window: Window) -> bool:
    return window.start == window.end and len(window.days) == len(WEEKDAYS)


def _meeting(project: Window, series: Window, lag: int) -> tuple[int, int, frozenset[int]]:
    """Return where the project's window meets the series' one of `lag` days later, and on which days."""
    (start, stop), (other_start, other_stop) = _minutes(project), _minutes(series)
    begin = max(start, other_start + lag * DAY_MINUTES)
    end = min(stop, other_stop + lag * DAY_MINUTES)
    shared = [day for day in project.days if (day - 1 + lag) % 7 + 1 in series.days]
    days = frozenset((day - 1 + begin // DAY_MINUTES) % 7 + 1 for day in shared)
    return begin, end if days else begin, days


def _minutes(window: Window) -> tuple[int, int]:
    start, end = (clock.hour * HOUR_MINUTES + clock.minute for clock in (window.start, window.end))
    return start, end if start < end else end + DAY_MINUTES


def _text(window: Window) -> str:
    days = ",".join(WEEKDAYS[day - 1] for day in sorted(window.days))
    return f"{days} {window.start:%H:%M}-{window.end:%H:%M}"
