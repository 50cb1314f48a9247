"""Compiling: the example's mails, what a sign-off covers (A4), and mistakes at the author's own line."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from funnel import config, content
from funnel.errors import ContentError
from funnel.merge import fill
from funnel.model import Context, Email, MergeSpot, Project, Rendered, Variant
from funnel.render import Compiler

WELCOME = "content/emails/welcome.md"
VALUES = {
    "person.first_name": "Ana & Co",
    "person.email": "ana@example.com",
    **{f"link.{name}": f"https://example.com/{name[0]}/t" for name in ("unsubscribe", "preferences", "ebook")},
    **{f"link.{name}": f"https://example.com/{name[0]}/t" for name in ("inquiry", "browser", "confirm")},
}


def compiler(root: Path) -> tuple[Compiler, Project]:
    project = content.load(root, config.load(root, {}).settings)
    return Compiler(project), project


def compile_one(root: Path, slug: str = "welcome", variant: Variant = Variant.LEFT) -> Rendered:
    made, project = compiler(root)
    return made.compile(project.emails[slug][variant])


def change(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text(encoding="utf-8")
    assert old in text, f"{path} does not hold {old!r}: the case says nothing"
    (root / path).write_text(text.replace(old, new), encoding="utf-8")


def spots(*parts) -> list[MergeSpot]:
    return [piece for part in parts for piece in part if isinstance(piece, MergeSpot)]


class Page(HTMLParser):
    """Collects what a reader of the HTML part can follow, and the title."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.title = ""
        self._is_title = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._is_title = tag == "title"
        if tag == "a":
            self.links.add(dict(attrs)["href"])

    def handle_endtag(self, tag):
        self._is_title = False

    def handle_data(self, data):
        self.title += data if self._is_title else ""


# --- the example's mails ---


def test_the_example_has_twenty_three_mails_each_with_its_own_name(mails) -> None:
    assert len(mails) == 23
    assert len({one.digest for one in mails.values()}) == 23


def test_the_title_equals_the_subject(mails) -> None:
    for one in mails.values():
        assert Page(fill(one.html, VALUES)).title.strip() == unescape(fill(one.subject, VALUES)), one.slug


def test_both_parts_hold_the_same_links(mails) -> None:
    for name, one in mails.items():
        written = set(re.findall(r"(?:https?://|mailto:)[^\s<>\"]*[^\s<>\".,;:)]", fill(one.text, VALUES)))
        assert Page(fill(one.html, VALUES)).links == written, name


def test_what_was_printed_is_what_stands_in_the_mail(mails, example) -> None:
    """Every field that an author printed is a spot in the compiled mail, and no other is; in both parts alike."""
    for one in mails.values():
        links = [
            {spot.field for spot in spots(part) if spot.field.startswith("link.")} for part in (one.html, one.text)
        ]
        assert links[0] == links[1], one.slug
        persons = [
            [spot.field for spot in spots(part) if spot.field.startswith("person.")] for part in (one.html, one.text)
        ]
        assert persons[0] == persons[1], one.slug
        assert not re.search(r"xmrg\d", fill(one.html, VALUES) + fill(one.text, VALUES))


def test_every_spot_stands_where_its_escape_is_right(mails) -> None:
    for one in mails.values():
        assert {spot.context for spot in spots(one.subject)} <= {Context.HEADER}
        assert {spot.context for spot in spots(one.html)} <= {Context.HTML, Context.ATTRIBUTE, Context.URL}
        assert {spot.context for spot in spots(one.text)} <= {Context.TEXT, Context.URL}
        assert all(spot.fallback for spot in spots(one.html, one.text) if spot.field == "person.first_name")


def test_a_name_is_escaped_in_html_and_plain_in_text(mails) -> None:
    one = mails["welcome/left"]
    assert "Ana &amp; Co" in fill(one.html, VALUES)
    assert "Ana & Co" in fill(one.text, VALUES)


def test_a_right_sided_mail_holds_its_own_exercise_and_none_of_the_other_side(mails, example) -> None:
    """Promise A1."""
    for side, other in ((Variant.LEFT, Variant.RIGHT), (Variant.RIGHT, Variant.LEFT)):
        names = [one.name for one in example.exercises if one.side == other]
        ours = [one for one in mails.values() if one.variant == side]
        for one in ours:
            text = " ".join(fill(one.text, VALUES).split())
            assert not [name for name in names if name in text], one.slug
        exercises = sorted((one.slug, one.exercise) for one in ours if one.exercise)
        assert [name for _, name in exercises] == [one.name for one in example.exercises if one.side == side]


def test_the_mails_of_the_two_sides_look_alike_from_outside(mails) -> None:
    """Promise E1: subject and preview line say nothing of the side."""
    for name, one in mails.items():
        if one.variant is Variant.LEFT:
            twin = mails[name.replace("/left", "/right")]
            assert (one.subject, one.preheader) == (twin.subject, twin.preheader)


def test_two_compilers_give_the_same_bytes(example, mails) -> None:
    other = Compiler(example)
    for email in reversed(example.every_email()):
        assert other.compile(email) == mails[f"{email.slug}/{email.variant}"]


# --- what a sign-off covers (A4) ---

CARD = "content/exercises/left/1-left-sidelying-knee-towards-knee.md"
NOT_CLINICAL = [
    (CARD, "1 of 5: it takes hammers and chisels", "1 of 5: another subject"),
    (CARD, "And two people to swing them.", "Another preview line."),
    ("templates/exercise.mjml.j2", "Ask us to show you", "Please show me"),
    ("templates/layouts/base.mjml.j2", 'width="600px"', 'width="580px"'),
    ("content/offers/ebook.yaml", "8 Steps Injured Athletes Must Take...", "Nine Steps"),
    ("content/parts/sign-off.md", None, "Warmly, the team\n"),
    ("funnel.toml", 'tagline = "Sports', 'tagline = "Best sports'),
    ("funnel.toml", "#0b5c66", "#224466"),
    ("funnel.toml", "https://example.com/PLACEHOLDER-postural-restoration", "https://clinic.example/credit"),
]
CLINICAL = [
    (CARD, "name: Left Sidelying Knee Towards Knee", "name: Left Sidelying Knee To Knee"),
    (CARD, "cues: []", 'cues: ["Breathe out"]'),
    (CARD, "cues: []", "cues: []\nequipment: a small ball"),
    (CARD, "video: ", "video: https://clinic.example/v "),
    ("content/ideas/hammers-and-chisels.md", None, "Another claim altogether.\n"),
    ("content/parts/caution.md", None, "Another caution.\n"),
    ("content/parts/card-note.md", None, "Another note on the card.\n"),
]


def rewrite(root: Path, path: str, old: str | None, new: str) -> None:
    if old is None:
        (root / path).write_text(new, encoding="utf-8")
    else:
        change(root, path, old, new)


@pytest.mark.parametrize(("path", "old", "new"), NOT_CLINICAL)
def test_subject_layout_and_offer_keep_the_sign_off(project: Path, mails, path: str, old: str, new: str) -> None:
    before = mails["exercise-1/left"]
    rewrite(project, path, old, new)
    after = compile_one(project, "exercise-1")
    assert after.clinical == before.clinical
    assert (after.digest, after.missing) != (before.digest, before.missing)


@pytest.mark.parametrize(("path", "old", "new"), CLINICAL)
def test_name_cue_caution_and_claim_ask_for_a_new_sign_off(project: Path, mails, path: str, old: str, new: str) -> None:
    rewrite(project, path, old, new)
    after = compile_one(project, "exercise-1")
    assert after.clinical != mails["exercise-1/left"].clinical
    assert after.clinical_text != mails["exercise-1/left"].clinical_text


def test_every_exercise_that_a_mail_names_is_in_what_is_signed(mails, example) -> None:
    """Also in the newsletter, which lists both sides: a changed name changes its sign-off."""
    for one in mails.values():
        text, signed = (" ".join(words.split()) for words in (fill(one.text, VALUES), one.clinical_text))
        for exercise in example.exercises:
            assert (exercise.name in text) <= (exercise.name in signed), (one.slug, exercise.name)


def test_a_compiled_mail_knows_what_is_still_missing(mails) -> None:
    what = [one.what for one in mails["exercise-1/left"].missing]
    assert "the clinic's postal address" in what
    assert any("video" in one for one in what)


# --- personal values in what authors write ---

REFUSED = [
    ("{% if person.first_name %}Hi{% endif %}", "`person.first_name` cannot decide what a mail says", "fallback"),
    ("{% if not person.first_name %}Hi{% endif %}", "cannot decide", "fallback"),
    ("{% if person.first_name == 'Ana' %}Hi{% endif %}", "cannot decide", "fallback"),
    ("{% if person.first_name in ['Ana'] %}Hi{% endif %}", "cannot decide", "fallback"),
    ("{% if 'A' in person.first_name %}Hi{% endif %}", "cannot decide", "fallback"),
    ("{% if person.first_name > 'A' %}Hi{% endif %}", "cannot decide", "fallback"),
    ("{{ person.first_name|length }}", "cannot decide", "fallback"),
    ("{% for letter in person.first_name %}{{ letter }}{% endfor %}", "cannot decide", "fallback"),
    ("{{ person.first_name|truncate(5) }}", "cannot decide", "fallback"),
    ("{{ person.first_name[0] }}", "cannot decide", "fallback"),
    ("{{ person.firstname }}", "there is no `person.firstname`", "`person.first_name`"),
    ("{{ link.unsub }}", "there is no `link.unsub`", "`link.unsubscribe`"),
    ("{{ person.side }}", "there is no `person.side`", "person."),
    ("{{ person.__class__ }}", "not allowed here", "prints"),
    ("{{ person._spots }}", "not allowed here", "prints"),
    ("{{ person.first_name|fallback('xmrg1') }}", "looks like a mark", "another way"),
]


@pytest.mark.parametrize(("source", "message", "hint"), REFUSED)
def test_a_personal_value_can_only_be_printed(project: Path, source: str, message: str, hint: str) -> None:
    change(project, WELCOME, "Thank you for confirming.", f"Thank you.\n{source}")
    written = (project / WELCOME).read_text(encoding="utf-8").split("\n")
    line = next(number for number, text in enumerate(written, 1) if source in text)
    with pytest.raises(ContentError) as caught:
        compile_one(project)
    assert caught.value.message.startswith(f"{WELCOME}:{line}: "), caught.value.message
    assert caught.value.message.count(".md:") == 1
    assert message in caught.value.message
    assert hint in caught.value.hint


CUT = ["{{ person.first_name|upper }}", "{% set x = person.first_name|string %}"]


@pytest.mark.parametrize("source", CUT)
def test_a_personal_value_that_was_cut_or_lost_is_noticed(project: Path, source: str) -> None:
    change(project, WELCOME, "Thank you for confirming.", source)
    with pytest.raises(ContentError, match=rf"^{WELCOME}:1: "):
        compile_one(project)


@pytest.mark.parametrize(
    ("path", "old", "line"),
    [
        (WELCOME, "Thank you for confirming.", 9),
        (WELCOME, "Short mails, one idea in each", 3),
        ("content/parts/why.md", None, 2),
        ("templates/text/base.txt.j2", None, 2),
    ],
)
def test_words_that_look_like_our_own_marks_are_refused(project: Path, path: str, old: str | None, line: int) -> None:
    rewrite(project, path, old, "xmrg0000x" if old else "\nxmrg0000x")
    with pytest.raises(ContentError, match=rf"^{path}:{line}: the text 'xmrg0' looks like a mark"):
        compile_one(project)


# --- mistakes in what authors write ---


def broken(root: Path) -> ContentError:
    with pytest.raises(ContentError) as caught:
        compile_one(root)
    return caught.value


def test_a_mistake_in_the_subject_names_the_subjects_line(project: Path) -> None:
    change(project, WELCOME, "You're in.", "{{ nobody }}")
    assert broken(project).message == f"{WELCOME}:2: 'nobody' is undefined"


def test_a_mistake_in_an_included_part_names_the_parts_line(project: Path) -> None:
    (project / "content/parts/rhythm.md").write_text("One\n\n{{ nobody }}\n", encoding="utf-8")
    assert broken(project).message == "content/parts/rhythm.md:3: 'nobody' is undefined"


def test_a_mistake_in_a_part_that_a_template_asks_for_names_the_parts_line(project: Path) -> None:
    (project / "content/parts/why.md").write_text("One\n{{ nobody }}\n", encoding="utf-8")
    assert broken(project).message == "content/parts/why.md:2: 'nobody' is undefined"


def test_a_part_that_is_missing_names_the_template_that_asks_for_it(project: Path) -> None:
    (project / "content/parts/why.md").unlink()
    error = broken(project)
    assert re.match(r"templates/layouts/base\.mjml\.j2:\d+: there is no content/parts/why\.md$", error.message)
    assert error.hint


MJML = [
    ("<mj-column>", "<mj-colum>", "mj-colum"),
    ("<mj-column>", '<mj-column widht="3px">', "widht"),
    ("</mj-section>", "", ""),
    ("<mj-column>", "<mj-column><b>", ""),
]


@pytest.mark.parametrize(("old", "new", "word"), MJML)
def test_broken_mjml_names_the_templates_file_and_line(project: Path, old: str, new: str, word: str) -> None:
    change(project, "templates/offer.mjml.j2", old, new)
    error = broken(project)
    assert re.match(r"templates/[a-z/-]+\.mjml\.j2:\d+", error.message), error.message
    assert word in error.message
    if word:
        lines = (project / "templates/offer.mjml.j2").read_text(encoding="utf-8").splitlines()
        named = int(error.message.split(":")[1])
        assert word in lines[named - 1]


def test_windows_line_ends_and_a_byte_order_mark_give_the_same_bytes(project: Path, mails) -> None:
    for path in [*project.rglob("content/**/*.md"), *project.rglob("templates/**/*.j2")]:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert compile_one(project) == mails["welcome/left"]


def test_raw_html_of_an_author_is_shown_as_text(project: Path) -> None:
    change(project, WELCOME, "Thank you for confirming.", "<script>alert(1)</script> <b>x</b>")
    html = fill(compile_one(project).html, VALUES)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_template_cannot_be_left_by_a_body(project: Path, mails) -> None:
    change(project, WELCOME, "Thank you for confirming.", "</mj-text></mj-column> {{ '{{ 1 + 1 }}' }}")
    text = fill(compile_one(project).text, VALUES)
    assert "</mj-text></mj-column> {{ 1 + 1 }}" in text


def test_a_page_of_the_site_holds_no_personal_value(example: Project) -> None:
    made = Compiler(example)
    for page in example.pages.values():
        html = made.page(page)
        assert html.startswith("<!doctype html>")
        with pytest.raises(ContentError, match=rf"^{page.place.path}:{page.body_line}: 'person' is undefined$"):
            made.page(replace(page, body="{{ person.first_name }}"))


def test_an_email_of_one_variant_knows_which(example: Project) -> None:
    email: Email = example.emails["welcome"][Variant.NOT_SURE]
    assert "not sure of your side" in fill(Compiler(example).compile(email).text, VALUES)
