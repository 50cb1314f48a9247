"""Read TOML so that every key knows its line, and a mistake names the file and the line. Pure."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping

from funnel.errors import FunnelError
from funnel.fields import Lined

Path = tuple[str, ...]  #: the keys from the top down to a value; an item of a list of tables counts from "0"

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*([A-Za-z0-9_\-]+|"[^"]+"|'[^']+')\s*=""")


def parse_toml(text: str, *, path: str, error: type[FunnelError]) -> Lined:
    """Parse TOML text. Raises `error`, with a message that starts `path:line:`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise error(
            f"{path}:{_line(str(wrong), text)}: {re.sub(r' *[(]at [^()]*[)]$', '', str(wrong))}",
            hint='a value is text in quotes, a number, true, false or a list: name = "..."',
        ) from wrong
    return _lined(data, _lines(text), ())


def _line(said: str, text: str) -> int:
    found = re.search(r"at line (\d+)", said)
    return int(found[1]) if found else max(len(text.splitlines()), 1)  # the other one is "at end of document"


def _lines(text: str) -> dict[Path, int]:
    """Find the line of every table and key; good enough to point a person at the place."""
    where: dict[Path, int] = {}
    items: Counter[Path] = Counter()
    table: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = tuple(part.strip().strip("\"'") for part in header[2].split("."))
            if header[1] == "[[":
                where.setdefault(table, number)
                items[table] += 1
                table = (*table, str(items[table] - 1))
            where.setdefault(table, number)
        elif key := _KEY.match(line):
            where.setdefault((*table, key[1].strip("\"'")), number)
    return where


def _lined(data: Mapping[str, object], lines: Mapping[Path, int], at: Path, around: int = 1) -> Lined:
    """Give each key its line; a table without a line of its own is on that of the table around it."""
    here = lines.get(at, around)
    where = {key: lines.get((*at, key), here) for key in data}
    return Lined({key: _value(value, lines, (*at, key), where[key]) for key, value in data.items()}, where, here)


def _value(value: object, lines: Mapping[Path, int], at: Path, line: int) -> object:
    match value:
        case dict():
            return _lined(value, lines, at, line)
        case list():
            return [_value(item, lines, (*at, str(number)), line) for number, item in enumerate(value)]
        case _:
            return value
