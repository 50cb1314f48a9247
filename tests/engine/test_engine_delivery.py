"""From ready to settled, through every answer that a relay can give (C1-C5, B8)."""

from datetime import timedelta

import pytest
from clinic import DAY, HOUR, MINUTE, MONDAY, WELCOME, Clinic, Crash, step

from funnel.engine import dispatch, erase, happened, recover, resolve, resume, set_fields, stop, tick, unsubscribe
from funnel.engine.settling import pause
from funnel.errors import Refused
from funnel.mailbox import Mailbox
from funnel.model import DeliveryState, EventType, Missing, Place, Reason


def test_a_person_gets_every_step_once_and_completes(clinic):
    clinic.publish(WELCOME, step("a"), step("b", "2d"))
    ann = clinic.joins()
    clinic.until(MONDAY + 10 * DAY)
    assert clinic.when(ann) == [("welcome", MONDAY), ("a", MONDAY + DAY), ("b", MONDAY + 3 * DAY)]
    assert clinic.run_of(ann).status == "completed"
    assert clinic.broken() == []


def test_the_real_mailbox_holds_what_the_ledger_says_was_sent(clinic, tmp_path):
    clinic.publish(WELCOME, step("a"))
    clinic.joins()
    clinic.relay = Mailbox(tmp_path / "mailbox")
    clinic.until(MONDAY + 10 * DAY)
    assert len(list(clinic.relay.messages())) == len(clinic.store.ledger.in_state(DeliveryState.SENT)) == 2


@pytest.mark.parametrize(
    ("script", "ledger", "taken"),
    [
        (["retry"], "ready", 0),
        (["retry", "accept"], "sent", 1),
        (["quiet", "accept"], "sent", 1),
        (["hold", "accept"], "sent", 1),
        (["withdraw", "accept"], "sent", 1),
        (["late-retry", "accept"], "sent", 1),
        (["refuse"], "failed: provider_rejected", 0),
        (["bad-address"], "failed: no_address", 0),
        (["lost"], "unknown: unknown_outcome", 1),
        (["vanished"], "unknown: unknown_outcome", 0),
        (["retry"] * 8, "failed: provider_rejected", 0),
        (["hold"] * 20 + ["retry", "accept"], "sent", 1),
    ],
)
def test_every_answer_of_a_relay_has_one_place_in_the_ledger(clinic, script, ledger, taken):
    clinic.publish(WELCOME)
    ann = clinic.joins()
    clinic.relay.script = list(script)
    for turn in range(len(script)):
        clinic.at(MONDAY + turn * 6 * HOUR)
    assert clinic.ledger(ann) == {"welcome": ledger}
    assert len(clinic.relay.taken) == taken
    assert clinic.broken() == []


def test_a_bad_address_is_never_mailed_again_and_touches_nobody_else(clinic):
    clinic.publish(WELCOME, step("a"))
    ann, ben = clinic.joins("ann"), clinic.joins("ben")
    clinic.relay.script = ["bad-address"]
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.got(ann) == []
    assert clinic.got(ben) == ["welcome", "a"]
    assert clinic.run_of(ann).exit_reason == Reason.SUPPRESSED
    assert clinic.store.people.suppression("ann@example.com") == "bounced"


def test_a_relay_that_is_down_stops_the_queue_and_counts_against_nobody(clinic):
    clinic.publish(WELCOME)
    people = [clinic.joins(f"p{number}") for number in range(40)]
    clinic.relay.script = ["quiet"] * 32
    assert clinic.at(MONDAY).held
    assert len(clinic.relay.script) == 0
    assert clinic.at(MONDAY + HOUR).sent == len(people)


def test_the_same_bytes_go_again_after_a_retry(clinic):
    clinic.publish(WELCOME)
    ann = clinic.joins()
    clinic.relay.script = ["retry"]
    clinic.at(MONDAY)
    _, before = clinic.store.ledger.frozen(clinic.store.ledger.history(ann.id)[0].id)
    clinic.at(MONDAY + HOUR)
    assert [one.raw for one in clinic.relay.taken] == [before]


def test_pauses_double_up_to_six_hours_and_are_spread():
    longest = [pause(7, attempt) for attempt in range(1, 12)]
    assert all(a <= timedelta(hours=6) for a in longest)
    assert all(timedelta(minutes=2.5) * 2**n <= longest[n] <= timedelta(minutes=5) * 2**n for n in range(6))
    assert pause(7, 3) != pause(8, 3)


@pytest.mark.parametrize(
    ("word", "knows", "ledger", "taken"),
    [
        ("die-early", False, "sent", 1),
        ("die-late", False, "unknown: unknown_outcome", 0),
        ("die-late", True, "sent", 1),
        ("die-done", False, "unknown: unknown_outcome", 1),
        ("die-done", True, "sent", 1),
    ],
)
def test_a_killed_worker_doubles_nothing_and_loses_nothing(clinic, word, knows, ledger, taken):
    clinic.publish(WELCOME, step("a"))
    ann = clinic.joins()
    clinic.relay.script = [word]
    with pytest.raises(Crash):
        clinic.at(MONDAY)
    clinic.engine, clinic.relay.knows = clinic.another("second"), knows
    recover(clinic.engine, clinic.relay, now=MONDAY, alone=True)
    clinic.at(MONDAY)
    assert clinic.ledger(ann) == {"welcome": ledger}
    assert len(clinic.relay.taken) == taken
    assert clinic.store.ledger.waits_until(clinic.run_of(ann).id) == MONDAY + DAY
    assert clinic.broken() == []


def test_a_mail_found_after_a_crash_counts_for_the_frequency_cap(clinic):
    clinic.publish(WELCOME)
    ann = clinic.joins()
    clinic.relay.script = ["die-done"]
    with pytest.raises(Crash):
        clinic.at(MONDAY)
    clinic.relay.knows = True
    recover(clinic.another("second"), clinic.relay, now=MONDAY, alone=True)
    assert clinic.store.ledger.last_mail_at(ann.id) == MONDAY


def test_a_living_workers_lease_is_left_alone_until_it_runs_out(clinic):
    clinic.publish(WELCOME)
    clinic.joins()
    clinic.relay.script = ["die-early"]
    with pytest.raises(Crash):
        clinic.at(MONDAY)
    second = clinic.another("second")
    assert recover(second, clinic.relay, now=MONDAY + 30 * MINUTE, alone=False) == 0
    assert recover(second, clinic.relay, now=MONDAY + 61 * MINUTE, alone=False) == 1


def test_a_worker_that_slept_past_its_lease_sends_nothing(clinic):
    clinic.publish(WELCOME)
    clinic.joins()
    second, late = clinic.another("second"), MONDAY + 2 * HOUR

    def taken_over():
        recover(second, clinic.relay, now=late, alone=False)
        dispatch(second, clinic.relay, now=late)

    clinic.relay.meanwhile = taken_over
    clinic.at(MONDAY)
    assert len(clinic.relay.taken) == 1
    assert clinic.broken() == []


@pytest.mark.parametrize("word", ["accept", "late-retry", "vanished"])
def test_a_late_answer_of_a_sleeper_changes_only_what_is_certain(clinic, word):
    """A retry that comes after another worker has settled the row must not make it ready again (fault 10)."""
    clinic.publish(WELCOME)
    ann = clinic.joins()
    second = clinic.another("second")
    clinic.relay.script = [word]
    clinic.relay.during = lambda: recover(second, clinic.relay, now=MONDAY + 2 * HOUR, alone=False)
    clinic.at(MONDAY)
    assert clinic.ledger(ann) == {"welcome": "sent" if word == "accept" else "unknown: unknown_outcome"}
    clinic.at(MONDAY + 3 * HOUR)
    assert len(clinic.relay.taken) == (word == "accept")


def test_what_is_unknown_is_settled_when_the_other_side_can_answer_and_never_resent(clinic):
    clinic.publish(WELCOME)
    ann, ben = clinic.joins("ann"), clinic.joins("ben")
    clinic.relay.script = ["lost", "vanished"]
    clinic.at(MONDAY)
    recover(clinic.engine, clinic.relay, now=MONDAY + HOUR, alone=True)
    assert clinic.ledger(ann) == {"welcome": "unknown: unknown_outcome"}
    clinic.relay.knows = True
    recover(clinic.engine, clinic.relay, now=MONDAY + HOUR, alone=True)
    clinic.until(MONDAY + DAY)
    assert clinic.ledger(ann) == {"welcome": "sent"}
    assert clinic.when(ann) == [("welcome", MONDAY)]
    assert clinic.ledger(ben) == {"welcome": "unknown: unknown_outcome"}
    assert len(clinic.relay.taken) == 1


def test_a_person_settles_what_is_uncertain(clinic):
    clinic.publish(WELCOME, step("a"))
    ann, ben = clinic.joins("ann"), clinic.joins("ben")
    clinic.relay.script = ["lost", "vanished"]
    clinic.at(MONDAY)
    first, second = clinic.store.ledger.in_state(DeliveryState.UNKNOWN)
    resolve(clinic.engine, first.id, is_sent=True, now=MONDAY)
    resolve(clinic.engine, second.id, is_sent=False, now=MONDAY + HOUR)
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.got(ann) == clinic.got(ben) == ["welcome", "a"]
    assert clinic.store.ledger.history(ben.id)[-1].settled_at == MONDAY + DAY  # the series did not wait for it
    assert clinic.broken() == []
    with pytest.raises(Refused, match="nothing is uncertain"):
        resolve(clinic.engine, first.id, is_sent=False, now=MONDAY)


def test_nobody_who_left_is_sent_an_uncertain_mail_again(clinic):
    clinic.publish(WELCOME, step("a"))
    ann = clinic.joins()
    clinic.relay.script = ["vanished"]
    clinic.at(MONDAY)
    unsubscribe(clinic.engine, ann.id, source="test", now=MONDAY)
    (one,) = clinic.store.ledger.in_state(DeliveryState.UNKNOWN)
    with pytest.raises(Refused, match="has left"):
        resolve(clinic.engine, one.id, is_sent=False, now=MONDAY)


MOMENTS = {
    "before the tick": lambda clinic, act: (act(), clinic.at(MONDAY)),
    "when the mail is ready": lambda clinic, act: (tick(clinic.engine, now=MONDAY), act(), clinic.at(MONDAY)),
    "between lease and intent": lambda clinic, act: (setattr(clinic.relay, "meanwhile", act), clinic.at(MONDAY)),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_goes_to_somebody_who_unsubscribes(clinic, moment):
    clinic.publish(WELCOME, step("a"))
    ann = clinic.joins()
    MOMENTS[moment](clinic, lambda: unsubscribe(clinic.engine, ann.id, source="test", now=MONDAY))
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.relay.taken == []
    assert clinic.run_of(ann).exit_reason == "unsubscribed"
    assert clinic.broken() == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_goes_to_somebody_who_is_forgotten(clinic, moment):
    clinic.publish(WELCOME, step("a"))
    ann = clinic.joins()
    MOMENTS[moment](clinic, lambda: erase(clinic.engine, ann.id, now=MONDAY))
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.relay.taken == []
    assert clinic.broken() == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_goes_while_a_series_is_held_and_all_of_it_afterwards(clinic, moment):
    clinic.publish(WELCOME, step("a"))
    ann = clinic.joins()
    program = clinic.engine.program("care")
    MOMENTS[moment](clinic, lambda: stop(clinic.engine, program, how="hold", now=MONDAY))
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.relay.taken == []
    assert clinic.broken() == []
    resume(clinic.engine, program, now=clinic.now)
    clinic.until(MONDAY + 10 * DAY)
    assert clinic.got(ann) == ["welcome", "a"]


@pytest.mark.parametrize("what", ["unsubscribe", "erase"])
@pytest.mark.parametrize("word", ["accept", "late-retry", "vanished"])
def test_leaving_while_a_mail_is_being_sent_ends_in_peace(clinic, what, word):
    clinic.publish(WELCOME, step("a"))
    ann = clinic.joins()
    acts = {
        "unsubscribe": lambda: unsubscribe(clinic.engine, ann.id, source="test", now=MONDAY),
        "erase": lambda: erase(clinic.engine, ann.id, now=MONDAY),
    }
    clinic.relay.script, clinic.relay.during = [word], acts[what]
    clinic.at(MONDAY)
    clinic.until(MONDAY + 5 * DAY)
    assert len(clinic.relay.taken) <= 1
    assert clinic.got(ann) in ([], ["welcome"])
    assert clinic.broken() == []


@pytest.mark.parametrize("moment", ["before the tick", "when the mail is ready", "between lease and intent"])
def test_a_goal_takes_back_mail_that_it_makes_needless(clinic, moment):
    clinic.publish(step("reminder", "0h"), step("last"), goals={"inquiry": frozenset({"reminder"})})
    ann = clinic.joins()
    MOMENTS[moment](clinic, lambda: happened(clinic.engine, ann.id, EventType.INQUIRY, now=MONDAY))
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.ledger(ann) == {"reminder": "skipped: goal", "last": "sent"}
    assert clinic.broken() == []


def test_mail_with_something_missing_leaves_by_no_relay_but_waits(clinic):
    clinic.publish(WELCOME)
    clinic.email("welcome", missing=(Missing("the postal address", Place("funnel.toml")),))
    ann = clinic.joins()
    clinic.relay.is_local = False
    for hours in range(12):
        assert clinic.at(MONDAY + hours * HOUR).blocked == 1
    clinic.relay.is_local = True
    clinic.relay.script = ["retry"]  # the first real attempt: waiting did not use up any
    clinic.until(MONDAY + DAY)
    assert clinic.got(ann) == ["welcome"]


def test_one_mail_that_cannot_be_written_fails_alone(clinic):
    clinic.publish(WELCOME, step("a"))
    ann, ben = clinic.joins("ann"), clinic.joins("ben")
    set_fields(clinic.engine, clinic.store.people.get(ann.id), now=MONDAY)
    clinic.store._db._connection.execute(
        "UPDATE contact SET email = 'ann@example.com\nBcc: x@example.com' WHERE id = 1"
    )
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.ledger(ann) == {"welcome": "failed: render_error", "a": "failed: render_error"}
    assert clinic.got(ben) == ["welcome", "a"]


def test_a_missing_file_fails_its_mail_and_stops_no_other(tmp_path):
    def gone(path):
        raise Refused(f"there is no file {path}")

    with Clinic(tmp_path) as clinic:
        clinic.publish(WELCOME, step("a"))
        clinic.email("welcome", attachment="book.pdf")
        from dataclasses import replace

        clinic.engine = replace(clinic.engine, files=gone)
        ann = clinic.joins()
        clinic.until(MONDAY + 5 * DAY)
        assert clinic.ledger(ann) == {"welcome": "failed: render_error", "a": "sent"}


def test_a_step_whose_mail_was_never_published_is_skipped_with_its_reason(clinic):
    clinic.publish(WELCOME, step("a"), step("b"))
    clinic.store.programs.retire_email("a", "all")
    ann = clinic.joins()
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.ledger(ann) == {"welcome": "sent", "a": "skipped: render_error", "b": "sent"}


def test_an_address_changed_after_freezing_gets_the_mail_at_its_new_place(clinic):
    clinic.publish(WELCOME)
    clinic.joins()
    clinic.relay.script = ["retry"]
    clinic.at(MONDAY)
    clinic.store._db._connection.execute("UPDATE contact SET email = 'new@example.com' WHERE id = 1")
    clinic.at(MONDAY + HOUR)
    assert [one.envelope_to for one in clinic.relay.taken] == ["new@example.com"]
    assert clinic.broken() == []
