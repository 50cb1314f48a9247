"""Cut MJML into text and tags, and read one tag. Every pattern here takes time linear in its input.

What counts as a fault is what mrml 6.0.1 (mjml-python 1.4.2) cannot read: measured, not taken from a grammar.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache, wraps
from typing import NamedTuple, TypeVar

from funnel.mjml.origin import ORIGIN, Origin, read_origin
from funnel.model import Severity

T = TypeVar("T")

VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source"} | {"track", "wbr"},
)
SPACE = " \t\r\n"
_CACHED_LENGTH = 2000  # longer tags are rare, and must not fill the memory through the cache

# Every alternative begins with "<", so that the pattern finds its next token at the speed of a search for it.
_CONDITION = r"""<(?:
      !--\[if[^\]<>]*+\]>(?:<!--(?:[ ]--)?+>)?+     # a conditional comment opens
    | !--<!\[endif\](?:--)?+>                       # ... and closes
    | !\[endif\](?:--)?+>
    | !\[if[^\]<>]*+\]>
    )"""
_TOKEN = re.compile(
    rf"""(
      {_CONDITION}
    | <!--(?:.*?-->|.*)
    | </?+[A-Za-z_:][^\s"'<>/=]*+(?:[^"'<>]++|"[^"]*+"|'[^']*+')*+>?+
    | <[!?][^<>]*+>?+
    | <
    )""",
    re.DOTALL | re.VERBOSE,
)
_IS_CONDITION = re.compile(_CONDITION, re.VERBOSE)
_ATTRIBUTE = re.compile(
    r"""
      (?P<name>[^\s"'<>/=]++)
      (?:[ \t\r\n]*+ = [ \t\r\n]*+ (?:(?P<quoted>"[^"]*+"|'[^']*+') | (?P<bare>[^\s"'<>=]*+)))?+
    | (?P<junk>[^ \t\r\n])""",
    re.VERBOSE,
)
_TAG_NAME = re.compile(r"[^\s\"'<>/=]++")
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:.-]*+")


class Kind(StrEnum):
    """What a token is."""

    OPEN = "open"
    EMPTY = "empty"  #: `<x/>`, or one of HTML's void elements
    CLOSE = "close"
    COMMENT = "comment"
    CONDITION = "condition"  #: Outlook's `<!--[if mso]>` and `<![endif]-->`
    BROKEN = "broken"


class Problem(NamedTuple):
    """Something wrong with one token; `at` counts characters from the token's start."""

    code: str
    severity: Severity
    message: str
    hint: str = ""
    at: int = 0


class Attribute(NamedTuple):
    """One attribute as written; `value` is None when it has none, `at` counts from the tag's start."""

    name: str
    value: str | None
    at: int


class Token(NamedTuple):
    """One tag or comment. A token with faults is one that the engine cannot read."""

    kind: Kind
    name: str = ""
    attributes: tuple[Attribute, ...] = ()
    origin: Origin | None = None
    faults: tuple[Problem, ...] = ()


def split(source: str) -> list[str]:
    """Cut `source` into text, token, text, token, ..., text. Joined, the pieces are the source again."""
    return _TOKEN.split(source)


def remembered(work: Callable[[str], T]) -> Callable[[str], T]:
    """Keep the answers of a pure function of one token: a project's mails share most of their tags."""
    cached = lru_cache(maxsize=4096)(work)

    @wraps(work)
    def answer(text: str) -> T:
        return cached(text) if len(text) <= _CACHED_LENGTH else work(text)

    return answer


def is_component(name: str) -> bool:
    """Tell whether a tag's name is MJML's, known or not, rather than HTML's."""
    lower = name.lower()
    return lower.startswith("mj-") or lower == "mjml"


def fault(code: str, message: str, hint: str = "", at: int = 0) -> Problem:
    """Make a problem that stops the mail from being compiled."""
    return Problem(code, Severity.ERROR, message, hint, at)


@remembered
def read(text: str) -> Token:
    """Read one token that `split` cut out."""
    if text.startswith(("<!", "<?")):
        return _read_comment(text)
    if not text.endswith(">"):
        return _broken(*_why_open(text))
    closing = text.startswith("</")
    start = 2 if closing else 1
    found = _TAG_NAME.match(text, start)
    name = found[0] if found else ""
    faults = [] if _NAME.fullmatch(name) else [fault("MJ016", f'"{name}" cannot be the name of a tag')]
    attributes, odd = _read_attributes(text, start + len(name))
    marks = [each.value for each in attributes if each.name == ORIGIN and each.value]
    if closing and (attributes or text.endswith("/>")):
        odd.append(fault("MJ016", f"the closing tag </{name}> holds more than its name", f"write </{name}>"))
    kind = Kind.CLOSE if closing else Kind.EMPTY if text.endswith("/>") or name in VOID else Kind.OPEN
    kept = tuple(each for each in attributes if each.name != ORIGIN)
    return Token(kind, name, kept, read_origin(marks[0]) if marks else None, (*faults, *odd))


def _read_attributes(text: str, start: int) -> tuple[list[Attribute], list[Problem]]:
    attributes: list[Attribute] = []
    faults: list[Problem] = []
    end = len(text) - (2 if text.endswith("/>") else 1)
    for found in _ATTRIBUTE.finditer(text, start, end):
        name, quoted, bare, at = found["name"], found["quoted"], found["bare"], found.start()
        if name is None:
            hint = "write /> without a space between" if found["junk"] == "/" else ""
            faults.append(fault("MJ016", f"a stray {found['junk']} stands inside the tag", hint, at))
            continue
        value = quoted[1:-1] if quoted is not None else bare
        faults += _name_faults(name, bare, at)
        attributes.append(Attribute(name, value, at))
    return attributes, faults + _repeats(attributes)


def _name_faults(name: str, bare: str | None, at: int) -> list[Problem]:
    faults = []
    if not _NAME.fullmatch(name):
        faults.append(fault("MJ016", f'"{name}" cannot be the name of an attribute', at=at))
    if bare is not None:
        value = bare or "..."
        hint = f'write {name}="{value}"'
        faults.append(fault("MJ013", f"the value of {name} has no quotes", hint, at))
    return faults


def _repeats(attributes: list[Attribute]) -> list[Problem]:
    seen: set[str] = set()
    faults = []
    for name, _, at in attributes:
        if name in seen:
            faults.append(fault("MJ007", f"{name} is written twice on this tag", "keep one of the two", at))
        seen.add(name)
    return faults


def _read_comment(text: str) -> Token:
    if _IS_CONDITION.fullmatch(text):
        return Token(Kind.CONDITION, "endif" if "[endif]" in text else "if")
    if not text.startswith("<!--"):
        return _broken(*_why_not_comment(text))
    inner = text[4:-3]
    if not text.endswith("-->") or len(text) < len("<!---->"):
        return _broken("a comment is not closed", "end it with -->")
    if inner.startswith(("[if", "<![endif")):
        return _broken("this conditional comment is not complete", "write <!--[if mso]> ... <![endif]-->")
    if "--" in inner or inner.endswith("-") or inner.startswith((">", "->")):
        return _broken("a comment cannot hold two dashes in a row", "use one dash, or a dash of another kind")
    return Token(Kind.COMMENT)


def _why_not_comment(text: str) -> tuple[str, str]:
    lower = text.lower()
    if lower.startswith("<!doctype"):
        return "a doctype has no place in MJML", "take it out: the compiler writes its own"
    if lower.startswith("<?xml"):
        return "an XML declaration has no place in MJML", "take it out"
    if lower.startswith("<![cdata["):
        return "CDATA is not read here", "write &lt; and &amp; for < and &"
    return f"{text[:20]} cannot be read", "write &lt; for a less-than sign"


def _why_open(text: str) -> tuple[str, str]:
    if text == "<":
        return "a < stands alone", "write &lt; for a less-than sign"
    name = text.lstrip("</").split(maxsplit=1)[0]
    if text.count("=") and text.rstrip(SPACE).endswith("="):
        return f"a quote is opened and never closed in <{name}>", "close the attribute's value"
    return f"the tag <{name} is not closed", "end it with >, or write &lt; for a less-than sign"


def _broken(message: str, hint: str) -> Token:
    return Token(Kind.BROKEN, faults=(fault("MJ016", message, hint),))
