"""Signed links: opaque to the reader, bound to one purpose, readable after a key rotation. The clock comes in.

Promises E3 and E4; itsdangerous does the signing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from itsdangerous import BadSignature, URLSafeSerializer

from funnel.errors import Refused


class Purpose(StrEnum):
    """What a link may be used for; a token of one purpose fails everywhere else."""

    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    EBOOK = "ebook"
    CONFIRM = "confirm"
    INQUIRY = "inquiry"
    BROWSER = "browser"


#: One letter in the address stands for each purpose, so that an address says nothing about its reader.
PATHS = {
    Purpose.UNSUBSCRIBE: "u",
    Purpose.PREFERENCES: "p",
    Purpose.EBOOK: "e",
    Purpose.CONFIRM: "c",
    Purpose.INQUIRY: "i",
    Purpose.BROWSER: "b",
}
LIFETIME = {Purpose.CONFIRM: timedelta(days=7)}  #: the others do not expire


@dataclass(frozen=True, slots=True)
class Claim:
    """What a token says: whose it is, and when it was made (1970 where the purpose does not expire)."""

    contact_id: int
    made_at: datetime


class Signer:
    """Makes and reads tokens. The last of `keys` signs; all of them are read, so that old links go on working."""

    def __init__(self, keys: Sequence[bytes], site_url: str) -> None:
        self._serializers = {
            purpose: URLSafeSerializer(list(keys), salt=f"funnel.{purpose}", signer_kwargs={"digest_method": sha256})
            for purpose in Purpose
        }
        self._site_url = site_url

    def token(self, purpose: Purpose, contact_id: int, now: datetime) -> str:
        """Make a token. Holds a number and, where the purpose expires, a time: no address, name or side."""
        claim = [contact_id, int(now.timestamp())] if purpose in LIFETIME else [contact_id]
        return str(self._serializers[purpose].dumps(claim))

    def url(self, purpose: Purpose, contact_id: int, now: datetime) -> str:
        """Make the https address of a purpose for one person."""
        return f"{self._site_url}/{PATHS[purpose]}/{self.token(purpose, contact_id, now)}"

    def read(self, purpose: Purpose, token: str, now: datetime) -> Claim:
        """Read a token. Every failure looks alike: Refused with the same sentence."""
        try:
            claim = self._serializers[purpose].loads(token)
            contact_id, made = int(claim[0]), int(claim[1]) if purpose in LIFETIME else 0
        except (BadSignature, ValueError, TypeError, LookupError) as error:
            raise _no() from error
        made_at = datetime.fromtimestamp(made, UTC)
        if purpose in LIFETIME and now - made_at > LIFETIME[purpose]:
            raise _no()
        return Claim(contact_id, made_at)


def _no() -> Refused:
    return Refused("this link does not work any more", hint="ask for a new one, or reply to any of our mails")
