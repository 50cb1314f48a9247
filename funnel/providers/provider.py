"""What one provider module offers, and what it is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from funnel.engine import Engine
from funnel.ports import EventSource, Remote, Sender


@dataclass(frozen=True, slots=True)
class Account:
    """What a provider works with: our engine, the options of `[providers.<name>]` with secrets resolved, the time."""

    engine: Engine
    options: Mapping[str, str]
    now: datetime


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider's abilities; a missing one is None."""

    name: str
    sender: Callable[[Account], Sender] | None = None
    remote: Callable[[Account], Remote] | None = None
    events: Callable[[Account], EventSource] | None = None
