"""Mail outside the ledger: for a made-up person, for a look or for a test. Needs no database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import NoReturn

from funnel.engine import Engine
from funnel.engine.letters import compose
from funnel.links import Signer
from funnel.message import Attachment, message_key, skeleton
from funnel.model import Contact, ContactStatus, Program, Rendered, Settings

#: A made-up moment, person and key, the same on every machine, so that the same content gives the same bytes.
AT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
KEY = b"the key of sample mail: no secret"
PERSON = Contact(id=1, email="sam@example.com", first_name="Sam", status=ContactStatus.SUBSCRIBED, created_at=AT)
PROGRAM = Program(
    id=0,
    kind="series",
    slug="sample",
    code="sample",
    state="open",
    state_at=AT,
    version=0,
    digest="",
    definition="",
)


def sampler(settings: Settings, files: Callable[[str], bytes]) -> Engine:
    """Make an engine that can only write sample mail: it has no database, and its links open nothing."""
    return Engine(
        store=NoStore(),
        settings=settings,
        signer=Signer([KEY], settings.site_url),
        secret=KEY,
        owner="sample",
        files=files,
    )


def write(engine: Engine, rendered: Rendered, person: Contact, *, name: str, now: datetime) -> tuple[str, bytes]:
    """Write one email to one person, as the engine would. Return its key, made from `name`, and its bytes."""
    key = message_key(engine.secret, name)
    bones = skeleton(rendered, attachment=_attachment(engine, rendered))
    program = replace(PROGRAM, state_at=now)
    return key, compose(engine, bones, person, program, key=key, now=now)


class NoStore:
    """A database that is not there: whoever asks it for something has made a mistake."""

    @property
    def people(self) -> NoReturn:
        """Refuse."""
        raise self._missing()

    @property
    def programs(self) -> NoReturn:
        """Refuse."""
        raise self._missing()

    @property
    def ledger(self) -> NoReturn:
        """Refuse."""
        raise self._missing()

    def transaction(self) -> AbstractContextManager[None]:
        """Refuse."""
        raise self._missing()

    def get(self, key: str, default: str = "") -> str:
        """Refuse."""
        raise self._missing(key, default)

    def put(self, key: str, value: str) -> None:
        """Refuse."""
        raise self._missing(key, value)

    def _missing(self, *_: str) -> LookupError:
        return LookupError("sample mail has no database")


def _attachment(engine: Engine, rendered: Rendered) -> Attachment | None:
    path = rendered.attachment
    if not path:
        return None
    kind = "application/pdf" if path.endswith(".pdf") else "application/octet-stream"
    return Attachment(PurePosixPath(path).name, kind, engine.files(path))
