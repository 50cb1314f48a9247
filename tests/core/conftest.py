"""The example project as it stands, loaded and compiled once for all tests of the core."""

from pathlib import Path

import pytest

from funnel import config, content
from funnel.model import Project, Rendered
from funnel.render import Compiler

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def example() -> Project:
    return content.load(ROOT, config.load(ROOT, {}).settings)


@pytest.fixture(scope="session")
def mails(example: Project) -> dict[str, Rendered]:
    """Every compiled mail, by `slug/variant`."""
    return {f"{one.slug}/{one.variant}": one for one in Compiler(example).every()}
