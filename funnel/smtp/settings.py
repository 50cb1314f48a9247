"""Where the relay is, and how patiently and privately to speak with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address

from funnel.errors import ConfigError

_NOT_IN_A_NAME = re.compile(r"[\x00-\x20<>\x7f]")


class Security(StrEnum):
    """How the connection is kept private. The relay's certificate is verified always."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"  #: only towards this machine itself


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for the relay, in seconds: RFC 5321 4.5.3.2, but for `connect` and `quit`.

    Each covers a whole reply, however slowly its bytes come; `block` covers 64 KiB of body. A short `end`
    makes uncertain deliveries.
    """

    connect: float = 30
    greeting: float = 300
    command: float = 300
    data: float = 120
    block: float = 180
    end: float = 600
    quit: float = 5


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where the relay is and how to speak with it. No `username`: no sign-in. No `helo`: our own IP address.

    Raises ConfigError for a connection in clear to any machine but this one.
    """

    host: str
    port: int = 587
    username: str = ""
    password: str = field(default="", repr=False)
    security: Security = Security.STARTTLS
    helo: str = ""
    timeouts: Timeouts = field(default_factory=Timeouts)

    def __post_init__(self) -> None:
        if not _is_host(self.host):
            raise ConfigError(f"the relay's host is {self.host!r}", hint="write a host name, such as smtp.example.com")
        if self.security is Security.NONE and not is_loopback(self.host):
            raise ConfigError(
                f"mail to {self.host} would travel in clear: security is 'none'",
                hint="use 'starttls' (port 587) or 'tls' (port 465); 'none' is for a relay on this machine",
            )
        if _NOT_IN_A_NAME.search(self.helo):
            raise ConfigError(f"helo is {self.helo!r}", hint="write this machine's host name, such as mail.example.com")


def _is_host(host: str) -> bool:
    """Tell whether the name could be looked up at all."""
    try:
        return bool(host.encode("idna")) and not _NOT_IN_A_NAME.search(host)
    except UnicodeError:
        return False


def is_loopback(host: str) -> bool:
    """Tell whether the host is this machine itself, by its name or address; nothing is looked up."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"
