"""Judge an attribute by its kind, in the words of MJML's own table (`unit(px,%){1,4}`, `enum(...)`)."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache

_KIND = re.compile(r"(?P<name>\w+)(?:\((?P<choices>[^)]*)\))?(?:\{1,(?P<most>\d)\})?")
_NUMBER = r"(?:\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})"
_COLOR = re.compile(
    rf"#(?:[0-9a-f]{{3}}|[0-9a-f]{{6}})|rgb\((?:\s*\d{{1,3}}\s*,){{2}}\s*\d{{1,3}}\s*\)"
    rf"|rgba\((?:\s*\d{{1,3}}\s*,){{3}}\s*{_NUMBER}\s*\)",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def complaint(kind: str, value: str, colors: frozenset[str]) -> tuple[str, str]:
    """Say what is wrong with `value`, and what would be right; two empty strings when nothing is."""
    known = _KIND.fullmatch(kind)
    choices = (known["choices"] or "").split(",") if known else []
    match known["name"] if known else "string":
        case "color":
            return _judge_color(value, colors)
        case "unit" | "unitWithNegative":
            return _judge_unit(kind, value, choices)
        case "enum":
            return _judge_choice(value, choices)
        case "boolean":
            return _judge_choice(value, ["true", "false"])
        case "integer":
            return "" if re.fullmatch(r"\d{1,9}", value) else "is not a whole number", "write digits only"
    return "", ""


def _judge_color(value: str, colors: frozenset[str]) -> tuple[str, str]:
    if value in colors or _COLOR.fullmatch(value):
        return "", ""
    near = get_close_matches(value.lower(), colors, n=1, cutoff=0.7)
    return "is not a color", f"did you mean {near[0]}?" if near else "write for example #0b5c66"


def _judge_unit(kind: str, value: str, choices: list[str]) -> tuple[str, str]:
    if _unit_pattern(kind).fullmatch(value):
        return "", ""
    most = re.search(r"\{1,(\d)\}", kind)
    units = " or ".join(unit if unit != "auto" else "the word auto" for unit in choices if unit)
    what = f"one to {most[1]} lengths in {units}" if most else f"a length in {units}"
    if "" in choices:
        what += ", or a plain number"
    guess = f"{value}{choices[0]}" if re.fullmatch(_NUMBER, value) else ""
    hint = f"did you mean {guess}?" if guess else f"write for example {_example(most, choices)}"
    return f"is not {what}", hint


def _example(most: re.Match[str] | None, choices: list[str]) -> str:
    return "10px 20px" if most and choices[0] == "px" else f"16{choices[0]}"


@lru_cache(maxsize=64)
def _unit_pattern(kind: str) -> re.Pattern[str]:
    known = _KIND.fullmatch(kind)
    if known is None or known["choices"] is None:
        raise ValueError(f"not a kind of length: {kind}")
    units = known["choices"].split(",")
    sign = "-?" if known["name"] == "unitWithNegative" else ""
    suffix = "|".join(re.escape(unit) for unit in units if unit != "auto")
    one = rf"(?:{sign}{_NUMBER}(?:{suffix})|0{'|auto' if 'auto' in units else ''})"
    return re.compile(rf"{one}(?:\s+{one}){{0,{int(known['most'] or 1) - 1}}}")


def _judge_choice(value: str, choices: list[str]) -> tuple[str, str]:
    if value in choices:
        return "", ""
    named = [choice for choice in choices if choice]
    near = get_close_matches(value.lower(), named, n=1)
    said = " or ".join((", ".join(named[:-1]), named[-1])) if len(named) > 1 else named[0]
    return f"is not {said}", f"did you mean {near[0]}?" if near else f"write {named[0]}"
