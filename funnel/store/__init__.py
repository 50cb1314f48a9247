"""The database: people, what was pushed, and the ledger. SQL lives in `sql/*.sql`, named and commented."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager
from pathlib import Path

from funnel.store.database import Database
from funnel.store.ledger import SqlLedger
from funnel.store.people import SqlPeople
from funnel.store.programs import SqlPrograms

__all__ = ["SqliteStore"]


class SqliteStore:
    """`ports.Store` in one SQLite file, made (0600) when it is missing.

    `pepper` keys the hashes of suppressed addresses; `instance` names a new database (random unless given).
    """

    def __init__(self, path: Path, *, pepper: bytes, instance: str = "") -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = Database(path)
        self.people = SqlPeople(self._db, pepper)
        self.programs = SqlPrograms(self._db)
        self.ledger = SqlLedger(self._db, self.people)
        with self.transaction():
            if not self.get("instance"):
                self.put("instance", instance or secrets.token_hex(8))

    def transaction(self) -> AbstractContextManager[None]:
        """Open a durable write transaction; one inside another joins it. All or nothing."""
        return self._db.transaction()

    def rehearsal(self) -> AbstractContextManager[None]:
        """Open a transaction that leaves nothing behind: for saying what would happen."""
        return self._db.rehearsal()

    def get(self, key: str, default: str = "") -> str:
        """Read a fact about this database."""
        row = self._db.row("meta", "get", {"key": key})
        return row[0] if row else default

    def put(self, key: str, value: str) -> None:
        """Write a fact about this database."""
        self._db.run("meta", "put", {"key": key, "value": value})

    def compact(self) -> None:
        """Rewrite the file so that nothing that was erased remains in it."""
        self._db.compact()

    def close(self) -> None:
        """Close the database."""
        self._db.close()
