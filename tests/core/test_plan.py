"""What a push would change: found by comparing, in the order in which it must be done, named by a digest."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel.errors import Refused
from funnel.model import Action, Resource, Unsupported
from funnel.plan import ORDER, desired, diff

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


def resource(kind="email", slug="welcome/left", digest="a") -> Resource:
    return Resource(kind, slug, digest, "{}", slug)


def plan(wanted, actual, unsupported=(), people=3):
    return diff(wanted, actual, provider="test", unsupported=unsupported, people=lambda kind, slug: people)


def seen(found) -> list[tuple[str, str, str]]:
    return [(change.action, change.kind, change.slug) for change in found.changes]


def test_everything_that_should_exist_comes_after_what_it_points_at(example, mails) -> None:
    wanted = desired(example, mails.values(), now=NOW)
    kinds = [one.kind for one in wanted]
    assert kinds == sorted(kinds, key=ORDER.index)
    assert {one.slug for one in wanted if one.kind == "email"} == set(mails)
    assert [one.slug for one in wanted if one.kind != "email"] == ["si-joint", "si-joint-newsletter"]


def test_what_should_exist_is_the_same_each_time_and_in_any_order(example, mails) -> None:
    backwards = list(mails.values())[::-1]
    assert desired(example, backwards, now=NOW) == desired(example, mails.values(), now=NOW)


def test_a_draft_says_that_it_is_one(example, mails) -> None:
    (broadcast,) = [one for one in desired(example, mails.values(), now=NOW) if one.kind == "broadcast"]
    assert broadcast.summary.endswith("(a draft, not scheduled)")


def test_new_changed_and_gone_are_told_apart() -> None:
    wanted = [resource(slug="new"), resource(slug="changed", digest="b"), resource(slug="same")]
    actual = [resource(slug="changed"), resource(slug="same"), resource(slug="gone")]
    assert seen(plan(wanted, actual)) == [
        ("create", "email", "new"),
        ("update", "email", "changed"),
        ("delete", "email", "gone"),
    ]


def test_people_are_counted_where_something_of_theirs_changes() -> None:
    wanted = [resource(slug="new"), resource(slug="changed", digest="b")]
    found = plan(wanted, [resource(slug="changed"), resource(slug="gone")])
    assert [change.people_affected for change in found.changes] == [0, 3, 3]


def test_what_points_at_others_is_taken_away_first_whatever_order_it_was_read_in() -> None:
    gone = [resource(), resource("series", "s"), resource("broadcast", "b")]
    for order in (gone, gone[::-1]):
        assert [kind for _, kind, _ in seen(plan([], order))] == ["broadcast", "series", "email"]


def test_what_the_provider_cannot_hold_is_said_and_left_alone() -> None:
    cannot = Unsupported("series", "s", "no branches")
    for actual in ([], [resource("series", "s", "old")]):
        found = plan([resource("series", "s")], actual, [cannot])
        assert found.unsupported == (cannot,)
        assert not found.changes


def test_two_of_the_same_name_are_not_guessed_between() -> None:
    """Promise F2."""
    with pytest.raises(Refused, match="two of series s at test") as caught:
        plan([], [resource("series", "s"), resource("series", "s", "b")])
    assert caught.value.hint


kinds = st.sampled_from(ORDER)
pairs = st.dictionaries(st.tuples(kinds, st.sampled_from("abcd")), st.sampled_from("xyz"))


def resources(pairs) -> list[Resource]:
    return [resource(kind, slug, digest) for (kind, slug), digest in pairs.items()]


@given(pairs, pairs)
def test_a_change_holds_all_that_applying_needs(wanted, actual) -> None:
    state = dict(actual)
    for change in plan(resources(wanted), resources(actual)).changes:
        assert (change.before.digest if change.before else None) == state.get((change.kind, change.slug))
        if change.action is Action.DELETE:
            del state[change.kind, change.slug]
        else:
            state[change.kind, change.slug] = change.after.digest
    assert state == wanted


@given(pairs, pairs, pairs)
def test_the_digest_names_exactly_this_plan(wanted, actual, other) -> None:
    one, two = plan(resources(wanted), resources(actual)), plan(resources(wanted), resources(other))
    assert (one.digest == two.digest) == (one.changes == two.changes)


@given(pairs, pairs, st.integers(0, 9))
def test_who_is_inside_does_not_change_the_plans_name(wanted, actual, people) -> None:
    assert (
        plan(resources(wanted), resources(actual), people=people).digest
        == plan(resources(wanted), resources(actual)).digest
    )
