"""Copy the starter project: from the wheel, or from the checkout that this package lies in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from funnel.errors import Refused

PARTS = ("funnel.toml", "content", "templates", "assets")
IGNORE = ".funnel/\ndist/\n"
PACKAGE = Path(__file__).resolve().parent


def copy_starter(target: Path) -> int:
    """Copy the starter into `target` and return how many files it wrote.

    Raises Refused when one of its parts is there already: nothing is overwritten.
    """
    source = starter()
    taken = [part for part in PARTS if (target / part).exists()]
    if taken:
        raise Refused(f"{target} has {taken[0]} already", hint="choose an empty folder; nothing was changed")
    target.mkdir(parents=True, exist_ok=True)
    for path in _files(source):
        to = target / path.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
    ignore = target / ".gitignore"
    if not ignore.exists():
        ignore.write_text(IGNORE, encoding="utf-8")
    return len(list(_files(source)))


def starter() -> Path:
    """Return the folder that holds the starter."""
    for folder in (PACKAGE / "starter", PACKAGE.parent):
        if all((folder / part).exists() for part in PARTS):
            return folder
    raise Refused("the starter project is missing from this installation", hint="install funnel again")


def _files(source: Path) -> Iterator[Path]:
    for part in PARTS:
        path = source / part
        yield from [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
