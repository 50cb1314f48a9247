"""Read `funnel.toml` and the `FUNNEL_*` environment into one frozen value. Secrets stay references until asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from funnel.addresses import check_address
from funnel.config.sending import read_sending
from funnel.errors import ConfigError
from funnel.fields import Fields, Lined, nearest
from funnel.model import (
    PLACEHOLDER,
    Brand,
    Privacy,
    SenderIdentity,
    Settings,
)
from funnel.tables import parse_toml
from funnel.when import is_zone

FILE = "funnel.toml"
HOLDERS = ("local",)  #: who can hold broadcasts and series
SENDERS = ("mailbox", "smtp")
STORES = ("sqlite",)
PROVIDERS = {"smtp": ("host", "port", "username", "password", "security", "helo")}  #: the keys of each table
LINKS = ("article", "inquiry", "credit")
LINK_SCHEMES = ("https", "http", "mailto", "tel")


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
    addresses, seeds = _tests(fields.section("tests"))
    config = Config(
        root=root,
        settings=_settings(fields),
        run=_run(fields.section("run"), environ),
        providers=_providers(fields),
        test_addresses=addresses,
        seeds=seeds,
    )
    fields.done()
    return config


def secret(reference: str, environ: Mapping[str, str], root: Path) -> str:
    """Resolve `env:NAME` or `file:path` to the secret itself. Reads one file. Raises ConfigError without its value."""
    scheme, _, name = reference.partition(":")
    match scheme:
        case "env":
            return _from_environment(name, environ)
        case "file":
            return _from_file(root, name)
        case _:
            raise ConfigError(
                "a secret is written out in funnel.toml",
                hint='write where to find it: "env:NAME" or "file:secrets/name"',
            )


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if not environ.get(name):
        raise ConfigError(f"the environment has no {name}", hint=f"set it: export {name}=...")
    return environ[name]


def _from_file(root: Path, name: str) -> str:
    try:
        return (root / name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the secret file {name} cannot be read", hint="write the secret there as one line of text, mode 0600"
        ) from error


def _parse(path: Path) -> Lined:
    if not path.is_file():
        raise ConfigError(f"there is no {FILE} in {path.parent}", hint="make a project: funnel init DIR")
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(f"{FILE}:{line}: this is not UTF-8 text", hint="save the file as UTF-8") from error
    return parse_toml(text, path=FILE, error=ConfigError)


def _settings(fields: Fields) -> Settings:
    project = fields.section("project")
    name = project.text("name")
    settings = Settings(
        name=name,
        timezone=_zone(project),
        brand=_brand(fields.section("brand"), name),
        sender=_sender(fields.section("sender")),
        sending=read_sending(fields.section("sending")),
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
    for key, one in (("from", sender.address), ("reply_to", sender.reply_to)):
        _check_address(fields, key, one)
    fields.done()
    return sender


def _check_address(fields: Fields, key: str, address: str) -> None:
    try:
        check_address(address)
    except ValueError as error:
        raise fields.fail(key, str(error), "write it as hello@example.com") from error


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
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or " " in url:
        raise fields.fail("url", f"`{url}` is not the address of a site", "write it as https://example.com")
    fields.done()
    return url


def _links(fields: Fields) -> dict[str, str]:
    links = {key: fields.text(key, PLACEHOLDER) for key in LINKS}
    fields.done()
    for key, address in links.items():
        if PLACEHOLDER not in address and urlsplit(address).scheme not in LINK_SCHEMES:
            raise fields.fail(key, f"`{address}` is not an address that a mail can lead to", "begin it with https://")
    return links


def _run(fields: Fields, environ: Mapping[str, str]) -> Run:
    run = Run(
        broadcasts=_chosen(fields, "broadcasts", HOLDERS, environ),
        series=_chosen(fields, "series", HOLDERS, environ),
        sender=_chosen(fields, "sender", SENDERS, environ),
        store=_chosen(fields, "store", STORES, environ),
    )
    fields.done()
    return run


def _chosen(fields: Fields, key: str, choices: Iterable[str], environ: Mapping[str, str]) -> str:
    """Return what the environment says (`FUNNEL_SENDER` and so on), else the file, else the first choice."""
    known = list(choices)
    variable = f"FUNNEL_{key.upper()}"
    from_environment = environ.get(variable, "")
    if not from_environment:
        return fields.choice(key, known, known[0])
    fields.has(key)  # what the file says does not count now, and is no unknown key
    if from_environment not in known:
        raise ConfigError(f"{variable} is `{from_environment}`", hint=nearest(from_environment, known))
    return from_environment


def _providers(fields: Fields) -> dict[str, dict[str, str]]:
    table = fields.section("providers")
    found: dict[str, dict[str, str]] = {}
    for name, keys in PROVIDERS.items():
        if table.has(name):
            part = table.section(name)
            found[name] = {key: part.text(key, "") for key in keys if part.has(key)}
            part.done()
    table.done()
    return found


def _tests(fields: Fields) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the addresses that test mail may go to, and the named seed lists."""
    addresses = fields.words("addresses")
    seeds = fields.section("seeds")
    lists = {name: seeds.words(name) for name in seeds.data}
    fields.done()
    for one in addresses:
        _check_address(fields, "addresses", one)
    for name, members in lists.items():
        for one in members:
            _check_address(seeds, name, one)
    return addresses, lists
