"""Publish to the engine, and hold the brakes. Publishing re-plans everyone who waits, in one transaction."""

from __future__ import annotations

from datetime import datetime

from funnel.drip import follow
from funnel.engine.kernel import Engine
from funnel.engine.runs import enroll, launch_instant, plan_next
from funnel.errors import Refused
from funnel.model import Contact, ContactStatus, Enrollment, Program, Series, Variant
from funnel.payload import launch_from, one_step, series_from, series_json

CONFIRMATION = "confirm"  #: the email that asks people to confirm
CONFIRMATION_CODE = "confrm"
PAUSES = {"hold": "held", "freeze": "frozen", "close": "closed"}


def publish_series(engine: Engine, slug: str, definition: str, *, now: datetime) -> Program:
    """Publish a series. People inside follow the new version: what waits is planned anew, what is behind them
    never runs, and who stood on a removed step moves on from the step before it, with the same anchor.
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
                _follow_edit(engine, program, old, series, run, now)
    return program


def publish_broadcast(engine: Engine, slug: str, definition: str, *, now: datetime) -> Program:
    """Publish a broadcast. Without a moment it stays a draft; a moment in the past expires by itself."""
    series = series_from(slug, definition)
    return engine.store.programs.publish(
        "broadcast",
        slug,
        series.code,
        definition,
        steps=[step.id for step in series.steps],
        now=now,
        start_at=launch_instant(launch_from(definition)),
    )


def request_confirmation(engine: Engine, contact: Contact, *, now: datetime) -> bool:
    """Ask an unconfirmed person to confirm, at most once a day. Return whether a mail will go out."""
    if contact.status is not ContactStatus.UNCONFIRMED:
        raise Refused(f"this person is {contact.status}; there is nothing to confirm")
    if engine.store.programs.current_email(CONFIRMATION, Variant.ALL) is None:
        raise Refused("the email `confirm` has not been pushed", hint="funnel push")
    series = one_step(CONFIRMATION, name="Confirmation", code=CONFIRMATION_CODE, email=CONFIRMATION)
    program = engine.store.programs.publish(
        "request", CONFIRMATION, CONFIRMATION_CODE, series_json(series), steps=["mail"], now=now
    )
    return enroll(engine, program, contact, now=now, key=f"{now:%Y-%m-%d}")


def stop(engine: Engine, program: Program, *, how: str, now: datetime) -> None:
    """Pause a program: `hold` (the clock runs, sends wait), `freeze` (the clock stops), `close` (no entry)."""
    with engine.store.transaction():
        engine.store.programs.set_state(program.id, PAUSES[how], now=now)


def resume(engine: Engine, program: Program, *, now: datetime) -> None:
    """Lift a pause. After a freeze every wait is as long as it was; nobody is skipped."""
    with engine.store.transaction():
        if program.state == "frozen":
            engine.store.ledger.shift(program.id, now - program.state_at)
        engine.store.programs.set_state(program.id, "open", now=now)


def _follow_edit(engine: Engine, program: Program, old: Series, new: Series, run: Enrollment, now: datetime) -> None:
    ledger = engine.store.ledger
    surviving = {step.id for step in new.steps}
    if run.after and run.after not in surviving:
        ledger.point(run.id, _last_surviving(old, run, surviving))
    if ledger.waits_until(run.id) is None:
        return  # a mail is on its way; its settling plans the next step
    before = follow(old, run, engine.done(run))
    plan_next(engine, program, run.id)
    until = ledger.waits_until(run.id)
    if until is not None and until < now and before is not None:
        ledger.wait(run.id, now)


def _last_surviving(old: Series, run: Enrollment, surviving: set[str]) -> str:
    """Return the nearest step before the removed one that still exists, in the order that the run knew."""
    last = ""
    for step in old.path(run.variant):
        if step.id == run.after:
            break
        if step.id in surviving:
            last = step.id
    return last
