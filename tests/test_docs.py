"""What the documents quote is what the program takes: keys, commands, options, and the pages that lead to each other."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from funnel.cli import app, hoist

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
READERS = [
    *sorted((ROOT / "funnel" / "content").glob("*.py")),
    *sorted((ROOT / "funnel").glob("config*/*.py")),
    ROOT / "funnel/config.py",
]
READS = {"text", "number", "flag", "words", "choice", "mapping", "section", "raw", "has"}  #: the methods of Fields
WRITTEN_BY_FUNNEL = {"review", "digest", "variant", "by", "credential", "at"}  #: keys of reviews.toml


def keys() -> Iterator[tuple[str, str]]:
    """Yield each key that a reader of content or settings asks for, and where."""
    for path in filter(Path.exists, READERS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr=attr), args=[ast.Constant(value=str(key)), *_]) if attr in READS:
                    yield key, path.name
                case ast.Call(func=ast.Name(id="moment"), args=[_, ast.Constant(value=str(key))]):
                    yield key, path.name


def quoted() -> Iterator[tuple[str, str]]:
    """Yield each whole command that a document quotes, and where."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```(?:sh|console|bash|shell|text|)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines()]
        spans = re.findall(r"`(funnel [^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
        for line in [*lines, *spans]:
            command = re.sub(r"\s+#.*$", "", line.strip().removeprefix("$ ")).replace("\\|", "|")
            if re.match(r"funnel [a-z-]", command):
                yield command, page.relative_to(ROOT).as_posix()


def test_keys_and_commands_were_found_at_all():
    assert {"timezone", "steps", "send_at", "name_only", "delivery"} <= {key for key, _ in keys()}
    assert {"lint", "push", "contacts"} <= {command.split()[1] for command, _ in quoted()}


@pytest.mark.parametrize("key", sorted({key for key, _ in keys()} - WRITTEN_BY_FUNNEL))
def test_each_key_that_can_be_written_is_in_the_guide_to_the_content(key):
    assert re.search(
        rf"(?<![\w-]){re.escape(key)}(?![\w-])", (ROOT / "docs/guide/content.md").read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("command", sorted({command for command, _ in quoted()}))
def test_each_command_that_a_document_quotes_exists_with_its_options(command):
    words = [word for word in shlex.split(command.split(" | ")[0].split(" > ")[0])[1:] if word not in ("...", "…")]
    found = get_command(app)
    for word in hoist(words):
        if word in getattr(found, "commands", {}):
            found = found.commands[word]
    options = {option for one in (get_command(app), found) for parameter in one.params for option in parameter.opts}
    assert found.name != "funnel"
    assert {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)} - options - {
        "--help",
        "-h",
    } == set()


@pytest.mark.parametrize("decision", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda path: path.stem)
def test_each_decision_can_be_reached_from_another_page(decision):
    others = "".join(page.read_text(encoding="utf-8") for page in PAGES if page != decision)
    assert decision.name in others


def test_each_page_of_the_guide_can_be_reached_from_another_page():
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    lost = [
        page.name
        for page in (ROOT / "docs/guide").glob("*.md")
        if not any(page.name in text for other, text in texts.items() if other != page)
    ]
    assert lost == []
