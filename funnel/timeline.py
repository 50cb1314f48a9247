"""Everything about one person in order of time: consent, mail, events, and what comes next. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from funnel.calendar import Upcoming, upcoming
from funnel.engine import Engine
from funnel.model import Consent, Contact, Delivery, DeliveryState, Enrollment, Event

REASONS = {
    "unsubscribed": "they unsubscribed",
    "suppressed": "their address must not be mailed",
    "condition": "a condition of the step was not met",
    "goal": "they had reached a goal that makes it needless",
    "duplicate": "they had it already",
    "side_changed": "they chose another side",
    "step_removed": "the step was taken out of the series",
    "too_late": "its moment had passed",
    "provider_rejected": "the receiving side refused it",
    "no_address": "the address does not exist",
    "render_error": "it could not be written for this person",
    "unknown_outcome": "nobody knows whether it arrived; it is not sent again by itself",
    "no_consent": "there is no consent",
    "erased": "they asked to be forgotten",
    "exited": "they had left the series",
    "capped": "they had enough mail that day",
    "held_out": "they are in the group that is left without it, for comparison",
    "paused": "it was held back",
    "lane_quota": "the provider's limit was reached",
    "unapproved": "a clinician has not approved it",
}  #: what the closed list of reasons means, for people


@dataclass(frozen=True, slots=True)
class Timeline:
    """One person's past and future."""

    contact: Contact
    zone: ZoneInfo
    consents: tuple[Consent, ...]
    runs: tuple[Enrollment, ...]
    deliveries: tuple[Delivery, ...]
    events: tuple[Event, ...]
    upcoming: tuple[Upcoming, ...]

    def as_json(self) -> dict[str, object]:
        """Return the stable form of the command line's contract."""
        return {
            "contact": {
                "email": self.contact.email,
                "first_name": self.contact.first_name,
                "side": self.contact.side,
                "timezone": self.contact.timezone,
                "status": self.contact.status,
            },
            "consents": [
                {"event": one.event, "at_utc": _utc(one.at), "source": one.source, "text": one.text}
                for one in self.consents
            ],
            "enrollments": [
                {
                    "series": one.series,
                    "variant": one.variant,
                    "status": one.status,
                    "after": one.after,
                    "reason": one.exit_reason,
                }
                for one in self.runs
            ],
            "deliveries": [
                {
                    "id": one.id,
                    "step": one.step,
                    "email": one.email,
                    "state": one.state,
                    "at_utc": _utc(one.settled_at or one.due_at),
                    "reason": one.reason,
                }
                for one in self.deliveries
            ],
            "events": [{"type": one.type, "at_utc": _utc(one.at)} for one in self.events],
            "upcoming": [
                {
                    "step": one.step,
                    "at_utc": _utc(one.at),
                    "local_time": one.local.isoformat(),
                    "why": one.why,
                }
                for one in self.upcoming
            ],
        }

    def lines(self) -> list[tuple[str, str, str]]:
        """Return rows for people: local time, what, and why, in order of time."""
        past = sorted(self._past())
        return [(_words(at, self.zone), what, why) for at, what, why in past] + [
            (_words(one.at, self.zone), f"to come: {one.step}", one.why) for one in self.upcoming
        ]

    def _past(self) -> Iterator[tuple[datetime, str, str]]:
        for consent in self.consents:
            yield consent.at, f"consent {consent.event}", consent.source
        for run in self.runs:
            yield run.entered_at, f"entered {run.series}", f"as {run.variant}"
        for event in self.events:
            yield event.at, str(event.type).replace("_", " "), ""
        for one in self.deliveries:
            why = REASONS.get(one.reason, one.reason)
            yield one.settled_at or one.due_at, f"{one.state}: {one.step}", why


def timeline(engine: Engine, contact: Contact) -> Timeline:
    """Gather a person's timeline."""
    store = engine.store
    return Timeline(
        contact=contact,
        zone=engine.zone(contact),
        consents=store.people.consents(contact.id),
        runs=store.ledger.runs(contact.id),
        deliveries=store.ledger.history(contact.id),
        events=store.people.events(contact.id),
        upcoming=upcoming(engine, contact),
    )


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _words(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%a %d %b %Y %H:%M")


def not_sent(engine: Engine, contact: Contact) -> tuple[tuple[str, str], ...]:
    """Return (step, reason) for every mail that the person will not get: skipped, failed, or never reached."""
    history = engine.store.ledger.history(contact.id)
    skipped = [(one.step, one.reason) for one in history if one.reason and one.state is not DeliveryState.SENT]
    for run in engine.store.ledger.runs(contact.id):
        if run.exit_reason:
            program, done = engine.program_of(run), engine.done(run)
            steps = engine.series(program).path(run.variant)
            skipped += [(step.id, run.exit_reason) for step in steps if step.id not in done]
    return tuple(skipped)
