"""One person's timeline: what is behind, and what comes next, with the reason for every shift. Reads only.

Promise B9: what this shows is what then happens, because the engine plans with the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from funnel.drip import follow, judge, plan
from funnel.engine.kernel import GONE, Engine
from funnel.model import Contact, Enrollment, EnrollmentStatus, Program, Series, Step

MOST_STEPS = 255  #: a series cannot have more


@dataclass(frozen=True, slots=True)
class Upcoming:
    """One mail to come. `at` is UTC, `local` the person's own wall clock; `why` says what moved it."""

    series: str
    step: str
    email: str
    at: datetime
    local: datetime
    why: str


def upcoming(engine: Engine, contact: Contact) -> tuple[Upcoming, ...]:
    """Foresee a person's mail in every active run, in order of time, if nothing else happens."""
    found: list[Upcoming] = []
    for run in engine.store.ledger.runs(contact.id):
        if run.status is EnrollmentStatus.ACTIVE:
            program = engine.store.programs.by_id(engine.store.ledger.program_of(run.id))
            found += _foresee(engine, contact, program, run)
    return tuple(sorted(found, key=lambda one: one.at))


def local_time(at: datetime, zone: ZoneInfo) -> datetime:
    """Return an instant on a person's own wall clock."""
    return at.astimezone(zone)


def _foresee(engine: Engine, contact: Contact, program: Program, run: Enrollment) -> Iterator[Upcoming]:
    series = engine.series(program)
    zone = engine.zone(contact)
    facts, done = engine.facts(run), engine.done(run)
    waits_until = engine.store.ledger.waits_until(run.id)
    paused = "held for now" if program.state in ("held", "frozen") else ""
    if waits_until is None:
        on_its_way = _on_its_way(engine, series, run)
        if on_its_way is None:
            return
        step, at = on_its_way
        yield Upcoming(series.slug, step.id, step.email, at, local_time(at, zone), "on its way")
        run = replace(run, after=step.id, anchor_at=at)
        facts = replace(facts, last_mail_at=at)
    for _ in range(MOST_STEPS):
        step_now = follow(series, run, done)
        if step_now is None:
            return
        due = plan(series, run, step_now, zone=zone, policy=engine.settings.sending, facts=facts).due
        at = waits_until or due.at
        waits_until = None
        if judge(series, step_now, facts) is None:
            why = "; ".join([*due.shifts, *([paused] if paused else [])])
            yield Upcoming(series.slug, step_now.id, step_now.email, at, local_time(at, zone), why)
            facts = replace(facts, last_mail_at=at)
        run = replace(run, after=step_now.id, anchor_at=at)
        done |= {step_now.id}


def _on_its_way(engine: Engine, series: Series, run: Enrollment) -> tuple[Step, datetime] | None:
    """Find the step of a run whose mail is ready or being sent."""
    steps = {step.id: step for step in series.steps}
    for delivery in engine.store.ledger.history(run.contact_id):
        is_ours = delivery.enrollment_id == run.id and delivery.visit == run.visit
        if is_ours and delivery.settled_at is None and delivery.state not in GONE and delivery.step in steps:
            return steps[delivery.step], delivery.due_at
    return None
