"""Runs: enter people, plan their next step, and turn what is due into deliveries. One transaction each.

At every moment an active run has either a timer or a mail on its way, never both and never neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from funnel.drip import AT_ONCE, defer, follow, goes_at_once, judge, plan, stand
from funnel.engine.kernel import OPEN, WAITING, Engine, variant_of
from funnel.errors import Refused, StoreError
from funnel.model import (
    Contact,
    ContactStatus,
    Delivery,
    DeliveryState,
    Enrollment,
    EnrollmentStatus,
    Program,
    Reason,
    Series,
    Step,
    Waiting,
)
from funnel.when import due, instant, narrow

BATCH = 500  #: runs that one transaction of a tick moves
MAX_LATE = timedelta(hours=48)  #: a broadcast later than this is not sent; a series step is never lost to lateness
LOOK_AGAIN = timedelta(minutes=5)  #: when the same mail is still being sent for the side chosen before


def enroll(engine: Engine, program: Program, contact: Contact, *, now: datetime, key: str = "") -> bool:
    """Enter a person; False when there is already a run under this key. Raises Refused without consent."""
    if program.state in ("closed", "retired"):
        raise Refused(f"`{program.slug}` takes nobody in at the moment", hint=f"funnel resume {program.slug}")
    if program.kind != "request" and contact.status is not ContactStatus.SUBSCRIBED:
        raise Refused(
            f"this person is {contact.status}, so nothing may be sent",
            hint="a confirmed consent is needed first: funnel contacts add EMAIL --ask",
        )
    series = engine.series(program)
    starts = _opening(engine, series)
    with engine.store.transaction():
        run_id = engine.store.ledger.enroll(
            program.id, contact.id, variant_of(series, contact), key=key, now=max(now, starts or now)
        )
        if run_id is None:
            return False
        plan_next(engine, program, run_id, now=now)
    return True


def plan_next(engine: Engine, program: Program, run_id: int, *, now: datetime) -> None:
    """Set the timer for what comes next in a run, or complete it. What is overdue goes as soon as it may."""
    ledger = engine.store.ledger
    run = ledger.enrollment(run_id)
    if run.status is not EnrollmentStatus.ACTIVE:
        return
    series = engine.series(program)
    step = follow(series, run, engine.done(run))
    if step is None:
        ledger.finish(run_id, EnrollmentStatus.COMPLETED)
        return
    zone = engine.zone(engine.store.people.get(run.contact_id))
    policy, facts = engine.settings.sending, engine.facts(run)
    at = plan(series, run, step, zone=zone, policy=policy, facts=facts).due.at
    if at < now:
        late = defer(series, run, step, now=now, planned=at, zone=zone, policy=policy, facts=facts)
        at = late or now
    ledger.wait(run_id, at)


def move_on(engine: Engine, delivery: Delivery, *, now: datetime) -> None:
    """Let the next wait of a run count from now, if it was this delivery that the run waited for."""
    ledger = engine.store.ledger
    run = ledger.enrollment(delivery.enrollment_id)
    if not _waits_for(engine, run, delivery):
        return
    program = engine.program_of(run)
    behind = stand(engine.series(program), run, delivery.step, engine.done(run))
    ledger.advance(run.id, behind, now=now)
    plan_next(engine, program, run.id, now=now)


def give_up(engine: Engine, delivery: Delivery, why: Reason, *, now: datetime) -> None:
    """Take a mail that has not gone out of the queue; the run goes on with what follows, from the same anchor."""
    engine.store.ledger.settle(delivery.id, DeliveryState.CANCELLED, now=now, reason=why)
    run = engine.store.ledger.enrollment(delivery.enrollment_id)
    if _waits_for(engine, run, delivery):
        plan_next(engine, engine.program_of(run), run.id, now=now)


def skip(engine: Engine, delivery: Delivery, why: Reason, *, now: datetime) -> None:
    """Skip a mail that has become needless before it went; the next wait counts from now."""
    engine.store.ledger.settle(delivery.id, DeliveryState.SKIPPED, now=now, reason=why)
    move_on(engine, delivery, now=now)


def needless(engine: Engine, delivery: Delivery) -> Reason | None:
    """Tell why a mail that is ready should not go any more: a goal was reached, or its step was taken out."""
    run = engine.store.ledger.enrollment(delivery.enrollment_id)
    series = engine.series(engine.program_of(run))
    step = _step(series, run, delivery)
    return judge(series, step, engine.facts(run)) if step else Reason.STEP_REMOVED


def may_go_at(engine: Engine, delivery: Delivery, *, now: datetime) -> datetime:
    """Return when a mail that is ready may go: `now`, unless it is late, and it is night, or another mail came first.

    Whoever meets a delivery whose run has gone elsewhere learns nothing here: the gate stops it.
    """
    run = engine.store.ledger.enrollment(delivery.enrollment_id)
    program = engine.program_of(run)
    series = engine.series(program)
    step = _step(series, run, delivery)
    if step is None or program.kind != "series":
        return now
    zone = engine.zone(engine.store.people.get(run.contact_id))
    facts, policy = engine.facts(run), engine.settings.sending
    until = defer(series, run, step, now=now, planned=delivery.due_at, zone=zone, policy=policy, facts=facts)
    return until or now


def next_opening(engine: Engine, delivery: Delivery, at: datetime) -> datetime:
    """Return the first moment from `at` on when this mail may be tried again: not at night."""
    run = engine.store.ledger.enrollment(delivery.enrollment_id)
    program = engine.program_of(run)
    series = engine.series(program)
    step = _step(series, run, delivery)
    if step is None or program.kind != "series" or goes_at_once(run, step):
        return at
    zone = engine.zone(engine.store.people.get(run.contact_id))
    allowed = narrow(engine.settings.sending, series.window)
    return due(at, AT_ONCE, zone, allowed, key=f"{run.id}/{step.id}").at


def waiting_mail(engine: Engine, run: Enrollment) -> Iterator[Delivery]:
    """Yield the mails of a run that have not gone and can still be taken back."""
    for delivery in engine.store.ledger.history(run.contact_id):
        if delivery.enrollment_id == run.id and delivery.state in WAITING:
            yield delivery


def tick(engine: Engine, *, now: datetime) -> int:
    """Move every run whose time has come. Return how many moved. Idempotent: a second call finds nothing."""
    moved = 0
    while True:
        with engine.store.transaction():
            waiting = engine.store.ledger.due(now=now, limit=BATCH)
            programs = {one.id: one for one in engine.store.programs.all()} if waiting else {}
            for one in waiting:
                _arrive(engine, programs[one.program_id], one, now)
        moved += len(waiting)
        if len(waiting) < BATCH:
            return moved


def _arrive(engine: Engine, program: Program, waiting: Waiting, now: datetime) -> None:
    """Deal with one run whose timer fired: send, skip, wait a little more, or find that nothing is left."""
    run, ledger = waiting.enrollment, engine.store.ledger
    series = engine.series(program)
    step = follow(series, run, engine.done(run))
    if step is None:
        ledger.finish(run.id, EnrollmentStatus.COMPLETED)
        return
    until = _not_yet(engine, series, waiting, step, now)
    ledger.wait(run.id, until)
    if until is not None:
        return
    if reason := judge(series, step, engine.facts(run)):
        _skip(engine, program, run, step, reason, now=now)
    elif program.kind == "broadcast" and now - waiting.due_at > MAX_LATE:
        _skip(engine, program, run, step, Reason.TOO_LATE, now=now, state=DeliveryState.EXPIRED)
    else:
        _make_ready(engine, program, run, step, due_at=waiting.due_at, now=now)


def _not_yet(engine: Engine, series: Series, waiting: Waiting, step: Step, now: datetime) -> datetime | None:
    """Tell until when the run waits on, or None. A mail of another series may have come first, or be on its way."""
    run, ledger = waiting.enrollment, engine.store.ledger
    if any(one == step.id and state is DeliveryState.SENDING for one, _, state in ledger.settled(run.id)):
        return now + LOOK_AGAIN
    if goes_at_once(run, step):
        return None
    facts = engine.facts(run)
    if ledger.has_drip_open(run.contact_id, now=now):
        facts = replace(facts, last_mail_at=now)
    zone = engine.zone(engine.store.people.get(run.contact_id))
    policy = engine.settings.sending
    return defer(series, run, step, now=now, planned=waiting.due_at, zone=zone, policy=policy, facts=facts)


def _make_ready(
    engine: Engine, program: Program, run: Enrollment, step: Step, *, due_at: datetime, now: datetime
) -> None:
    email_id = engine.store.programs.email_id(step.email, run.variant)
    if email_id is None:
        _skip(engine, program, run, step, Reason.RENDER_ERROR, now=now)
        return
    delivery = replace(_delivery(run, step), state=DeliveryState.READY, due_at=due_at)
    _record(engine, program, delivery, email_id=email_id)


def _skip(
    engine: Engine,
    program: Program,
    run: Enrollment,
    step: Step,
    why: Reason,
    *,
    now: datetime,
    state: DeliveryState = DeliveryState.SKIPPED,
) -> None:
    """Write the reason, and count the next wait from here."""
    delivery = replace(_delivery(run, step), state=state, due_at=now, settled_at=now, reason=why)
    _record(engine, program, delivery, email_id=None)
    engine.store.ledger.advance(run.id, step.id, now=now)
    plan_next(engine, program, run.id, now=now)


def _record(engine: Engine, program: Program, delivery: Delivery, *, email_id: int | None) -> None:
    number = engine.store.programs.numbers(program.id)[delivery.step]
    if not engine.store.ledger.add(delivery, number=number, email_id=email_id):
        raise StoreError(f"the ledger has step {delivery.step} of run {delivery.enrollment_id} already")


def _delivery(run: Enrollment, step: Step) -> Delivery:
    return Delivery(
        id=0,
        enrollment_id=run.id,
        contact_id=run.contact_id,
        step=step.id,
        visit=run.visit,
        email=step.email,
        variant=run.variant,
        state=DeliveryState.PLANNED,
        due_at=run.anchor_at,
    )


def _waits_for(engine: Engine, run: Enrollment, delivery: Delivery) -> bool:
    """Tell whether a run stands still until this delivery is settled; after an uncertain one it has gone on."""
    if run.status is not EnrollmentStatus.ACTIVE or run.visit != delivery.visit:
        return False
    ledger = engine.store.ledger
    is_open = any(visit == run.visit and state in OPEN for _, visit, state in ledger.settled(run.id))
    return not is_open and ledger.waits_until(run.id) is None


def _step(series: Series, run: Enrollment, delivery: Delivery) -> Step | None:
    return next((step for step in series.path(run.variant) if step.id == delivery.step), None)


def _opening(engine: Engine, series: Series) -> datetime | None:
    if series.start_at is None:
        return None
    return instant(series.start_at, ZoneInfo(engine.settings.timezone))
