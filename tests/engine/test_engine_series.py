"""Who gets what next: entries, sides, conditions, pauses, the frequency cap (A1, A2, B1-B8)."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from clinic import DAY, HOUR, MINUTE, MONDAY, MORNINGS, WELCOME, Clinic, exercise, step

from funnel.engine import (
    change_side,
    confirm,
    dispatch,
    enroll,
    happened,
    request_confirmation,
    resume,
    set_fields,
    stop,
    tick,
    unsubscribe,
)
from funnel.errors import Refused
from funnel.model import Consent, ConsentEvent, EventType, Variant

LEFT, RIGHT, NOT_SURE = Variant.LEFT, Variant.RIGHT, Variant.NOT_SURE
PATH = (WELCOME, exercise("x1"), exercise("x2"), step("idea", only=frozenset({NOT_SURE})), step("book"))


def test_nobody_enters_twice_or_without_consent(clinic):
    clinic.publish(WELCOME)
    ann, program = clinic.joins("ann"), clinic.engine.program("care")
    assert not enroll(clinic.engine, program, ann, now=MONDAY)
    with pytest.raises(Refused, match="unconfirmed"):
        enroll(clinic.engine, program, clinic.person("ben"), now=MONDAY)


def test_a_closed_series_takes_nobody_in_and_goes_on_for_those_inside(clinic):
    clinic.publish(WELCOME, step("a"))
    ann = clinic.joins("ann")
    stop(clinic.engine, clinic.engine.program("care"), how="close", now=MONDAY)
    ben = clinic.joins("ben")
    with pytest.raises(Refused, match="takes nobody in"):
        enroll(clinic.engine, clinic.engine.program("care"), ben, now=MONDAY)
    clinic.until(MONDAY + 5 * DAY)
    assert (clinic.got(ann), clinic.got(ben)) == (["welcome", "a"], [])


@pytest.mark.parametrize(
    ("side", "got"),
    [
        (LEFT, ["welcome", "x1", "x2", "book"]),
        (RIGHT, ["welcome", "x1", "x2", "book"]),
        (NOT_SURE, ["welcome", "idea", "book"]),
        (None, ["welcome", "idea", "book"]),
    ],
)
def test_each_side_gets_its_own_path(clinic, side, got):
    clinic.publish(*PATH)
    ann = clinic.joins(side=side)
    clinic.until(MONDAY + 10 * DAY)
    assert clinic.got(ann) == got


@pytest.mark.parametrize(
    ("after", "first", "then", "got"),
    [
        (0 * HOUR, NOT_SURE, [RIGHT], ["welcome", "x1", "x2", "book"]),
        (1 * HOUR, NOT_SURE, [RIGHT], ["welcome", "x1", "x2", "book"]),
        (30 * HOUR, NOT_SURE, [RIGHT], ["welcome", "idea", "x1", "x2", "book"]),
        (80 * HOUR, NOT_SURE, [LEFT], ["welcome", "idea", "book", "x1", "x2"]),
        (30 * HOUR, RIGHT, [LEFT], ["welcome", "x1", "x1", "x2", "book"]),
        (30 * HOUR, RIGHT, [LEFT, RIGHT], ["welcome", "x1", "x1", "x2", "book"]),
        (30 * HOUR, RIGHT, [NOT_SURE], ["welcome", "x1", "idea", "book"]),
        (30 * HOUR, RIGHT, [RIGHT], ["welcome", "x1", "x2", "book"]),
    ],
)
def test_choosing_a_side_begins_its_first_exercise_without_a_second_welcome(clinic, after, first, then, got):
    """A2."""
    clinic.publish(*PATH)
    ann = clinic.joins(side=first)
    if after:
        clinic.until(MONDAY + after)
    for side in then:
        change_side(clinic.engine, ann.id, side, now=clinic.now)
    clinic.until(MONDAY + 20 * DAY)
    assert clinic.got(ann) == got
    assert clinic.broken() == []


@pytest.mark.parametrize("hook", ["meanwhile", "during"])
@pytest.mark.parametrize("word", ["accept", "late-retry", "vanished"])
def test_a_side_chosen_while_mail_is_in_flight_never_mixes_the_sides(clinic, hook, word):
    """A1: what was going to the old side does not go again; the welcome is not doubled, nor lost."""
    clinic.publish(*PATH)
    ann = clinic.joins(side=NOT_SURE)
    clinic.relay.script = [word]
    setattr(clinic.relay, hook, lambda: change_side(clinic.engine, ann.id, RIGHT, now=MONDAY))
    clinic.until(MONDAY + 20 * DAY)
    is_certain = word == "accept" or (word == "late-retry" and hook == "during")
    welcomes = clinic.got(ann).count("welcome") + (word == "vanished")
    assert welcomes == 1 or (hook, word) == ("meanwhile", "vanished")
    assert clinic.got(ann)[is_certain:][-3:] == ["x1", "x2", "book"]
    assert clinic.broken() == []


def test_an_exercise_in_flight_that_comes_back_is_not_sent_to_the_other_side(clinic):
    clinic.publish(*PATH)
    ann = clinic.joins(side=RIGHT)
    clinic.until(MONDAY + HOUR)
    clinic.relay.script = ["late-retry"]
    clinic.relay.during = lambda: change_side(clinic.engine, ann.id, LEFT, now=MONDAY + DAY)
    clinic.until(MONDAY + 20 * DAY)
    visits = [(one.step, one.visit) for one in clinic.store.ledger.history(ann.id) if one.state == "sent"]
    assert visits == [("welcome", 0), ("x1", 1), ("x2", 1), ("book", 1)]
    assert clinic.broken() == []


def test_another_worker_does_not_send_a_second_welcome_while_the_first_is_in_flight(clinic):
    """B1: nobody knows yet whether it goes, so the new side's run looks again a little later."""
    clinic.publish(*PATH)
    ann = clinic.joins(side=NOT_SURE)

    def choose_while_sending():
        change_side(clinic.engine, ann.id, RIGHT, now=MONDAY)
        second = clinic.another("second")
        assert tick(second, now=MONDAY) == 1
        assert dispatch(second, clinic.relay, now=MONDAY).sent == 0

    clinic.relay.during = choose_while_sending
    clinic.until(MONDAY + 20 * DAY)
    assert clinic.got(ann) == ["welcome", "x1", "x2", "book"]
    assert clinic.broken() == []


def test_whoever_has_unsubscribed_keeps_the_choice_and_gets_nothing(clinic):
    clinic.publish(*PATH)
    ann = clinic.joins(side=NOT_SURE)
    clinic.until(MONDAY + 20 * DAY)
    unsubscribe(clinic.engine, ann.id, source="test", now=clinic.now)
    assert change_side(clinic.engine, ann.id, LEFT, now=clinic.now) == 0
    assert clinic.store.people.get(ann.id).side is LEFT
    assert clinic.broken() == []


def test_conditions_and_goals_skip_with_their_reason_and_the_rest_goes_on(clinic):
    clinic.publish(
        WELCOME,
        step("vip", only_if="tag:vip"),
        step("reminder", unless="ebook_downloaded"),
        step("invite"),
        step("last"),
        goals={"inquiry": frozenset({"invite"})},
    )
    ann = clinic.joins()
    happened(clinic.engine, ann.id, EventType.EBOOK_DOWNLOADED, now=MONDAY)
    assert happened(clinic.engine, ann.id, EventType.INQUIRY, now=MONDAY)
    assert not happened(clinic.engine, ann.id, EventType.INQUIRY, now=MONDAY + DAY)
    clinic.until(MONDAY + 20 * DAY)
    assert clinic.ledger(ann) == {
        "welcome": "sent",
        "vip": "skipped: condition",
        "reminder": "skipped: condition",
        "invite": "skipped: goal",
        "last": "sent",
    }


def test_a_tag_given_while_mail_is_ready_is_read_before_it_goes(clinic):
    """B8: conditions are asked again when a send is leased."""
    clinic.publish(step("a", "0h", unless="tag:patient"))
    ann = clinic.joins()
    tick(clinic.engine, now=MONDAY)
    set_fields(clinic.engine, replace(ann, tags=frozenset({"patient"})), now=MONDAY)
    clinic.until(MONDAY + DAY)
    assert clinic.ledger(ann) == {"a": "skipped: condition"}
    assert clinic.broken() == []


def test_a_freeze_stops_the_clock_and_a_hold_lets_it_run(clinic):
    clinic.publish(WELCOME, step("a", "3d"))
    clinic.publish(WELCOME, step("a", "3d"), slug="other")
    ann = clinic.joins()
    clinic.until(MONDAY + DAY)
    stop(clinic.engine, clinic.engine.program("care"), how="freeze", now=clinic.now)
    stop(clinic.engine, clinic.engine.program("other"), how="hold", now=clinic.now)
    clinic.until(MONDAY + 11 * DAY)
    resume(clinic.engine, clinic.engine.program("care"), now=clinic.now)
    assert clinic.foreseen(ann)[-1] == ("a", MONDAY + 13 * DAY)
    resume(clinic.engine, clinic.engine.program("other"), now=clinic.now)
    clinic.until(MONDAY + 30 * DAY)
    assert clinic.when(ann)[2:] == [("a", MONDAY + 11 * DAY), ("a", MONDAY + 13 * DAY)]
    assert clinic.broken() == []


def test_whoever_enters_a_frozen_series_is_not_made_to_wait_for_the_time_before(clinic):
    clinic.publish(WELCOME, step("a", "3d"))
    stop(clinic.engine, clinic.engine.program("care"), how="freeze", now=MONDAY)
    clinic.now = MONDAY + 9 * DAY
    ann = clinic.joins()
    resume(clinic.engine, clinic.engine.program("care"), now=MONDAY + 10 * DAY)
    clinic.now = MONDAY + 10 * DAY
    clinic.until(MONDAY + 30 * DAY)
    assert clinic.when(ann) == [("welcome", MONDAY + 10 * DAY), ("a", MONDAY + 13 * DAY)]


def test_a_freeze_that_becomes_a_hold_forgets_nothing_and_closing_is_no_way_out(clinic):
    clinic.publish(WELCOME, step("a", "3d"))
    ann = clinic.joins()
    clinic.until(MONDAY + DAY)
    program = clinic.engine.program("care")
    stop(clinic.engine, program, how="freeze", now=MONDAY + DAY)
    stop(clinic.engine, program, how="freeze", now=MONDAY + 2 * DAY)
    stop(clinic.engine, program, how="hold", now=MONDAY + 3 * DAY)
    with pytest.raises(Refused, match="held"):
        stop(clinic.engine, program, how="close", now=MONDAY + 3 * DAY)
    resume(clinic.engine, program, now=MONDAY + 3 * DAY)
    clinic.until(MONDAY + 30 * DAY)
    assert clinic.run_of(ann).status == "completed"


def test_a_resumed_series_and_a_late_engine_still_keep_to_the_windows(tmp_path):
    """B3, B6: what became due at night, or while the engine was off, waits for the morning."""
    with Clinic(tmp_path, MORNINGS) as clinic:
        clinic.publish(WELCOME, step("a"), step("b"))
        ann = clinic.joins()
        clinic.at(MONDAY)
        night = datetime(2026, 3, 3, 23, tzinfo=UTC)
        clinic.at(night)
        assert clinic.got(ann) == ["welcome"]
        clinic.until(MONDAY + 10 * DAY)
        assert [at.day for _, at in clinic.when(ann)] == [2, 4, 5]
        assert all(7 <= at.hour < 10 for _, at in clinic.when(ann))


def test_mail_that_was_ready_before_a_pause_does_not_go_at_night(tmp_path):
    with Clinic(tmp_path, MORNINGS) as clinic:
        clinic.publish(WELCOME, step("a"))
        ann = clinic.joins()
        clinic.at(MONDAY)
        tick(clinic.engine, now=MONDAY + DAY)
        program = clinic.engine.program("care")
        stop(clinic.engine, program, how="freeze", now=MONDAY + DAY)
        night = datetime(2026, 3, 4, 23, tzinfo=UTC)
        resume(clinic.engine, program, now=night)
        assert dispatch(clinic.engine, clinic.relay, now=night).sent == 0
        clinic.now = night
        clinic.until(MONDAY + 10 * DAY)
        assert clinic.when(ann)[-1] == ("a", datetime(2026, 3, 5, 7, tzinfo=UTC))


def test_a_retry_does_not_go_at_night(tmp_path):
    with Clinic(tmp_path, MORNINGS) as clinic:
        clinic.publish(WELCOME, step("a", "24h"))
        clinic.now = datetime(2026, 3, 2, 9, 58, tzinfo=UTC)
        ann = clinic.joins()
        clinic.relay.script = ["accept", "retry"]
        clinic.until(MONDAY + 10 * DAY)
        assert clinic.when(ann)[-1] == ("a", datetime(2026, 3, 4, 7, tzinfo=UTC))


def test_ten_days_of_downtime_give_one_mail_now_and_the_rest_later(clinic):
    """B6, fault 28."""
    clinic.publish(WELCOME, step("a"), step("b"), step("c"))
    ann = clinic.joins()
    clinic.at(MONDAY)
    clinic.now = MONDAY + 10 * DAY
    clinic.until(MONDAY + 20 * DAY)
    days = [(at - MONDAY).days for _, at in clinic.when(ann)]
    assert days == [0, 10, 11, 12]


def test_two_series_of_one_person_keep_20_hours_apart_and_lose_nothing(clinic):
    """B6: the cap counts every series, and is asked again on arrival."""
    clinic.publish(WELCOME, step("a"), step("b"), slug="one")
    clinic.publish(WELCOME, step("c"), step("d"), slug="two")
    ann = clinic.joins()
    foreseen = clinic.foreseen(ann)
    clinic.until(MONDAY + 20 * DAY)
    times = [at for _, at in clinic.when(ann)]
    assert sorted(clinic.got(ann)) == ["a", "b", "c", "d", "welcome", "welcome"]
    assert times[0] == times[1] == MONDAY  # both welcomes go at once
    assert all(later - sooner >= 20 * HOUR for sooner, later in pairwise(times[1:]))
    assert clinic.when(ann) == foreseen


def test_a_step_that_waits_less_than_20_hours_is_not_capped(clinic):
    clinic.publish(WELCOME, step("a", "2h"), step("b", "0d"))
    ann = clinic.joins()
    clinic.until(MONDAY + 20 * DAY)
    assert [at - MONDAY for _, at in clinic.when(ann)] == [0 * HOUR, 2 * HOUR, 2 * HOUR]


def test_a_newsletter_does_not_push_the_series_back(clinic):
    clinic.publish(WELCOME, step("a"))
    ann = clinic.joins()
    clinic.broadcast(send_at=wall_clock(2026, 3, 3, 8))
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.when(ann) == [("welcome", MONDAY), ("mail", MONDAY + 23 * HOUR), ("a", MONDAY + DAY)]


def test_a_new_zone_plans_anew_and_never_into_the_past(tmp_path):
    with Clinic(tmp_path, MORNINGS) as clinic:
        clinic.publish(WELCOME, step("a"))
        ann = clinic.joins(timezone="America/New_York")
        clinic.at(MONDAY)
        assert clinic.foreseen(ann)[0][1] == datetime(2026, 3, 3, 12, tzinfo=UTC)  # 9 UTC is night in New York
        set_fields(clinic.engine, replace(ann, timezone="Asia/Tokyo"), now=MONDAY + 20 * HOUR)
        ann = clinic.store.people.get(ann.id)
        assert clinic.foreseen(ann)[0][1] == datetime(2026, 3, 3, 22, tzinfo=UTC)
        clinic.until(MONDAY + 5 * DAY)
        assert clinic.got(ann) == ["welcome", "a"]


# --- asking to confirm


def test_people_are_asked_once_a_day_and_three_times_a_month(clinic):
    """Fault 33."""
    clinic.email("confirm")
    ann = clinic.person()
    asked = []
    for hours in range(0, 24 * 40, 12):
        clinic.now = MONDAY + hours * HOUR
        if request_confirmation(clinic.engine, ann, now=clinic.now):
            asked.append(hours // 24)
        clinic.at(clinic.now)
    assert asked == [0, 1, 2, 30, 31, 32]
    assert len(clinic.relay.taken) == 6
    assert clinic.broken() == []


def test_the_question_bears_no_name_and_no_list_headers(clinic):
    clinic.email("confirm")
    request_confirmation(clinic.engine, clinic.person(), now=MONDAY)
    clinic.at(MONDAY)
    head = clinic.relay.taken[0].raw.partition(b"\r\n\r\n")[0]
    assert b"To: ann@example.com" in head
    assert b"List-" not in head


def test_confirming_lifts_an_unsubscribe_but_neither_a_bounce_nor_an_erasure(clinic):
    clinic.publish(WELCOME)
    yes = Consent(ConsentEvent.CONFIRMED, MONDAY, "test", "Yes")
    for reason, entered in (("unsubscribed", ("care",)), ("bounced", ()), ("complained", ()), ("erased", ())):
        person = clinic.person(reason)
        clinic.store.people.suppress(f"{reason}@example.com", reason, now=MONDAY)
        assert confirm(clinic.engine, person.id, yes, now=MONDAY) == entered


# --- broadcasts


def wall_clock(*parts):
    """A moment without a zone, as staff write it."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def test_a_broadcast_goes_to_its_segment_once_at_the_projects_wall_clock(tmp_path):
    with Clinic(tmp_path, timezone="America/New_York") as clinic:
        ann, ben = clinic.joins("ann", LEFT), clinic.joins("ben", RIGHT)
        clinic.person("cat", LEFT)  # never confirmed
        clinic.broadcast(send_at=wall_clock(2026, 3, 5, 9), where={"side": "left"})
        clinic.until(MONDAY + 10 * DAY)
        assert clinic.when(ann) == [("mail", datetime(2026, 3, 5, 14, tzinfo=UTC))]
        assert clinic.got(ben) == []
        clinic.broadcast(send_at=wall_clock(2026, 3, 13, 9), where={})
        clinic.until(MONDAY + 20 * DAY)
        assert clinic.got(ann) == clinic.got(ben) == ["mail"]


def test_a_local_broadcast_strikes_nine_for_each_person(clinic):
    zones = {"tok": "Asia/Tokyo", "kir": "Pacific/Kiritimati", "nyc": "America/New_York", "utc": ""}
    people = {name: clinic.joins(name, timezone=zone) for name, zone in zones.items()}
    clinic.broadcast(send_at=wall_clock(2026, 3, 5, 9), local=True)
    clinic.until(MONDAY + 10 * DAY)
    hours = {
        name: (clinic.when(person)[0][1] - datetime(2026, 3, 5, 9, tzinfo=UTC)) / HOUR
        for name, person in people.items()
    }
    assert hours == {"tok": -9, "kir": -14, "nyc": 5, "utc": 0}


def test_a_draft_goes_to_nobody(clinic):
    ann = clinic.joins()
    clinic.broadcast(send_at=None)
    clinic.until(MONDAY + 60 * DAY)
    assert clinic.got(ann) == []


@pytest.mark.parametrize(("late", "state"), [(47, "sent"), (49, "expired: too_late")])
def test_a_broadcast_that_is_two_days_late_expires(clinic, late, state):
    ann = clinic.joins()
    clinic.broadcast(send_at=wall_clock(2026, 3, 2, 10))
    clinic.at(MONDAY + HOUR + late * HOUR)
    assert clinic.ledger(ann) == {"mail": state}
    assert clinic.broken() == []


def test_a_broadcast_expires_too_when_the_relay_was_down_for_two_days(clinic):
    ann = clinic.joins()
    clinic.broadcast(send_at=wall_clock(2026, 3, 2, 9))
    clinic.relay.script = ["hold"] * 3
    clinic.at(MONDAY)
    clinic.at(MONDAY + 3 * DAY)
    assert clinic.ledger(ann) == {"mail": "expired: too_late"}


def test_a_new_moment_holds_for_those_who_wait_and_a_begun_broadcast_is_not_taken_back(clinic):
    ann = clinic.joins("ann", timezone="America/New_York")
    clinic.broadcast(send_at=wall_clock(2026, 3, 3, 9), local=True)
    clinic.until(MONDAY + 15 * HOUR)  # it has struck nine in the east
    with pytest.raises(Refused, match="1 people wait"):
        clinic.broadcast(send_at=None)
    clinic.broadcast(send_at=wall_clock(2026, 3, 4, 9), local=True)
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.when(ann) == [("mail", datetime(2026, 3, 4, 14, tzinfo=UTC))]


def test_somebody_who_leaves_before_their_local_hour_gets_no_broadcast(clinic):
    ann = clinic.joins("ann", timezone="America/New_York")
    clinic.broadcast(send_at=wall_clock(2026, 3, 3, 9), local=True)
    clinic.until(MONDAY + DAY + MINUTE)
    unsubscribe(clinic.engine, ann.id, source="test", now=clinic.now)
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.got(ann) == []
    assert clinic.broken() == []
