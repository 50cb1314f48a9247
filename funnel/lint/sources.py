"""Find where staff or designers wrote something: the way back from a compiled mail to a file and a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain

from funnel.model import Email, Place, Project

_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_REFERENCE = re.compile(r"""\{%-?\s*(?:include|extends|from|import)\s+["']([^"']+)["']""")
_PART = re.compile(r"""\bpart\(\s*["']([\w-]+)["']""")


class Sources:
    """Every text of a project by its path, with Jinja comments blanked out so that they match nothing."""

    def __init__(self, project: Project) -> None:
        content = {f"content/{path}": text for path, text in project.partials.items()}
        templates = {f"templates/{path}": text for path, text in project.templates.items()}
        self._raw: Mapping[str, str] = content | templates
        self._reach: dict[tuple[str, str], tuple[str, ...]] = {}

    def raw(self, path: str) -> str:
        """Return a file's text as it was written. A missing file is empty."""
        return self._raw.get(path, "")

    def text(self, path: str) -> str:
        """Return a file's text without comments; lines keep their numbers."""
        return _without_comments(self.raw(path))

    def reach(self, email: Email) -> tuple[str, ...]:
        """Return the paths that an email is made of: its own file, what it includes, then the templates."""
        key = (email.place.path, email.template)
        if key not in self._reach:
            own = self._walk([email.place.path])
            name = email.template
            design = self._walk([f"templates/{name}.mjml.j2", f"templates/text/{name}.txt.j2"])
            paths = dict.fromkeys([*own, *design])
            self._reach[key] = tuple(sorted(paths, key=lambda path: path.startswith("templates/")))
        return self._reach[key]

    def places(self, email: Email, pattern: str) -> Iterator[Place]:
        """Yield each place of a pattern in the files of an email; its body comes before its front matter."""
        head = _starts(self.text(email.place.path), email.body_line)
        for path in self.reach(email):
            text = self.text(path)
            found = [match.start() for match in re.finditer(pattern, text)]
            if path == email.place.path:
                found.sort(key=lambda at: at < head)
            yield from (Place(path, text.count("\n", 0, at) + 1) for at in found)

    def words(self, email: Email, *needles: str) -> Place | None:
        """Return where the first of `needles` that is written anywhere stands; line breaks are spaces."""
        exact = [r"\s+".join(map(re.escape, needle.split())) for needle in needles if needle.strip()]
        patterns = (*exact, *(f"(?i:{one})" for one in exact))
        return next(chain.from_iterable(self.places(email, pattern) for pattern in patterns), None)

    def _walk(self, start: list[str]) -> list[str]:
        found: list[str] = []
        waiting = list(start)
        while waiting:
            path = waiting.pop(0)
            if path not in found and path in self._raw:
                found.append(path)
                waiting += _references(path.partition("/")[0], self.raw(path))
        return found


@lru_cache(maxsize=1024)
def _references(folder: str, text: str) -> tuple[str, ...]:
    """Return what a text takes in: files of its own folder, and parts."""
    plain = _without_comments(text)
    included = (f"{folder}/{name}" for name in _REFERENCE.findall(plain))
    return (*included, *(f"content/parts/{name}.md" for name in _PART.findall(plain)))


@lru_cache(maxsize=1024)
def _without_comments(text: str) -> str:
    return _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _starts(text: str, line: int) -> int:
    """Return the offset at which a line begins."""
    return sum(len(one) for one in text.splitlines(keepends=True)[: line - 1])
