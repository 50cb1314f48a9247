"""Read and write people as CSV: one row in, one checked Person or a plain word about what is wrong.

Reading streams: a file of any length takes the memory of one row. A row that cannot be used becomes a Problem
and the rest goes on; a file that cannot be trusted as a whole (encoding, columns) raises ContentError.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TextIO

from funnel.model import Person
from funnel.people.person import read_person
from funnel.people.rows import COLUMNS, FORMULA, MAX_FIELD, MAX_ROW, Problem, read_rows
from funnel.when import zone

__all__ = ["COLUMNS", "MAX_FIELD", "MAX_ROW", "Problem", "read", "write"]


def read(
    path: Path, *, encoding: str | None = None, default_timezone: str, now: datetime
) -> Iterator[Person | Problem]:
    """Yield a Person or the Problems of each row of a CSV file, in order; a Person comes before its warnings.

    An unclosed quotation mark is a Problem where it opens, which may be below the row that is read next.
    A mark at the beginning of the file decides the encoding, else `encoding`, else UTF-8; the header decides
    between comma, semicolon and tab. Spaces around a field do not count, and the apostrophe that `write` puts
    before a would-be formula is taken off again. The same address may come twice: the store settles that.
    `default_timezone` is for consent times without a zone; consent after `now` is no consent.
    Raises ContentError for a file that cannot be read as a whole.
    """
    tz, _ = zone(default_timezone, default_timezone)
    for row in read_rows(path, encoding):
        if isinstance(row, Problem):
            yield row
        else:
            line, cells = row
            yield from read_person(line, cells, tz, now)


def write(rows: Iterable[Mapping[str, str]], out: TextIO) -> int:
    """Write the header and `rows` as CSV that `read` gives back, and return how many rows.

    Keys are COLUMNS: a missing one is empty, another one a ValueError. A cell that a spreadsheet would run as
    a formula gets an apostrophe in front. Open `out` with `newline=""`: lines end in CR LF (RFC 4180).
    """
    writer = csv.DictWriter(out, COLUMNS, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow({name: f"'{cell}" if FORMULA.match(cell) else cell for name, cell in row.items()})
        count += 1
    return count
