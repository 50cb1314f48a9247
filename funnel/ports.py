"""The seams: small Protocols that adapters fill and that the use cases see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from funnel.model import Change, Event, Message, Receipt, ReceiptKind, Resource, Unsupported

Clock = Callable[[], datetime]

#: Asks the ledger, in one durable transaction, which of these deliveries may be handed over now.
#: A delivery that is not in the answer must not be sent. At most 32 ids a call.
Intent = Callable[[Sequence[int]], frozenset[int]]


class Sender(Protocol):
    """Hands messages over, and never guesses about what it does not know."""

    name: str
    is_local: bool  #: only the local mailbox may carry placeholders and unapproved text

    def send(self, batch: Sequence[Message], intent: Intent) -> Iterator[Receipt]:
        """Send each message of `batch` at most once; yield one Receipt for each, as soon as it is known.

        `intent` is called after everything that can fail harmlessly and before the point of no return
        (SMTP: the end-of-data dot; a file: its final rename; HTTP: the first request byte).
        Never raises for a network or relay fault: the receipt says what happened.
        """

    def settle(self, key: str) -> ReceiptKind:
        """Look up an uncertain message by its key: ACCEPTED, RETRY (certainly not taken) or UNKNOWN."""


class Remote(Protocol):
    """An account that we plan against and push to."""

    def pull(self) -> Iterable[Resource]:
        """Read what we own there, once."""

    def unsupported(self, desired: Sequence[Resource]) -> Iterable[Unsupported]:
        """Name what this provider cannot hold, each with a reason."""

    def apply(self, change: Change) -> None:
        """Make one change. Looks at nothing but the change; a second call with the same change does nothing."""

    def people_affected(self, kind: str, slug: str) -> int:
        """Count the people who are inside this object now."""


class EventSource(Protocol):
    """Webhooks of one provider."""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
        """Tell whether the raw bytes were signed by the provider."""

    def parse(self, body: bytes) -> Iterable[Event]:
        """Translate a verified body into our words."""


@dataclass(frozen=True, slots=True)
class Provider:
    """What one provider module offers; a missing ability is None."""

    name: str
    sender: Callable[[Mapping[str, str]], Sender] | None = None
    remote: Callable[[Mapping[str, str]], Remote] | None = None
    events: Callable[[Mapping[str, str]], EventSource] | None = None
