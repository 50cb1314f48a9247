"""Read and write people as CSV: one row in, one checked Person or a plain word about what is wrong.

Reading streams: a file of any length takes the memory of one row. A row that cannot be used becomes a Problem
and the rest goes on; a file that cannot be trusted as a whole (encoding, columns) raises ContentError.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TextIO, TypeVar
from zoneinfo import ZoneInfo

from funnel.addresses import check_address, email_key
from funnel.errors import ContentError
from funnel.model import Consent, ConsentEvent, ContactStatus, Person, Variant
from funnel.when import instant, is_zone, zone, zone_names

CONSENT = ("consent_at", "consent_source", "consent_text")
COLUMNS = ("email", "first_name", "side", "timezone", "tags", *CONSENT, "status")
STATUSES = {str(status): status for status in ContactStatus if status is not ContactStatus.ERASED}
SIDES = {"left": Variant.LEFT, "right": Variant.RIGHT, "not_sure": Variant.NOT_SURE, "both": Variant.NOT_SURE}

MAX_FIELD = 10_000
MAX_ROW = 100_000
MAX_SHOWN = 40  # of a wrong word, in a message

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

# A spreadsheet runs a cell that begins like this. Apostrophes in front count, so that one can be taken off.
_FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]|'*[\t\r\n]")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one row. With `warning` the person is taken, without what the message names."""

    line: int
    message: str
    hint: str = ""
    warning: bool = False


# --- reading ------------------------------------------------------------------------------------------------


def read(
    path: Path, *, encoding: str | None = None, default_timezone: str, now: datetime
) -> Iterator[Person | Problem]:
    """Yield a Person or the Problems of each row of a CSV file, in order; a Person comes before its warnings.

    A mark at the beginning of the file decides the encoding, else `encoding`, else UTF-8; the header decides
    between comma, semicolon and tab. Spaces around a field do not count, and the apostrophe that `write` puts
    before a would-be formula is taken off again. The same address may come twice: the store settles that.
    `default_timezone` is for consent times without a zone; consent after `now` is no consent.
    Raises ContentError for a file that cannot be read as a whole.
    """
    tz, _ = zone(default_timezone, default_timezone)
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
                yield from _person(line, dict(zip(columns, map(_cell, fields), strict=True)), tz, now)


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
            hint = _nearest(name, COLUMNS) or _one_of(COLUMNS)
            raise ContentError(f"{place} There is no column {_shown(name)}.", hint=hint)
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
    return text[1:] if text[:1] == "'" and _FORMULA.match(text) else text


# --- one person ---------------------------------------------------------------------------------------------


def _person(line: int, row: Mapping[str, str], tz: ZoneInfo, now: datetime) -> Iterator[Person | Problem]:
    side, side_slip = _choice(row, "side", SIDES)
    status, status_slip = _status(row)
    is_no = status is ContactStatus.UNSUBSCRIBED
    unclear = (side_slip, status_slip)  # keeps a person out, but never an unsubscribe
    refusing = (_address_slip(row["email"]), *(() if is_no else unclear))
    if any(refusing):
        yield from (Problem(line, *slip) for slip in refusing if slip)
        return
    timezone, zone_slip = _timezone(row.get("timezone", ""))
    consent, consent_slip = _consent(row, status, tz, now)
    yield Person(
        email=row["email"],
        email_key=email_key(row["email"]),
        first_name=row.get("first_name", ""),
        side=side,
        timezone=timezone,
        tags=frozenset(filter(None, map(str.strip, row.get("tags", "").split(";")))),
        consent=consent,
        unsubscribed=is_no,
        line=line,
    )
    warnings = (*unclear, zone_slip, consent_slip, _joined_slip(row))
    yield from (Problem(line, *slip, warning=True) for slip in warnings if slip)


Slip = tuple[str, str]  #: what is wrong, and what would be right


def _address_slip(address: str) -> Slip | None:
    try:
        check_address(address)
    except ValueError as error:
        return str(error), ""
    return None


T = TypeVar("T")


def _choice(row: Mapping[str, str], column: str, choices: Mapping[str, T]) -> tuple[T | None, Slip | None]:
    text = row.get(column, "")
    chosen = choices.get(_word(text))
    if chosen is None and text:
        hint = _nearest(text, choices) or _one_of(choices)
        return None, (f"the {column} {_shown(text)} is not known", hint)
    return chosen, None


def _status(row: Mapping[str, str]) -> tuple[ContactStatus | None, Slip | None]:
    """Read the status; a word that is nearest to `unsubscribed` counts as a no, with a warning."""
    status, slip = _choice(row, "status", STATUSES)
    text = row.get("status", "")
    if slip and _near(text, STATUSES) == ContactStatus.UNSUBSCRIBED:
        slip = f"the status {_shown(text)} is not known: it is read as unsubscribed", "Write unsubscribed."
        return ContactStatus.UNSUBSCRIBED, slip
    return status, slip


def _timezone(name: str) -> tuple[str, Slip | None]:
    if not name or is_zone(name):
        return name, None
    return "", (f"the time zone {_shown(name)} is not known: the default is used", _nearest_zone(name))


def _consent(
    row: Mapping[str, str], status: ContactStatus | None, tz: ZoneInfo, now: datetime
) -> tuple[Consent | None, Slip | None]:
    at_text, source, text = (row.get(column, "") for column in CONSENT)
    if not (at_text or source or text):
        return None, None
    at = _moment(at_text, tz)
    if not (at_text and source and text):
        slip = "the consent is not complete and is not taken", f"It needs {', '.join(CONSENT)}."
    elif at is None:
        slip = "the consent is not taken: consent_at is no date", "Write it like 2026-05-01T14:30Z."
    elif at > now:
        slip = "the consent is not taken: consent_at is in the future", ""
    elif status is ContactStatus.UNCONFIRMED:
        slip = "the consent is not taken: the status says unconfirmed", "Leave one of the two out."
    else:
        return Consent(ConsentEvent.IMPORTED, at, source, text), None
    return None, slip


def _moment(text: str, tz: ZoneInfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return instant(moment, tz) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _joined_slip(row: Mapping[str, str]) -> Slip | None:
    """Suspect rows that stray quotation marks joined: an address beside a line break in a short field."""
    texts = (row.get(column, "") for column in ("first_name", "tags", "consent_source"))
    if not any("\n" in text and "@" in text for text in texts):
        return None
    return "a field has a line break and an @ sign: it may have swallowed rows", "Check its quotation marks."


def _word(text: str) -> str:
    return re.sub(r"[\s-]+", "_", text.casefold())


def _near(text: str, choices: Iterable[str]) -> str:
    """Return the known word closest to `text`, or nothing when none is close."""
    return next(iter(difflib.get_close_matches(_word(text)[:MAX_SHOWN], list(choices), n=1, cutoff=0.5)), "")


def _nearest(text: str, choices: Iterable[str]) -> str:
    near = _near(text, choices)
    return f"Did you mean '{near}'?" if near else ""


def _one_of(choices: Iterable[str]) -> str:
    return f"Write one of: {', '.join(choices)}."


@lru_cache(maxsize=1024)  # a file tends to repeat its mistakes, and comparing 600 names takes a while
def _nearest_zone(text: str) -> str:
    cities = {name.rpartition("/")[2].casefold(): name for name in sorted(zone_names())}
    names = cities | {name.casefold(): name for name in zone_names()}
    near = difflib.get_close_matches(_word(text)[:MAX_SHOWN], names, n=1)
    return f"Did you mean {names[near[0]]}?" if near else "Write a name such as America/New_York."


def _shown(text: str) -> str:
    """Quote a wrong word for a message; an address in the wrong column stays out of messages and logs."""
    if "@" in text:
        return "(an address)"
    short = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
    return "'" + "".join(mark if mark.isprintable() else "?" for mark in short) + "'"


# --- writing ------------------------------------------------------------------------------------------------


def write(rows: Iterable[Mapping[str, str]], out: TextIO) -> int:
    """Write the header and `rows` as CSV that `read` gives back, and return how many rows.

    Keys are COLUMNS: a missing one is empty, another one a ValueError. A cell that a spreadsheet would run as
    a formula gets an apostrophe in front. Open `out` with `newline=""`: lines end in CR LF (RFC 4180).
    """
    writer = csv.DictWriter(out, COLUMNS, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow({name: f"'{cell}" if _FORMULA.match(cell) else cell for name, cell in row.items()})
        count += 1
    return count
