"""The embedded engine, seen as a provider: it holds whole series and broadcasts, so nothing is unsupported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from funnel.engine import publish_broadcast, publish_series
from funnel.errors import Refused
from funnel.model import (
    Action,
    Change,
    DeliveryState,
    EnrollmentStatus,
    Program,
    Reason,
    Resource,
    Unsupported,
)
from funnel.payload import digest_of
from funnel.providers.provider import Account, Provider

KINDS = ("series", "broadcast")


class LocalRemote:
    """`ports.Remote` over our own store. A push publishes immutable versions; people inside follow them."""

    def __init__(self, account: Account) -> None:
        self._engine = account.engine
        self._now = account.now

    def pull(self) -> Iterator[Resource]:
        """Read what is published here."""
        programs = self._engine.store.programs
        for email in programs.emails():
            name = f"{email.slug}/{email.variant}"
            yield Resource("email", name, digest_of(email.payload), email.payload, name)
        for one in programs.all():
            if one.kind in KINDS and one.state != "retired":
                yield Resource(one.kind, one.slug, one.digest, one.definition, one.slug)

    def unsupported(self, desired: Sequence[Resource]) -> Iterable[Unsupported]:
        """Name what cannot be held here: nothing."""
        return ()

    def people_affected(self, kind: str, slug: str) -> int:
        """Count the people who are inside this object now."""
        return self._engine.store.programs.count_inside(kind, slug)

    def apply(self, change: Change) -> None:
        """Make one change, in one transaction; a second call with the same change does nothing."""
        match change.kind, change.after:
            case "email", after:
                self._email(change, after)
            case "series", Resource(payload=definition):
                publish_series(self._engine, change.slug, definition, now=self._now)
            case "broadcast", Resource(payload=definition):
                publish_broadcast(self._engine, change.slug, definition, now=self._now)
            case kind, None if change.action is Action.DELETE:
                self._retire(kind, change.slug)
            case kind, _:
                raise Refused(f"a {kind} cannot be pushed here")

    def _email(self, change: Change, after: Resource | None) -> None:
        slug, _, variant = change.slug.partition("/")
        programs = self._engine.store.programs
        if after is None:
            programs.retire_email(slug, variant)
        else:
            programs.put_email(slug, variant, after.digest, after.payload, now=self._now)

    def _retire(self, kind: str, slug: str) -> None:
        """Take a program out of use. Whoever is inside leaves it, with the reason on record."""
        store = self._engine.store
        program = store.programs.get(kind, slug)
        if program is None or program.state == "retired":
            return
        with store.transaction():
            self._empty(program)
            store.programs.set_state(program.id, "retired", now=self._now)

    def _empty(self, program: Program) -> None:
        ledger = self._engine.store.ledger
        for run in ledger.active(program.id):
            for delivery in ledger.history(run.contact_id):
                is_open = delivery.state in (DeliveryState.READY, DeliveryState.LEASED)
                if delivery.enrollment_id == run.id and is_open:
                    ledger.settle(delivery.id, DeliveryState.CANCELLED, now=self._now, reason=Reason.STEP_REMOVED)
            ledger.finish(run.id, EnrollmentStatus.EXITED, Reason.STEP_REMOVED)


PROVIDER = Provider("local", remote=LocalRemote)
