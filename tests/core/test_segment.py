"""Segments: every field of the filter must hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel.model import Contact, Variant
from funnel.segment import matches

ANA = Contact(1, "ana@example.com", side=Variant.LEFT, timezone="Europe/Berlin", tags=frozenset({"runner"}))
NOBODY_ASKED = Contact(2, "bea@example.com")
CASES = [
    ({}, True, True),
    ({"side": "left"}, True, False),
    ({"side": "right"}, False, False),
    ({"side": ""}, False, False),
    ({"tag": "runner"}, True, False),
    ({"tag": "Runner"}, False, False),
    ({"timezone": "Europe/Berlin"}, True, False),
    ({"side": "left", "tag": "runner"}, True, False),
    ({"side": "left", "tag": "swimmer"}, False, False),
    ({"colour": "blue"}, False, False),
]


@pytest.mark.parametrize(("where", "ana", "bea"), CASES)
def test_a_person_is_in_when_every_field_holds(where: dict[str, str], ana: bool, bea: bool) -> None:
    assert matches(where, ANA) is ana
    assert matches(where, NOBODY_ASKED) is bea


wheres = st.dictionaries(
    st.sampled_from(["side", "tag", "timezone"]), st.sampled_from(["left", "runner", "Europe/Berlin"])
)


@given(wheres, wheres)
def test_another_condition_never_lets_more_people_in(one: dict[str, str], more: dict[str, str]) -> None:
    assert matches(one | more, ANA) <= matches(more, ANA)


def test_the_examples_segments_part_people_by_side(example) -> None:
    people = [Contact(number, "x@example.com", side=side) for number, side in enumerate([*Variant][:3])]
    inside = {name: [one.side for one in people if matches(seg.where, one)] for name, seg in example.segments.items()}
    assert inside == {
        "everyone": [Variant.LEFT, Variant.RIGHT, Variant.NOT_SURE],
        "left": [Variant.LEFT],
        "right": [Variant.RIGHT],
        "not_sure": [Variant.NOT_SURE],
    }
