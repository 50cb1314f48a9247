"""Mark each MJML tag of a Jinja template with its author's file, line and column.

Jinja assembles one document from layouts, includes and macros; after that, lines of the document mean nothing
to the people who wrote the pieces. The mark travels through Jinja as an ordinary attribute, `check` reads it,
and `prepare` takes it out again.
"""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

ORIGIN = "fnl-at"  #: the attribute that says where a tag was written, as `path:line:column`

_STRING = r"""(?:"(?:[^"\\]++|\\.)*+(?:"|\Z)|'(?:[^'\\]++|\\.)*+(?:'|\Z))"""
_JINJA = (
    r"\{\#.*?(?:\#\}|\Z)"
    r"|\{%[-+]?+\s*+raw\b.*?(?:\{%[-+]?+\s*+endraw\b.*?%\}|\Z)"
    rf"|\{{%(?:{_STRING}|(?!%\}}).)*+(?:%\}}|\Z)"
    rf"|\{{\{{(?:{_STRING}|(?!\}}\}}).)*+(?:\}}\}}|\Z)"
)
_ATTRIBUTES = (
    rf"""(?:[^"'<>{{]++|{_JINJA}|\{{"""
    rf"""|"(?:[^"{{]++|{_JINJA}|\{{)*+"|'(?:[^'{{]++|{_JINJA}|\{{)*+')*+"""
)
_PIECE = re.compile(
    rf"{_JINJA}|<!--(?:{_JINJA}|(?!-->).)*+(?:-->)?+|<(?P<name>[A-Za-z][\w:.-]*+)(?P<rest>{_ATTRIBUTES})",
    re.DOTALL,
)
_ESCAPES = str.maketrans({each: f"&#{ord(each)};" for each in "&\"'<>{\n"})
_WHERE = re.compile(r"(.+):(\d{1,7}):(\d{1,7})", re.DOTALL)


class Origin(NamedTuple):
    """Where a tag was written: line and column count from 1."""

    path: str
    line: int
    column: int


def mark(source: str, path: str) -> str:
    """Write `fnl-at="path:line:column"` behind the name of each MJML tag of a Jinja template.

    Jinja's comments, statements and expressions, `{% raw %}`, HTML comments and attribute values stay as they
    are, and so do line numbers. A tag that bears a mark keeps it. Linear in the length of `source`.
    """
    escaped = path.translate(_ESCAPES)
    pieces: list[str] = []
    copied = line_start = counted = 0
    line = 1
    for piece in _PIECE.finditer(source):
        name = piece["name"]
        if name is None or not _is_mjml(name) or piece["rest"].startswith(f" {ORIGIN}="):
            continue
        line += source.count("\n", counted, piece.start())
        line_start = max(line_start, source.rfind("\n", counted, piece.start()) + 1)
        counted = piece.start()
        end = piece.end("name")
        pieces += (source[copied:end], f' {ORIGIN}="{escaped}:{line}:{counted - line_start + 1}"')
        copied = end
    return "".join((*pieces, source[copied:]))


def read_origin(value: str) -> Origin | None:
    """Read a mark's value back; None when it is not one of ours."""
    where = _WHERE.fullmatch(unescape(value))
    return Origin(where[1], int(where[2]), int(where[3])) if where else None


def _is_mjml(name: str) -> bool:
    return name.startswith("mj-") or name == "mjml"
