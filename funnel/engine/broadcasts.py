"""Broadcasts: one-off newsletters, each a one-step run for everybody whom it is for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from funnel.engine.kernel import Engine
from funnel.errors import Refused
from funnel.model import Contact, ContactStatus, Program, Variant
from funnel.payload import Launch, launch_from, series_from
from funnel.segment import matches
from funnel.when import instant

EASTMOST = timezone(timedelta(hours=14))  #: where a wall clock strikes first


def publish_broadcast(engine: Engine, slug: str, definition: str, *, now: datetime) -> Program:
    """Publish a broadcast. Without a moment it stays a draft; a moment in the past expires by itself.

    A new moment holds for everybody who still waits. Raises Refused when it is taken back after it began.
    """
    series, details = series_from(slug, definition), launch_from(definition)
    store = engine.store
    with store.transaction():
        before = store.programs.get("broadcast", slug)
        inside = store.programs.count_inside("broadcast", slug)
        if inside and details.send_at is None:
            raise Refused(
                f"`{slug}` has begun to go out, so it cannot become a draft again: {inside} people wait for it",
                hint=f"funnel stop {slug} holds it",
            )
        program = store.programs.publish(
            "broadcast",
            slug,
            series.code,
            definition,
            steps=[step.id for step in series.steps],
            now=now,
            start_at=launch_instant(details),
        )
        if before is not None and before.digest != program.digest:
            _retime(engine, program, details)
    return program


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
                entered += _enter(engine, program, details, contact)
            engine.store.programs.launched(program.id)
    return entered


def launch_instant(details: Launch) -> datetime | None:
    """Return when a broadcast begins: at its moment, or where its wall clock strikes first."""
    if details.send_at is None:
        return None
    if details.local:
        return details.send_at.replace(tzinfo=EASTMOST).astimezone(UTC)
    return instant(details.send_at, ZoneInfo(details.timezone))


def _enter(engine: Engine, program: Program, details: Launch, contact: Contact) -> int:
    at = _moment(engine, details, contact)
    if at is None or contact.status is not ContactStatus.SUBSCRIBED or not matches(details.where, contact):
        return 0
    run_id = engine.store.ledger.enroll(program.id, contact.id, Variant.ALL, key="", now=at)
    if run_id is None:
        return 0
    engine.store.ledger.wait(run_id, at)
    return 1


def _retime(engine: Engine, program: Program, details: Launch) -> None:
    """Give everybody who still waits the new moment."""
    ledger = engine.store.ledger
    for run in ledger.active(program.id):
        at = _moment(engine, details, engine.store.people.get(run.contact_id))
        if at is not None and ledger.waits_until(run.id) is not None:
            ledger.wait(run.id, at)


def _moment(engine: Engine, details: Launch, contact: Contact) -> datetime | None:
    if details.send_at is None:
        return None
    return instant(details.send_at, engine.zone(contact) if details.local else ZoneInfo(details.timezone))
