"""Make this folder's clinic, and the invariants, importable, whichever way pytest was started."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]


@pytest.fixture
def clinic(tmp_path):
    from clinic import Clinic

    with Clinic(tmp_path / "clinic") as one:
        yield one
