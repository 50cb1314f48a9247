"""The embedded engine, seen as a provider: it holds whole series and broadcasts, so nothing is unsupported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from funnel.engine import publish_broadcast, publish_series, retire
from funnel.errors import Refused
from funnel.model import Action, Change, Resource, Unsupported
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
        """Name what cannot be held here: only kinds that are made for somebody else."""
        reason = "the engine on this machine holds emails, series and broadcasts"
        return tuple(Unsupported(one.kind, one.slug, reason) for one in desired if one.kind not in (*KINDS, "email"))

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
        program = self._engine.store.programs.get(kind, slug)
        if program is not None:
            retire(self._engine, program, now=self._now)


PROVIDER = Provider("local", remote=LocalRemote)
