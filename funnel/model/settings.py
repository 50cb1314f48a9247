"""What `funnel.toml` says that the core needs."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import date, time

from funnel.model.places import Place

PLACEHOLDER = "PLACEHOLDER"  #: the mark that staff leave where a fact is still missing


@dataclass(frozen=True, slots=True)
class Brand:
    """How the sender looks: colours as `#rrggbb`, logo as a path inside the project (empty: none)."""

    name: str
    color: str = "#0b5c66"
    logo: str = ""
    postal_address: str = PLACEHOLDER
    tagline: str = ""


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Who mail comes from: display name and addresses. `domain` is the From address' own domain."""

    name: str
    address: str
    reply_to: str

    @property
    def domain(self) -> str:
        """Return the domain of the From address."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Window:
    """When mail may go out, on the recipient's own clock. `end <= start` crosses midnight.

    `days` holds ISO weekdays (Monday is 1); a window that crosses midnight belongs to the day that it opens on.
    """

    days: frozenset[int] = frozenset(range(1, 8))
    start: time = time(0)
    end: time = time(0)

    @property
    def is_all_day(self) -> bool:
        """Tell whether the window never closes on the days that it is open."""
        return self.start == self.end == time(0)


@dataclass(frozen=True, slots=True)
class SendingPolicy:
    """When the engine may send. Dates and times are local to each recipient.

    `quiet` is a span of local time in which nothing goes out (None: no quiet hours); it may cross midnight.
    `holidays` are whole local dates without mail. `spread_minutes` spreads what a window held back (0: off).
    """

    window: Window = field(default_factory=Window)
    quiet: tuple[time, time] | None = None
    holidays: Container[date] = frozenset()
    spread_minutes: int = 60


@dataclass(frozen=True, slots=True)
class Privacy:
    """Which words must never leave a mail's body, and whether sided bodies may pass through a third party."""

    sensitive_terms: tuple[str, ...] = ()
    allowed_phrases: tuple[str, ...] = ()
    health_data: str = "first_party"


@dataclass(frozen=True, slots=True)
class Settings:
    """The part of `funnel.toml` that shapes mail. `timezone` is an IANA name: the fallback zone."""

    name: str
    timezone: str
    brand: Brand
    sender: SenderIdentity
    sending: SendingPolicy = field(default_factory=SendingPolicy)
    privacy: Privacy = field(default_factory=Privacy)
    site_url: str = "https://example.com"
    links: Mapping[str, str] = field(default_factory=dict)  #: fixed addresses: inquiry, article, credit
    lines: Mapping[str, int] = field(default_factory=dict)  #: key such as `brand.postal_address` -> its line

    @property
    def place(self) -> Place:
        """Return where the settings are written."""
        return Place("funnel.toml")

    def at(self, key: str) -> Place:
        """Return where a key stands in funnel.toml; the first line when it was left out."""
        return Place("funnel.toml", self.lines.get(key, 1))
