"""Every store that the contract holds for: to add one, name it in MAKERS."""

import sys
from pathlib import Path

import pytest

from funnel.store import SqliteStore

sys.path.insert(0, str(Path(__file__).parents[1]))


def _sqlite(folder: Path):
    return lambda: SqliteStore(folder / "state" / "funnel.db", pepper=b"pepper", instance="test")


MAKERS = {"sqlite": _sqlite}


@pytest.fixture(params=MAKERS)
def opening(request, tmp_path):
    """A function that opens the same database again and again, as other processes would."""
    opened = []
    make = MAKERS[request.param](tmp_path)

    def open_it():
        opened.append(make())
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(opening):
    return opening()
