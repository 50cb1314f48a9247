"""The examples in the guide are read by the program as they stand."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from funnel import config
from funnel.content import around, emails, series
from funnel.merge import FIELDS
from funnel.model import Variant
from funnel.people import COLUMNS, read
from funnel.store import queries
from funnel.when import is_zone

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GUIDE = (DOCS / "guide" / "content.md").read_text(encoding="utf-8")


def example(heading: str) -> str:
    """Return the first code block under a heading of content.md."""
    section = re.split(r"^## ", GUIDE, flags=re.MULTILINE)
    found = next(part for part in section if part.startswith(heading + "\n"))
    return re.search(r"```\w+\n(.*?)```", found, re.DOTALL)[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    examples = {
        "funnel.toml": "funnel.toml",
        "series.yaml": "Series",
        "email.md": "Emails",
        "exercise.md": "Exercises",
        "broadcast.yaml": "Broadcasts",
        "offer.yaml": "Offers",
        "segments.yaml": "Segments",
        "people.csv": "Contacts as CSV",
    }
    for name, heading in examples.items():
        (tmp_path / name).write_text(example(heading), encoding="utf-8")
    return tmp_path


def test_the_example_of_the_settings_is_read(project: Path) -> None:
    found = config.load(project, {})
    assert is_zone(found.settings.timezone)
    assert found.settings.sending.holidays
    assert found.test_addresses
    assert found.seeds


def test_the_example_of_a_series_is_read(project: Path) -> None:
    found = series.read_series(project, "series.yaml")
    assert [step.id for step in found.path(Variant.NOT_SURE)] == ["welcome", "ebook"]
    assert found.window
    assert found.start_at


def test_the_example_of_an_email_is_read(project: Path) -> None:
    found = emails.read_email(project, "email.md", [Variant.LEFT])
    assert found[Variant.LEFT].delivers == "ebook"


def test_the_example_of_an_exercise_is_read(project: Path) -> None:
    found = emails.read_exercise(project, "exercise.md", Variant.RIGHT)
    assert found.slug == "exercise-1"


def test_the_examples_of_what_stands_around_a_series_are_read(project: Path) -> None:
    assert around.read_broadcast(project, "broadcast.yaml").send_at
    assert around.read_offer(project, "offer.yaml").title
    assert around.read_segments(project, "segments.yaml")["right"].where == {"side": "right"}


def test_the_example_of_contacts_is_read_without_a_problem(project: Path) -> None:
    now = datetime(2026, 4, 1, tzinfo=UTC)
    (person,) = read(project / "people.csv", default_timezone="America/New_York", now=now)
    assert person.consent
    assert person.side is Variant.RIGHT


@pytest.mark.parametrize("name", sorted({*COLUMNS, *FIELDS}))
def test_each_column_and_merge_spot_is_in_the_guide(name: str) -> None:
    assert name in GUIDE


@pytest.mark.parametrize("table", re.findall(r"CREATE TABLE (\w+)", queries.migrations()[0]))
def test_each_table_of_the_database_is_in_the_architecture(table: str) -> None:
    assert f"`{table}`" in (DOCS / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "room", sorted(path.stem for path in (ROOT / "funnel").glob("[a-z]*") if path.suffix in ("", ".py"))
)
def test_each_room_of_the_package_is_in_the_architecture(room: str) -> None:
    named = re.findall(r"`(\w+)/?`", (DOCS / "architecture.md").read_text(encoding="utf-8"))
    assert room in named
