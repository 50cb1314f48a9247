"""Parse YAML and front matter so that every key knows its line, and mistakes name the file and the line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from funnel.errors import ContentError
from funnel.fields import Lined

DEEPEST = 50  #: levels of keys and lists; the deepest of our files has five

_Loader: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Written:
    """A Markdown file: its front matter, its body, and the line on which the body begins."""

    path: str
    head: Lined
    body: str
    body_line: int


def read_text(root: Path, path: str) -> str:
    """Read a UTF-8 file below `root`; every kind of line end becomes a line feed.

    Raises ContentError for a folder, a file that cannot be read, and, with its line, for what is not UTF-8.
    """
    try:
        data = (root / path).read_bytes()
    except IsADirectoryError as error:
        raise ContentError(f"{path}:1: this is a folder, not a file", hint="rename it, or take it away") from error
    except OSError as error:
        raise ContentError(f"{path}:1: this cannot be read: {error.strerror}", hint="look at the file") from error
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ContentError(
            f"{path}:{line}: this is not UTF-8 text", hint="save the file as UTF-8 in your editor"
        ) from error


def slug_of(path: str) -> str:
    """Return the name that a file gives to what is in it. Raises ContentError when it cannot stand in an address."""
    name = Path(path).stem
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,99}", name):
        better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "welcome"
        raise ContentError(
            f"{path}:1: `{name}` cannot be a name here: small letters, digits and dashes",
            hint=f"rename the file to {better[:100]}{Path(path).suffix}",
        )
    return name


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
    """Parse YAML text whose first line is line `first_line` of `path`. An empty text is an empty mapping.

    Raises ContentError that starts `path:line:`, also for a repetition by reference (`*name`) and for values
    nested deeper than a person writes: both make a small file large.
    """
    try:
        _check_events(text, path, first_line)
        node = yaml.compose(text, Loader=_Loader)
        value = _value(node, path, first_line) if node else Lined({}, {}, first_line)
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, path, first_line) from error
    except yaml.reader.ReaderError as error:
        line = first_line + text.count("\n", 0, error.position)
        raise ContentError(
            f"{path}:{line}: there is an invisible character that YAML does not allow",
            hint="delete the words around it and type them again",
        ) from error
    if not isinstance(value, Lined):
        raise ContentError(f"{path}:{first_line}: keys and values are needed here", hint="such as name: SI joint")
    return value


def _check_events(text: str, path: str, first_line: int) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = first_line + (event.start_mark.line if event.start_mark else 0)
        match event:
            case yaml.CollectionStartEvent():
                depth += 1
            case yaml.CollectionEndEvent():
                depth -= 1
            case yaml.AliasEvent():
                raise ContentError(f"{path}:{line}: `*{event.anchor}` repeats another value", hint="write it out")
        if depth > DEEPEST:
            raise ContentError(f"{path}:{line}: this is nested too deeply", hint="look for brackets left open")


def _unreadable(error: yaml.MarkedYAMLError, path: str, first_line: int) -> ContentError:
    """Point at the mistake; at the opening mark of a quotation that swallowed the rest."""
    is_open = "quoted scalar" in (error.context or "")
    mark = (is_open and error.context_mark) or error.problem_mark or error.context_mark
    line = first_line + (mark.line if mark else 0)
    said = " ".join(part for part in (error.context, error.problem) if part)
    return ContentError(f"{path}:{line}: the YAML cannot be read: {said}", hint=_advice(said))


def _advice(said: str) -> str:
    if "mapping values are not allowed" in said:
        return 'a value that holds a colon goes in quotes: subject: "1 of 5: ..."'
    if "quoted scalar" in said:
        return "the quotation that opens here is never closed"
    if "cannot start any token" in said or "tab" in said:
        return "indent with spaces, not tabs, and put special characters in quotes"
    return "check the indentation and the quotes around this line"


def _value(node: yaml.Node, path: str, first_line: int) -> object:
    match node:
        case yaml.MappingNode():
            return _mapping(node, path, first_line)
        case yaml.SequenceNode():
            return [_value(item, path, first_line) for item in node.value]
        case _:
            return _scalar(node, path, first_line)


def _scalar(node: yaml.Node, path: str, first_line: int) -> object:
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:  # such as the 30th of February
        raise ContentError(
            f"{path}:{first_line + node.start_mark.line}: `{node.value}` is no real value: {error}",
            hint="correct it, or put it in quotes if it is meant as words",
        ) from error


def _mapping(node: yaml.MappingNode, path: str, first_line: int) -> Lined:
    items: dict[str, object] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = first_line + key_node.start_mark.line
        if not isinstance(key_node, yaml.ScalarNode):
            raise ContentError(f"{path}:{line}: a key is one word", hint="such as name: SI joint")
        key = str(key_node.value)
        if key in items:
            raise ContentError(
                f"{path}:{line}: `{key}` is written twice",
                hint=f"the first one is on line {lines[key]}; keep one",
            )
        items[key] = _value(value_node, path, first_line)
        lines[key] = line
    return Lined(items, lines, first_line + node.start_mark.line)
