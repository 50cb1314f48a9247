"""Live edits while people are inside: the table of R18 (B7)."""

import pytest
from clinic import DAY, HOUR, MONDAY, MORNINGS, WELCOME, Clinic, step

from funnel.engine import retire, tick
from funnel.model import Variant

A, B, C, X = step("a"), step("b"), step("c"), step("x")

# Ann has got the welcome and a, and waits for b, when the series is edited on the second day.
EDITS = [
    ("nothing", [WELCOME, A, B, C], ["b", "c"], [2, 3]),
    ("insert ahead", [WELCOME, A, B, X, C], ["b", "x", "c"], [2, 3, 4]),
    ("insert just before what is waited for", [WELCOME, A, X, B, C], ["x", "b", "c"], [2, 3, 4]),
    ("insert behind", [WELCOME, X, A, B, C], ["b", "c"], [2, 3]),
    ("insert at the very beginning", [X, WELCOME, A, B, C], ["b", "c"], [2, 3]),
    ("a new last step", [WELCOME, A, B, C, X], ["b", "c", "x"], [2, 3, 4]),
    ("remove what is waited for", [WELCOME, A, C], ["c"], [2]),
    ("remove what is behind", [WELCOME, B, C], ["b", "c"], [2, 3]),
    ("remove everything behind", [B, C], ["b", "c"], [2, 3]),
    ("remove the last step", [WELCOME, A, B], ["b"], [2]),
    ("remove everything ahead", [WELCOME, A], [], []),
    ("a new id for what is behind", [WELCOME, X, B, C], ["b", "c"], [2, 3]),
    ("a new id for the first mail", [step("w2", "0h"), A, B, C], ["b", "c"], [2, 3]),
    ("reorder what is ahead", [WELCOME, A, C, B], ["c", "b"], [2, 3]),
    ("move what is ahead to behind", [WELCOME, C, A, B], ["c", "b"], [2, 3]),
    ("move what is behind to ahead", [WELCOME, B, C, A], ["b", "c"], [2, 3]),
    ("a longer wait counts what was waited", [WELCOME, A, step("b", "3d"), C], ["b", "c"], [4, 5]),
    ("a shorter wait that is over goes now", [WELCOME, A, step("b", "1h"), C], ["b", "c"], [1.5, 2.5]),
    ("only the other side from now on", [WELCOME, A, step("b", only=frozenset({Variant.LEFT})), C], ["c"], [2]),
]


@pytest.mark.parametrize(("new", "then", "days"), [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS])
def test_an_edit_moves_whoever_waits_as_the_table_says(clinic, new, then, days):
    clinic.publish(WELCOME, A, B, C)
    ann = clinic.joins()
    clinic.until(MONDAY + 36 * HOUR)
    clinic.publish(*new)
    clinic.until(MONDAY + 20 * DAY)
    assert clinic.got(ann) == ["welcome", "a", *then]
    assert [(at - MONDAY) / DAY for _, at in clinic.when(ann)][2:] == days
    assert clinic.run_of(ann).status == "completed"
    assert clinic.broken() == []


# The same, while b is on its way: ready, leased, or being sent.
ON_ITS_WAY = [
    ("nothing", [WELCOME, A, B, C], ["b", "c"]),
    ("insert ahead", [WELCOME, A, B, X, C], ["b", "x", "c"]),
    ("insert just behind it", [WELCOME, A, X, B, C], ["b", "c"]),
    ("remove what is ahead", [WELCOME, A, B], ["b"]),
    ("a new last step", [WELCOME, A, B, X], ["b", "x"]),
    ("remove what is behind", [WELCOME, B, C], ["b", "c"]),
    ("move what is ahead to behind it", [WELCOME, A, C, B], ["b", "c"]),
    ("move it to the end", [WELCOME, A, C, X, B], ["b", "c", "x"]),
]


@pytest.mark.parametrize("hook", ["ready", "meanwhile", "during"])
@pytest.mark.parametrize(("new", "then"), [edit[1:] for edit in ON_ITS_WAY], ids=[edit[0] for edit in ON_ITS_WAY])
def test_an_edit_while_a_mail_is_on_its_way_loses_and_doubles_nothing(clinic, hook, new, then):
    clinic.publish(WELCOME, A, B, C)
    ann = clinic.joins()
    clinic.until(MONDAY + 36 * HOUR)
    if hook == "ready":
        tick(clinic.engine, now=MONDAY + 2 * DAY)
        clinic.publish(*new)
    else:
        setattr(clinic.relay, hook, lambda: clinic.publish(*new))
    clinic.until(MONDAY + 20 * DAY)
    assert clinic.got(ann) == ["welcome", "a", *then]
    assert clinic.broken() == []


@pytest.mark.parametrize(
    ("hook", "word", "then"),
    [
        ("ready", "accept", ["c"]),
        ("meanwhile", "accept", ["c"]),
        ("during", "accept", ["b", "c"]),  # it is past the gate: it cannot be called back
        ("during", "late-retry", ["c"]),
    ],
)
def test_a_removed_steps_mail_is_taken_back_if_it_has_not_gone(clinic, hook, word, then):
    clinic.publish(WELCOME, A, B, C)
    ann = clinic.joins()
    clinic.until(MONDAY + 36 * HOUR)
    clinic.relay.script = [word]
    if hook == "ready":
        tick(clinic.engine, now=MONDAY + 2 * DAY)
        clinic.publish(WELCOME, A, C)
    else:
        setattr(clinic.relay, hook, lambda: clinic.publish(WELCOME, A, C))
    clinic.until(MONDAY + 20 * DAY)
    assert clinic.got(ann) == ["welcome", "a", *then]
    assert clinic.ledger(ann)["b"] in ("sent", "cancelled: step_removed")
    assert clinic.broken() == []


def test_a_new_last_step_reaches_nobody_who_has_finished(clinic):
    clinic.publish(WELCOME, A)
    ann = clinic.joins()
    clinic.until(MONDAY + 5 * DAY)
    clinic.publish(WELCOME, A, B)
    clinic.until(MONDAY + 20 * DAY)
    assert clinic.got(ann) == ["welcome", "a"]


def test_an_edit_of_a_held_series_waits_for_the_end_of_the_hold(clinic):
    from funnel.engine import resume, stop

    clinic.publish(WELCOME, A, B)
    ann = clinic.joins()
    clinic.until(MONDAY + HOUR)
    stop(clinic.engine, clinic.engine.program("care"), how="hold", now=clinic.now)
    clinic.until(MONDAY + 5 * DAY)
    clinic.publish(WELCOME, X, A, B)
    assert clinic.at(clinic.now).sent == 0
    resume(clinic.engine, clinic.engine.program("care"), now=clinic.now)
    clinic.until(MONDAY + 20 * DAY)
    assert clinic.got(ann) == ["welcome", "x", "a", "b"]


@pytest.mark.parametrize("hook", ["ready", "meanwhile", "during"])
def test_a_retired_series_lets_everybody_go_with_the_reason(clinic, hook):
    clinic.publish(WELCOME, A)
    ann = clinic.joins()

    def take_out():
        retire(clinic.engine, clinic.engine.program("care"), now=MONDAY)

    if hook == "ready":
        tick(clinic.engine, now=MONDAY)
        take_out()
    else:
        setattr(clinic.relay, hook, take_out)
    clinic.until(MONDAY + 5 * DAY)
    assert clinic.got(ann) == (["welcome"] if hook == "during" else [])
    assert clinic.run_of(ann).exit_reason == "step_removed"
    assert clinic.broken() == []


def test_a_wait_shortened_at_night_is_shown_and_kept_for_the_morning(tmp_path):
    """B7, B9: the new plan never lies in the past."""
    with Clinic(tmp_path, MORNINGS) as clinic:
        clinic.publish(WELCOME, step("a", "9d"))
        ann = clinic.joins()
        clinic.until(MONDAY + 38 * HOUR)  # 23:00
        clinic.publish(WELCOME, step("a", "1d"))
        foreseen = clinic.foreseen(ann)
        assert foreseen == [("a", MONDAY + 46 * HOUR)]
        clinic.until(MONDAY + 20 * DAY)
        assert clinic.when(ann)[1:] == foreseen
