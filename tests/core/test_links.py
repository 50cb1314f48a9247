"""Signed links: good for one purpose, one person, and as long as promised (E3, E4)."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel.errors import Refused
from funnel.links import PATHS, Purpose, Signer

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SIGNER = Signer([b"key one"], "https://clinic.example")
SENTENCE = "this link does not work any more"


def fails(token: str, purpose: Purpose = Purpose.UNSUBSCRIBE, now: datetime = NOW, signer: Signer = SIGNER) -> bool:
    with pytest.raises(Refused) as caught:
        signer.read(purpose, token, now)
    return caught.value.message == SENTENCE and bool(caught.value.hint)


@given(st.integers(1, 2**63), st.sampled_from(Purpose))
def test_a_token_says_whose_it_is(contact_id: int, purpose: Purpose) -> None:
    assert SIGNER.read(purpose, SIGNER.token(purpose, contact_id, NOW), NOW).contact_id == contact_id


@pytest.mark.parametrize(("made_for", "used_for"), list(permutations(Purpose, 2)))
def test_a_token_of_one_purpose_fails_everywhere_else(made_for: Purpose, used_for: Purpose) -> None:
    assert fails(SIGNER.token(made_for, 7, NOW), used_for)


@given(st.integers(0, 200), st.characters(codec="ascii"), st.sampled_from(Purpose))
def test_a_token_with_any_other_character_fails(at: int, mark: str, purpose: Purpose) -> None:
    token = SIGNER.token(purpose, 7, NOW)
    at %= len(token)
    if token[at] != mark:
        assert fails(token[:at] + mark + token[at + 1 :], purpose)


@given(st.text(), st.sampled_from(Purpose))
def test_whatever_stands_in_an_address_fails_in_the_same_words(token: str, purpose: Purpose) -> None:
    assert fails(token, purpose)


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_one_person_cannot_make_anothers_token(one: int, other: int) -> None:
    token, theirs = (SIGNER.token(Purpose.EBOOK, number, NOW) for number in (one, other + 1000))
    body, signature = token.split(".")[0], theirs.split(".")[1]
    assert fails(f"{body}.{signature}", Purpose.EBOOK)


AGES = [
    (Purpose.CONFIRM, timedelta(0), True),
    (Purpose.CONFIRM, timedelta(days=7), True),
    (Purpose.CONFIRM, timedelta(days=7, seconds=1), False),
    (Purpose.CONFIRM, timedelta(days=400), False),
    (Purpose.UNSUBSCRIBE, timedelta(days=400), True),
    (Purpose.UNSUBSCRIBE, timedelta(days=4000), True),
    (Purpose.EBOOK, timedelta(days=400), True),
    (Purpose.PREFERENCES, timedelta(days=400), True),
]


@pytest.mark.parametrize(("purpose", "age", "works"), AGES)
def test_only_a_confirmation_expires_and_after_seven_days(purpose: Purpose, age: timedelta, works: bool) -> None:
    token = SIGNER.token(purpose, 7, NOW - age)
    if works:
        assert SIGNER.read(purpose, token, NOW).contact_id == 7
    else:
        assert fails(token, purpose)


def test_an_unsubscribe_works_after_400_days_and_two_new_keys() -> None:
    token = Signer([b"old"], "https://clinic.example").token(Purpose.UNSUBSCRIBE, 7, NOW)
    rotated = Signer([b"old", b"new", b"newest"], "https://clinic.example")
    assert rotated.read(Purpose.UNSUBSCRIBE, token, NOW + timedelta(days=400)).contact_id == 7


def test_the_last_key_signs_and_a_forgotten_key_opens_nothing() -> None:
    rotated = Signer([b"old", b"new"], "https://clinic.example")
    token = rotated.token(Purpose.UNSUBSCRIBE, 7, NOW)
    only_new = Signer([b"new"], "https://clinic.example")
    assert only_new.read(Purpose.UNSUBSCRIBE, token, NOW).contact_id == 7
    assert fails(token, signer=Signer([b"old"], "https://clinic.example"))


@pytest.mark.parametrize("purpose", list(Purpose))
def test_an_address_is_short_and_says_nothing_of_its_reader(purpose: Purpose) -> None:
    """Promise E1."""
    url = SIGNER.url(purpose, 7, NOW)
    assert url.startswith(f"https://clinic.example/{PATHS[purpose]}/")
    assert len(url) < 120
    assert purpose not in url


def test_the_addresses_of_two_purposes_differ() -> None:
    assert len(set(PATHS.values())) == len(Purpose)
