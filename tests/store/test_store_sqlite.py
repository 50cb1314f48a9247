"""What is SQLite's own: durability, migrations, several processes, and forgetting down to the last byte."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from funnel.errors import StoreError
from funnel.model import Consent, ConsentEvent, Person
from funnel.store import SqliteStore
from funnel.store.queries import migrations, statements

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OPEN = """
import sys
from pathlib import Path
from funnel.store import SqliteStore
sys.stdin.read()
store = SqliteStore(Path(sys.argv[1]), pepper=b"pepper")
for number in range(20):
    with store.transaction():
        store.put(f"{sys.argv[2]}/{number}", "x")
print(store.get("instance"))
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "funnel.db"


@pytest.fixture
def store(path):
    with_it = SqliteStore(path, pepper=b"pepper")
    yield with_it
    with_it.close()


def test_every_commit_is_on_disk_before_it_returns(store):
    """C2, fault 13: in WAL with NORMAL a power cut can lose the mark that prevents a duplicate."""
    pragmas = {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1, "secure_delete": 1, "trusted_schema": 0}
    ask = store._db._connection.execute
    assert {name: ask(f"PRAGMA {name}").fetchone()[0] for name in pragmas} == pragmas
    assert ask("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert ask("PRAGMA foreign_key_check").fetchall() == []


def test_the_database_is_its_owners_alone(store, path):
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.with_name("funnel.db-wal").stat().st_mode & 0o777 == 0o600


def test_several_processes_open_a_new_database_at_once(path):
    path.parent.mkdir(mode=0o700)
    starting = [
        subprocess.Popen([sys.executable, "-c", OPEN, path, str(number)], stdin=-1, stdout=-1, stderr=-1, text=True)
        for number in range(6)
    ]
    for one in starting:
        one.stdin.close()
        one.stdin = None
    ended = [(one.communicate(timeout=60), one.returncode) for one in starting]
    assert [(err, code) for (_, err), code in ended] == [("", 0)] * 6
    assert len({out for (out, _), _ in ended}) == 1
    store = SqliteStore(path, pepper=b"pepper")
    assert all(store.get(f"{worker}/{number}") == "x" for worker in range(6) for number in range(20))
    store.close()


def test_a_newer_schema_is_refused_and_nothing_is_changed(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer funnel"):
        SqliteStore(path, pepper=b"pepper")
    assert path.read_bytes() == before


def test_a_migration_that_fails_half_way_leaves_nothing(path, monkeypatch):
    """Fault 38."""
    from funnel.store import database

    broken = (migrations()[0] + "CREATE TABLE half (x);\nINSERT INTO nowhere VALUES (1);\n",)
    with monkeypatch.context() as patch:
        patch.setattr(database, "migrations", lambda: broken)
        with pytest.raises(StoreError, match="nowhere"):
            SqliteStore(path, pepper=b"pepper")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    connection.close()
    SqliteStore(path, pepper=b"pepper").close()


def test_a_script_is_cut_into_statements_and_a_trigger_stays_whole():
    found = list(statements(migrations()[0]))
    assert len(found) > 20
    assert all(sqlite3.complete_statement(one) for one in found)
    assert sum("CREATE TRIGGER" in one and "END;" in one for one in found) == 2


@pytest.mark.parametrize("change", ["UPDATE consent SET source = 'x'", "DELETE FROM consent"])
def test_the_consent_log_is_append_only(store, change):
    """E2."""
    number, _ = store.people.add(Person("ann@example.com", "ann@example.com"), now=NOW)
    store.people.consent(number, Consent(ConsentEvent.CONFIRMED, NOW, "page", "Yes"))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        store._db._connection.execute(change)
    assert len(store.people.consents(number)) == 1


@pytest.mark.parametrize("damage", [b"this is no database at all, but long enough to be read as one" * 20, b""])
def test_a_damaged_file_is_refused_and_an_empty_one_is_new(path, damage):
    """Fault 15."""
    path.parent.mkdir()
    path.write_bytes(damage)
    if not damage:
        SqliteStore(path, pepper=b"pepper").close()
        return
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        SqliteStore(path, pepper=b"pepper")
    assert "restore a backup" in caught.value.hint
    assert path.read_bytes() == damage


def test_a_folder_in_its_place_is_a_plain_error(path):
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(path, pepper=b"pepper")


def write_much(store):
    with store.transaction():
        for number in range(100):
            store.put(f"k{number}", "x" * 10_000)


def test_what_cannot_be_committed_is_undone_and_the_next_transaction_works(store):
    """Fault 14: a full disk."""
    ask = store._db._connection.execute
    (pages,) = ask("PRAGMA page_count").fetchone()
    ask(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        write_much(store)
    ask("PRAGMA max_page_count = 1000000")
    with store.transaction():
        store.put("after", "1")
    assert (store.get("k0"), store.get("after")) == ("", "1")


def test_cleaning_waits_for_nobody_for_ever(store, path):
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM meta").fetchone()
    store.put("a", "1")
    store._db._connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(StoreError, match=r"being read|locked"):
        store.compact()
    reader.close()
    store.compact()
