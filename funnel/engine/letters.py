"""Write the exact bytes of one person's mail."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath

from funnel.engine.kernel import Engine
from funnel.headers import Headers
from funnel.message import Attachment, Skeleton, build, message_key, skeleton
from funnel.model import Contact, Program
from funnel.payload import Letter, letter_from


class Letters:
    """Compiled emails with their skeletons, each read once; what is stored under an id never changes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._letters: dict[int, Letter] = {}
        self._skeletons: dict[int, Skeleton] = {}

    def letter(self, email_id: int) -> Letter:
        """Return a compiled email."""
        if email_id not in self._letters:
            email = self._engine.store.programs.email(email_id)
            self._letters[email_id] = letter_from(email.slug, email.variant, email.payload)
        return self._letters[email_id]

    def bones(self, email_id: int) -> Skeleton:
        """Return its skeleton. Raises Refused when the file that it carries is missing."""
        if email_id not in self._skeletons:
            letter = self.letter(email_id)
            self._skeletons[email_id] = skeleton(letter.rendered, attachment=self._file(letter))
        return self._skeletons[email_id]

    def _file(self, letter: Letter) -> Attachment | None:
        path = letter.rendered.attachment
        if not path:
            return None
        kind = "application/pdf" if path.endswith(".pdf") else "application/octet-stream"
        return Attachment(PurePosixPath(path).name, kind, self._engine.files(path))


def key_of(engine: Engine, delivery_id: int) -> str:
    """Return a delivery's key: the same for ever, and opaque."""
    return message_key(engine.secret, f"{engine.store.get('instance')}/{delivery_id}")


def compose(
    engine: Engine,
    bones: Skeleton,
    contact: Contact,
    program: Program,
    *,
    key: str,
    now: datetime,
) -> bytes:
    """Build the exact bytes for one person. A mail that was asked for bears no name and no list headers."""
    sender = engine.settings.sender
    values = engine.values(contact, now)
    is_request = program.kind == "request"
    headers = Headers(
        from_name=sender.name,
        from_address=sender.address,
        reply_to=sender.reply_to,
        to_name="" if is_request else contact.first_name,
        to_address=contact.email,
        message_id=f"{key}@{sender.domain}",
        date=now,
        list_id="" if is_request else f"{program.code}.{sender.domain}",
        list_name="" if is_request else engine.settings.name,
        unsubscribe_url="" if is_request else values["link.unsubscribe"],
        feedback_id=f"{program.code}:{program.kind}:funnel",
    )
    return build(bones, headers, values)
