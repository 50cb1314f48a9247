"""Say what is wrong with a cell: the word as it was written, cut and cleaned, and the nearest right one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

MAX_SHOWN = 40  # of a wrong word, in a message


def word(text: str) -> str:
    """Write a cell as our words are written: small letters and underscores."""
    return re.sub(r"[\s-]+", "_", text.casefold())


def near(text: str, choices: Iterable[str]) -> str:
    """Return the known word closest to `text`, or nothing when none is close."""
    return next(iter(difflib.get_close_matches(word(text)[:MAX_SHOWN], list(choices), n=1, cutoff=0.5)), "")


def nearest_known(text: str, choices: Iterable[str]) -> str:
    """Ask for the known word closest to `text`; nothing when none is close."""
    found = near(text, choices)
    return f"Did you mean '{found}'?" if found else ""


def one_of(choices: Iterable[str]) -> str:
    """List the words that are known."""
    return f"Write one of: {', '.join(choices)}."


def shown(text: str) -> str:
    """Quote a wrong word for a message; an address in the wrong column stays out of messages and logs."""
    if "@" in text:
        return "(an address)"
    short = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
    return "'" + "".join(mark if mark.isprintable() else "?" for mark in short) + "'"
