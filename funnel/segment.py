"""Does this person match this filter?"""

from __future__ import annotations

from collections.abc import Mapping

from funnel.model import Contact


def matches(where: Mapping[str, str], contact: Contact) -> bool:
    """Tell whether every field of the filter holds for `contact`; an empty filter holds for everyone."""
    return all(_holds(field, value, contact) for field, value in where.items())


def _holds(field: str, value: str, contact: Contact) -> bool:
    match field:
        case "side":
            return contact.side == value
        case "tag":
            return value in contact.tags
        case "timezone":
            return contact.timezone == value
        case _:
            return False
