"""Pushing: applying a plan makes the next one empty, also after a crash; what is not ready never leaves (F1, A4)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel.errors import Refused, Unreachable
from funnel.model import Change, Resource, Unsupported
from funnel.payload import digest_of, email_json
from funnel.plan import ORDER, desired
from funnel.push import apply, make_plan, refuse_dangerous, refuse_unready
from funnel.signoff import sign

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Shelf:
    """An account kept in a dict: a whole implementation of the port `Remote`."""

    def __init__(self, cannot: Iterable[str] = (), fails_at: int = 0, people: int = 0) -> None:
        self.held: dict[tuple[str, str], Resource] = {}
        self.reads = 0
        self.writes = 0
        self._cannot = frozenset(cannot)
        self._fails_at = fails_at
        self._people = people

    def pull(self) -> list[Resource]:
        self.reads += 1
        return list(self.held.values())

    def unsupported(self, desired: Sequence[Resource]) -> list[Unsupported]:
        return [Unsupported(one.kind, one.slug, "not here") for one in desired if one.kind in self._cannot]

    def apply(self, change: Change) -> None:
        self.writes += 1
        if self.writes == self._fails_at:
            raise Unreachable("the account does not answer")
        if change.after is None:
            self.held.pop((change.kind, change.slug), None)
        else:
            self.held[change.kind, change.slug] = change.after

    def people_affected(self, kind: str, slug: str) -> int:
        return self._people


def resources(pairs) -> list[Resource]:
    return [Resource(kind, slug, digest_of(text), text) for (kind, slug), text in pairs.items()]


pairs = st.dictionaries(st.tuples(st.sampled_from(ORDER), st.sampled_from("abcd")), st.sampled_from("xyz"))


@given(pairs, pairs, st.frozensets(st.sampled_from(ORDER)))
def test_applying_a_plan_makes_the_next_one_empty(before, wanted, cannot) -> None:
    shelf = Shelf(cannot)
    shelf.held = {(one.kind, one.slug): one for one in resources(before)}
    list(apply(make_plan(resources(wanted), shelf, provider="shelf"), shelf))
    assert make_plan(resources(wanted), shelf, provider="shelf").changes == ()


@given(pairs, pairs, st.integers(1, 9))
def test_a_push_that_broke_off_is_finished_by_the_next_one(before, wanted, fails_at) -> None:
    shelf = Shelf(fails_at=fails_at)
    shelf.held = {(one.kind, one.slug): one for one in resources(before)}
    outcomes = list(apply(make_plan(resources(wanted), shelf, provider="shelf"), shelf))
    assert [one.error for one in outcomes].count("the account does not answer") <= 1
    assert not any(one.error for one in outcomes[:-1])
    list(apply(make_plan(resources(wanted), shelf, provider="shelf"), shelf))
    assert shelf.held == {(one.kind, one.slug): one for one in resources(wanted)}


@given(pairs, pairs)
def test_a_change_applied_twice_is_applied_once(before, wanted) -> None:
    shelf = Shelf()
    shelf.held = {(one.kind, one.slug): one for one in resources(before)}
    plan = make_plan(resources(wanted), shelf, provider="shelf")
    for change in plan.changes:
        shelf.apply(change)
        after = dict(shelf.held)
        shelf.apply(change)
        assert shelf.held == after


def test_a_plan_reads_once_and_writes_nothing(example, mails) -> None:
    shelf = Shelf()
    plan = make_plan(desired(example, mails.values(), now=NOW), shelf, provider="shelf")
    assert (shelf.reads, shelf.writes) == (1, 0)
    assert len(plan.changes) == len(mails) + 2


def test_the_whole_example_can_be_pushed(example, mails) -> None:
    shelf, wanted = Shelf(), desired(example, mails.values(), now=NOW)
    outcomes = list(apply(make_plan(wanted, shelf, provider="shelf"), shelf))
    assert not any(one.error for one in outcomes)
    assert make_plan(wanted, shelf, provider="shelf").changes == ()
    assert list(shelf.held.values()) == list(wanted)


# --- what must not leave ---


def letter(mails, *, missing: bool, unapproved: bool) -> Resource:
    one = mails["welcome/left"] if missing else replace(mails["welcome/left"], missing=())
    return Resource("email", "welcome/left", "d", email_json(one, unapproved=unapproved))


@pytest.mark.parametrize(
    ("missing", "unapproved", "words"),
    [
        (True, False, "still lacks: .*the clinic's postal address"),
        (False, True, "no clinician has signed: welcome/left"),
    ],
)
def test_mail_that_is_not_ready_stays_on_this_machine(mails, missing: bool, unapproved: bool, words: str) -> None:
    """Promise A4."""
    wanted = [letter(mails, missing=missing, unapproved=unapproved)]
    refuse_unready(wanted, sender="mailbox")
    with pytest.raises(Refused, match=words) as caught:
        refuse_unready(wanted, sender="smtp")
    assert caught.value.hint


def test_mail_that_is_ready_may_leave(mails) -> None:
    refuse_unready([letter(mails, missing=False, unapproved=False)], sender="smtp")


def test_a_signed_example_lacks_only_what_the_clinic_must_supply(example, mails) -> None:
    signed = replace(example, reviews=sign(mails.values(), by="A. Clinician", credential="DPT", now=NOW))
    with pytest.raises(Refused, match="still lacks: "):
        refuse_unready(desired(signed, mails.values(), now=NOW), sender="smtp")


def test_taking_something_from_people_inside_needs_force() -> None:
    shelf = Shelf(people=2)
    shelf.held = {("series", "s"): Resource("series", "s", "d", "{}")}
    plan = make_plan([], shelf, provider="shelf")
    with pytest.raises(Refused, match=r"series s \(2 people\)"):
        refuse_dangerous(plan, force=False)
    refuse_dangerous(plan, force=True)


def test_taking_away_what_nobody_is_in_is_not_dangerous() -> None:
    shelf = Shelf()
    shelf.held = {("series", "s"): Resource("series", "s", "d", "{}")}
    plan = make_plan([], shelf, provider="shelf")
    refuse_dangerous(plan, force=False)
    assert [change.action for change in plan.changes] == ["delete"]
