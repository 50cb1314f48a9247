"""Look at the files beside the words: the offers' files and the logo; and files that nobody would ever read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from funnel.errors import ContentError
from funnel.fields import nearest
from funnel.model import Offer, Place, Settings, Variant

LARGEST_ATTACHMENT = 5_000_000  #: bytes; base64 makes 6.8 MB of it, and many mailboxes refuse 10
EXPECTED = {  #: folder -> the only ending that is read there
    "content/emails": ".md",
    "content/pages": ".md",
    "content/exercises/left": ".md",
    "content/exercises/right": ".md",
    "content/series": ".yaml",
    "content/broadcasts": ".yaml",
    "content/offers": ".yaml",
}
WRITTEN = frozenset({".md", ".markdown", ".mdown", ".yaml", ".yml", ".txt"})  #: endings of what a person wrote


def check_files(root: Path, settings: Settings, offers: Iterable[Offer]) -> Iterator[ContentError]:
    """Yield a problem for each file that is named but missing, outside the project, or too large to attach."""
    for offer in offers:
        yield from _file(root, offer.file, offer.place, f"the file of the offer `{offer.slug}`")
        yield from _attachment(root, offer)
    if settings.brand.logo:
        yield from _file(root, settings.brand.logo, settings.at("brand.logo"), "the logo")


def _file(root: Path, name: str, place: Place, what: str) -> Iterator[ContentError]:
    found = (root / name).resolve()
    top = root.resolve()
    if not found.is_relative_to(top) or any(part.startswith(".") for part in found.relative_to(top).parts):
        yield ContentError(f"{place}: {what} lies outside the project: {name}", hint="put it into assets/")
    elif not found.is_file():
        beside = [f"{Path(name).parent.as_posix()}/{one.name}" for one in found.parent.glob("*")]
        yield ContentError(f"{place}: {what} is not there: {name}", hint=nearest(name, beside) or "put it into assets/")


def _attachment(root: Path, offer: Offer) -> Iterator[ContentError]:
    path = root / offer.file
    size = path.stat().st_size if offer.delivery == "attachment" and path.is_file() else 0
    if size > LARGEST_ATTACHMENT:
        yield ContentError(
            f"{offer.place}: {offer.file} has {size / 1_000_000:.1f} MB, too much to travel inside a mail "
            f"({LARGEST_ATTACHMENT // 1_000_000} MB at most)",
            hint="write delivery: link",
        )


def check_strays(root: Path) -> Iterator[ContentError]:
    """Yield a problem for each written file that lies, or ends, where nothing is read."""
    sides = [side.value for side in Variant if side.is_sided]
    for folder in sorted(root.glob("content/exercises/*")):
        if folder.is_dir() and folder.name not in sides:
            place = f"{folder.relative_to(root).as_posix()}:1"
            yield ContentError(f"{place}: `{folder.name}` is not a side", hint=nearest(folder.name, sides))
    for name, ending in EXPECTED.items():
        yield from (_stray(path.relative_to(root), name, ending) for path in _unread(root / name, ending))


def _unread(folder: Path, ending: str) -> list[Path]:
    written = (one for one in folder.rglob("*") if one.suffix.lower() in WRITTEN and one.is_file())
    return sorted(one for one in written if one.name[0] != "." and (one.suffix != ending or one.parent != folder))


def _stray(path: Path, folder: str, ending: str) -> ContentError:
    return ContentError(
        f"{path.as_posix()}:1: nothing reads this file",
        hint=f"move or rename it to {folder}/{path.stem}{ending}, or take it away",
    )
