"""Addresses: which ones mail can reach, and the one form under which each is stored."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from funnel.addresses import check_address, email_key

GOOD = ["ana@example.com", "a.b+c@sub.example.com", "ana@bücher.example", "josé@example.com", "o'hara@example.com"]
BAD = [
    ("", "there is no email address"),
    ("ana", "has no @ sign"),
    ("Ana <ana@example.com>", "has a name around it"),
    ("ana\u200b@example.com", "an invisible character in it (U+200B)"),
    ("ana@example.com, bea@example.com", "a space, comma or semicolon"),
    ("ana\nBcc: bea@example.com", "a space, comma or semicolon"),
    ("a@b@example.com", "more than one @ sign"),
    ("@example.com", "nothing before the @ sign"),
    ("ana@", "nothing after the @ sign"),
    ("a" * 65 + "@example.com", "too long"),
    ("ana..bea@example.com", "two dots in a row"),
    (".ana@example.com", "a dot at its beginning"),
    ("ana@example", "has no dot"),
    ("ana@clinic.local", "no mail can reach"),
    ("abuse@example.com", "takes complaints"),
    ("Postmaster@example.com", "takes complaints"),
]


@pytest.mark.parametrize("address", GOOD)
def test_an_address_that_mail_can_reach_is_taken(address: str) -> None:
    check_address(address)
    assert email_key(address)


@pytest.mark.parametrize(("address", "words"), BAD)
def test_an_address_that_is_wrong_is_told_why_without_being_repeated(address: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_address(address)
    assert words in str(caught.value)
    assert not address or address not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Ana.Lopez@Example.COM", "ana.lopez@example.com"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@BÜCHER.example", "ana@xn--bcher-kva.example"),
        ("ana@xn--bcher-kva.EXAMPLE", "ana@xn--bcher-kva.example"),
        ("Jose\u0301@example.com", "josé@example.com"),
        ("JOSÉ@example.com", "josé@example.com"),
        ("Straße@example.com", "strasse@example.com"),
        ("ana+knee@example.com", "ana+knee@example.com"),
        ("Ana@Clinic.Test", "ana@clinic.test"),
        ("Kein Ort", "kein ort"),
        ("", ""),
    ],
)
def test_an_address_has_one_key(address: str, key: str) -> None:
    assert email_key(address) == key


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=20) | st.builds("{}@{}".format, st.text(max_size=10), st.text(max_size=10)))
@example("ͅ@ͅ.de")
def test_the_key_of_a_key_is_itself(address: str) -> None:
    assert email_key(email_key(address)) == email_key(address)


near_addresses = st.builds(
    "{}@{}".format,
    st.text(alphabet="abZ09.+-_'/ü", max_size=8) | st.sampled_from(["a" * 64, "a" * 65]),
    st.text(alphabet="abZ09.--xnü_", max_size=12)
    | st.lists(st.from_regex(r"[a-z0-9-]{1,4}", fullmatch=True), min_size=1, max_size=4).map(".".join)
    | st.sampled_from(["example.com", "a.test", "x.local", "localhost", "a.arpa", "a.TEST", "onion", "b" * 63 + ".com"])
    | st.sampled_from(
        ["b" * 64 + ".com", "b." * 126 + "c", "b." * 120 + "com", "xn--bcher-kva.example", "a.1c", "a.c1"]
    ),
)


@settings(max_examples=1000, deadline=None)
@given(near_addresses)
def test_the_short_way_agrees_with_email_validator(address: str) -> None:
    try:
        checked = validate_email(address, check_deliverability=False, strict=True)
    except EmailNotValidError:
        with pytest.raises(ValueError):
            check_address(address)
    else:
        check_address(address)
        assert email_key(address) == email_key(checked.normalized)
        assert email_key(address).rpartition("@")[2] == checked.ascii_domain
