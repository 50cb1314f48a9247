"""One SQLite connection: durable, locked before it writes, migrated in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from funnel.errors import StoreError
from funnel.store.queries import migrations, queries, statements

Row = tuple[Any, ...]
BUSY_SECONDS = 30
WAL_TRIES = 100


class Database:
    """Runs named queries. Everything that this writes is on disk when a transaction returns.

    WAL with synchronous=FULL: in WAL with NORMAL a power cut can lose the very mark that prevents a duplicate.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._depth = 0
        try:
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.execute("PRAGMA trusted_schema = OFF")
            self._migrate()
            self._write_ahead()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"the database {path.name} cannot be opened: {error}", hint=_advice(error)) from error

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
        """Hold the write lock; commit at the end, or leave nothing behind. One inside another joins it.

        What fails inside another is undone by itself, so that whoever catches the failure commits only the rest.
        """
        begin, commit, undo = _brackets(self._depth)
        with self._bracketed(begin, undo):
            yield
            self._execute(commit)

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Hold the write lock, and leave nothing behind at the end: for saying what would happen."""
        begin, _, undo = _brackets(self._depth)
        with self._bracketed(begin, undo):
            yield
            self._undo(undo)

    def compact(self) -> None:
        """Rewrite the file so that no byte of deleted rows remains, here or in the write-ahead log.

        Raises StoreError when another process reads all the while, so that the log cannot be emptied.
        """
        self._empty_log()
        self._execute("VACUUM")
        self._empty_log()

    @contextmanager
    def _bracketed(self, begin: str, undo: Sequence[str]) -> Iterator[None]:
        depth = self._depth
        self._execute(begin)
        self._depth = depth + 1
        try:
            yield
        except BaseException:
            self._undo(undo)
            raise
        finally:
            self._depth = depth

    def _undo(self, undo: Sequence[str]) -> None:
        """Roll back, unless SQLite has done so by itself (a full disk)."""
        for statement in undo if self._connection.in_transaction else ():
            self._connection.execute(statement)

    def _empty_log(self) -> None:
        (is_busy, _, _) = self._execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise StoreError("the database is being read, so it cannot be cleaned just now", hint="try again soon")

    def _run(self, book: str, name: str, values: Mapping[str, object]) -> sqlite3.Cursor:
        return self._execute(queries(book)[name], values)

    def _execute(self, sql: str, values: Mapping[str, object] | Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a mistake of ours, not the database's
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the database did not answer: {error}", hint=_advice(error)) from error

    def _migrate(self) -> None:
        """Bring the schema up to date, all steps in one transaction. A newer schema is refused, unchanged."""
        steps = migrations()
        if self._version() == len(steps):
            return
        with self.transaction():
            version = self._version()  # another process may just have done it
            if version > len(steps):
                raise StoreError(
                    f"the database {self._path.name} was made by a newer funnel (schema {version})",
                    hint="update funnel; nothing was changed",
                )
            for step in steps[version:]:
                for statement in statements(step):
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {len(steps)}")

    def _version(self) -> int:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        return int(version)

    def _write_ahead(self) -> None:
        """Turn the write-ahead log on. SQLite does not wait for other writers here, so we do."""
        for _ in range(WAL_TRIES):
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
            else:
                return
            with self.transaction():
                pass
        raise StoreError(f"the database {self._path.name} is locked", hint="try again when the other funnel is done")


def _brackets(depth: int) -> tuple[str, str, tuple[str, ...]]:
    """Return how a transaction at this depth begins, how it is kept, and how it is undone."""
    if depth == 0:
        return "BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",)
    name = f"inner_{depth}"
    return f"SAVEPOINT {name}", f"RELEASE {name}", (f"ROLLBACK TO {name}", f"RELEASE {name}")


def to_epoch(moment: datetime) -> int:
    """Write an aware datetime as whole seconds since 1970, UTC."""
    return int(moment.timestamp())


def from_epoch(seconds: int) -> datetime:
    """Read whole seconds since 1970 as an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def maybe(seconds: int | None) -> datetime | None:
    """Read a time that may be missing."""
    return None if seconds is None else from_epoch(seconds)


def _advice(error: Exception) -> str:
    words = str(error)
    if "locked" in words:
        return "another funnel is writing; try again when it has finished"
    if "malformed" in words or "not a database" in words:
        return "the file is damaged: restore a backup; nothing was sent"
    if "readonly" in words or "unable to open" in words:
        return "check that you may write to the folder .funnel"
    return "check the disk's free space"
