"""What people do, and what is done for them: confirm, unsubscribe, choose a side, take the eBook, be forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from funnel.drip import restart
from funnel.engine.kernel import GONE, Engine, variant_of
from funnel.engine.runs import enroll, needless, plan_next, skip, waiting_mail
from funnel.errors import Refused
from funnel.model import (
    Consent,
    ConsentEvent,
    Contact,
    ContactStatus,
    DeliveryState,
    Enrollment,
    EnrollmentStatus,
    Event,
    EventType,
    Person,
    Reason,
    Variant,
)

MOST_VISITS = 255  #: how often one run can begin a side


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
    is_updated = _import_consent(engine, contact, person)
    is_updated |= not is_new and _import_fields(engine, contact, person)
    if is_new:
        return "new"
    return "updated" if is_updated else "known"


def confirm(engine: Engine, contact_id: int, consent: Consent, *, now: datetime) -> tuple[str, ...]:
    """Record a confirmed consent and enter every series that takes confirmed people. Return their slugs.

    A new consent lifts an unsubscribe, never a bounce, a complaint or an erasure: then nobody is entered.
    """
    people = engine.store.people
    with engine.store.transaction():
        if people.get(contact_id).status is ContactStatus.ERASED:
            return ()
        people.consent(contact_id, consent)
        people.lift(people.key_of(contact_id))
        if people.suppression(people.key_of(contact_id)):
            return ()
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
    """Stop everything for a person, in one transaction. Return how many waiting mails were cancelled.

    A second call adds nothing to the consent log.
    """
    people = engine.store.people
    with engine.store.transaction():
        status = people.get(contact_id).status
        if status is ContactStatus.ERASED:
            return 0
        if status is not ContactStatus.UNSUBSCRIBED:
            people.set_status(contact_id, ContactStatus.UNSUBSCRIBED)
            people.consent(contact_id, Consent(ConsentEvent.WITHDRAWN, now, source, ""))
            key = f"unsubscribed/{contact_id}/{int(now.timestamp())}"
            people.happened(Event(EventType.UNSUBSCRIBED, contact_id, now, key))
        return exit_runs(engine, contact_id, Reason.UNSUBSCRIBED, now=now, suppress_as="unsubscribed")


def exit_runs(engine: Engine, contact_id: int, why: Reason, *, now: datetime, suppress_as: str) -> int:
    """Suppress an address, cancel its waiting mail and end its runs. Return how many mails were cancelled."""
    store = engine.store
    store.people.suppress(store.people.key_of(contact_id), suppress_as, now=now)
    cancelled = store.ledger.cancel_open(contact_id, why, now=now)
    for run in store.ledger.runs(contact_id):
        if run.status is EnrollmentStatus.ACTIVE:
            store.ledger.finish(run.id, EnrollmentStatus.EXITED, why)
    return cancelled


def happened(engine: Engine, contact_id: int, event: EventType, *, now: datetime) -> bool:
    """Record that a person took the eBook or got in touch; the first time counts.

    Mail that is ready, but has become needless by it, is skipped at once (B8).
    """
    with engine.store.transaction():
        is_first = engine.store.people.happened(Event(event, contact_id, now, f"{event}/{contact_id}"))
        for run in engine.store.ledger.runs(contact_id) if is_first else ():
            for delivery in waiting_mail(engine, run):
                if why := needless(engine, delivery):
                    skip(engine, delivery, why, now=now)
        return is_first


def change_side(engine: Engine, contact_id: int, side: Variant, *, now: datetime) -> int:
    """Let a person choose a side: each sided run begins that side's first exercise. Return how many runs changed.

    The welcome is not repeated, and what was already received is skipped. Whoever takes no mail keeps the choice.
    """
    store = engine.store
    with engine.store.transaction():
        contact = replace(store.people.get(contact_id), side=side)
        store.people.update(contact)
        if contact.status is not ContactStatus.SUBSCRIBED:
            return 0
        runs = [run for run in store.ledger.runs(contact_id) if run.status is not EnrollmentStatus.EXITED]
        return sum(_change_run(engine, contact, run, now) for run in runs)


def set_fields(engine: Engine, contact: Contact, *, now: datetime) -> None:
    """Write name, zone and tags; a new zone re-plans what waits, never into the past."""
    store = engine.store
    with store.transaction():
        store.people.update(contact)
        for run in store.ledger.runs(contact.id):
            if store.ledger.waits_until(run.id) is not None:
                plan_next(engine, engine.program_of(run), run.id, now=now)


def erase(engine: Engine, contact_id: int, *, now: datetime) -> None:
    """Forget who a person was. The suppression keeps a keyed hash of the address; the ledger keeps numbers."""
    store = engine.store
    with store.transaction():
        if store.people.get(contact_id).status is ContactStatus.ERASED:
            return
        exit_runs(engine, contact_id, Reason.ERASED, now=now, suppress_as="erased")
        for delivery in store.ledger.history(contact_id):
            if delivery.state in (DeliveryState.UNKNOWN, DeliveryState.SENDING):
                store.ledger.thaw(delivery.id)
        store.people.erase(contact_id)


def _import_unsubscribed(engine: Engine, contact: Contact, now: datetime) -> str:
    if contact.status is not ContactStatus.UNSUBSCRIBED:
        unsubscribe(engine, contact.id, source="import", now=now)
    return "unsubscribed"


def _import_consent(engine: Engine, contact: Contact, person: Person) -> bool:
    """Subscribe somebody who brings consent, unless they said no before or the address is suppressed."""
    people = engine.store.people
    if person.consent is None or contact.status is not ContactStatus.UNCONFIRMED:
        return False
    if people.suppression(person.email_key):
        return False
    people.consent(contact.id, person.consent)
    people.set_status(contact.id, ContactStatus.SUBSCRIBED)
    return True


def _import_fields(engine: Engine, contact: Contact, person: Person) -> bool:
    """Fill in what was missing. A side that is known stays: an import never moves a person to the other side."""
    fuller = replace(
        contact,
        first_name=contact.first_name or person.first_name,
        timezone=contact.timezone or person.timezone,
        side=contact.side or person.side,
        tags=contact.tags | person.tags,
    )
    if fuller == contact:
        return False
    engine.store.people.update(fuller)
    return True


def _change_run(engine: Engine, contact: Contact, run: Enrollment, now: datetime) -> bool:
    ledger = engine.store.ledger
    program = engine.program_of(run)
    series = engine.series(program)
    variant = variant_of(series, contact)
    if variant == run.variant or program.state == "retired":
        return False
    if run.visit >= MOST_VISITS:
        raise Refused("the side was changed too often", hint="reply to any of our mails, and a person will help")
    for delivery in waiting_mail(engine, run):
        ledger.settle(delivery.id, DeliveryState.CANCELLED, now=now, reason=Reason.SIDE_CHANGED)
    after = restart(series, run, variant, _passed(engine, run))
    ledger.change_side(run.id, variant, after, now=now)
    plan_next(engine, program, run.id, now=now)
    return True


def _passed(engine: Engine, run: Enrollment) -> frozenset[str]:
    """Return what this run got, or was spared, in any visit."""
    states = (*GONE, DeliveryState.SKIPPED)
    return frozenset(step for step, _, state in engine.store.ledger.settled(run.id) if state in states)
