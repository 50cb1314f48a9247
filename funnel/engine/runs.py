"""Runs: enter people, plan their next step, and turn what is due into deliveries. One transaction each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from funnel.drip import follow, judge, plan
from funnel.engine.kernel import Engine, variant_of
from funnel.errors import Refused
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
    Variant,
    Waiting,
)
from funnel.payload import Launch, launch_from
from funnel.segment import matches
from funnel.when import instant

BATCH = 500  #: runs that one transaction of a tick moves
MAX_LATE = timedelta(hours=48)  #: a broadcast later than this is not sent; a series step is never lost to lateness
EASTMOST = timezone(timedelta(hours=14))  #: where a wall clock strikes first


def enroll(engine: Engine, program: Program, contact: Contact, *, now: datetime, key: str = "") -> bool:
    """Enter a person; False when there is already a run under this key. Raises Refused without consent."""
    if program.state == "closed":
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
        plan_next(engine, program, run_id)
    return True


def plan_next(engine: Engine, program: Program, run_id: int) -> None:
    """Set the timer for what comes next in a run, or complete it."""
    ledger = engine.store.ledger
    run = ledger.enrollment(run_id)
    if run.status is not EnrollmentStatus.ACTIVE:
        return
    series = engine.series(program)
    step = follow(series, run, engine.done(run))
    if step is None:
        ledger.finish(run_id, EnrollmentStatus.COMPLETED)
        return
    contact = engine.store.people.get(run.contact_id)
    following = plan(
        series,
        run,
        step,
        zone=engine.zone(contact),
        policy=engine.settings.sending,
        facts=engine.facts(run),
    )
    ledger.wait(run_id, following.due.at)


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


def launch(engine: Engine, *, now: datetime) -> int:
    """Enter everyone whom a broadcast is for, once its moment has come. Return how many were entered."""
    entered = 0
    for program in engine.store.programs.all():
        is_due = program.kind == "broadcast" and program.start_at is not None and program.start_at <= now
        if not is_due or program.state != "open":
            continue
        details = launch_from(program.definition)
        with engine.store.transaction():
            for contact in engine.store.people.each():
                entered += _enter_broadcast(engine, program, details, contact)
            engine.store.programs.launched(program.id)
    return entered


def launch_instant(details: Launch) -> datetime | None:
    """Return when a broadcast begins: at its moment, or where its wall clock strikes first."""
    if details.send_at is None:
        return None
    if details.local:
        return details.send_at.replace(tzinfo=EASTMOST).astimezone(UTC)
    return instant(details.send_at, ZoneInfo(details.timezone))


def _enter_broadcast(engine: Engine, program: Program, details: Launch, contact: Contact) -> int:
    if contact.status is not ContactStatus.SUBSCRIBED or details.send_at is None:
        return 0
    if not matches(details.where, contact):
        return 0
    zone = engine.zone(contact) if details.local else ZoneInfo(details.timezone)
    at = instant(details.send_at, zone)
    run_id = engine.store.ledger.enroll(program.id, contact.id, Variant.ALL, key="", now=at)
    if run_id is None:
        return 0
    engine.store.ledger.wait(run_id, at)
    return 1


def _arrive(engine: Engine, program: Program, waiting: Waiting, now: datetime) -> None:
    """Deal with one run whose timer fired: send, skip, or find that there is nothing left."""
    run = waiting.enrollment
    series = engine.series(program)
    step = follow(series, run, engine.done(run))
    engine.store.ledger.wait(run.id, None)
    if step is None:
        engine.store.ledger.finish(run.id, EnrollmentStatus.COMPLETED)
        return
    if reason := judge(series, step, engine.facts(run)):
        _skip(engine, program, run, step, reason, now)
    elif program.kind == "broadcast" and now - waiting.due_at > MAX_LATE:
        _record(
            engine,
            program,
            run,
            step,
            DeliveryState.EXPIRED,
            due=waiting.due_at,
            now=now,
            why=Reason.TOO_LATE,
        )
        engine.store.ledger.finish(run.id, EnrollmentStatus.COMPLETED)
    else:
        _make_ready(engine, program, run, step, waiting.due_at, now)


def _make_ready(engine: Engine, program: Program, run: Enrollment, step: Step, due: datetime, now: datetime) -> None:
    email = engine.store.programs.current_email(step.email, run.variant)
    if email is None:
        _skip(engine, program, run, step, Reason.RENDER_ERROR, now)
        return
    _record(engine, program, run, step, DeliveryState.READY, due=due, now=None, email_id=email.id)


def _skip(engine: Engine, program: Program, run: Enrollment, step: Step, why: Reason, now: datetime) -> None:
    """Write the reason, and count the next wait from here."""
    _record(engine, program, run, step, DeliveryState.SKIPPED, due=now, now=now, why=why)
    engine.store.ledger.advance(run.id, step.id, now=now)
    plan_next(engine, program, run.id)


def _record(
    engine: Engine,
    program: Program,
    run: Enrollment,
    step: Step,
    state: DeliveryState,
    *,
    due: datetime,
    now: datetime | None,
    why: str = "",
    email_id: int | None = None,
) -> None:
    delivery = Delivery(
        id=0,
        enrollment_id=run.id,
        contact_id=run.contact_id,
        step=step.id,
        visit=run.visit,
        email=step.email,
        variant=run.variant,
        state=state,
        due_at=due,
        settled_at=now,
        reason=why,
    )
    number = engine.store.programs.numbers(program.id)[step.id]
    engine.store.ledger.add(delivery, number=number, email_id=email_id)


def _opening(engine: Engine, series: Series) -> datetime | None:
    if series.start_at is None:
        return None
    return instant(series.start_at, ZoneInfo(engine.settings.timezone))
