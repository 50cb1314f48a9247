"""One person's timeline: what is behind, and what comes next, with the reason for every shift. Reads only.

Promise B9: what this shows is what then happens, because the engine plans with the same functions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from funnel.drip import Facts, defer, follow, judge, plan
from funnel.engine.kernel import OPEN, Engine
from funnel.model import Contact, Delivery, Enrollment, EnrollmentStatus, Program, SendingPolicy, Series, Step


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
    """Foresee a person's mail in every active run, in order of time, if nothing else happens.

    The runs are walked together, because the frequency cap counts the mail of all of them.
    """
    runs = [run for run in engine.store.ledger.runs(contact.id) if run.status is EnrollmentStatus.ACTIVE]
    last_mail_at = engine.store.ledger.last_mail_at(contact.id)
    walks = [_Walk(engine, contact, run, last_mail_at) for run in runs]
    found: list[Upcoming] = []
    while coming := [walk for walk in walks if walk.step is not None]:
        walk = min(coming, key=lambda one: (one.at, one.round, one.run.id))
        mail = walk.arrive(last_mail_at)
        if mail is not None:
            found.append(mail)
            last_mail_at = mail.at if walk.is_drip else last_mail_at
        walk.plan(last_mail_at)
    return tuple(found)


def local_time(at: datetime, zone: ZoneInfo) -> datetime:
    """Return an instant on a person's own wall clock."""
    return at.astimezone(zone)


class _Walk:
    """One run, walked step by step into the future. `step` is None at its end."""

    def __init__(self, engine: Engine, contact: Contact, run: Enrollment, last_mail_at: datetime | None) -> None:
        program = engine.program_of(run)
        self.run = run
        self.is_drip = program.kind == "series"
        self._series: Series = engine.series(program)
        self._policy: SendingPolicy = engine.settings.sending
        self._zone = engine.zone(contact)
        self._facts, self._done = engine.facts(run), engine.done(run)
        self._paused = _paused(program)
        self.round = 0  #: how often it has been its turn at this very instant: the others come first
        self._shifts: tuple[str, ...] = ()
        self._is_settled = True  #: whether the step before is done, so that the next one is planned from it
        on_its_way = _on_its_way(engine, run)
        self.at = run.anchor_at
        self.step = next((one for one in self._series.steps if on_its_way and one.id == on_its_way.step), None)
        self._is_ready = self.step is not None
        if on_its_way and self._is_ready:
            self.at = on_its_way.due_at
        else:
            self.plan(last_mail_at)
            self.round = 0
            self.at = engine.store.ledger.waits_until(run.id) or self.at

    def plan(self, last_mail_at: datetime | None) -> None:
        """Find what comes after what is settled, and when. A step that was only deferred stays as it is."""
        if not self._is_settled:
            return
        self.step = follow(self._series, self.run, self._done)
        if self.step is not None:
            facts = replace(self._facts, last_mail_at=last_mail_at)
            due = plan(self._series, self.run, self.step, zone=self._zone, policy=self._policy, facts=facts).due
            self.round = self.round + 1 if due.at <= self.at else 0
            self.at, self._shifts = due.at, due.shifts

    def arrive(self, last_mail_at: datetime | None) -> Upcoming | None:
        """Let the step arrive: return its mail, or None when it is skipped, or has to wait for another mail."""
        facts, step = replace(self._facts, last_mail_at=last_mail_at), self.step
        if step is None:
            return None
        until = None if self._is_ready else self._deferred(step, facts)
        self._is_settled = until is None
        if until is not None:
            self.at, self._shifts = until, ("after another mail",)
            return None
        why = "on its way" if self._is_ready else "; ".join([*self._shifts, *self._paused])
        is_sent = self._is_ready or judge(self._series, step, facts) is None
        self.run = replace(self.run, after=step.id, anchor_at=self.at)
        self._done |= {step.id}
        self._is_ready = False
        if not is_sent:
            return None
        return Upcoming(self._series.slug, step.id, step.email, self.at, local_time(self.at, self._zone), why)

    def _deferred(self, step: Step, facts: Facts) -> datetime | None:
        return defer(
            self._series,
            self.run,
            step,
            now=self.at,
            planned=self.at,
            zone=self._zone,
            policy=self._policy,
            facts=facts,
        )


def _paused(program: Program) -> tuple[str, ...]:
    return ("held for now",) if program.state in ("held", "frozen") else ()


def _on_its_way(engine: Engine, run: Enrollment) -> Delivery | None:
    """Find the mail of a run that is ready or being sent."""
    for delivery in engine.store.ledger.history(run.contact_id):
        if delivery.enrollment_id == run.id and delivery.visit == run.visit and delivery.state in OPEN:
            return delivery
    return None
