"""Check a whole MJML document, before the engine sees it, and say where each problem was written.

Codes are stable:

- MJ001 no such component
- MJ002 no such attribute
- MJ003 a value of the wrong kind
- MJ004 an element where it cannot stand
- MJ005 a tag, or a conditional comment, that is not closed or closes nothing
- MJ006 text where only components may stand
- MJ007 an attribute written twice
- MJ008 mj-include: partials are resolved by Jinja
- MJ009 not exactly one mjml and one mj-body
- MJ010 nested more than 60 deep
- MJ011 too large: more than 1,000,000 bytes or 20,000 tags
- MJ012 known to MJML but not to our engine: an error where it stops, a warning where it drops something
- MJ013 an attribute without a quoted value, or mj-class without its name
- MJ014 an image without alt text (warning)
- MJ015 a social element that shares, or that fetches its icon from elsewhere (warning)
- MJ016 markup that the engine cannot read: a lone `<`, `--` in a comment, CDATA, a doctype, a stray character
- MJ017 a character that cannot stand in a mail: a control character, or half of a surrogate pair
- MJ018 the engine refused the document for a reason that this check does not know
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from funnel.mjml.structure import MAX_FINDINGS, Found, walk
from funnel.mjml.tokens import Problem, fault, split
from funnel.model import Finding, Place

MAX_BYTES = 1_000_000
MAX_TAGS = 20_000
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\r"))
_RARE = (b"\xc2", b"\xed", b"\xef\xbf")  # how C1, surrogates, U+FFFE and U+FFFF begin, among others
#: The engine stops at some of these; Gmail cuts a mail off at U+0080 to U+009F (email-bugs #41).
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_CDATA_END = "]]>"


def check(source: str, *, path: str) -> tuple[Finding, ...]:
    """Return what is wrong with an assembled MJML document, in the order in which it is read.

    A place comes from the nearest mark (see `mark`), else from `source` itself, which is then the file
    `path`. At most 100 findings; one alone when the document is too large or holds a character that nothing
    can read.
    """
    return check_pieces(source, split(source) if len(source) <= MAX_BYTES else [source], path)


def check_pieces(source: str, pieces: list[str], path: str) -> tuple[Finding, ...]:
    """Do what `check` does, when `source` was split already."""
    refusal = _refuse(source)
    if len(pieces) // 2 > MAX_TAGS:
        tags = f"{len(pieces) // 2:,} tags"
        refusal = fault("MJ011", f"this mail has {tags}; {MAX_TAGS:,} is the most", "split it")
    if refusal:
        return _place(source, [source], [Found(0, refusal)], path)
    found = walk(pieces)
    if _CDATA_END in source:
        found += _cdata_ends(pieces)
    return _place(source, pieces, found, path) if found else ()


def _refuse(source: str) -> Problem | None:
    """Report what makes a document unreadable as a whole."""
    if len(source) > MAX_BYTES:
        return _too_large(len(source))
    data = source.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        return _too_large(len(data))
    if len(data.translate(None, _CONTROLS)) == len(data) and not any(each in data for each in _RARE):
        return None
    found = _FORBIDDEN.search(source)
    if found is None:
        return None
    name = f"U+{ord(found[0]):04X}"
    return fault("MJ017", f"the character {name} cannot stand in a mail", "take it out", found.start())


def _too_large(size: int) -> Problem:
    return fault("MJ011", f"this mail has {size:,} bytes or more; {MAX_BYTES:,} is the most", "split it")


def _cdata_ends(pieces: list[str]) -> Iterable[Found]:
    for index in range(0, len(pieces), 2):
        at = pieces[index].find(_CDATA_END)
        if at >= 0:
            yield Found(index, fault("MJ016", "]]> cannot stand in text", "write ]]&gt;", at))


def _place(source: str, pieces: list[str], found: list[Found], path: str) -> tuple[Finding, ...]:
    starts = list(accumulate(map(len, pieces), initial=0))
    lines = [0, *(each.end() for each in re.finditer("\n", source))]
    findings = []
    for index, problem, origin in sorted(found, key=lambda one: (one.piece, one.problem.at))[:MAX_FINDINGS]:
        if origin:
            place, column = Place(origin.path, origin.line), origin.column
        else:
            offset = starts[index] + problem.at
            line = bisect_right(lines, offset)
            place, column = Place(path, line), offset - lines[line - 1] + 1
        code, severity, message, hint, _ = problem
        findings.append(Finding(code, severity, message, place, hint, column))
    return tuple(findings)
