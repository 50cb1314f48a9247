import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from example_project import Example  # noqa: E402 - the line above lets tests of this folder share it


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    return Example(tmp_path_factory.mktemp("example") / "project")
