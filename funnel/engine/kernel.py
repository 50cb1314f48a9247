"""What every part of the engine needs: the store, the settings, the keys, and a few answers built from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from funnel.drip import Facts
from funnel.errors import Refused
from funnel.links import Purpose, Signer
from funnel.model import Contact, DeliveryState, Enrollment, Program, Series, Settings, Variant
from funnel.payload import series_from
from funnel.ports import Store
from funnel.when import zone

GONE = (DeliveryState.SENT, DeliveryState.UNKNOWN)  #: states that count as received
WAITING = (DeliveryState.READY, DeliveryState.LEASED)  #: states in which a mail can still be taken back
OPEN = (*WAITING, DeliveryState.SENDING)  #: states whose outcome a run waits for


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine over one store. `owner` is new for every process; `files` reads a project file by its path."""

    store: Store
    settings: Settings
    signer: Signer
    secret: bytes
    owner: str
    files: Callable[[str], bytes]

    def program(self, slug: str) -> Program:
        """Return a pushed series or broadcast. Raises Refused when it was never pushed."""
        for kind in ("series", "broadcast"):
            found = self.store.programs.get(kind, slug)
            if found is not None:
                return found
        raise Refused(f"`{slug}` has not been pushed", hint="funnel push")

    def program_of(self, run: Enrollment) -> Program:
        """Return the program of a run, as it is published now."""
        return self.store.programs.by_id(self.store.ledger.program_of(run.id))

    def series(self, program: Program) -> Series:
        """Read a program's definition as a series; a broadcast is one of a single step."""
        return _series(program.slug, program.definition)

    def zone(self, contact: Contact) -> ZoneInfo:
        """Return the person's time zone, or the project's."""
        return zone(contact.timezone, self.settings.timezone)[0]

    def facts(self, run: Enrollment) -> Facts:
        """Gather what is known about a person at this step of a run."""
        settled = self.store.ledger.settled(run.id)
        return Facts(
            known=self.store.people.known(run.contact_id),
            received=frozenset(step for step, visit, state in settled if visit < run.visit and state in GONE),
            last_mail_at=self.store.ledger.last_mail_at(run.contact_id),
        )

    def done(self, run: Enrollment) -> frozenset[str]:
        """Return the steps that this visit has in the ledger already."""
        return frozenset(step for step, visit, _ in self.store.ledger.settled(run.id) if visit == run.visit)

    def values(self, contact: Contact, now: datetime) -> dict[str, str]:
        """Return everything that a merge spot can ask for, for one person."""
        links = {f"link.{purpose}": self.signer.url(purpose, contact.id, now) for purpose in Purpose}
        return {"person.first_name": contact.first_name, "person.email": contact.email, **links}


def variant_of(series: Series, contact: Contact) -> Variant:
    """Return which form of a series a person gets; a missing answer is "not sure"."""
    if series.variant_by != "side":
        return Variant.ALL
    return contact.side or Variant.NOT_SURE


@lru_cache(maxsize=64)  # a tick asks for the same few definitions for every person
def _series(slug: str, definition: str) -> Series:
    return series_from(slug, definition)
