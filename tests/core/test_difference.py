"""What changes, in words: nothing that people get changes without a line that says so."""

from dataclasses import replace
from datetime import datetime, time

import pytest

from funnel.difference import MOST_LINES, difference
from funnel.model import Broadcast, Missing, Place, Segment, Variant, Wait, WaitUnit, Window
from funnel.payload import broadcast_json, email_json, series_json

EMAIL = [
    ({"subject": ("New subject",)}, "+ subject: New subject"),
    ({"preheader": "New line"}, "+ preheader: New line"),
    ({"text": ("New words\n",)}, "+ New words"),
    ({"html": ("<p>New</p>",)}, "the layout changes; the words stay"),
    ({"delivers": ""}, "- delivers: ebook"),
    ({"attachment": "assets/book.pdf"}, "+ attachment: assets/book.pdf"),
    ({"exercise": "Another"}, "+ exercise: Another"),
    ({"missing": (Missing("a logo", Place("x")),)}, "+ still missing: a logo"),
    ({"clinical": "other"}, "what is clinical changes"),
]


@pytest.mark.parametrize(("changes", "line"), EMAIL)
def test_a_change_of_a_mail_is_said(mails, changes, line: str) -> None:
    before = mails["welcome/left"]
    after = replace(before, **changes)
    found = difference(
        "email", "welcome/left", email_json(before, unapproved=False), email_json(after, unapproved=False)
    )
    assert line in found


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [(True, False, "signed by a clinician"), (False, True, "a clinician's sign-off is missing now")],
)
def test_a_sign_off_that_comes_or_goes_is_said(mails, before: bool, after: bool, line: str) -> None:
    one = mails["welcome/left"]
    payloads = (email_json(one, unapproved=state) for state in (before, after))
    assert difference("email", "welcome/left", *payloads) == [line]


def test_the_same_mail_has_no_difference(mails) -> None:
    for name, one in mails.items():
        payload = email_json(one, unapproved=True)
        assert difference("email", name, payload, payload) == []


def test_a_personal_value_shows_by_its_name(mails) -> None:
    before, after = mails["welcome/left"], replace(mails["welcome/left"], text=())
    found = difference("email", "welcome/left", *(email_json(one, unapproved=False) for one in (before, after)))
    assert "- Hi [person.first_name]," in found


def test_a_long_difference_is_cut_and_says_so(mails) -> None:
    after = replace(mails["welcome/left"], text=("\n".join(map(str, range(500))),))
    found = difference(
        "email", "welcome/left", *(email_json(one, unapproved=False) for one in (mails["welcome/left"], after))
    )
    assert len(found) == MOST_LINES + 1
    assert "lines more" in found[-1]


SERIES = [
    ({"name": "Another"}, "+ name: Another"),
    ({"code": "aaaaaa"}, "+ code: aaaaaa"),
    ({"nickname": {Variant.LEFT: "Series Red"}}, "+ nickname: left: Series Red"),
    ({"entry": "manual"}, "+ who enters: manual, by side"),
    ({"variant_by": "none"}, "+ who enters: confirmed, by none"),
    ({"start_at": datetime.fromisoformat("2026-12-01T09:00")}, "+ start at: 2026-12-01 09:00"),
    ({"window": Window(frozenset({2, 1}), time(8), time(9, 30))}, "+ window: mon, tue 08:00-09:30"),
    ({"goals": {}}, "- goal inquiry skips assessment, ebook"),
]


@pytest.mark.parametrize(("changes", "line"), SERIES)
def test_a_change_of_a_series_is_said(example, changes, line: str) -> None:
    before = example.series["si-joint"]
    assert line in difference("series", before.slug, series_json(before), series_json(replace(before, **changes)))


STEP = [
    ({"wait": Wait(2, WaitUnit.DAYS)}, "+ step ebook: ebook-reminder, after 2d, unless ebook_downloaded"),
    ({"email": "other"}, "+ step ebook: other, after 4d, unless ebook_downloaded"),
    ({"unless": "", "only_if": "tag:runner"}, "+ step ebook: ebook-reminder, after 4d, only if tag:runner"),
    ({"only": frozenset({Variant.LEFT})}, "+ step ebook: ebook-reminder, after 4d, only left, unless ebook_downloaded"),
    ({"id": "book"}, "+ step book: ebook-reminder, after 4d, unless ebook_downloaded"),
]


@pytest.mark.parametrize(("changes", "line"), STEP)
def test_a_change_of_a_step_is_said(example, changes, line: str) -> None:
    before = example.series["si-joint"]
    steps = tuple(replace(step, **changes) if step.id == "ebook" else step for step in before.steps)
    assert line in difference("series", before.slug, series_json(before), series_json(replace(before, steps=steps)))


def test_a_change_of_a_broadcast_says_who_and_when() -> None:
    before = Broadcast("news", "News", "k3w6tz", "newsletter", "everyone")
    after = replace(before, send_at=datetime.fromisoformat("2026-12-01T09:00"), local=True)
    payloads = (
        broadcast_json(before, Segment("everyone", {}), "America/New_York"),
        broadcast_json(after, Segment("left", {"side": "left", "tag": "runner"}), "America/New_York"),
    )
    assert difference("broadcast", "news", *payloads) == [
        "- for: everyone",
        "- goes out: not set, in America/New_York",
        "+ for: side left and tag runner",
        "+ goes out: 2026-12-01 09:00, on each person's own clock",
    ]
