"""The composition root: from a project's folder to its store, engine, sender and provider.

The only place that knows concrete classes by name. Heavy rooms are imported inside the functions that need them,
so that `funnel --help` stays quick.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from funnel import config as configuration
from funnel.errors import ConfigError, Refused, UsageError

if TYPE_CHECKING:
    from funnel.config import Config
    from funnel.engine import Engine
    from funnel.mailbox import Mailbox
    from funnel.model import Finding, Project, Rendered, Resource
    from funnel.ports import Remote, Sender
    from funnel.render import Compiler
    from funnel.store import SqliteStore

DATABASE = "funnel.db"
KEY_BYTES = 32
LAST_PORT = 65535


@dataclass(frozen=True)
class App:
    """One project, opened. Parts are made when they are first asked for.

    `state` is where this run keeps its database and mailbox; the demo has one of its own. `key` is only given by
    the demo, whose mail must be the same on every machine.
    """

    config: Config
    environ: Mapping[str, str]
    state: Path
    key: bytes = b""
    instance: str = ""

    @cached_property
    def project(self) -> Project:
        """Load the content. Raises ContentError with every problem."""
        from funnel import content

        return content.load(self.config.root, self.config.settings)

    @cached_property
    def rendered(self) -> tuple[Rendered, ...]:
        """Compile every email in every variant."""
        return tuple(self._compiler.every())

    @cached_property
    def pages(self) -> dict[str, tuple[str, str]]:
        """Compile every page of the site: slug -> (title, HTML)."""
        pages = self.project.pages.values()
        return {page.slug: (page.title, self._compiler.page(page)) for page in pages}

    @cached_property
    def _compiler(self) -> Compiler:
        from funnel.render import Compiler

        return Compiler(self.project)

    @cached_property
    def store(self) -> SqliteStore:
        """Open the database, making it when it is missing."""
        from funnel.store import SqliteStore

        if self.config.run.store != "sqlite":
            raise ConfigError(f"the store `{self.config.run.store}` is not supported yet", hint='store = "sqlite"')
        return SqliteStore(self.home() / DATABASE, pepper=self.secret, instance=self.instance)

    def close(self) -> None:
        """Close the database, where it was opened."""
        if "store" in self.__dict__:
            self.store.close()

    def home(self) -> Path:
        """Return the folder of this run's state; it and `.funnel` are made for their owner only (0700)."""
        for folder in (self.config.state, self.state):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.state

    @cached_property
    def secret(self) -> bytes:
        """Return this project's key, made once (0600)."""
        return self.key or _key(self.home() / "key")

    @cached_property
    def engine(self) -> Engine:
        """Build the engine over the store."""
        from funnel.engine import Engine
        from funnel.links import Signer

        return Engine(
            store=self.store,
            settings=self.config.settings,
            signer=Signer([self.secret], self.config.settings.site_url),
            secret=self.secret,
            owner=f"{os.getpid()}-{secrets.token_hex(6)}",
            files=self.read_file,
        )

    @cached_property
    def sampler(self) -> Engine:
        """Build an engine for sample mail: no database, no key of this project, nothing made on disk."""
        from funnel.sample import sampler

        return sampler(self.config.settings, self.read_file)

    @cached_property
    def mailbox(self) -> Mailbox:
        """Open the local mailbox."""
        from funnel.mailbox import Mailbox

        return Mailbox(self.home() / "mailbox")

    def sender(self) -> Sender:
        """Build the sender that `[run] sender` names."""
        if self.config.run.sender == "mailbox":
            return self.mailbox
        return _smtp(self.options("smtp"), domain=self.config.settings.sender.domain)

    def remote(self, provider: str, *, now: datetime) -> Remote:
        """Build the account that a plan is made against."""
        from funnel.fields import nearest
        from funnel.providers import PROVIDERS, Account

        found = PROVIDERS.get(provider)
        if found is None or found.remote is None:
            able = [name for name, one in PROVIDERS.items() if one.remote]
            raise UsageError(f"funnel cannot push to `{provider}`", hint=nearest(provider, able))
        return found.remote(Account(self.engine, self.options(provider), now))

    def desired(self, *, now: datetime) -> Sequence[Resource]:
        """List everything that should exist at a provider."""
        from funnel.plan import desired

        return desired(self.project, self.rendered, now=now)

    def findings(self, *, now: datetime) -> tuple[Finding, ...]:
        """Check the compiled project with every lint rule."""
        from funnel.lint import lint

        return lint(self.project, self.rendered, now=now)

    def options(self, provider: str) -> dict[str, str]:
        """Return `[providers.<name>]` with its secrets resolved."""
        from funnel.config import secret

        written = self.config.providers.get(provider, {})
        is_reference = {"password", "api_key", "token", "secret"}
        return {
            key: secret(value, self.environ, self.config.root) if key in is_reference and value else value
            for key, value in written.items()
        }

    def check_out(self, folder: Path) -> None:
        """Refuse to write a build over the project's own files, or where a file is in the way."""
        inside, root = folder.resolve(), self.config.root.resolve()
        ours = [root / name for name in ("content", "templates", "assets", self.config.state.name)]
        if root.is_relative_to(inside) or any(inside.is_relative_to(one.resolve()) for one in ours):
            raise UsageError(f"{folder} holds the project itself", hint="choose a folder of its own: --out dist")
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file", hint="choose a folder: --out dist")

    def read_file(self, path: str) -> bytes:
        """Read a file of the project. Raises Refused for a path that leads out of it."""
        found = (self.config.root / path).resolve()
        if not found.is_relative_to(self.config.root.resolve()) or not found.is_file():
            raise Refused(f"there is no file {path} in this project")
        return found.read_bytes()


def open_app(folder: Path, environ: Mapping[str, str]) -> App:
    """Open the project at or above `folder`. Raises ConfigError when there is none."""
    root = configuration.find(folder.resolve())
    if root is None:
        raise ConfigError(
            f"there is no project here: no {configuration.FILE} in {folder} or above it",
            hint="make one with funnel init DIR, or name one with --project DIR",
        )
    config = configuration.load(root, environ)
    return App(config, environ, config.state)


def _key(path: Path) -> bytes:
    """Read the key, or make it: written whole, readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f".key-{os.getpid()}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # whoever comes second keeps the first one's key
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_bytes()


def _smtp(options: Mapping[str, str], *, domain: str) -> Sender:
    """Build the SMTP sender from `[providers.smtp]`. `domain` is how it says hello unless told otherwise."""
    from funnel.fields import nearest
    from funnel.smtp import Security, SmtpSender, SmtpSettings

    known = ("host", "port", "username", "password", "security", "helo")
    for name in options:
        if name not in known:
            raise ConfigError(f"unknown key `{name}` in [providers.smtp]", hint=nearest(name, known))
    if not options.get("host"):
        raise ConfigError("the SMTP relay is not named", hint='add [providers.smtp] with host = "smtp.example.com"')
    security = options.get("security") or Security.STARTTLS
    if security not in list(Security):
        raise ConfigError(f"`{security}` is not a kind of security", hint=nearest(security, Security))
    return SmtpSender(
        SmtpSettings(
            host=options["host"],
            port=_port(options.get("port") or "587"),
            username=options.get("username", ""),
            password=options.get("password", ""),
            security=Security(security),
            helo=options.get("helo") or domain,
        )
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= LAST_PORT):
        raise ConfigError(f"`{text}` is not a port", hint="port = 587")
    return int(text)
