"""Read compiled HTML once, from start to end, and keep what rules ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser

#: Everything else begins a new piece of text, so that words of two table cells never run together.
_INLINE = frozenset({"a", "abbr", "b", "code", "del", "em", "font", "i", "ins", "s", "small", "span", "strong"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_UNREAD = frozenset({"script", "style", "title"})
_FETCHED = ("src", "background", "poster", "data")
_PADDING = {ord(mark): None for mark in "\u034f\u200b\u200c\u200d\ufeff"}  #: blanks behind a preheader


@dataclass(frozen=True, slots=True)
class Link:
    """One link: its address and the words, or the picture's alt text, that people press."""

    href: str
    words: str


@dataclass(frozen=True, slots=True)
class Image:
    """One picture. `alt` is None without such an attribute; `hidden` when it is marked as decoration."""

    src: str
    alt: str | None
    hidden: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (level 0: the words before the first one) and the words up to the next."""

    level: int
    heading: str
    words: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a mail program shows of a piece of HTML. All words have single spaces."""

    title: str
    links: tuple[Link, ...]
    images: tuple[Image, ...]
    sections: tuple[Section, ...]
    fetched: tuple[str, ...]  #: addresses that a mail program would ask for by itself

    @property
    def words(self) -> str:
        """Return every visible word, alt texts too, in reading order."""
        return squeeze(" ".join(f"{one.heading} {one.words}" for one in self.sections))

    @property
    def headings(self) -> tuple[Section, ...]:
        """Return the sections that have a heading."""
        return tuple(one for one in self.sections if one.level)


@lru_cache(maxsize=128)
def read_page(html: str) -> Page:
    """Read HTML in one linear pass, and remember it. Conditional comments for Outlook are comments here."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page()


def squeeze(words: str) -> str:
    """Put single spaces between words, and none around them; invisible padding goes."""
    return " ".join(words.translate(_PADDING).split())


@dataclass(slots=True)
class _Draft:
    level: int
    heading: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def done(self) -> Section:
        return Section(self.level, squeeze("".join(self.heading)), squeeze("".join(self.words)))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._title: list[str] = []
        self._links: list[Link] = []
        self._images: list[Image] = []
        self._fetched: list[str] = []
        self._drafts = [_Draft(0)]
        self._into = self._drafts[0].words  # where words go now
        self._unread = ""
        self._href: str | None = None
        self._pressed: list[str] = []

    def page(self) -> Page:
        self._end_link()
        sections = tuple(draft.done() for draft in self._drafts)
        title = squeeze("".join(self._title))
        return Page(title, tuple(self._links), tuple(self._images), sections, tuple(self._fetched))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._fetched += [values[name] for name in _FETCHED if values.get(name)]
        if tag not in _INLINE:
            self._into.append(" ")
        if tag in _UNREAD:
            self._unread = tag
        elif tag in _HEADINGS:
            self._drafts.append(_Draft(_HEADINGS[tag]))
            self._into = self._drafts[-1].heading
        elif tag == "a" and "href" in values:
            self._end_link()
            self._href = values["href"]
        elif tag == "img":
            self._image(values)
        elif tag == "link":
            self._fetched.append(values.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _INLINE:
            self._into.append(" ")
        if tag == self._unread:
            self._unread = ""
        elif tag in _HEADINGS:
            self._into = self._drafts[-1].words
        elif tag == "a":
            self._end_link()

    def handle_data(self, data: str) -> None:
        if self._unread == "title":
            self._title.append(data)
        if not self._unread:
            self._read(data)

    def _read(self, words: str) -> None:
        self._into.append(words)
        if self._href is not None:
            self._pressed.append(words)

    def _image(self, values: Mapping[str, str]) -> None:
        hidden = values.get("role") in ("presentation", "none") or values.get("aria-hidden") == "true"
        self._images.append(Image(values.get("src", ""), values.get("alt"), hidden))
        self._read(f" {values.get('alt', '')} ")

    def _end_link(self) -> None:
        if self._href is not None:
            self._links.append(Link(self._href, squeeze("".join(self._pressed))))
        self._href, self._pressed = None, []
