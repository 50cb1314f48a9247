"""What must hold at any moment, whatever went wrong before: invariants I1-I6 of promise C4."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from email import message_from_bytes
from email.utils import parseaddr
from pathlib import Path

from funnel.engine import Engine
from funnel.engine.dispatch import key_of
from funnel.engine.kernel import OPEN
from funnel.model import ConsentEvent, DeliveryState, EnrollmentStatus, Message

YES = (ConsentEvent.CONFIRMED, ConsentEvent.IMPORTED)


def broken(engine: Engine, database: Path, taken: Sequence[Message]) -> list[str]:
    """Name every invariant that does not hold. `taken` is what the other side of the sender really has."""
    return [
        *_taken_twice(taken),
        *_neither_here_nor_there(engine),
        *_sent_but_not_taken(engine, taken),
        *_mailed_without_consent(engine),
        *_misaddressed(taken),
        *_unsound(database),
    ]


def _taken_twice(taken):
    """I1: each Message-ID reached the sink at most once."""
    counts = Counter(message_from_bytes(one.raw)["Message-ID"] for one in taken)
    return [f"I1: {name} was taken {number} times" for name, number in counts.items() if number > 1]


def _neither_here_nor_there(engine):
    """I2: an active run has a timer, or a mail on its way; what is not active has neither."""
    for run in _runs(engine):
        ledger = engine.store.ledger
        states = Counter(state for _, visit, state in ledger.settled(run.id) if visit == run.visit)
        has = (ledger.waits_until(run.id) is not None) + sum(states[state] for state in OPEN)
        if run.status is EnrollmentStatus.ACTIVE and has != 1:
            yield f"I2: active run {run.id} waits for {has} things"
        if run.status is not EnrollmentStatus.ACTIVE and has > states[DeliveryState.SENDING]:
            yield f"I2: run {run.id} is {run.status} and still waits"


def _sent_but_not_taken(engine, taken):
    """I3: `sent` implies that the sink has it."""
    has = {one.key for one in taken}
    sent = engine.store.ledger.in_state(DeliveryState.SENT, limit=100_000)
    return [f"I3: delivery {one.id} is sent but was never taken" for one in sent if key_of(engine, one.id) not in has]


def _mailed_without_consent(engine):
    """I4: nobody without valid consent got anything but what they asked for."""
    for delivery in engine.store.ledger.in_state(DeliveryState.SENT, limit=100_000):
        run = engine.store.ledger.enrollment(delivery.enrollment_id)
        if engine.program_of(run).kind == "request":
            continue
        said = [one for one in engine.store.people.consents(delivery.contact_id) if one.at <= delivery.settled_at]
        before = [one for one in said if one.event in YES or one.at < delivery.settled_at]
        if not before or before[-1].event not in YES:
            yield f"I4: delivery {delivery.id} went to somebody without consent"


def _misaddressed(taken):
    """I5: To is the envelope's recipient."""
    for one in taken:
        if parseaddr(message_from_bytes(one.raw)["To"])[1] != one.envelope_to:
            yield f"I5: {one.key} is addressed to somebody else than its recipient"


def _unsound(database):
    """I6: the database is sound."""
    with sqlite3.connect(database) as connection:
        checks = connection.execute("PRAGMA integrity_check").fetchall()
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    connection.close()
    return [f"I6: {row}" for row in checks if row != ("ok",)] + [f"I6: {row}" for row in orphans]


def _runs(engine):
    for contact_id in _contact_ids(engine):
        yield from engine.store.ledger.runs(contact_id)


def _contact_ids(engine):
    """Count up from 1: contacts are numbered without gaps, and erased ones are not listed."""
    return range(1, sum(engine.store.people.count().values()) + 1)
