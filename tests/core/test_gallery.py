"""The pages that staff read: whole, closed to the outside, and the same whatever people write into a mail."""

import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel.gallery import (
    Coming,
    Gallery,
    Inbox,
    Mail,
    NotSent,
    PageLink,
    Sheet,
    inbox_html,
    index_html,
    name_of,
    pages,
    policy,
    problem_html,
)
from funnel.model import ContactStatus, Finding, Place, Severity, Variant
from funnel.palette import contrast, palette

VOID = {"meta", "link", "input", "br", "img"}
BRANDS = ("#0b5c66", "#c81e5b", "#f2c200", "#444444", "#0000ff")
NASTY = '"><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7*7 }} &amp; </title></style>'


class Outline(HTMLParser):
    """Reads a page the strict way: every element that opens closes, in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        where = self.open[-1] if self.open else ""
        self.words[where] = self.words.get(where, "") + data

    def values(self, *names):
        return [one[name] for _, one in self.attributes for name in names if name in one]


def sheet(slug="welcome", variant=Variant.LEFT, findings=(), **changes):
    base = f"mail/{slug}/{variant}/"
    made = Sheet(
        slug=slug,
        variant=variant,
        subject="You're in",
        preheader="What comes, and when.",
        html_bytes=37_120,
        exercise=None,
        html_url=f"{base}index.html",
        text_url=f"{base}text.txt",
        eml_url=f"{base}message.eml",
        findings=findings,
        source=Place(f"content/emails/{slug}.md", 1),
    )
    return replace(made, **changes)


def mail(day=2, key="k1", **changes):
    base = f"inbox/{key}/"
    made = Mail(
        step="exercise-1",
        email="exercise-1",
        subject="1 of 5: it takes hammers and chisels",
        preheader="And two people to swing them.",
        sent_at=datetime(2026, 3, day, 13, 14, tzinfo=UTC),
        local_time=f"Mon {day} Mar 2026, 08:14",
        exercise="Left Sidelying Knee Towards Knee",
        html_url=f"{base}index.html",
        text_url=f"{base}text.txt",
        eml_url=f"{base}message.eml",
        key=key,
    )
    return replace(made, **changes)


FIRST = (mail(),)


def inbox(name="Rosa", mails=FIRST, **changes):
    made = Inbox(f"{name}@example.com", name, Variant.RIGHT, "America/New_York", ContactStatus.SUBSCRIBED, mails)
    return replace(made, **changes)


def gallery(**changes):
    findings = (
        Finding("X1", Severity.WARNING, "no video yet", Place("content/a.md", 6), "add the clinic's own"),
        Finding("X2", Severity.ERROR, "a placeholder", Place("content/a.md", 9)),
    )
    made = Gallery(
        name="Next Level PT",
        color="#0b5c66",
        sheets=(sheet(), sheet(variant=Variant.NOT_SURE, findings=findings), sheet("news", Variant.ALL)),
        inboxes=(inbox(), inbox("Sam", mails=(), side=None)),
        pages=(PageLink("Goodbye", "page/goodbye"),),
        errors=1,
        warnings=1,
        built_at="2 Mar 2026, 09:00",
    )
    return replace(made, **changes)


EMPTY = Gallery("", "#0b5c66", (), (), (), 0, 0)


def every_page():
    found = {f"full {name}": page for name, page in pages(gallery()).items()}
    return found | {"empty": index_html(EMPTY), "problem": problem_html("content/a.md:3: no\nand no", "so")}


@pytest.mark.parametrize("name", every_page())
def test_every_page_is_whole_and_titled(name):
    outline = Outline(every_page()[name])
    ids = Counter(outline.values("id"))
    assert [one for one, count in ids.items() if count > 1] == []
    assert outline.words["title"].strip()
    assert sum(tag == "h1" for tag, _ in outline.tags) == 1
    assert {"html", "main"} <= {tag for tag, _ in outline.tags}
    assert ("html", {"lang": "en"}) in outline.attributes


@pytest.mark.parametrize("name", every_page())
def test_no_page_names_an_address_outside_itself(name):
    outline = Outline(every_page()[name])
    addresses = outline.values("href", "src", "data-url", "action", "srcset")
    assert [one for one in addresses if re.match(r"(?!data:image/svg)[a-z]+:|//|/", one)] == []
    assert "url(" not in outline.words["style"]
    assert "@import" not in outline.words["style"]


@pytest.mark.parametrize("name", every_page())
def test_every_link_within_a_page_leads_to_a_place_on_it(name):
    outline = Outline(every_page()[name])
    inner = {one[1:] for one in outline.values("href") if one.startswith("#")}
    assert inner <= set(outline.values("id"))


@pytest.mark.parametrize("name", every_page())
def test_a_page_carries_the_policy_that_names_its_own_style_and_script_and_nothing_else(name):
    outline = Outline(every_page()[name])
    stated = next(one["content"] for tag, one in outline.attributes if tag == "meta" and "http-equiv" in one)
    assert stated == policy("#0b5c66")
    assert "unsafe" not in stated
    for kind in ("style", "script"):
        if kind in outline.words:
            digest = b64encode(sha256(outline.words[kind].encode()).digest()).decode()
            assert f"{kind}-src 'sha256-{digest}'" in stated
    assert [names for _, names in outline.tags if any(name == "style" or name.startswith("on") for name in names)] == []


def test_every_frame_is_sandboxed_and_granted_nothing():
    frames = [one for tag, one in Outline(index_html(gallery())).attributes if tag == "iframe"]
    assert len(frames) == 4
    assert {frame["sandbox"] for frame in frames} == {None}
    assert all(frame["title"] for frame in frames)


def test_what_people_write_is_only_ever_words():
    for before, after in zip(written_pages("words"), written_pages(NASTY), strict=True):
        assert Outline(after).tags == Outline(before).tags
        assert NASTY in "".join(Outline(after).words.values())


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_any_text_leaves_the_page_as_it_is_and_reads_back(text):
    made = written(text)
    outline = Outline(index_html(made))
    assert outline.tags == Outline(index_html(written("words"))).tags
    assert text in outline.words["h2"]
    person = Outline(inbox_html(made, made.inboxes[0]))
    assert text in person.words["time"]


def written_pages(text):
    made = written(text)
    return index_html(made), inbox_html(made, made.inboxes[0]), problem_html(text, text)


def written(text):
    found = Finding("X1", Severity.ERROR, text, Place(text, 2), text)
    people = (
        inbox(
            first_name=text,
            email=text,
            mails=(mail(subject=text, preheader=text, local_time=text, exercise=text, step=text, key=text),),
            not_sent=(NotSent(text, text, text),),
            coming=(Coming(text, datetime(2026, 3, 9, tzinfo=UTC), text, text),),
        ),
    )
    one = sheet(slug=text, subject=text, preheader=text, exercise=text, findings=(found,), source=Place(text, 1))
    return Gallery(text, "#0b5c66", (one,), people, (PageLink(text, "page/x"),), 1, 0, text)


def test_variants_of_one_mail_stand_in_one_row_and_each_opens_its_own_sheet():
    page = index_html(gallery())
    assert "2 mails in 3 versions." in page
    assert page.count('<p class="subject">') == 2
    opened = re.findall(r'data-opens href="#(mail-[^"]+)"', page)
    assert opened == ["mail-welcome-left", "mail-welcome-not_sure", "mail-news-all"]


@pytest.mark.parametrize(
    ("errors", "warnings", "words"),
    [(0, 0, "Nothing to fix."), (1, 0, ">1 error<"), (0, 2, ">2 warnings<"), (2, 1, ">2 errors, 1 warning<")],
)
def test_the_first_page_says_how_much_there_is_to_fix(errors, warnings, words):
    assert words in index_html(gallery(errors=errors, warnings=warnings))


def test_a_finding_says_what_where_and_what_would_be_right():
    page = index_html(gallery())
    assert "a placeholder" in page
    assert "content/a.md:9" in page
    assert "add the clinic&#39;s own" in page
    assert '<details class="findings" open>' in page


def test_only_errors_open_the_list_of_findings_by_themselves():
    warning = Finding("X1", Severity.WARNING, "no video yet", Place("content/a.md", 6))
    page = index_html(gallery(sheets=(sheet(findings=(warning,)),)))
    assert '<details class="findings">' in page


def test_a_person_reads_how_many_of_their_own_days_lie_between_mails():
    late = datetime(2026, 3, 3, 4, 30, tzinfo=UTC)  # still the second of March in New York
    mails = (mail(2, "a"), mail(2, "b", sent_at=late), mail(3, "c"), mail(9, "d"))
    page = inbox_html(gallery(inboxes=(inbox(mails=mails),)), inbox(mails=mails))
    assert re.findall(r'class="gap">([^<]+)<', page) == ["the same day", "the next day", "6 days later"]


def test_an_inbox_tells_what_came_what_will_come_and_what_will_not():
    person = inbox(
        coming=(Coming("exercise-2", datetime(2026, 3, 5, tzinfo=UTC), "Thu 5 Mar 2026, 07:12", "3 days on"),),
        not_sent=(NotSent("ebook", "condition", "Rosa has the eBook already."),),
    )
    words = Outline(inbox_html(gallery(inboxes=(person,)), person)).words
    assert "Still to come" in words["h2"]
    assert "Not sent" in words["h2"]
    assert "3 days on" in words["p"]
    assert "Rosa has the eBook already." in words["p"]


def test_an_empty_inbox_says_so():
    quiet = gallery().inboxes[1]
    page = inbox_html(gallery(), quiet)
    assert "Nothing has come yet." in page
    assert "Still to come" not in page
    assert "no side given" in page


def test_every_page_leads_to_every_person_and_marks_where_one_is():
    for name, page in pages(gallery()).items():
        outline = Outline(page)
        links = {
            one["href"]: one.get("aria-current") for tag, one in outline.attributes if tag == "a" and "href" in one
        }
        assert {"index.html", name_of(1), name_of(2)} <= set(links)
        assert [href for href, current in links.items() if current] == [name]


def test_two_people_who_look_the_same_keep_their_own_pages():
    assert set(pages(gallery(inboxes=(inbox(), inbox("Rosa", side=Variant.LEFT))))) == {
        "index.html",
        "person-1.html",
        "person-2.html",
    }


def test_the_same_gallery_gives_the_same_bytes():
    assert pages(gallery()) == pages(gallery())


def test_a_problem_page_shows_the_message_line_by_line_and_the_hint():
    words = Outline(problem_html("content/a.md:3: no\ncontent/b.md:4: no", "write yes")).words["p"]
    assert "content/a.md:3: no\ncontent/b.md:4: no" in words
    assert "write yes" in words


@pytest.mark.parametrize("color", BRANDS)
def test_every_word_can_be_read_in_the_light_and_in_the_dark(color):
    made = palette(color)
    style = Outline(index_html(gallery(color=color))).words["style"]
    grounds = ((made.paper, made.surface), (made.dark_paper, made.dark_surface))
    for name in ("bad", "fair"):
        for found, behind in zip(re.findall(rf"--{name}: (#\w+)", style), grounds, strict=True):
            assert min(contrast(found, ground) for ground in behind) >= 4.5
