"""A clinician's sign-off: bound to the words, good for 24 months, and never a brake on a running series (A4)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from funnel.model import Review, Variant
from funnel.review import review_html
from funnel.signoff import Standing, is_approved, sign, standing

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


def signed_at(mail, at: datetime, **changes: object) -> Review:
    (review,) = sign([mail], by="A. Clinician", credential="DPT", now=at)
    return replace(review, **changes)


AGES = [
    (timedelta(0), Standing.APPROVED, True),
    (timedelta(days=669, hours=23), Standing.APPROVED, True),
    (timedelta(days=670), Standing.EXPIRING, True),
    (timedelta(days=729, hours=23), Standing.EXPIRING, True),
    (timedelta(days=730), Standing.EXPIRED, True),
    (timedelta(days=3000), Standing.EXPIRED, True),
]


@pytest.mark.parametrize(("age", "expected", "approved"), AGES)
def test_a_sign_off_grows_old_and_goes_on(mails, age: timedelta, expected: Standing, approved: bool) -> None:
    mail = mails["exercise-1/left"]
    reviews = [signed_at(mail, NOW - age)]
    assert standing(mail, reviews, now=NOW) is expected
    assert is_approved(mail, reviews, now=NOW) is approved


OTHERS = [
    ({"digest": "other"}, Standing.CHANGED),
    ({"variant": Variant.RIGHT}, Standing.NONE),
    ({"email": "exercise-2"}, Standing.NONE),
]


@pytest.mark.parametrize(("changes", "expected"), OTHERS)
def test_a_sign_off_covers_its_own_words_in_its_own_variant(mails, changes, expected: Standing) -> None:
    mail = mails["exercise-1/left"]
    reviews = [signed_at(mail, NOW, **changes)]
    assert standing(mail, reviews, now=NOW) is expected
    assert not is_approved(mail, reviews, now=NOW)


def test_without_any_sign_off_nothing_is_approved(mails) -> None:
    assert standing(mails["welcome/left"], [], now=NOW) is Standing.NONE


def test_the_newest_matching_line_decides_in_any_order(mails) -> None:
    mail = mails["exercise-1/left"]
    reviews = [signed_at(mail, NOW - timedelta(days=900)), signed_at(mail, NOW), signed_at(mail, NOW, digest="other")]
    for order in (reviews, reviews[::-1]):
        assert standing(mail, order, now=NOW) is Standing.APPROVED


def test_signing_writes_who_when_and_which_words(mails) -> None:
    mail = mails["exercise-1/left"]
    review = signed_at(mail, NOW.replace(microsecond=5))
    assert review == Review("exercise-1", Variant.LEFT, mail.clinical, "A. Clinician", "DPT", NOW)


def test_the_page_to_sign_shows_each_text_once_and_all_of_it(mails) -> None:
    page = review_html("A & B", mails.values())
    assert page.count("<section>") == len({one.clinical for one in mails.values()})
    assert all(one.clinical[:12] in page for one in mails.values())
    assert "A &amp; B" in page
    assert "Left Sidelying Knee Towards Knee" in page


def test_what_is_signed_is_shown_as_text(mails) -> None:
    odd = replace(mails["welcome/left"], clinical_text="<script>alert(1)</script>", subject=("<b>",))
    page = review_html("clinic", [odd])
    assert "<script>" not in page
    assert "<b>" not in page
