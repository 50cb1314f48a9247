"""Find the person whom a command names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnel.errors import Refused, UsageError
from funnel.fields import nearest
from funnel.model import Contact, Variant

if TYPE_CHECKING:
    from funnel.app import App


def find(app: App, email: str) -> Contact:
    """Return the contact with this address. Raises Refused when there is none."""
    contact = app.store.people.find(key(email))
    if contact is None:
        raise Refused(f"nobody here has the address {email}", hint=f"funnel contacts add {email}")
    return contact


def key(email: str) -> str:
    """Return the normalised form of an address. Raises UsageError when it is not one."""
    from funnel.addresses import check_address, email_key

    try:
        check_address(email)
    except ValueError as error:
        raise UsageError(f"{email}: {error}", hint="write it as name@example.com") from error
    return email_key(email)


def side(word: str) -> Variant | None:
    """Read a side as people say it; `both` counts as not sure."""
    if not word:
        return None
    known = {
        "left": Variant.LEFT,
        "right": Variant.RIGHT,
        "not_sure": Variant.NOT_SURE,
        "both": Variant.NOT_SURE,
    }
    if word not in known:
        raise UsageError(f"`{word}` is not a side", hint=nearest(word, known))
    return known[word]
