"""Where things are written, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something was written: a path relative to the project, and a line counted from 1."""

    path: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


NOWHERE = Place("")  #: for values that were not read from a file


class Variant(StrEnum):
    """Which of a series' forms a person gets. `ALL` means that no side is involved."""

    LEFT = "left"
    RIGHT = "right"
    NOT_SURE = "not_sure"
    ALL = "all"

    @property
    def is_sided(self) -> bool:
        """Tell whether this is one of the two sides."""
        return self in (Variant.LEFT, Variant.RIGHT)


SIDES = (Variant.LEFT, Variant.RIGHT, Variant.NOT_SURE)
