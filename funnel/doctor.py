"""Look over a set-up: what is in order, what is missing, what the sender's domain needs. Changes nothing."""

from __future__ import annotations

import sqlite3
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from funnel.config import Config, secret
from funnel.errors import ConfigError
from funnel.model import PLACEHOLDER
from funnel.when import zone_names

OLDEST_SQLITE = (3, 35, 0)  #: the first with RETURNING and UPSERT as we write them
FIXED_HEADERS = (3, 11, 10)  #: the first 3.11 with the fix for CVE-2024-6923; we guard against it ourselves too
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
SECRETS = ("password", "api_key", "token", "secret")  #: the keys of a provider that never hold the value itself


class Health(StrEnum):
    """How one thing stands."""

    OK = "ok"
    LOOK = "look"  #: works, but deserves a look
    BAD = "bad"  #: stops real mail


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    health: Health
    what: str
    words: str


def examine(config: Config, environ: Mapping[str, str], *, now: datetime) -> Iterator[Check]:
    """Look at versions, clock, files, sender and secrets. Reads files; asks no network and shows no secret."""
    yield _python()
    yield _sqlite()
    yield _clock(now)
    zones = f"{len(zone_names())} known; people without one are in {config.settings.timezone}"
    yield Check(Health.OK, "time zones", zones)
    yield from _files(config.state)
    yield from _sender(config)
    for name, options in config.providers.items():
        for key in SECRETS:
            if options.get(key):
                yield _secret(f"providers.{name}", key, options[key], environ, config.root)


def records(config: Config) -> list[tuple[str, str, str]]:
    """Return the DNS records that the sender's domain needs: (name, type, value). Printed, never looked up."""
    domain = config.settings.sender.domain
    return [
        (domain, "TXT", "v=spf1 include:<your relay's SPF name> -all"),
        (f"<selector>._domainkey.{domain}", "TXT", "v=DKIM1; k=rsa; p=<the key that your relay gives you>"),
        (f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}"),
    ]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] == FIXED_HEADERS[:2] and sys.version_info < FIXED_HEADERS:
        words = f"{version}; its mail library has a hole (CVE-2024-6923) that funnel does not use; 3.11.10 closes it"
        return Check(Health.LOOK, "Python", words)
    return Check(Health.OK, "Python", version)


def _sqlite() -> Check:
    is_new = sqlite3.sqlite_version_info >= OLDEST_SQLITE
    return Check(Health.OK if is_new else Health.BAD, "SQLite", sqlite3.sqlite_version)


def _clock(now: datetime) -> Check:
    is_sane = now >= EARLIEST
    words = f"{now:%Y-%m-%d %H:%M} UTC" + ("" if is_sane else ", which lies in the past: set it before sending")
    return Check(Health.OK if is_sane else Health.BAD, "clock", words)


def _files(state: Path) -> Iterator[Check]:
    if not state.exists():
        yield Check(Health.OK, "state", "nothing kept yet; .funnel/ is made by the first push")
        return
    open_to_others = [path.name for path in (state, state / "funnel.db", state / "key") if _is_open(path)]
    if open_to_others:
        names = ", ".join(open_to_others)
        yield Check(Health.BAD, "state", f"others on this machine can read {names}: chmod go-rwx")
    else:
        yield Check(Health.OK, "state", "readable by its owner only")


def _is_open(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _sender(config: Config) -> Iterator[Check]:
    is_local = config.run.sender == "mailbox"
    carrier = "the local mailbox: nothing leaves this machine" if is_local else config.run.sender
    yield Check(Health.OK, "sender", carrier)
    if missing := list(_missing(config)):
        words = f"still missing in funnel.toml: {', '.join(missing)}"
        yield Check(Health.LOOK if is_local else Health.BAD, "placeholders", words)
    if not is_local and not config.providers.get(config.run.sender):
        yield Check(Health.BAD, "relay", f"[providers.{config.run.sender}] is missing in funnel.toml")


def _missing(config: Config) -> Iterator[str]:
    settings = config.settings
    if PLACEHOLDER in settings.brand.postal_address:
        yield "the postal address"
    if settings.sender.domain.startswith("example."):
        yield "the sender's own address"
    if settings.site_url.endswith(("example.com", "example.org", "example.net")):
        yield "the site's own address"
    yield from (f"the link `{name}`" for name, address in settings.links.items() if PLACEHOLDER in address)


def _secret(where: str, key: str, reference: str, environ: Mapping[str, str], root: Path) -> Check:
    """Tell whether a secret is where the settings say, without a word of it."""
    if not reference.startswith(("env:", "file:")):
        words = f"{key} is written out in funnel.toml; write where to find it instead"
        return Check(Health.BAD, where, words)
    try:
        value = secret(reference, environ, root)
    except ConfigError as error:
        return Check(Health.BAD, where, f"{key}: {error.message}")
    if not value:
        return Check(Health.BAD, where, f"{key}: {reference} is empty")
    if reference.startswith("file:") and _is_open(root / reference.removeprefix("file:")):
        return Check(Health.BAD, where, f"others on this machine can read {reference}: chmod go-rwx")
    return Check(Health.OK, where, f"{key} is in {reference}")
