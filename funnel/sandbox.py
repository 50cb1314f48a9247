"""The Jinja that authors get: nothing that reaches outside, nothing random, nothing that can fill the memory."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST = 1_000_000  #: characters of one text; the largest mail that anybody accepts has a tenth of it
LONGEST_LOOP = 100  #: rounds of one `range`
LARGEST_POWER = 64

#: Filters that could make much out of little, or something else each time.
LEFT_OUT = (
    *("batch", "center", "format", "indent", "pprint", "random"),
    *("slice", "tojson", "urlize", "wordwrap", "xmlattr"),
)
#: The same among the methods of text; `~` and the filters do what these are wanted for.
LEFT_OUT_METHODS = frozenset(
    {"center", "encode", "expandtabs", "format", "format_map"}
    | {"join", "ljust", "replace", "rjust", "translate", "zfill"}
)


class _Generator(CodeGenerator):
    """Writes `a ~ b` so that it goes through the sandbox too."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name for it
        self.write("environment.join_pieces((")
        for piece in node.nodes:
            self.visit(piece, frame)
            self.write(", ")
        self.write("))")


def _bounded(pieces: Iterable[str]) -> str:
    """Put together what a template, a macro or a block prints."""
    kept: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        _check_size(length)
        kept.append(piece)
    return "".join(kept)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox, with limits on what an expression can grow to."""

    code_generator_class = _Generator
    concat = staticmethod(_bounded)
    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in LEFT_OUT:
            del self.filters[name]
        self.filters["replace"] = _replaced
        self.globals = {"range": _short_range}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Refuse what Jinja refuses, and methods of text that can make much out of little."""
        is_left_out = isinstance(obj, str) and attr in LEFT_OUT_METHODS
        return not is_left_out and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Calculate, unless what would come out is too large to be meant."""
        match operator:
            case "*" if isinstance(left, list | tuple) or isinstance(right, list | tuple):
                raise SecurityError("lists cannot be multiplied")
            case "*":
                _check_size(_size(left) * _size(right))
            case "+":
                _check_size(_size(left) + _size(right))
            case "**" if max(abs(left), abs(right)) > LARGEST_POWER:
                raise SecurityError(f"powers go up to {LARGEST_POWER}")
            case "%" if isinstance(left, str):
                raise SecurityError("% does not format text here: use ~ to put pieces together")
        return super().call_binop(context, operator, left, right)

    def join_pieces(self, pieces: tuple[object, ...]) -> str:
        """Put the pieces of `a ~ b` together."""
        joined: str = (markup_join if self.autoescape else str_join)(pieces)
        _check_size(len(joined))
        return joined


def _size(value: object) -> int:
    match value:
        case int():
            return abs(value)
        case Sized():
            return max(len(value), 1)
        case _:
            return 1


def _check_size(size: int) -> None:
    if size > LONGEST:
        raise SecurityError(f"the result is larger than {LONGEST:,}")


def _short_range(*bounds: int) -> range:
    found = range(*bounds)
    if len(found) > LONGEST_LOOP:
        raise SecurityError(f"a range has at most {LONGEST_LOOP} rounds")
    return found


def _replaced(text: str, old: str, new: str) -> str:
    _check_size((len(text) + 1) * max(len(new), 1))
    return text.replace(old, new)
