"""Make the example project of this folder importable, and share one copy of it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory):
    from example_project import Example

    return Example(tmp_path_factory.mktemp("example") / "project")
