"""One SQLite connection: durable, locked before it writes, migrated in a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from funnel.errors import StoreError
from funnel.store.queries import migrations, queries

Row = tuple[Any, ...]
BUSY_SECONDS = 30


class Database:
    """Runs named queries. Everything that this writes is on disk when a transaction returns.

    WAL with synchronous=FULL: in WAL with NORMAL a power cut can lose the very mark that prevents a duplicate.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._depth = 0
        fresh = not path.exists()
        try:
            self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.execute("PRAGMA trusted_schema = OFF")
            self._migrate()
        except sqlite3.Error as error:
            raise StoreError(f"the database {path.name} cannot be opened: {error}", hint=_advice(error)) from error
        if fresh:
            path.chmod(0o600)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def rows(self, book: str, name: str, values: Mapping[str, object]) -> list[Row]:
        """Run a query and return its rows."""
        return self._run(book, name, values).fetchall()

    def row(self, book: str, name: str, values: Mapping[str, object]) -> Row | None:
        """Run a query and return its first row, if any."""
        found: Row | None = self._run(book, name, values).fetchone()
        return found

    def run(self, book: str, name: str, values: Mapping[str, object]) -> int:
        """Run a statement and return how many rows it changed."""
        return self._run(book, name, values).rowcount

    def insert(self, book: str, name: str, values: Mapping[str, object]) -> int | None:
        """Run an insert; return the new row's id, or None when the row was there already."""
        cursor = self._run(book, name, values)
        return cursor.lastrowid if cursor.rowcount == 1 else None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the write lock; commit at the end, or leave nothing behind. One inside another joins it."""
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        self._execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        else:
            self._execute("COMMIT")
        finally:
            self._depth = 0

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Hold the write lock, and leave nothing behind at the end: for saying what would happen."""
        self._execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
        finally:
            self._depth = 0
            self._connection.rollback()

    def compact(self) -> None:
        """Rewrite the file so that no byte of deleted rows remains, here or in the write-ahead log."""
        self._execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._execute("VACUUM")
        self._execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _run(self, book: str, name: str, values: Mapping[str, object]) -> sqlite3.Cursor:
        return self._execute(queries(book)[name], values)

    def _execute(self, sql: str, values: Mapping[str, object] | Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.OperationalError as error:
            raise StoreError(f"the database did not answer: {error}", hint=_advice(error)) from error

    def _migrate(self) -> None:
        """Bring the schema up to date, each step in its own transaction. A newer schema is refused."""
        steps = migrations()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > len(steps):
            raise StoreError(
                f"the database {self._path.name} was made by a newer funnel (schema {version})",
                hint="update funnel; nothing was changed",
            )
        for number in range(version, len(steps)):
            self._connection.executescript(f"BEGIN IMMEDIATE;{steps[number]}PRAGMA user_version = {number + 1};COMMIT;")


def to_epoch(moment: datetime) -> int:
    """Write an aware datetime as whole seconds since 1970, UTC."""
    return int(moment.timestamp())


def from_epoch(seconds: int) -> datetime:
    """Read whole seconds since 1970 as an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def maybe(seconds: int | None) -> datetime | None:
    """Read a time that may be missing."""
    return None if seconds is None else from_epoch(seconds)


def _advice(error: sqlite3.Error) -> str:
    words = str(error)
    if "locked" in words:
        return "another funnel is writing; try again when it has finished"
    if "malformed" in words or "not a database" in words:
        return "the file is damaged: restore a backup; nothing was sent"
    if "readonly" in words or "unable to open" in words:
        return "check that you may write to the folder .funnel"
    return "check the disk's free space"
