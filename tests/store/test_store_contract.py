"""What every store does, whichever database is under it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from funnel.errors import Refused, StoreError
from funnel.model import (
    Consent,
    ConsentEvent,
    ContactStatus,
    Delivery,
    DeliveryState,
    EnrollmentStatus,
    Event,
    EventType,
    Person,
    Reason,
    Variant,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def person(store, name="ann", **more):
    address = f"{name}@example.com"
    number, _ = store.people.add(Person(address, address, name.title(), **more), now=NOW)
    return number


def program(store, slug="care", steps=("welcome", "a"), kind="series"):
    return store.programs.publish(kind, slug, "abcdef", '{"x": 1}', steps=list(steps), now=NOW)


def run(store, name="ann", slug="care"):
    number = person(store, name)
    store.people.set_status(number, ContactStatus.SUBSCRIBED)
    return store.ledger.enroll(program(store, slug).id, number, Variant.RIGHT, key="", now=NOW)


def ready(store, run_id, step="welcome", due=NOW):
    """A delivery whose bytes can be leased."""
    one = store.ledger.enrollment(run_id)
    store.programs.put_email("mail", "all", "d1", "{}", now=NOW)
    email_id = store.programs.email_id("mail", Variant.ALL)
    delivery = Delivery(0, run_id, one.contact_id, step, one.visit, "mail", one.variant, DeliveryState.READY, due)
    number = store.programs.numbers(store.ledger.program_of(run_id))[step]
    assert store.ledger.add(delivery, number=number, email_id=email_id)
    return store.ledger.history(one.contact_id)[-1].id


def leased(store, owner="me", now=NOW):
    """The first ready delivery, leased for an hour and frozen."""
    (lease,) = store.ledger.lease(owner=owner, now=now, until=now + HOUR, limit=1)
    store.ledger.freeze(lease.delivery_id, store.people.get(lease.contact_id).email, b"bytes")
    return lease


# --- transactions


def fail_after_writing(store, key):
    with store.transaction():
        store.put(key, "1")
        store.people.get(7)  # there is nobody


def test_a_transaction_is_all_or_nothing(store):
    with pytest.raises(StoreError):
        fail_after_writing(store, "a")
    assert store.get("a") == ""


def test_what_fails_inside_is_undone_alone_when_the_failure_is_caught(store):
    with store.transaction():
        store.put("a", "1")
        with pytest.raises(StoreError):
            fail_after_writing(store, "b")
        store.put("c", "1")
    assert (store.get("a"), store.get("b"), store.get("c")) == ("1", "", "1")


def test_a_rehearsal_leaves_nothing_behind(store):
    with store.rehearsal():
        with store.transaction():
            person(store)
        assert store.people.find("ann@example.com")
    assert store.people.find("ann@example.com") is None


def test_another_process_sees_what_was_committed_and_nothing_else(opening):
    one, other = opening(), opening()
    with one.transaction():
        one.put("a", "1")
        assert other.get("a") == ""
    assert other.get("a") == "1"


def test_an_instance_is_named_once(opening):
    assert opening().get("instance") == opening().get("instance") == "test"


# --- people


def test_a_person_is_stored_once_and_left_as_they_are(store):
    first = person(store, tags=frozenset({"vip"}))
    again, is_new = store.people.add(
        Person("ANN@example.com", "ann@example.com", "Other", tags=frozenset({"more"})), now=NOW
    )
    assert (again, is_new) == (first, False)
    assert store.people.get(first).first_name == "Ann"
    assert store.people.get(first).tags == {"vip"}


def test_everyone_is_read_in_pages_of_any_length(store):
    with store.transaction():
        numbers = [person(store, f"p{number}") for number in range(2001)]
    store.people.erase(numbers[5])
    assert [one.id for one in store.people.each()] == [one for one in numbers if one != numbers[5]]


def test_fields_and_tags_are_written_whole(store):
    number = person(store, tags=frozenset({"a", "b"}))
    changed = replace(store.people.get(number), first_name="Anna", side=Variant.LEFT, tags=frozenset({"b", "c"}))
    store.people.update(changed)
    assert store.people.get(number) == changed


def test_the_consent_log_keeps_its_order_and_its_exact_words(store):
    number = person(store)
    said = [
        Consent(ConsentEvent.REQUESTED, NOW, "page", "Yes, “please”"),
        Consent(ConsentEvent.CONFIRMED, NOW, "link", "Yes, “please”"),
        Consent(ConsentEvent.WITHDRAWN, NOW + HOUR, "link", ""),
    ]
    for one in said:
        store.people.consent(number, one)
    assert store.people.consents(number) == tuple(said)


@pytest.mark.parametrize("reason", ["bounced", "complained", "erased"])
def test_a_suppression_is_never_lowered(store, reason):
    store.people.suppress("x@example.com", reason, now=NOW)
    store.people.suppress("x@example.com", "unsubscribed", now=NOW)
    store.people.lift("x@example.com")
    assert store.people.suppression("x@example.com") == reason


def test_an_unsubscribe_can_be_lifted(store):
    store.people.suppress("x@example.com", "unsubscribed", now=NOW)
    store.people.lift("x@example.com")
    assert store.people.suppression("x@example.com") == ""


def test_an_event_counts_once(store):
    number = person(store, tags=frozenset({"vip"}))
    event = Event(EventType.INQUIRY, number, NOW, "key")
    assert [store.people.happened(event) for _ in range(3)] == [True, False, False]
    assert store.people.events(number) == (event,)
    assert store.people.known(number) == {"inquiry", "tag:vip"}


def test_whoever_is_erased_stays_erased(store):
    number = person(store)
    store.people.erase(number)
    store.people.set_status(number, ContactStatus.SUBSCRIBED)
    gone = store.people.get(number)
    assert (gone.status, gone.email, gone.first_name, gone.side, gone.tags) == ("erased", "", "", None, frozenset())
    assert store.people.count() == {"erased": 1}


def test_a_missing_contact_run_delivery_program_or_email_is_named(store):
    for look_up in (
        store.people.get,
        store.people.key_of,
        store.ledger.enrollment,
        store.ledger.delivery,
        store.ledger.email_of,
        store.programs.by_id,
        store.programs.email,
    ):
        with pytest.raises(StoreError, match="7"):
            look_up(7)


# --- programs


def test_the_same_definition_makes_no_new_version(store):
    first, again = program(store), program(store)
    changed = store.programs.publish("series", "care", "abcdef", '{"x": 2}', steps=["b"], now=NOW)
    assert (first.version, again.version, changed.version) == (1, 1, 2)


def test_a_steps_number_is_given_once_and_never_used_again(store):
    one = program(store, steps=["a", "b"])
    program(store, steps=["c", "b"])
    assert store.programs.numbers(one.id) == {"a": 1, "b": 2, "c": 3}


def test_a_series_can_have_255_steps_in_its_life_and_no_more(store):
    one = program(store, steps=[f"s{number}" for number in range(255)])
    with pytest.raises(Refused, match="255"):
        program(store, steps=["one more"])
    assert len(store.programs.numbers(one.id)) == 255


def test_a_persons_own_variant_comes_before_the_one_for_all(store):
    store.programs.put_email("mail", "all", "d1", "for all", now=NOW)
    store.programs.put_email("mail", "left", "d2", "for left", now=NOW)
    for variant, payload in ((Variant.LEFT, "for left"), (Variant.RIGHT, "for all"), (Variant.ALL, "for all")):
        found = store.programs.current_email("mail", variant)
        assert found.payload == payload
        assert store.programs.email_id("mail", variant) == found.id


def test_an_email_changes_and_comes_back_under_its_old_number(store):
    store.programs.put_email("mail", "all", "d1", "one", now=NOW)
    first = store.programs.email_id("mail", Variant.ALL)
    store.programs.put_email("mail", "all", "d2", "two", now=NOW)
    assert [one.payload for one in store.programs.emails()] == ["two"]
    store.programs.put_email("mail", "all", "d1", "one", now=NOW)
    assert store.programs.email_id("mail", Variant.ALL) == first
    store.programs.retire_email("mail", "all")
    assert store.programs.email_id("mail", Variant.ALL) is None
    assert store.programs.email(first).payload == "one"


# --- runs and timers


def test_nobody_has_two_runs_under_one_key(store):
    run_id = run(store)
    contact = store.ledger.enrollment(run_id).contact_id
    assert store.ledger.enroll(program(store).id, contact, Variant.LEFT, key="", now=NOW) is None
    assert store.ledger.enroll(program(store).id, contact, Variant.LEFT, key="2", now=NOW) is not None


def test_a_timer_fires_once_it_is_due_and_not_in_a_held_program(store):
    run_id, one = run(store), program(store)
    store.ledger.wait(run_id, NOW + HOUR)
    assert store.ledger.next_instant() == NOW + HOUR
    assert store.ledger.due(now=NOW, limit=9) == ()
    assert [waiting.enrollment.id for waiting in store.ledger.due(now=NOW + HOUR, limit=9)] == [run_id]
    for state in ("held", "frozen"):
        store.programs.set_state(one.id, state, now=NOW)
        assert store.ledger.due(now=NOW + HOUR, limit=9) == ()
        assert store.ledger.next_instant() is None
    store.ledger.wait(run_id, None)
    assert store.ledger.waits_until(run_id) is None


def test_the_next_instant_is_the_soonest_of_timers_mail_and_broadcasts(store):
    store.ledger.wait(run(store), NOW + 3 * HOUR)
    ready(store, run(store, "ben"), due=NOW + 2 * HOUR)
    assert store.ledger.next_instant() == NOW + 2 * HOUR
    store.programs.publish("broadcast", "news", "abcdeg", "{}", steps=["mail"], now=NOW, start_at=NOW + HOUR)
    assert store.ledger.next_instant() == NOW + HOUR
    store.programs.launched(store.programs.get("broadcast", "news").id)
    assert store.ledger.next_instant() == NOW + 2 * HOUR


def test_a_finished_run_has_no_timer_and_does_not_advance(store):
    run_id = run(store)
    store.ledger.wait(run_id, NOW)
    store.ledger.finish(run_id, EnrollmentStatus.EXITED, "unsubscribed")
    store.ledger.advance(run_id, "a", now=NOW + HOUR)
    store.ledger.finish(run_id, EnrollmentStatus.COMPLETED)
    one = store.ledger.enrollment(run_id)
    assert (one.status, one.exit_reason, one.after) == ("exited", "unsubscribed", "")
    assert store.ledger.waits_until(run_id) is None


def test_a_freeze_shifts_each_anchor_by_as_long_as_it_stood_still(store):
    before, during, ahead = run(store, "ann"), run(store, "ben"), run(store, "cat")
    store.ledger.advance(during, "a", now=NOW + 4 * HOUR)
    store.ledger.advance(ahead, "a", now=NOW + 20 * HOUR)
    store.ledger.shift_anchors(program(store).id, since=NOW + 2 * HOUR, now=NOW + 10 * HOUR)
    hours = [(store.ledger.enrollment(one).anchor_at - NOW) / HOUR for one in (before, during, ahead)]
    assert hours == [8, 10, 20]


# --- the ledger


def test_the_ledger_takes_each_key_once(store):
    run_id = run(store)
    ready(store, run_id)
    delivery = store.ledger.history(store.ledger.enrollment(run_id).contact_id)[0]
    number = store.programs.numbers(program(store).id)["welcome"]
    assert not store.ledger.add(delivery, number=number, email_id=None)


def test_a_delivery_is_leased_by_one_worker_only(store):
    ready(store, run(store))
    assert leased(store).fence == 1
    assert store.ledger.lease(owner="you", now=NOW, until=NOW + HOUR, limit=9) == ()


def test_each_lease_raises_the_fence_and_counts_a_try_unless_excused(store):
    ready(store, run(store))
    lease = leased(store)
    store.ledger.postpone(lease.delivery_id, NOW)
    second = leased(store, now=NOW + HOUR)
    assert (second.fence, second.attempts, second.first_at) == (2, 2, NOW)
    for later in (2, 3):
        store.ledger.excuse(lease.delivery_id)
        store.ledger.excuse(lease.delivery_id)
        store.ledger.postpone(lease.delivery_id, NOW)
        third = leased(store, now=NOW + later * HOUR)
    assert (third.fence, third.attempts, third.first_at) == (4, 1, NOW + 3 * HOUR)


def test_only_the_holder_of_the_lease_has_a_say(store):
    ready(store, run(store))
    first = leased(store)
    assert store.ledger.holds(first, owner="me")
    assert not store.ledger.holds(first, owner="you")
    store.ledger.postpone(first.delivery_id, NOW)
    assert not store.ledger.holds(first, owner="me")
    second = leased(store)
    assert not store.ledger.holds(first, owner="me")
    assert store.ledger.intend([first], owner="me") == {first.delivery_id: Reason.DUPLICATE}
    assert store.ledger.intend([second], owner="me") == {first.delivery_id: None}
    assert store.ledger.intend([second], owner="me") == {first.delivery_id: Reason.DUPLICATE}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda store, one: None, None),
        (lambda store, one: store.programs.set_state(1, "held", now=NOW), Reason.PAUSED),
        (lambda store, one: store.programs.set_state(1, "frozen", now=NOW), Reason.PAUSED),
        (lambda store, one: store.people.set_status(1, ContactStatus.UNSUBSCRIBED), Reason.UNSUBSCRIBED),
        (lambda store, one: store.people.set_status(1, ContactStatus.UNCONFIRMED), Reason.NO_CONSENT),
        (lambda store, one: store.people.suppress("ann@example.com", "bounced", now=NOW), Reason.SUPPRESSED),
        (lambda store, one: store.people.suppress("ann@example.com", "unsubscribed", now=NOW), Reason.UNSUBSCRIBED),
        (lambda store, one: store.people.erase(1), Reason.ERASED),
        (lambda store, one: store.ledger.finish(1, EnrollmentStatus.EXITED, "goal"), Reason.EXITED),
        (lambda store, one: store.ledger.change_side(1, Variant.LEFT, "", now=NOW), Reason.SIDE_CHANGED),
        (lambda store, one: store.ledger.thaw(one.delivery_id), Reason.DUPLICATE),
        (lambda store, one: store.ledger.cancel_open(1, Reason.UNSUBSCRIBED, now=NOW), Reason.DUPLICATE),
    ],
)
def test_the_gate_looks_at_everything_that_could_forbid_the_mail(store, change, why):
    """C2."""
    ready(store, run(store))
    lease = leased(store)
    change(store, lease)
    assert store.ledger.intend([lease], owner="me") == {lease.delivery_id: why}


def test_the_first_bytes_stay(store):
    ready(store, run(store))
    lease = leased(store)
    store.ledger.freeze(lease.delivery_id, "other@example.com", b"other")
    assert store.ledger.frozen(lease.delivery_id) == ("ann@example.com", b"bytes")


@pytest.mark.parametrize("state", [one for one in DeliveryState if one in ("sent", "failed", "cancelled", "skipped")])
def test_a_final_delivery_keeps_neither_bytes_nor_lease(store, state):
    ready(store, run(store))
    lease = leased(store)
    store.ledger.settle(lease.delivery_id, state, now=NOW, reason="x")
    assert store.ledger.frozen(lease.delivery_id) is None
    assert store.ledger.stale(owner="you", now=NOW + 9 * HOUR, alone=True) == ()


def test_an_uncertain_delivery_keeps_its_bytes_and_can_be_reopened(store):
    ready(store, run(store))
    lease = leased(store)
    store.ledger.settle(lease.delivery_id, DeliveryState.UNKNOWN, now=NOW, reason="unknown_outcome")
    store.ledger.reopen(lease.delivery_id, NOW + HOUR)
    again = store.ledger.delivery(lease.delivery_id)
    assert (again.state, again.due_at, again.settled_at, again.reason) == ("ready", NOW + HOUR, None, "")
    assert store.ledger.frozen(lease.delivery_id) == ("ann@example.com", b"bytes")


def test_the_work_of_the_dead_is_found_by_time_or_when_we_are_alone(store):
    ready(store, run(store))
    lease = leased(store)
    found = ((lease.delivery_id, DeliveryState.LEASED),)
    assert store.ledger.stale(owner="you", now=NOW, alone=False) == ()
    assert store.ledger.stale(owner="you", now=NOW, alone=True) == found
    assert store.ledger.stale(owner="me", now=NOW, alone=True) == ()
    assert store.ledger.stale(owner="you", now=NOW + HOUR, alone=False) == found


def test_a_drip_mail_is_open_while_it_may_still_go_now(store):
    run_id = run(store)
    delivery = ready(store, run_id, due=NOW + HOUR)
    assert not store.ledger.has_drip_open(1, now=NOW)
    assert store.ledger.has_drip_open(1, now=NOW + HOUR)
    store.programs.set_state(1, "held", now=NOW)
    assert not store.ledger.has_drip_open(1, now=NOW + HOUR)
    store.programs.set_state(1, "open", now=NOW)
    store.ledger.settle(delivery, DeliveryState.SENT, now=NOW)
    assert not store.ledger.has_drip_open(1, now=NOW + HOUR)


def test_counts_are_by_program_step_state_and_reason(store):
    one = run(store)
    store.ledger.settle(ready(store, one), DeliveryState.SENT, now=NOW)
    ready(store, one, "a")
    assert store.ledger.counts() == [("care", "welcome", "sent", "", 1), ("care", "a", "ready", "", 1)]
    assert store.ledger.run_counts() == [("care", "active", "", 1)]
    assert store.programs.count_inside("series", "care") == 1
