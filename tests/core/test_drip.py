"""What comes next (B1-B7), as tables and as properties of the pure rules."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel.drip import CAP, GRACE, Facts, defer, follow, judge, plan, restart, stand, stand_anew
from funnel.model import (
    Enrollment,
    EnrollmentStatus,
    Reason,
    SendingPolicy,
    Series,
    Step,
    Variant,
    Wait,
    WaitUnit,
    Window,
)

ZONE = ZoneInfo("America/New_York")
MONDAY = datetime(2026, 3, 2, 14, tzinfo=UTC)  # nine in the morning in New York
HOUR = timedelta(hours=1)
EVER = SendingPolicy(spread_minutes=0)
MORNINGS = SendingPolicy(Window(frozenset(range(1, 6)), time(7), time(10)), spread_minutes=0)
SIDED = frozenset({Variant.LEFT, Variant.RIGHT})


def step(name, wait="1d", **more):
    if name.startswith("x"):
        more = {"only": SIDED, "exercise": int(name[1:]), **more}
    amount = wait.rstrip("bdh")
    return Step(name, name, Wait(int(amount), WaitUnit(wait.removeprefix(amount))), **more)


def series(*steps, **more):
    return Series("care", "care", "abcdef", tuple(one if isinstance(one, Step) else step(one) for one in steps), **more)


def run(after="", variant=Variant.RIGHT, anchor=MONDAY):
    return Enrollment(1, 1, "care", variant, after, 0, EnrollmentStatus.ACTIVE, MONDAY, anchor)


@pytest.mark.parametrize(
    ("after", "variant", "done", "following"),
    [
        ("", Variant.RIGHT, "", "w"),
        ("w", Variant.RIGHT, "w", "x1"),
        ("w", Variant.NOT_SURE, "w", "i"),
        ("x1", Variant.LEFT, "w x1", "x2"),
        ("x1", Variant.LEFT, "w x1 x2", "b"),  # x2 was moved here from behind
        ("b", Variant.LEFT, "w x1 x2 b", None),
        ("x2", Variant.LEFT, "w x2 b", None),  # x1 was inserted behind
    ],
)
def test_what_follows_is_the_next_step_of_the_variant_that_is_not_done(after, variant, done, following):
    care = series("w", "x1", "x2", step("i", only=frozenset({Variant.NOT_SURE})), "b")
    found = follow(care, run(after, variant), frozenset(done.split()))
    assert (found.id if found else None) == following


@pytest.mark.parametrize(
    ("before", "after", "variant", "passed", "behind"),
    [
        (Variant.NOT_SURE, "w", Variant.RIGHT, "w", "w"),
        (Variant.NOT_SURE, "i", Variant.RIGHT, "w i", "w"),
        (Variant.RIGHT, "x2", Variant.LEFT, "w x1 x2", "w"),
        (Variant.NOT_SURE, "b", Variant.LEFT, "w i b", "w"),  # a finished person starts the first exercise, too
        (Variant.NOT_SURE, "", Variant.LEFT, "", ""),  # nobody loses the welcome
        (Variant.RIGHT, "x2", Variant.NOT_SURE, "w x1 x2", "w"),
        (Variant.RIGHT, "b", Variant.NOT_SURE, "w x1 x2 b", "w"),  # the idea was never on the way until now
        (Variant.RIGHT, "x1", Variant.LEFT, "", "w"),  # what lay behind, though the ledger has no word of it
    ],
)
def test_a_changed_side_begins_before_its_first_exercise(before, after, variant, passed, behind):
    care = series("w", "x1", "x2", step("i", only=frozenset({Variant.NOT_SURE})), "b")
    assert restart(care, run(after, before), variant, frozenset(passed.split())) == behind


def test_what_stands_before_the_first_exercise_is_not_lost_by_choosing_a_side():
    care = series("w", "intro", "x1")
    assert restart(care, run("w", Variant.NOT_SURE), Variant.RIGHT, frozenset({"w"})) == "w"


@pytest.mark.parametrize(
    ("known", "received", "one", "why"),
    [
        ("", "", step("a"), None),
        ("inquiry", "", step("goal"), Reason.GOAL),
        ("inquiry", "", step("a"), None),
        ("ebook", "", step("a", unless="ebook"), Reason.CONDITION),
        ("", "", step("a", unless="ebook"), None),
        ("", "", step("a", only_if="tag:vip"), Reason.CONDITION),
        ("tag:vip", "", step("a", only_if="tag:vip"), None),
        ("", "a", step("a"), Reason.DUPLICATE),
        ("", "x1", step("x1"), None),  # the other side's first exercise is another one
    ],
)
def test_a_step_is_skipped_for_one_reason(known, received, one, why):
    facts = Facts(frozenset(known.split()), frozenset(received.split()))
    assert judge(series(one, goals={"inquiry": frozenset({"goal"})}), one, facts) is why


@pytest.mark.parametrize(
    ("wait", "after", "hours"),
    [
        ("0h", "", 0),  # the welcome: at once, whatever was mailed before
        ("0h", "w", 0),
        ("0d", "w", 0),
        ("5h", "w", 5),  # its own wait is shorter than the cap
        ("19h", "w", 19),
        ("20h", "w", 25),
        ("1d", "w", 25),
        ("2d", "w", 48),
    ],
)
def test_drip_mails_keep_20_hours_apart_unless_the_wait_is_shorter(wait, after, hours):
    facts = Facts(last_mail_at=MONDAY + 5 * HOUR)
    one = step("a", wait)
    found = plan(series("w", one), run(after), one, zone=ZONE, policy=EVER, facts=facts)
    assert found.due.at == MONDAY + hours * HOUR


def test_the_first_mail_goes_at_night_too_and_the_second_waits_for_the_morning():
    night = datetime(2026, 3, 3, 4, tzinfo=UTC)  # 23:00 in New York
    first, second = step("w", "0h"), step("a", "0h")
    care = series(first, second)
    assert plan(care, run(anchor=night), first, zone=ZONE, policy=MORNINGS, facts=Facts()).due.at == night
    morning = datetime(2026, 3, 3, 12, tzinfo=UTC)
    assert plan(care, run("w", anchor=night), second, zone=ZONE, policy=MORNINGS, facts=Facts()).due.at == morning


NEXT_MORNING = datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "planned", "last", "until"),
    [
        (MONDAY, MONDAY, None, None),
        (MONDAY + 2 * HOUR, MONDAY + 2 * HOUR - GRACE, None, None),  # closed since 10:00, but hardly late
        (MONDAY + 2 * HOUR, MONDAY, None, NEXT_MORNING),
        (MONDAY + HOUR / 2, MONDAY - 99 * HOUR, None, None),  # late, and the window is open
        (MONDAY, MONDAY, MONDAY, datetime(2026, 3, 3, 12, tzinfo=UTC)),
        (MONDAY, MONDAY, MONDAY - HOUR, NEXT_MORNING),
        (MONDAY, MONDAY, MONDAY - CAP, None),
        (MONDAY, MONDAY, MONDAY - 19 * HOUR, datetime(2026, 3, 3, 12, tzinfo=UTC)),
    ],
)
def test_who_arrives_too_late_or_too_soon_after_another_mail_waits_on(now, planned, last, until):
    one = step("a")
    facts = Facts(last_mail_at=last)
    found = defer(series("w", one), run("w"), one, now=now, planned=planned, zone=ZONE, policy=MORNINGS, facts=facts)
    assert found == until


def test_who_has_just_asked_never_waits():
    one = step("w", "0h")
    facts = Facts(last_mail_at=MONDAY)
    night = MONDAY + 12 * HOUR
    assert defer(series(one), run(), one, now=night, planned=MONDAY, zone=ZONE, policy=MORNINGS, facts=facts) is None


# --- edits, as properties

ids = st.sampled_from("abcdef")
orders = st.lists(ids, unique=True, max_size=6).map(lambda some: series(*some, variant_by="none"))


@st.composite
def inside(draw):
    """A series, and somebody inside it who has got everything up to where they stand."""
    old = draw(orders)
    path = [one.id for one in old.steps]
    position = draw(st.integers(0, len(path)))
    return old, run(path[position - 1] if position else "", Variant.ALL), frozenset(path[:position])


def walk(care, one, done):
    """Follow a series to its end."""
    from dataclasses import replace

    got = []
    while found := follow(care, one, done):
        got.append(found.id)
        done |= {found.id}
        one = replace(one, after=stand(care, one, found.id, done))
    return got


@given(inside(), orders)
def test_after_an_edit_nobody_gets_a_step_twice_and_nobody_loses_one_that_lay_ahead(somebody, new):
    """B7: what lay ahead and is still there comes; what is done never comes again."""
    from dataclasses import replace

    old, one, done = somebody
    ahead = [step.id for step in old.steps if step.id not in done]
    moved = replace(one, after=stand_anew(old, new, one, done))
    got = walk(new, moved, done)
    assert len(got) == len(set(got))
    assert not done.intersection(got)
    assert {name for name in ahead if name in {step.id for step in new.steps}} <= set(got)


@given(inside(), st.data())
def test_a_step_inserted_behind_somebody_never_runs_and_one_ahead_does(somebody, data):
    from dataclasses import replace

    old, one, done = somebody
    place = data.draw(st.integers(0, len(old.steps)))
    new = series(*old.steps[:place], "new", *old.steps[place:], variant_by="none")
    moved = replace(one, after=stand_anew(old, new, one, done))
    assert ("new" in walk(new, moved, done)) == (place >= len(done))


@given(orders)
def test_a_series_without_edits_is_followed_in_its_order(care):
    assert walk(care, run(variant=Variant.ALL), frozenset()) == [one.id for one in care.steps]


@given(inside(), st.data())
def test_a_mail_on_its_way_is_finished_like_any_other(somebody, data):
    """Its run moves behind it, unless an edit put something before it that is still owed."""
    from dataclasses import replace

    old, one, done = somebody
    current = follow(old, one, done)
    if current is None:
        return
    new = series(*data.draw(st.permutations([step.id for step in old.steps])), variant_by="none")
    moved = replace(one, after=stand_anew(old, new, one, done | {current.id}))
    then = replace(moved, after=stand(new, moved, current.id, done | {current.id}))
    ahead = {step.id for step in old.steps} - done - {current.id}
    assert set(walk(new, then, done | {current.id})) == ahead
