"""Read what a person wrote, key by key: types checked, unknown keys named with the nearest right one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import TypeVar

from funnel.errors import ContentError, FunnelError
from funnel.model import Place

T = TypeVar("T")


class Lined(dict[str, object]):
    """A mapping from a file that remembers on which line each key stands (counted from 1)."""

    def __init__(self, items: Mapping[str, object], lines: Mapping[str, int], line: int = 1) -> None:
        super().__init__(items)
        self.lines = dict(lines)
        self.line = line


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint naming the known word closest to `word`, or the whole list when none is close."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known here: {', '.join(words)}" if words else ""


class Fields:
    """Hands out the keys of one mapping and remembers which were asked for.

    Every reader raises `error` (ContentError unless told otherwise) whose message starts `path:line:`.
    """

    def __init__(self, data: Lined, *, path: str, what: str, error: type[FunnelError] = ContentError) -> None:
        self.data = data
        self.path = path
        self.what = what
        self._error = error
        self._asked: set[str] = set()

    def place(self, key: str = "") -> Place:
        """Return where `key` stands, or where the mapping begins."""
        return Place(self.path, self.data.lines.get(key, self.data.line))

    def fail(self, key: str, message: str, hint: str = "") -> FunnelError:
        """Build the error for `key`; the caller raises it."""
        return self._error(f"{self.place(key)}: {message}", hint=hint)

    def has(self, key: str) -> bool:
        """Tell whether `key` was written with a value."""
        self._asked.add(key)
        return self.data.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a piece of text, stripped. Without a default the key is required and must not be empty."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.fail(key, f"`{key}` must be text, not {_kind(value)}", "put the words in quotes")
        text = str(value).strip()
        if default is None and not text:
            raise self.fail(key, f"`{key}` is empty", f"{self.what} needs it")
        return text

    def number(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        """Return a whole number that is not below `least`."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.fail(key, f"`{key}` must be a whole number, not {_kind(value)}", "write digits, without quotes")
        if value < least:
            raise self.fail(key, f"`{key}` is {value}", f"{least} is the least that it can be")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, f"`{key}` must be true or false, not {_kind(value)}", "write it without quotes")
        return value

    def words(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts; a single text counts as a list of one. A number or a date is read as its text."""
        value = self._take(key, list(default))
        items = value if isinstance(value, list) else [value]
        words = tuple(str(item).strip() for item in items if _is_word(item))
        if len(words) < len(items):
            odd = next(item for item in items if not _is_word(item))
            raise self.fail(key, f"`{key}` must be a list of texts, not {_kind(odd)}", 'such as ["one", "two"]')
        if "" in words:
            raise self.fail(key, f"`{key}` holds an empty text", "take it out; nothing at all is []")
        return words

    def choice(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        """Return one of `choices`."""
        value = self.text(key, default)
        known = list(choices)
        if value not in known:
            raise self.fail(key, f"`{key}` is `{value}`", nearest(value, known))
        return value

    def mapping(self, key: str) -> Lined:
        """Return a nested mapping; empty when the key is missing."""
        value = self._take(key, Lined({}, {}, self.data.line))
        if not isinstance(value, Lined):
            raise self.fail(key, f"`{key}` must hold keys and values, not {_kind(value)}", "see the guide's example")
        return value

    def section(self, key: str) -> Fields:
        """Return a reader for a nested mapping."""
        return Fields(self.mapping(key), path=self.path, what=f"`{key}`", error=self._error)

    def raw(self, key: str) -> object:
        """Return the value as it was parsed, or None."""
        self._asked.add(key)
        return self.data.get(key)

    def done(self) -> None:
        """Refuse keys that nobody asked for, naming the nearest right one."""
        for key in self.data:
            if key not in self._asked:
                raise self._unknown(key)

    def _take(self, key: str, default: object) -> object:
        self._asked.add(key)
        value = self.data.get(key)
        if value is not None:
            return value
        if default is None:
            raise self._missing(key)
        return default

    def _missing(self, key: str) -> FunnelError:
        """Build the error for a required key; a key that nobody asked for and that is close is taken for a slip."""
        odd = difflib.get_close_matches(key, [one for one in self.data if one not in self._asked], n=1, cutoff=0.75)
        if odd:
            return self._unknown(odd[0])
        return self.fail(key, f"`{key}` is missing", f"{self.what} needs it")

    def _unknown(self, key: str) -> FunnelError:
        return self.fail(key, f"unknown key `{key}` in {self.what}", nearest(key, self._asked))


def _is_word(value: object) -> bool:
    return isinstance(value, str | int | float | date) and not isinstance(value, bool)


def _kind(value: object) -> str:
    match value:
        case None | "":
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "keys and values"
        case _:
            return f"`{value}`"
