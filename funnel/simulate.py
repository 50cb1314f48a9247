"""The same engine under a made-up clock: jump from one moment at which something can happen to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from funnel.engine import Dispatched, Engine, dispatch, launch, recover, tick
from funnel.ports import Sender

CLOCK = "clock"  #: where the store keeps the last instant that the engine acted on
MOST_MOMENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Moment:
    """What one instant brought."""

    at: datetime
    moved: int
    dispatched: Dispatched


def act(engine: Engine, sender: Sender, *, now: datetime) -> Moment:
    """Do everything that is due at `now`: enter, decide, hand over; until nothing is left to do."""
    engine.store.put(CLOCK, now.isoformat())
    total, moved = Dispatched(), 0
    while True:
        launched = launch(engine, now=now)
        ticked = tick(engine, now=now)
        done = dispatch(engine, sender, now=now)
        _add(total, done)
        moved += ticked + launched
        if done.held or not (launched or ticked or done.sent or done.failed or done.unknown):
            return Moment(now, moved, total)


def fast_forward(
    engine: Engine,
    sender: Sender,
    *,
    start: datetime,
    until: datetime,
    between: Callable[[datetime], datetime | None] = lambda _: None,
) -> list[Moment]:
    """Run the made-up clock from `start` to `until`, stopping at every instant that matters.

    `between` plays the people: it is told the time, does what they do by then, and returns when they act next; it
    is asked before the engine acts, and again after. The caller knows that no other worker is alive, so work that a
    killed run left is taken over first.
    """
    recover(engine, sender, now=start, alone=True)
    moments: list[Moment] = []
    now = start
    for _ in range(MOST_MOMENTS):
        between(now)
        moments.append(act(engine, sender, now=now))
        instants = [one for one in (between(now), engine.store.ledger.next_instant()) if one is not None]
        upcoming = min((one for one in instants if one > now), default=None)
        if moments[-1].dispatched.held or upcoming is None or upcoming > until:
            break
        now = upcoming
    return moments


def clock(engine: Engine) -> datetime | None:
    """Return the last instant that the engine acted on, in this database."""
    written = engine.store.get(CLOCK)
    return datetime.fromisoformat(written) if written else None


def _add(total: Dispatched, done: Dispatched) -> None:
    total.sent += done.sent
    total.failed += done.failed
    total.postponed += done.postponed
    total.unknown += done.unknown
    total.cancelled += done.cancelled
    total.blocked += done.blocked
    total.held = done.held or total.held
    total.sent_ids += done.sent_ids
