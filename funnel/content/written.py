"""Parse YAML and front matter so that every key knows its line, and mistakes name the file and the line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from funnel.errors import ContentError
from funnel.fields import Lined

_Loader: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Written:
    """A Markdown file: its front matter, its body, and the line on which the body begins."""

    path: str
    head: Lined
    body: str
    body_line: int


def read_text(root: Path, path: str) -> str:
    """Read a UTF-8 file below `root`. Raises ContentError with the line when it is not UTF-8."""
    try:
        return (root / path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = (root / path).read_bytes()[: error.start].count(b"\n") + 1
        raise ContentError(
            f"{path}:{line}: this is not UTF-8 text", hint="save the file as UTF-8 in your editor"
        ) from error


def read_yaml(root: Path, path: str) -> Lined:
    """Read a YAML file that holds keys and values."""
    return parse_yaml(read_text(root, path), path=path)


def read_markdown(root: Path, path: str) -> Written:
    """Read a Markdown file with front matter between two lines of `---`."""
    text = read_text(root, path)
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        raise ContentError(
            f"{path}:1: the front matter is missing",
            hint="begin the file with a line of ---, then keys such as subject:, then --- again",
        )
    for number, line in enumerate(lines[1:], start=2):
        if line.rstrip() == "---":
            head = parse_yaml("\n".join(lines[1 : number - 1]), path=path, first_line=2)
            return Written(path, head, "\n".join(lines[number:]), number + 1)
    raise ContentError(f"{path}:1: the front matter never ends", hint="close it with a second line of ---")


def parse_yaml(text: str, *, path: str, first_line: int = 1) -> Lined:
    """Parse YAML text whose first line is line `first_line` of `path`. An empty text is an empty mapping."""
    try:
        node = yaml.compose(text, Loader=_Loader)
        value = _value(node, path, first_line) if node else Lined({}, {}, first_line)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise ContentError(f"{path}:{line}: the YAML cannot be read: {said}", hint=_advice(said)) from error
    except yaml.YAMLError as error:
        raise ContentError(f"{path}:{first_line}: the YAML cannot be read: {error}") from error
    if not isinstance(value, Lined):
        raise ContentError(f"{path}:{first_line}: keys and values are needed here", hint="such as name: SI joint")
    return value


def _advice(said: str) -> str:
    if "mapping values are not allowed" in said:
        return 'a value that holds a colon goes in quotes: subject: "1 of 5: ..."'
    if "cannot start any token" in said:
        return "indent with spaces, not tabs, and put special characters in quotes"
    return "check the indentation and the quotes around this line"


def _value(node: yaml.Node, path: str, first_line: int) -> object:
    match node:
        case yaml.MappingNode():
            return _mapping(node, path, first_line)
        case yaml.SequenceNode():
            return [_value(item, path, first_line) for item in node.value]
        case _:
            return yaml.constructor.SafeConstructor().construct_object(node)


def _mapping(node: yaml.MappingNode, path: str, first_line: int) -> Lined:
    items: dict[str, object] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = first_line + key_node.start_mark.line
        if key in items:
            raise ContentError(
                f"{path}:{line}: `{key}` is written twice",
                hint=f"the first one is on line {lines[key]}; keep one",
            )
        items[key] = _value(value_node, path, first_line)
        lines[key] = line
    return Lined(items, lines, first_line + node.start_mark.line)
