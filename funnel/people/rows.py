"""Read the rows of a CSV file, whatever its encoding and separator: one at a time, in the memory of one."""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from funnel.errors import ContentError
from funnel.people.wording import nearest_known, one_of, shown

CONSENT = ("consent_at", "consent_source", "consent_text")
COLUMNS = ("email", "first_name", "side", "timezone", "tags", *CONSENT, "status")

MAX_FIELD = 10_000
MAX_ROW = 100_000

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

# A spreadsheet runs a cell that begins like this. Apostrophes in front count, so that one can be taken off.
FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]|'*[\t\r\n]")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one row. With `warning` the person is taken, without what the message names."""

    line: int
    message: str
    hint: str = ""
    warning: bool = False


def read_rows(path: Path, encoding: str | None) -> Iterator[tuple[int, dict[str, str]] | Problem]:
    """Yield (line, cells by column) or a Problem. Raises ContentError for a file that cannot be read as a whole."""
    with _open(path, encoding) as file:
        lines = _Lines(path, file)
        header = _first_line(lines)
        delimiter = _delimiter(header)
        columns = _columns(header, delimiter, f"{path}:{lines.number}:")
        for row in _rows(lines, delimiter, len(columns)):
            if isinstance(row, Problem):
                yield row
            else:
                line, fields = row
                yield line, dict(zip(columns, map(_cell, fields), strict=True))


def _open(path: Path, encoding: str | None) -> TextIO:
    try:
        with path.open("rb") as file:
            start = file.read(4)
        mark = next((name for mark, name in MARKS if start.startswith(mark)), None)
        return path.open(encoding=mark or encoding or "utf-8", newline="")
    except OSError as error:
        raise ContentError(f"{path}:1: The file cannot be opened: {error.strerror}.") from error
    except LookupError as error:
        raise ContentError(
            f"{path}:1: There is no encoding called '{encoding}'.",
            hint="Write --encoding windows-1252, or save the file as UTF-8 CSV and leave it out.",
        ) from error


class _RowTooLongError(Exception):
    """The row being read passes the limit."""


class _Lines:
    """The lines of a file, counted, for one `csv.reader`; a row that went wrong can be given back."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self.path = path
        self.number = 0  #: of the line that was handed out last
        self.row: list[str] = []  #: the lines of the row that is being read
        self._size = 0
        self._file = file
        self._again: deque[str] = deque()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        text = self._again.popleft() if self._again else self._fresh()
        if not text:
            raise StopIteration
        self.number += 1
        self.row.append(text)
        self._size += len(text)
        if self._size > MAX_ROW:
            raise _RowTooLongError
        return text

    def begin_row(self) -> None:
        """Forget the row before: it is dealt with."""
        self.row = []
        self._size = 0

    def give_back(self) -> None:
        """Hand the row's lines out again, but for its first."""
        self._again.extendleft(reversed(self.row[1:]))
        self.number -= len(self.row) - 1

    def _fresh(self) -> str:
        try:
            text = self._file.readline(MAX_ROW + 1)
            piece = text
            while len(piece) > MAX_ROW and piece[-1] not in "\r\n":  # drop the rest of an endless line
                piece = self._file.readline(MAX_ROW + 1)
        except UnicodeError as error:
            raise self._undecodable(error) from error
        if "\0" in text:
            raise ContentError(
                f"{self.path}:{self.number + 1}: A NUL character: this is not a plain CSV file.",
                hint="Save it as UTF-8 CSV, or give its encoding, for example --encoding utf-16-le.",
            )
        return text

    def _undecodable(self, error: UnicodeError) -> ContentError:
        line = self.number + 1
        if isinstance(error, UnicodeDecodeError):  # Python decodes ahead: count the lines that were not seen yet
            good = error.object[: error.start]
            line += good.count(b"\n") or good.count(b"\r")
        name = self._file.encoding.removesuffix("-sig").upper()
        return ContentError(
            f"{self.path}:{line}: The text is not {name}.",
            hint="Save the file as UTF-8 CSV, or give its encoding, for example --encoding windows-1252.",
        )


def _first_line(lines: _Lines) -> str:
    try:
        header = next((text for text in lines if text.strip()), "")
    except _RowTooLongError:
        header = ""
    if header:
        return header
    raise ContentError(
        f"{lines.path}:{max(lines.number, 1)}: There are no names of columns.",
        hint="The first line names the columns; email is the one that must be there.",
    )


def _delimiter(header: str) -> str:
    def known_columns(delimiter: str) -> int:
        return len(set(_names(header, delimiter)) & set(COLUMNS))

    return max(",;\t", key=known_columns)


def _names(header: str, delimiter: str) -> list[str]:
    return [name.strip().casefold() for name in next(csv.reader([header], delimiter=delimiter), [])]


def _columns(header: str, delimiter: str, place: str) -> list[str]:
    names = _names(header, delimiter)
    for name in names:
        if name not in COLUMNS:
            hint = nearest_known(name, COLUMNS) or one_of(COLUMNS)
            raise ContentError(f"{place} There is no column {shown(name)}.", hint=hint)
        if names.count(name) > 1:
            raise ContentError(f"{place} The column '{name}' comes twice.", hint="Keep the right one.")
    if "email" not in names:
        raise ContentError(f"{place} The column 'email' is missing.", hint="The first line names the columns.")
    return names


def _rows(lines: _Lines, delimiter: str, width: int) -> Iterator[tuple[int, list[str]] | Problem]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin_row()
        first = lines.number + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except (csv.Error, _RowTooLongError) as error:
            yield _broken(error, first, lines.row)
            lines.give_back()
            continue
        if not any(fields):
            continue
        if len(fields) == width and max(map(len, fields)) <= MAX_FIELD:
            yield first, fields
        else:
            yield _misshapen(fields, first, width)
            lines.give_back()  # a stray quotation mark may have joined rows that are fine by themselves


def _broken(error: Exception, first: int, row: list[str]) -> Problem:
    if isinstance(error, _RowTooLongError) and len(row) == 1:
        return Problem(first, f"the row has more than {MAX_ROW:,} characters")
    is_open_to_the_end = isinstance(error, _RowTooLongError) or "end of data" in str(error)
    quoted = row if is_open_to_the_end else row[:-1]  # else the last line's own mark closed it, to no good
    opened = max((number for number, text in enumerate(quoted, first) if '"' in text), default=first)
    return Problem(
        opened,
        "a quotation mark opens here and is not closed as it should be",
        'Close it, or write "" for a quotation mark that belongs to the text.',
    )


def _misshapen(fields: list[str], first: int, width: int) -> Problem:
    if len(fields) == width:
        return Problem(first, f"a field has more than {MAX_FIELD:,} characters")
    return Problem(
        first,
        f"the row has {len(fields)} fields, the first line names {width} columns",
        'Put a field that has the separator in it between quotation marks: "Ana, Bea".',
    )


def _cell(text: str) -> str:
    text = text.rstrip() if text[:1] == "'" else text.strip()
    return text[1:] if text[:1] == "'" and FORMULA.match(text) else text
