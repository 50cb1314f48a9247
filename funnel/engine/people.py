"""What people do, and what is done for them: confirm, unsubscribe, choose a side, take the eBook, be forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from funnel.drip import restart
from funnel.engine.kernel import Engine, variant_of
from funnel.engine.runs import enroll, plan_next
from funnel.model import (
    Consent,
    ConsentEvent,
    Contact,
    ContactStatus,
    DeliveryState,
    EnrollmentStatus,
    Event,
    EventType,
    Person,
    Reason,
    Variant,
)


def import_person(engine: Engine, person: Person, *, now: datetime) -> str:
    """Store one imported line. Return what it did: new, known, updated or unsubscribed.

    Without consent a person comes in unconfirmed. Nobody who said no, or whose address is suppressed, is brought
    back. The same line twice changes nothing.
    """
    people = engine.store.people
    contact_id, is_new = people.add(person, now=now)
    contact = people.get(contact_id)
    if person.unsubscribed:
        return _import_unsubscribed(engine, contact, now)
    may_subscribe = person.consent is not None and not people.suppression(person.email_key)
    if may_subscribe and person.consent and contact.status is ContactStatus.UNCONFIRMED:
        people.consent(contact_id, person.consent)
        people.set_status(contact_id, ContactStatus.SUBSCRIBED)
        return "new" if is_new else "updated"
    return "new" if is_new else _import_known(engine, contact, person)


def _import_unsubscribed(engine: Engine, contact: Contact, now: datetime) -> str:
    if contact.status is not ContactStatus.UNSUBSCRIBED:
        unsubscribe(engine, contact.id, source="import", now=now)
    return "unsubscribed"


def _import_known(engine: Engine, contact: Contact, person: Person) -> str:
    """Fill in what was missing. A side that is known stays: an import never moves a person to the other side."""
    fuller = replace(
        contact,
        first_name=contact.first_name or person.first_name,
        timezone=contact.timezone or person.timezone,
        side=contact.side or person.side,
        tags=contact.tags | person.tags,
    )
    if fuller == contact:
        return "known"
    engine.store.people.update(fuller)
    return "updated"


def confirm(engine: Engine, contact_id: int, consent: Consent, *, now: datetime) -> tuple[str, ...]:
    """Record a confirmed consent and enter every series that takes confirmed people. Return their slugs."""
    people = engine.store.people
    contact = people.get(contact_id)
    with engine.store.transaction():
        people.consent(contact_id, consent)
        people.lift(_key(engine, contact))
        people.set_status(contact_id, ContactStatus.SUBSCRIBED)
        contact = people.get(contact_id)
        return tuple(
            program.slug
            for program in engine.store.programs.all()
            if program.kind == "series"
            and program.state in ("open", "held", "frozen")
            and engine.series(program).entry == "confirmed"
            and enroll(engine, program, contact, now=now)
        )


def unsubscribe(engine: Engine, contact_id: int, *, source: str, now: datetime) -> int:
    """Stop everything for a person, in one transaction. Return how many waiting mails were cancelled."""
    people = engine.store.people
    with engine.store.transaction():
        people.set_status(contact_id, ContactStatus.UNSUBSCRIBED)
        people.consent(contact_id, Consent(ConsentEvent.WITHDRAWN, now, source, ""))
        people.happened(Event(EventType.UNSUBSCRIBED, contact_id, now, f"unsubscribed/{contact_id}/{now:%s}"))
        return exit_runs(engine, contact_id, Reason.UNSUBSCRIBED, now=now, suppress_as="unsubscribed")


def exit_runs(engine: Engine, contact_id: int, why: Reason, *, now: datetime, suppress_as: str) -> int:
    """Suppress an address, cancel its waiting mail and end its runs. Return how many mails were cancelled."""
    store = engine.store
    store.people.suppress(_key(engine, store.people.get(contact_id)), suppress_as, now=now)
    cancelled = store.ledger.cancel_open(contact_id, why, now=now)
    for run in store.ledger.runs(contact_id):
        if run.status is EnrollmentStatus.ACTIVE:
            store.ledger.finish(run.id, EnrollmentStatus.EXITED, why)
    return cancelled


def happened(engine: Engine, contact_id: int, event: EventType, *, now: datetime) -> bool:
    """Record that a person took the eBook or got in touch; the first time counts. Waiting runs read it on arrival."""
    with engine.store.transaction():
        return engine.store.people.happened(Event(event, contact_id, now, f"{event}/{contact_id}"))


def change_side(engine: Engine, contact_id: int, side: Variant, *, now: datetime) -> int:
    """Let a person choose a side: each sided run begins that side's first exercise. Return how many runs changed.

    The welcome is not repeated, and what was already received is skipped.
    """
    store = engine.store
    with engine.store.transaction():
        contact = replace(store.people.get(contact_id), side=side)
        store.people.update(contact)
        return sum(_change_run(engine, contact, run_id, now) for run_id in _living_runs(engine, contact_id))


def set_fields(engine: Engine, contact: Contact, *, now: datetime) -> None:
    """Write name, zone and tags; a new zone re-plans what waits, never into the past."""
    with engine.store.transaction():
        engine.store.people.update(contact)
        for run in engine.store.ledger.runs(contact.id):
            if engine.store.ledger.waits_until(run.id) is not None:
                _replan(engine, run.id, now)


def erase(engine: Engine, contact_id: int, *, now: datetime) -> None:
    """Forget who a person was. The suppression keeps a keyed hash of the address; the ledger keeps numbers."""
    store = engine.store
    with store.transaction():
        exit_runs(engine, contact_id, Reason.ERASED, now=now, suppress_as="erased")
        for delivery in store.ledger.history(contact_id):
            if delivery.state in (DeliveryState.UNKNOWN, DeliveryState.SENDING):
                store.ledger.thaw(delivery.id)
        store.people.erase(contact_id)


def _living_runs(engine: Engine, contact_id: int) -> list[int]:
    runs = engine.store.ledger.runs(contact_id)
    return [run.id for run in runs if run.status is not EnrollmentStatus.EXITED]


def _change_run(engine: Engine, contact: Contact, run_id: int, now: datetime) -> bool:
    ledger = engine.store.ledger
    run = ledger.enrollment(run_id)
    program = engine.store.programs.by_id(ledger.program_of(run_id))
    series = engine.series(program)
    variant = variant_of(series, contact)
    if variant == run.variant:
        return False
    for delivery in ledger.history(contact.id):
        if delivery.enrollment_id == run_id and delivery.state in (DeliveryState.READY, DeliveryState.LEASED):
            ledger.settle(delivery.id, DeliveryState.CANCELLED, now=now, reason=Reason.SIDE_CHANGED)
    after = restart(series, replace(run, variant=variant)) if run.after else ""
    ledger.change_side(run_id, variant, after, now=now)
    plan_next(engine, program, run_id)
    return True


def _replan(engine: Engine, run_id: int, now: datetime) -> None:
    ledger = engine.store.ledger
    plan_next(engine, engine.store.programs.by_id(ledger.program_of(run_id)), run_id)
    until = ledger.waits_until(run_id)
    if until is not None and until < now:
        ledger.wait(run_id, now)


def _key(engine: Engine, contact: Contact) -> str:
    return engine.store.people.key_of(contact.id)
