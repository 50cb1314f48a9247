"""The funnel in numbers: every row of the ledger is counted once, in its place."""

from hypothesis import given
from hypothesis import strategies as st

from funnel.model import DeliveryState, EnrollmentStatus, Reason
from funnel.report import count

RUNS = [("si-joint", "active", "", 3), ("si-joint", "exited", "unsubscribed", 2), ("news", "completed", "", 5)]
DELIVERIES = [
    ("si-joint", "welcome", "sent", "", 4),
    ("si-joint", "welcome", "unknown", "unknown_outcome", 1),
    ("si-joint", "exercise-1", "ready", "", 2),
    ("si-joint", "exercise-1", "leased", "", 1),
    ("si-joint", "exercise-1", "skipped", "goal", 1),
    ("si-joint", "exercise-1", "cancelled", "unsubscribed", 2),
    ("si-joint", "exercise-1", "failed", "provider_rejected", 1),
    ("alone", "mail", "expired", "too_late", 7),
]


def test_runs_and_deliveries_are_counted_by_program_and_step() -> None:
    series, news, alone = count(DELIVERIES, RUNS)
    assert (series.slug, series.entered, series.active, series.completed, series.exited) == ("si-joint", 5, 3, 0, 2)
    assert (news.entered, news.completed, news.steps) == (5, 5, {})
    welcome, first = series.steps.values()
    assert (welcome.step, welcome.sent, welcome.unknown) == ("welcome", 4, 1)
    assert (first.waiting, first.not_sent, first.failed) == (3, 3, 1)
    assert first.reasons == {"goal": 1, "unsubscribed": 2, "provider_rejected": 1}
    assert alone.steps["mail"].not_sent == 7


def test_nothing_counts_as_nothing() -> None:
    assert count([], []) == []


numbers = st.integers(1, 1000)
deliveries = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from("xyz"),
        st.sampled_from(DeliveryState),
        st.sampled_from(["", *Reason]),
        numbers,
    )
)
runs = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(EnrollmentStatus), st.just(""), numbers))


@given(deliveries, runs)
def test_the_parts_add_up_to_the_whole(deliveries, runs) -> None:
    found = count(deliveries, runs)
    assert sum(one.entered for one in found) == sum(row[-1] for row in runs)
    assert all(one.entered == one.active + one.completed + one.exited for one in found)
    steps = [step for one in found for step in one.steps.values()]
    every = sum(step.sent + step.waiting + step.unknown + step.failed + step.not_sent for step in steps)
    assert every == sum(row[-1] for row in deliveries)
    assert sum(sum(step.reasons.values()) for step in steps) == sum(row[-1] for row in deliveries if row[3])
