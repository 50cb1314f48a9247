"""Publish series to the engine, and hold the brakes. Publishing re-plans everyone who waits, in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from funnel.drip import stand_anew
from funnel.engine.kernel import Engine
from funnel.engine.runs import enroll, give_up, plan_next, waiting_mail
from funnel.errors import Refused
from funnel.model import (
    Contact,
    ContactStatus,
    DeliveryState,
    Enrollment,
    EnrollmentStatus,
    Program,
    Reason,
    Series,
    Variant,
)
from funnel.payload import one_step, series_from, series_json

CONFIRMATION = "confirm"  #: the email that asks people to confirm
CONFIRMATION_CODE = "confrm"
ASK_AGAIN_AFTER = timedelta(days=1)
MOST_ASKED = 3  #: confirmation mails to one address in ASKED_WITHIN, whoever fills in the form
ASKED_WITHIN = timedelta(days=30)
PAUSES = {"hold": "held", "freeze": "frozen", "close": "closed"}


def publish_series(engine: Engine, slug: str, definition: str, *, now: datetime) -> Program:
    """Publish a series; people inside follow the new version.

    What waits is planned anew, what is behind them never runs, a removed step moves them on with the same anchor
    (its mail is taken back if it has not gone). People who have finished get nothing more.
    """
    store = engine.store
    series = series_from(slug, definition)
    with store.transaction():
        before = store.programs.get("series", slug)
        program = store.programs.publish(
            "series", slug, series.code, definition, steps=[step.id for step in series.steps], now=now
        )
        if before is not None and before.digest != program.digest:
            old = engine.series(before)
            for run in store.ledger.active(program.id):
                _follow_edit(engine, old, series, run, now)
                _plan_anew(engine, program, run, now)
    return program


def request_confirmation(engine: Engine, contact: Contact, *, now: datetime) -> bool:
    """Ask an unconfirmed person to confirm, at most once a day. Return whether a mail will go out."""
    if contact.status is not ContactStatus.UNCONFIRMED:
        raise Refused(f"this person is {contact.status}; there is nothing to confirm")
    if engine.store.programs.email_id(CONFIRMATION, Variant.ALL) is None:
        raise Refused("the email `confirm` has not been pushed", hint="funnel push")
    series = one_step(CONFIRMATION, name="Confirmation", code=CONFIRMATION_CODE, email=CONFIRMATION)
    with engine.store.transaction():
        program = engine.store.programs.publish(
            "request", CONFIRMATION, CONFIRMATION_CODE, series_json(series), steps=["mail"], now=now
        )
        if _was_asked_enough(engine, program, contact, now):
            return False
        return enroll(engine, program, contact, now=now, key=now.isoformat(timespec="seconds"))


def stop(engine: Engine, program: Program, *, how: str, now: datetime) -> None:
    """Pause a program: `hold` (the clock runs, sends wait), `freeze` (the clock stops), `close` (no entry).

    A second freeze changes nothing. Raises Refused for `close` while it is paused: that would let mail go.
    """
    with engine.store.transaction():
        state, since = _state(engine, program)
        if how == "close" and state in ("held", "frozen"):
            raise Refused(f"`{program.slug}` is {state}, which takes nobody further", hint="resume it first")
        if PAUSES[how] == state:
            return
        if state == "frozen":
            engine.store.ledger.shift_anchors(program.id, since=since, now=now)
        engine.store.programs.set_state(program.id, PAUSES[how], now=now)


def resume(engine: Engine, program: Program, *, now: datetime) -> None:
    """Lift a pause. After a freeze every wait is as long as it was, inside the windows; nobody is skipped."""
    with engine.store.transaction():
        state, since = _state(engine, program)
        engine.store.programs.set_state(program.id, "open", now=now)
        if state == "frozen":
            engine.store.ledger.shift_anchors(program.id, since=since, now=now)
            for run in engine.store.ledger.active(program.id):
                _plan_anew(engine, program, run, now)


def retire(engine: Engine, program: Program, *, now: datetime) -> None:
    """Take a program out of use. Whoever is inside leaves it, with the reason on record; a second call does nothing."""
    store = engine.store
    if program.state == "retired":
        return
    with store.transaction():
        for run in store.ledger.active(program.id):
            for delivery in waiting_mail(engine, run):
                store.ledger.settle(delivery.id, DeliveryState.CANCELLED, now=now, reason=Reason.STEP_REMOVED)
            store.ledger.finish(run.id, EnrollmentStatus.EXITED, Reason.STEP_REMOVED)
        store.programs.set_state(program.id, "retired", now=now)


def _follow_edit(engine: Engine, old: Series, new: Series, run: Enrollment, now: datetime) -> None:
    """Stand the run at its place in the new order, and take back mail of a step that is there no more."""
    done = engine.done(run)
    engine.store.ledger.point(run.id, stand_anew(old, new, run, done))
    path = {step.id for step in new.path(run.variant)}
    for delivery in waiting_mail(engine, run):
        if delivery.step not in path:
            give_up(engine, delivery, Reason.STEP_REMOVED, now=now)


def _plan_anew(engine: Engine, program: Program, run: Enrollment, now: datetime) -> None:
    """Plan what waits; where a mail is on its way, its settling plans the next step."""
    if engine.store.ledger.waits_until(run.id) is not None:
        plan_next(engine, program, run.id, now=now)


def _state(engine: Engine, program: Program) -> tuple[str, datetime]:
    """Read the state inside the transaction that changes it."""
    current = engine.store.programs.by_id(program.id)
    return current.state, current.state_at


def _was_asked_enough(engine: Engine, program: Program, contact: Contact, now: datetime) -> bool:
    ledger = engine.store.ledger
    runs = [run for run in ledger.runs(contact.id) if ledger.program_of(run.id) == program.id]
    ages = [now - run.entered_at for run in runs]
    return any(age < ASK_AGAIN_AFTER for age in ages) or sum(age < ASKED_WITHIN for age in ages) >= MOST_ASKED
