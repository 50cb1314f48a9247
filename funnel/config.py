"""Read `funnel.toml` and the `FUNNEL_*` environment into one frozen value. Secrets stay references until asked for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from email.utils import parseaddr
from pathlib import Path

from funnel.errors import ConfigError
from funnel.fields import Fields, Lined, nearest
from funnel.model import PLACEHOLDER, Brand, Privacy, SenderIdentity, SendingPolicy, Settings, Window
from funnel.when import is_zone, parse_span, parse_window

FILE = "funnel.toml"
HOLDERS = ("local",)  #: who can hold broadcasts and series; the provider rooms add to this
SENDERS = ("mailbox", "smtp")
HOLIDAY_YEARS = range(2024, 2041)  #: the span of years for which named holiday calendars are worked out


@dataclass(frozen=True, slots=True)
class Run:
    """Three choices, set apart: who holds newsletters, who runs the drip, who carries our engine's mail."""

    broadcasts: str = "local"
    series: str = "local"
    sender: str = "mailbox"
    store: str = "sqlite"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that `funnel.toml` says, checked. `root` is the project's folder."""

    root: Path
    settings: Settings
    run: Run
    providers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    test_addresses: tuple[str, ...] = ()
    seeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """Return the folder that holds the database, the mailbox and the key (0700, git-ignored)."""
        return self.root / ".funnel"


def find(start: Path) -> Path | None:
    """Return the nearest folder from `start` upward that holds `funnel.toml`."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    return None


def load(root: Path, environ: Mapping[str, str]) -> Config:
    """Read the project's configuration. Raises ConfigError that names the file, the line and the right key."""
    fields = Fields(_parse(root / FILE), path=FILE, what="funnel.toml", error=ConfigError)
    config = Config(
        root=root,
        settings=_settings(fields),
        run=_run(fields.section("run"), environ),
        providers=_providers(fields),
        test_addresses=_tests(fields),
        seeds=_seeds(fields),
    )
    fields.done()
    return config


def secret(reference: str, environ: Mapping[str, str], root: Path) -> str:
    """Resolve `env:NAME` or `file:path` to the secret itself. Reads one file. Raises ConfigError without its value."""
    scheme, _, name = reference.partition(":")
    if scheme == "env":
        if name not in environ:
            raise ConfigError(f"the environment has no {name}", hint=f"set it: export {name}=...")
        return environ[name]
    if scheme == "file":
        path = root / name
        if not path.is_file():
            raise ConfigError(f"there is no secret file {name}", hint="write the secret there, mode 0600")
        return path.read_text(encoding="utf-8").strip()
    raise ConfigError(
        "a secret is written out in funnel.toml",
        hint='write where to find it: "env:NAME" or "file:secrets/name"',
    )


def _parse(path: Path) -> Lined:
    if not path.is_file():
        raise ConfigError(f"there is no {FILE} in {path.parent}", hint="make a project: funnel init DIR")
    text = path.read_text(encoding="utf-8-sig")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+), column (\d+)", str(error))
        line = int(found[1]) if found else 1
        said = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise ConfigError(f"{FILE}:{line}: {said}", hint='values are written in quotes: name = "..."') from error
    return _lined(data, _lines(text), ())


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Find the line of every table and key; good enough to point a person at the place."""
    where: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[+\s*([^\[\]]+?)\s*\]+\s*(?:#.*)?$", line):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            where.setdefault(table, number)
        elif key := re.match(r"\s*([A-Za-z0-9_\-]+|\"[^\"]+\")\s*=", line):
            where.setdefault((*table, key[1].strip('"')), number)
    return where


def _lined(data: Mapping[str, object], lines: Mapping[tuple[str, ...], int], at: tuple[str, ...]) -> Lined:
    items: dict[str, object] = {}
    for key, value in data.items():
        items[key] = _lined(value, lines, (*at, key)) if isinstance(value, dict) else value
    here = lines.get(at, 1)
    return Lined(items, {key: lines.get((*at, key), here) for key in data}, here)


def _settings(fields: Fields) -> Settings:
    project = fields.section("project")
    name = project.text("name")
    settings = Settings(
        name=name,
        timezone=_zone(project),
        brand=_brand(fields.section("brand"), name),
        sender=_sender(fields.section("sender")),
        sending=_sending(fields.section("sending")),
        privacy=_privacy(fields.section("privacy")),
        site_url=_site(fields.section("site")),
        links=_links(fields.section("links")),
        lines=_places(fields, "brand", "sender", "site", "links"),
    )
    project.done()
    return settings


def _places(fields: Fields, *tables: str) -> dict[str, int]:
    """Remember where the keys of some tables stand, so that later findings can point at them."""
    return {f"{table}.{key}": line for table in tables for key, line in fields.section(table).data.lines.items()}


def _zone(project: Fields) -> str:
    name = project.text("timezone")
    if not is_zone(name):
        raise project.fail("timezone", f"`{name}` is not a time zone", 'write an IANA name such as "America/New_York"')
    return name


def _brand(fields: Fields, name: str) -> Brand:
    color = fields.text("color", "#0b5c66")
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise fields.fail("color", f"`{color}` is not a colour", 'write it as "#0b5c66"')
    brand = Brand(
        name=fields.text("name", name),
        color=color.lower(),
        logo=fields.text("logo", ""),
        postal_address=fields.text("postal_address", PLACEHOLDER),
        tagline=fields.text("tagline", ""),
    )
    fields.done()
    return brand


def _sender(fields: Fields) -> SenderIdentity:
    name, address = parseaddr(fields.text("from"))
    if "@" not in address:
        raise fields.fail("from", "`from` holds no address", 'write it as "Name <hello@example.com>"')
    sender = SenderIdentity(name=name or address, address=address, reply_to=fields.text("reply_to", address))
    fields.done()
    return sender


def _sending(fields: Fields) -> SendingPolicy:
    window = Window()
    if fields.has("window"):
        window = _window(fields.section("window"))
    quiet = None
    if fields.has("quiet_hours"):
        try:
            quiet = parse_span(fields.text("quiet_hours"))
        except ValueError as error:
            raise fields.fail("quiet_hours", str(error)) from error
    policy = SendingPolicy(
        window=window,
        quiet=quiet,
        holidays=_holidays(fields),
        spread_minutes=fields.number("spread_minutes", 60),
    )
    fields.done()
    return policy


def _window(fields: Fields) -> Window:
    try:
        window = parse_window(fields.text("days", "daily"), fields.text("between", "00:00-24:00"))
    except ValueError as error:
        raise fields.fail("between", str(error)) from error
    fields.done()
    return window


def _holidays(fields: Fields) -> frozenset[date]:
    days: set[date] = set()
    for name in fields.words("holidays"):
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", name):
            days.add(date.fromisoformat(name))
        else:
            days |= _calendar(fields, name)
    return frozenset(days)


def _calendar(fields: Fields, name: str) -> set[date]:
    """Work out a named public calendar: `us-federal`, or a country or country-region code such as `de-by`."""
    import holidays

    country, _, region = name.partition("-")
    region = "" if region == "federal" else region.upper()
    try:
        found = holidays.country_holidays(country.upper(), subdiv=region or None, years=HOLIDAY_YEARS)
    except NotImplementedError as error:
        hint = nearest(name, ["us-federal", "ca", "gb", "de", "fr", "au", "nz", "ie"])
        raise fields.fail("holidays", f"there is no holiday calendar `{name}`", hint) from error
    return set(found)


def _privacy(fields: Fields) -> Privacy:
    privacy = Privacy(
        sensitive_terms=fields.words("sensitive_terms"),
        allowed_phrases=fields.words("allowed_phrases"),
        health_data=fields.choice("health_data", ("first_party", "allowed"), "first_party"),
    )
    fields.done()
    return privacy


def _site(fields: Fields) -> str:
    url = fields.text("url", "https://example.com").rstrip("/")
    if not url.startswith("https://"):
        raise fields.fail("url", "`url` must begin with https://", "mail programs only trust https addresses")
    fields.done()
    return url


def _links(fields: Fields) -> dict[str, str]:
    known = ("article", "inquiry", "credit")
    links = {key: fields.text(key, PLACEHOLDER) for key in known}
    fields.done()
    return links


def _run(fields: Fields, environ: Mapping[str, str]) -> Run:
    run = Run(
        broadcasts=fields.choice("broadcasts", HOLDERS, "local"),
        series=fields.choice("series", HOLDERS, "local"),
        sender=environ.get("FUNNEL_SENDER") or fields.choice("sender", SENDERS, "mailbox"),
        store=environ.get("FUNNEL_STORE") or fields.text("store", "sqlite"),
    )
    fields.done()
    if run.sender not in SENDERS:
        raise ConfigError(f"FUNNEL_SENDER is `{run.sender}`", hint=nearest(run.sender, SENDERS))
    return run


def _providers(fields: Fields) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    table = fields.section("providers")
    for name in table.data:
        part = table.section(name)
        found[name] = {key: part.text(key, "") for key in part.data}
    return found


def _tests(fields: Fields) -> tuple[str, ...]:
    part = fields.section("tests")
    return part.words("addresses")


def _seeds(fields: Fields) -> dict[str, tuple[str, ...]]:
    part = fields.section("tests").section("seeds")
    return {name: part.words(name) for name in part.data}
