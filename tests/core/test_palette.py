"""Any brand colour gives a palette that people can read, by day and by night."""

import re
from dataclasses import astuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from funnel.errors import ConfigError
from funnel.palette import READABLE, contrast, palette

any_color = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),  # the classic grey that just fails
        ("#0000ff", "#ffffff", 8.59),
        ("#ff0000", "#000000", 5.25),
    ],
)
def test_contrast_agrees_with_published_ratios_in_either_order(one, other, ratio):
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


@settings(max_examples=300, deadline=None)
@given(any_color)
@example("#000000")
@example("#ffffff")
@example("#ffff00")
@example("#0000ff")
@example("#00ff00")
def test_every_text_colour_reads_on_every_ground_it_stands_on(color):
    p = palette(color)
    pairs = [(text, ground) for text in (p.ink, p.accent, p.muted) for ground in (p.paper, p.surface)]
    pairs += [
        (text, ground)
        for text in (p.dark_ink, p.dark_accent, p.dark_muted)
        for ground in (p.dark_paper, p.dark_surface)
    ]
    pairs += [(p.accent_text, p.accent), (p.dark_accent_text, p.dark_accent)]
    assert {pair: contrast(*pair) for pair in pairs if contrast(*pair) < READABLE} == {}


@settings(max_examples=100, deadline=None)
@given(any_color)
def test_light_grounds_are_light_and_dark_grounds_are_dark(color):
    p = palette(color)
    assert min(contrast(ground, "#000000") for ground in (p.paper, p.surface)) > 16
    assert min(contrast(ground, "#ffffff") for ground in (p.dark_paper, p.dark_surface)) > 13
    assert contrast(p.ink, p.paper) > 12
    assert contrast(p.dark_ink, p.dark_paper) > 12


@settings(max_examples=100, deadline=None)
@given(any_color)
def test_all_fourteen_colours_are_written_as_six_lower_case_digits(color):
    assert [c for c in astuple(palette(color)) if not re.fullmatch("#[0-9a-f]{6}", c)] == []


@pytest.mark.parametrize("color", ["#0b5c66", "#7a1f3d", "#1a237e", "#333333", "#b3261e"])
def test_a_brand_colour_that_reads_on_paper_is_kept_as_it_is(color):
    assert palette(color).accent == color


@pytest.mark.parametrize("color", ["#ffd500", "#7fffd4", "#ff8c00", "#ffffff"])
def test_a_brand_colour_too_pale_to_read_is_darkened_until_it_just_reads(color):
    p = palette(color)
    assert p.accent != color
    assert READABLE <= contrast(p.accent, p.paper) < READABLE + 0.3


def test_a_grey_brand_gives_pure_greys():
    p = palette("#444444")
    assert {c for c in astuple(p) if len({c[1:3], c[3:5], c[5:7]}) != 1} == set()


def test_letter_case_does_not_matter():
    assert palette("#0B5C66") == palette("#0b5c66")


@pytest.mark.parametrize("color", ["", "teal", "#fff", "0b5c66", "#0b5c6g", "#0b5c66\n", "#0b5c6600"])
def test_what_is_not_a_colour_is_refused_with_an_example(color):
    with pytest.raises(ConfigError, match="is not a colour") as refused:
        palette(color)
    assert "#0b5c66" in refused.value.hint
