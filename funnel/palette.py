"""Grow a mail's whole palette, light and dark, from the one brand colour.

Colours move in OKLCH (lightness, chroma, hue; Björn Ottosson, "A perceptual color space for image
processing", 2020), where equal steps look equal in every hue. Contrast is WCAG 2.2's (criterion 1.4.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import atan2, cos, hypot, sin

from funnel.errors import ConfigError

READABLE = 4.5  #: WCAG 2.2 AA for text of any size
_SHIFT = 0.005  #: one step of lightness while we look for contrast
_TOE, _TOE_LINEAR = 0.04045, 0.0031308  #: where sRGB's curve begins, coded and linear (IEC 61966-2-1)
_ROUNDING = 0.0005  #: how far outside a screen's range a channel may fall and still round into it

_Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Palette:
    """Fourteen colours as `#rrggbb`: text reads on both `paper` and `surface`; `line` is only drawn."""

    ink: str
    paper: str
    surface: str
    accent: str
    accent_text: str
    muted: str
    line: str
    dark_ink: str
    dark_paper: str
    dark_surface: str
    dark_accent: str
    dark_accent_text: str
    dark_muted: str
    dark_line: str


def palette(color: str) -> Palette:
    """Derive the palette of `color` (`#rrggbb`); a brand's own colour stays the accent if it can be read.

    Raises ConfigError for anything but six hexadecimal digits after a `#`.
    """
    light, chroma, hue = _oklch(color)
    tint = min(chroma, 0.02)  # greys lean towards the brand; a grey brand keeps pure greys
    paper, surface = _hex(0.974, tint * 0.35, hue), "#ffffff"
    night, dusk = _hex(0.19, tint * 0.8, hue), _hex(0.245, tint, hue)
    return Palette(
        ink=_hex(0.235, tint, hue),
        paper=paper,
        surface=surface,
        accent=_readable((light, chroma, hue), on=(paper, surface), by=-_SHIFT),
        accent_text=surface,
        muted=_readable((0.5, tint, hue), on=(paper, surface), by=-_SHIFT),
        line=_hex(0.87, tint, hue),
        dark_ink=_hex(0.93, tint * 0.4, hue),
        dark_paper=night,
        dark_surface=dusk,
        dark_accent=_readable((max(light, 0.76), min(chroma, 0.14), hue), on=(night, dusk), by=_SHIFT),
        dark_accent_text=night,
        dark_muted=_readable((0.72, tint, hue), on=(night, dusk), by=_SHIFT),
        dark_line=_hex(0.37, tint, hue),
    )


def contrast(one: str, other: str) -> float:
    """Return the WCAG contrast ratio of two `#rrggbb` colours, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _readable(start: _Triple, *, on: tuple[str, ...], by: float) -> str:
    """Change the lightness of `start` step by step until it reads on every colour of `on`."""
    light, chroma, hue = start
    found = _hex(light, chroma, hue)
    while min(contrast(found, ground) for ground in on) < READABLE:
        light += by
        found = _hex(light, chroma, hue)
    return found


def _linear(color: str) -> _Triple:
    """Read `#rrggbb` as linear light, 0 to 1."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise ConfigError(
            f"“{color}” is not a colour.", hint="Write six hexadecimal digits after a #, such as #0b5c66."
        )
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= _TOE else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return red, green, blue


def _luminance(color: str) -> float:
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _oklch(color: str) -> _Triple:
    red, green, blue = _linear(color)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short, hypot(a, b), atan2(b, a)


def _rgb(light: float, chroma: float, hue: float) -> _Triple:
    """Return linear light; channels outside 0 to 1 are colours that no screen shows."""
    a, b = chroma * cos(hue), chroma * sin(hue)
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _hex(light: float, chroma: float, hue: float) -> str:
    """Write a colour, as vivid as `chroma` asks and a screen allows."""
    rgb = _rgb(light, chroma, hue)
    while chroma > _ROUNDING and not all(-_ROUNDING <= channel <= 1 + _ROUNDING for channel in rgb):
        chroma *= 0.97
        rgb = _rgb(light, chroma, hue)
    levels = (min(max(channel, 0.0), 1.0) for channel in rgb)
    coded = (12.92 * c if c <= _TOE_LINEAR else 1.055 * c ** (1 / 2.4) - 0.055 for c in levels)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in coded)
