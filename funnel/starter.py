"""Copy the starter project: from the wheel, or from the checkout that this package lies in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from funnel.errors import Refused

PARTS = ("funnel.toml", "content", "templates", "assets")
IGNORE = ".funnel/\ndist/\n"
PACKAGE = Path(__file__).resolve().parent


def copy_starter(target: Path, *, package: Path = PACKAGE) -> int:
    """Copy the starter of `package` into `target` and return how many files it wrote.

    Raises Refused when one of its parts, or a file of the folder's name, is there already: nothing is overwritten.
    `funnel.toml` comes last, so that a copy that broke off is no project yet.
    """
    source = starter(package)
    if target.exists() and not target.is_dir():
        raise Refused(f"{target} is a file", hint="choose a folder; nothing was changed")
    taken = [part for part in PARTS if (target / part).exists()]
    if taken:
        raise Refused(f"{target} has {taken[0]} already", hint="choose an empty folder; nothing was changed")
    files = list(_files(source))
    for path in files:
        to = target / path.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
    ignore = target / ".gitignore"
    if not ignore.exists():
        ignore.write_text(IGNORE, encoding="utf-8")
    return len(files)


def starter(package: Path = PACKAGE) -> Path:
    """Return the folder that holds the starter: inside an installed package, or around it in a checkout."""
    for folder in (package / "starter", package.parent):
        if all((folder / part).exists() for part in PARTS):
            return folder
    raise Refused("the starter project is missing from this installation", hint="install funnel again")


def _files(source: Path) -> Iterator[Path]:
    """Yield the starter's files; what an editor or system left beside them (a dot or ~ in the name) is passed by."""
    for part in reversed(PARTS):
        path = source / part
        found = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
        yield from (one for one in found if not one.name.startswith(".") and not one.name.endswith("~"))
