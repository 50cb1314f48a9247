"""Every command, option, exit code and rule that the program has is in the guide, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from funnel.cli import app
from funnel.errors import ExitCode
from funnel.lint import pages

GUIDE = Path(__file__).parents[1] / "docs" / "guide"
COMMANDS = get_command(app).commands


def section(name: str) -> str:
    """Return what commands.md says under a command's heading."""
    parts = re.split(r"^## funnel ", (GUIDE / "commands.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return next((part for part in parts[1:] if part.startswith(name + "\n")), "")


def options(name: str) -> Iterator[str]:
    """Yield every spelling of every option of a command and of the commands below it."""
    command = COMMANDS[name]
    for one in (command, *getattr(command, "commands", {}).values()):
        for parameter in one.params:
            yield from (word for word in parameter.opts if word.startswith("-") and word not in ("-h", "--help"))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_has_a_heading_and_names_all_its_options(name: str) -> None:
    words = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", section(name))
    assert section(name)
    assert set(options(name)) - set(words) == set()


@pytest.mark.parametrize("name", sorted(COMMANDS["contacts"].commands))
def test_each_command_about_people_is_in_the_guide(name: str) -> None:
    assert f"`contacts {name}" in section("contacts")


def test_the_guide_describes_no_command_that_does_not_exist() -> None:
    headings = re.findall(r"^## funnel (.*)$", (GUIDE / "commands.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)


@pytest.mark.parametrize("code", list(ExitCode))
def test_each_exit_code_is_in_the_guide(code: ExitCode) -> None:
    assert f"\n| {code.value} |" in (GUIDE / "commands.md").read_text(encoding="utf-8")


def test_the_rules_in_the_guide_are_the_rules_of_lint() -> None:
    listed = re.findall(r"^\| ([A-Z]{2}\d{3}) \|", (GUIDE / "lint.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(pages())


def test_the_global_options_are_in_the_guide() -> None:
    start = (GUIDE / "commands.md").read_text(encoding="utf-8").partition("## funnel ")[0]
    words = [word for parameter in get_command(app).params for word in parameter.opts]
    assert [word for word in words if word != "--help" and f"`{word}" not in start] == []
