"""Merge fields: what a mail says to somebody of whom we know little."""

from __future__ import annotations

import re
from collections.abc import Iterator

from funnel.lint.subject import ALWAYS_KNOWN, KNOWN, Mail, Rule, Subject, error, warning
from funnel.merge import filled
from funnel.model import Finding, Merged, MergeSpot, Place

_CLOSING = ",.;:!?)"


def check_fallbacks(subject: Subject) -> Iterator[Finding]:
    """Find a personal value that is used without saying what stands there when it is not known.

    Why: many people sign up with an address alone. They would read "Hi ," and know that a machine wrote.
    An address is always known, so `person.email` needs no fallback.

    Mend: add a fallback that reads well: {{ person.first_name | fallback("there") }}.

    Example: `Hi {{ person.first_name }},` in the body of the welcome mail.
    """
    for mail in subject.mails:
        bare = {spot.field for spot in mail.spots() if spot.fallback is None}
        for field in sorted(bare & KNOWN.keys() - ALWAYS_KNOWN):
            hint = f'write {{{{ {field} | fallback("there") }}}}'
            for place in _places(mail, field):
                yield error("MG001", f"`{field}` has no fallback", place, hint)


def check_holes(subject: Subject) -> Iterator[Finding]:
    """Find a sentence that falls apart when a personal value is missing, in either part or in the subject.

    Every mail is read with each of its personal fields missing, one at a time. An empty fallback is fine
    where it leaves no hole: no blank before a comma, no two blanks, no empty start of a line.

    Why: an empty fallback looks right on the author's own screen, where the name is known.

    Mend: give a word that fits, or move the space and the comma into the sentence around it.

    Example: `Hi {{ person.first_name | fallback("") }},` reads "Hi ,".
    """
    for mail in subject.mails:
        for field, values in mail.fillings.items():
            parts = (mail.rendered.subject, mail.rendered.html, mail.rendered.text)
            if field and any(_has_hole(part, field, values) for part in parts):
                pattern = rf"{re.escape(field)}\s*\|\s*fallback\(\s*(?:\"\s*\"|'\s*')"
                place = next(mail.sources.places(mail.email, pattern), mail.email.place)
                message = f"without `{field}` there is a hole in the sentence"
                yield warning("MG002", message, place, "give a fallback that fits")


RULES = (Rule("MG001", "no-fallback", check_fallbacks), Rule("MG002", "hole-in-sentence", check_holes))


def _places(mail: Mail, field: str) -> list[Place]:
    pattern = rf"(?<![\w.]){re.escape(field)}\b(?!\s*\|\s*fallback\b)"
    return list(mail.sources.places(mail.email, pattern)) or [mail.email.place]


def _has_hole(part: Merged, field: str, values: dict[str, str]) -> bool:
    words = [piece if isinstance(piece, str) else filled(piece, values) for piece in part]
    empty = (at for at, piece in enumerate(part) if _falls_back(piece, field) and not words[at].strip())
    return any(_is_hole("".join(words[:at])[-1:], "".join(words[at + 1 :])[:1]) for at in empty)


def _falls_back(piece: str | MergeSpot, field: str) -> bool:
    return isinstance(piece, MergeSpot) and piece.field == field and piece.fallback is not None


def _is_hole(before: str, after: str) -> bool:
    opens = before in ("", " ", "\n", ">")
    return opens and (after in ("", " ", "\n", "<") or after in _CLOSING)
