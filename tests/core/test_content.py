"""What staff write: the example loads, and every kind of bad input names its file, its line and what is right."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel import config, content
from funnel.content import ContentProblems
from funnel.content.written import parse_yaml
from funnel.errors import ContentError
from funnel.fields import Lined
from funnel.model import PLACEHOLDER, SIDES, Project, Variant

WELCOME = "content/emails/welcome.md"
SERIES = "content/series/si-joint.yaml"
OFFER = "content/offers/ebook.yaml"
BROADCAST = "content/broadcasts/si-joint-newsletter.yaml"
CARD = "content/exercises/left/1-left-sidelying-knee-towards-knee.md"
SEGMENTS = "content/segments.yaml"


def load(project: Path) -> Project:
    return content.load(project, config.load(project, {}).settings)


def problems(project: Path) -> tuple[ContentError, ...]:
    with pytest.raises(ContentProblems) as caught:
        load(project)
    return caught.value.problems


def change(project: Path, path: str, old: str, new: str) -> None:
    text = (project / path).read_text(encoding="utf-8")
    assert old in text, f"{path} does not hold {old!r}: the case says nothing"
    (project / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def line_of(project: Path, path: str, words: str) -> int:
    lines = (project / path).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


# --- the example ---


def test_the_example_has_both_sides_in_order_and_no_variant_without_its_mail(project: Path) -> None:
    found = load(project)
    assert [(one.side, one.order) for one in found.exercises] == [
        (side, order) for side in (Variant.LEFT, Variant.RIGHT) for order in range(1, 6)
    ]
    series = found.series["si-joint"]
    for variant in SIDES:
        assert all(variant in found.emails[step.email] for step in series.path(variant))
    assert len(found.every_email()) == 23


def test_loading_twice_gives_the_same_project(project: Path) -> None:
    assert load(project) == load(project)


def test_a_missing_exercise_is_said_at_the_step_that_asks_for_it(project: Path) -> None:
    (project / CARD).unlink()
    (problem,) = problems(project)
    line = line_of(project, SERIES, "id: exercise-1")
    assert problem.message == f"{SERIES}:{line}: step `exercise-1` asks for exercise 1, which `left` does not have"
    assert "content/exercises/left/1-" in problem.hint


# --- bad input: one change, one problem ---

CHANGES = [
    # (file, words to find, what to put there, words of the line that must be named, message, hint)
    (WELCOME, "subject:", "subjct:", "subjct:", "unknown key `subjct`", "`subject`"),
    (WELCOME, "preheader:", "other:", "subject:", "`preheader` is missing", "front matter needs it"),
    (WELCOME, "template: offer", "templates: offer", "templates:", "unknown key `templates`", "`template`"),
    (WELCOME, "template: offer", "template: ofer", "template:", "there is no template `ofer`", "`offer`"),
    (WELCOME, "template: offer", "template: offer\ntemplate: letter", "template: letter", "`template` is written twice", "line 4"),
    (WELCOME, "delivers: ebook", "delivers: ebok", "delivers:", "there is no offer `ebok`", "`ebook`"),
    (WELCOME, "template: offer", "\ttemplate: offer", "template: offer", "the YAML cannot be read", "spaces, not tabs"),
    (WELCOME, 'subject: "You\'re in. Here is what comes, and when"', "subject: In: what comes", "subject:", "the YAML cannot be read", "colon goes in quotes"),
    (WELCOME, 'preheader: "Short mails, one idea in each, and the eBook that you asked for."', 'preheader: "Short', "preheader:", "the YAML cannot be read", "never closed"),
    (WELCOME, "template: offer", "template: [offer", "delivers:", "the YAML cannot be read", "indentation"),
    (WELCOME, "template: offer", "template: no", "template:", "`template` must be text, not true or false", "quotes"),
    (WELCOME, "template: offer", "template: 2026-02-30", "template:", "`2026-02-30` is no real value", "correct it"),
    (WELCOME, "template: offer", "template: !!python/object/apply:os.system ['x']", "template:", "`template` must be text", ""),
    (WELCOME, "template: offer", "template: \a", "template:", "invisible character", "type them again"),
    (WELCOME, "template: offer", "[template]: offer", "[template]", "a key is one word", "such as"),
    (CARD, "order: 1", "order: one", "order:", "`order` must be a whole number", "digits"),
    (CARD, "order: 1", "order: 0", "order:", "`order` is 0", "1 is the least"),
    (CARD, "side: left", "side: right", "side:", "`side` is right, but the file lies in exercises/left/", "agree"),
    (CARD, "side: left", "side: lft", "side:", "`side` is `lft`", "`left`"),
    (CARD, "cues: []", "cue: []", "cue:", "unknown key `cue`", "`cues`"),
    (CARD, "cues: []", "cues: ['']", "cues:", "`cues` holds an empty text", "take it out"),
    (CARD, "name_only: false", "name_only: maybe", "name_only:", "`name_only` must be true or false", ""),
    (CARD, "  subject:", "  subjects:", "subjects:", "unknown key `subjects`", "`subject`"),
    (SERIES, "id: exercise-2", "id: exercise-1", "exercise: 2", "the step id `exercise-1` is used twice", "the first one is on line"),
    (SERIES, "id: welcome", "id: Welcome", "id: Welcome", "`Welcome` cannot be a step id", "small letters"),
    (SERIES, "wait: 0h", "wait: soon", "wait: soon", "'soon' is not a wait", "such as wait: 2d"),
    (SERIES, "email: welcome", "email: welcom", "email: welcom,", "sends the email `welcom`, which does not exist", "`welcome`"),
    (SERIES, "exercise: 5", "exercise: 6", "exercise: 6", "asks for exercise 6, which `left` does not have", "content/exercises/left/6-"),
    (SERIES, "exercise: 1,  ", "exercise: 1, email: welcome,", "exercise: 1", "a step has an email or an exercise, not both", "take one"),
    (SERIES, "exercise: 1,                wait: 1bd, only: [left, right]", "exercise: 1, wait: 1bd", "exercise: 1", "which `not_sure` does not have", "only: [left, right]"),
    (SERIES, "only: [left, right]", "only: [left, rihgt]", "rihgt", "`rihgt` is not a variant", "`right`"),
    (SERIES, "unless: ebook_downloaded", "unless: ebook_download", "ebook_download}", "`ebook_download` is not something known", "`ebook_downloaded`"),
    (SERIES, "unless: ebook_downloaded", "unless: 'tag:'", "tag:", "is not something known", ""),
    (SERIES, "variant_by: side", "", "id: exercise-1", "step `exercise-1` is for a side, but `variant_by` is none", "variant_by: side"),
    (SERIES, "variant_by: side", "variant_by: sides", "variant_by:", "`variant_by` is `sides`", "`side`"),
    (SERIES, "code: q7x2mk", "code: Q7X2MK", "code:", "`Q7X2MK` is not a code", "six of a-z"),
    (SERIES, "code: q7x2mk", "code: 1q7x2m", "code:", "`1q7x2m` is not a code", "six of a-z"),
    (SERIES, "skips: [ebook,", "skips: [ebok,", "goals:", "the goal skips `ebok`", "`ebook`"),
    (SERIES, "goals: {inquiry:", "goals: {inquire:", "goals:", "`inquire` is not a goal", "`inquiry`"),
    (SERIES, "goals: {inquiry:", "goals: {&a inquiry: {skips: []}, inquiry:", "goals:", "`inquiry` is written twice", "keep one"),
    (SERIES, "entry: confirmed", "window: {days: mom}", "window:", "'mom' is not a day", "mon-fri"),
    (SERIES, "entry: confirmed", 'window: {between: "7"}', "window:", "'7' is not a span of time", "07:00"),
    (SERIES, "entry: confirmed", 'window: {between: "12:00-13:00"}', "name:", "never open together", "inside the project's own"),
    (SERIES, "entry: confirmed", 'window: {between: "06:00-06:30"}', "name:", "never open together", ""),
    (SERIES, "entry: confirmed", "start_at: tomorrow", "start_at:", "`start_at` is not a local date and time", "2026-12-01 09:00"),
    (BROADCAST, "send_at: ", "send_at: 2026-12-01T09:00:00Z #", "send_at: 2026", "`send_at` is not a local date and time", "2026-12-01 09:00"),
    (BROADCAST, "segment: everyone", "segment: everone", "name:", "there is no segment `everone`", "`everyone`"),
    (BROADCAST, "email: newsletter", "email: newsleter", "name:", "sends the email `newsleter`, which does not exist", "`newsletter`"),
    (BROADCAST, "email: newsletter", "timezone: Mars\nemail: newsletter", "timezone:", "`Mars` is not a time zone", "America/New_York"),
    (BROADCAST, "code: k3w6tz", "code: q7x2mk", "name:", "the code `q7x2mk` is used twice", "make a new one"),
    (OFFER, "assets/PLACEHOLDER-ebook.pdf", "assets/PLACEHOLDER-ebok.pdf", "file:", "is not there", "`assets/PLACEHOLDER-ebook.pdf`"),
    (OFFER, "assets/PLACEHOLDER-ebook.pdf", "../outside.pdf", "file:", "lies outside the project", "assets/"),
    (OFFER, "assets/PLACEHOLDER-ebook.pdf", "/etc/hostname", "file:", "lies outside the project", "assets/"),
    (OFFER, "assets/PLACEHOLDER-ebook.pdf", ".funnel/key", "file:", "lies outside the project", "assets/"),
    (OFFER, "assets/PLACEHOLDER-ebook.pdf", "assets", "file:", "is not there", ""),
    (OFFER, "delivery: link", "delivery: mail", "delivery:", "`delivery` is `mail`", "attachment, link"),
    (SEGMENTS, "everyone: {}", "everyone:", "everyone:", "does not say who is in it", "for everyone write {}"),
    (SEGMENTS, "left: {side: left}", "left: {sid: left}", "left: {sid", "unknown key `sid`", "`side`"),
    (SEGMENTS, "left: {side: left}", "left: {side: lft}", "left: {side", "`side` is `lft`", "`left`"),
    (SEGMENTS, "left: {side: left}", "left: {timezone: Mars}", "left: {time", "`Mars` is not a time zone", "America"),
    (SEGMENTS, "left: {side: left}", "left: &a {side: left}\nother: *a", "other:", "`*a` repeats another value", "write it out"),
]  # fmt: skip


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: f"{Path(case[0]).stem}: {case[4]}")
def test_a_mistake_names_its_file_its_line_and_what_is_right(project: Path, case: tuple[str, ...]) -> None:
    path, old, new, at, message, hint = case
    change(project, path, old, new)
    problem = problems(project)[0]
    line = line_of(project, path, at)
    assert problem.message.startswith(f"{path}:{line}: "), problem.message
    assert message in problem.message
    assert problem.hint
    assert hint in problem.hint


SPOILT = [
    (WELCOME, b"", 1, "the front matter is missing", "begin the file"),
    (WELCOME, b"\xef\xbb\xbf", 1, "the front matter is missing", "begin the file"),
    (WELCOME, b"Hello\n", 1, "the front matter is missing", "begin the file"),
    (WELCOME, b"---\nsubject: x\n", 1, "the front matter never ends", "second line"),
    (WELCOME, b"---\n---\nHello\n", 2, "`subject` is missing", "needs it"),
    (WELCOME, b"---\n- a\n- b\n---\nHello\n", 2, "keys and values are needed here", "such as"),
    (WELCOME, b"---\njust words\n---\nHello\n", 2, "keys and values are needed here", "such as"),
    (WELCOME, b"---\r\nsubject: x\r\nsubject: y\r\n---\r\n", 3, "`subject` is written twice", "line 2"),
    (WELCOME, b"---\nsubject: x\n---\ncaf\xe9\n", 4, "this is not UTF-8", "UTF-8"),
    (WELCOME, "---\nsubject: x\n".encode("utf-16"), 1, "this is not UTF-8", "UTF-8"),
    (SERIES, b"", 1, "a series needs steps", "id: welcome"),
    (SERIES, b"steps: [welcome]\n", 1, "each step holds keys and values", "id: welcome"),
    (SERIES, b"[" * 100_000, 1, "nested too deeply", "brackets"),
    (SERIES, b"- " * 100_000, 1, "nested too deeply", "brackets"),
    (SEGMENTS, b"everyone: {}\n- a\n", 2, "the YAML cannot be read", "indentation"),
    ("content/reviews.toml", b"[[review]]\nemail = 1 2\n", 2, "", "a value is text in quotes"),
    ("content/reviews.toml", b"[[review]]\nemail = 'welcome'\n", 1, "a sign-off has no time", "funnel approve"),
    ("content/reviews.toml", b"review = 'x'\n", 1, "the sign-offs are a list", "funnel approve"),
    ("content/reviews.toml", b"\n[[reviews]]\n", 2, "unknown key `reviews`", "`review`"),
    ("content/reviews.toml", b"[[review]]\nat = 2026-01-01T00:00:00Z\nemail='a'\nvariant='lft'\n", 4, "`variant` is `lft`", "`left`"),
]  # fmt: skip


@pytest.mark.parametrize("case", SPOILT, ids=lambda case: f"{Path(case[0]).stem}: {case[3]}")
def test_a_file_that_cannot_be_read_names_the_line(project: Path, case: tuple[str, bytes, int, str, str]) -> None:
    path, data, line, message, hint = case
    (project / path).write_bytes(data)
    problem = problems(project)[0]
    assert problem.message.startswith(f"{path}:{line}: "), problem.message
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize("path", [WELCOME, SERIES, OFFER, SEGMENTS, "content/parts/why.md", "templates/letter.mjml.j2"])
def test_a_folder_with_the_name_of_a_file_is_said(project: Path, path: str) -> None:
    (project / path).unlink()
    (project / path).mkdir()
    assert f"{path}:1: this is a folder, not a file" in [one.message for one in problems(project)]


def test_a_link_that_leads_nowhere_is_said(project: Path) -> None:
    (project / "content/emails/lost.md").symlink_to("nowhere.md")
    (problem,) = problems(project)
    assert problem.message.startswith("content/emails/lost.md:1: this cannot be read")


def test_an_editors_hidden_files_are_passed_over(project: Path) -> None:
    before = load(project)
    (project / "content/emails/.#welcome.md").symlink_to("user@machine")
    (project / "content/emails/._welcome.md").write_bytes(b"\xff\xff")
    assert load(project) == before


STRAY = [
    ("content/series/second.yml", "content/series/second.yaml"),
    ("content/emails/hello.markdown", "content/emails/hello.md"),
    ("content/emails/old/hello.md", "content/emails/hello.md"),
    ("content/exercises/left/more/6-x.md", "content/exercises/left/6-x.md"),
    ("content/exercises/rigth/6-x.md", "`right`"),
]


@pytest.mark.parametrize(("path", "hint"), STRAY)
def test_a_file_that_nothing_reads_is_said(project: Path, path: str, hint: str) -> None:
    (project / path).parent.mkdir(exist_ok=True)
    (project / path).write_text("name: x\n", encoding="utf-8")
    (problem,) = problems(project)
    assert re.match(r"content/[a-z/0-9.-]+:1: ", problem.message)
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("name", "better"), [("Welcome Mail.md", "welcome-mail.md"), ("ÜBER.md", "ber.md"), ("-x.md", "x.md")]
)
def test_a_file_name_that_cannot_stand_in_an_address_gets_a_better_one(project: Path, name: str, better: str) -> None:
    (project / "content/emails" / name).write_text("---\nsubject: a\npreheader: b\n---\n", encoding="utf-8")
    (problem,) = problems(project)
    assert problem.message.startswith(f"content/emails/{name}:1: ")
    assert problem.hint == f"rename the file to {better}"


def test_the_exercises_own_their_mails_names(project: Path) -> None:
    (project / "content/emails/exercise-1.md").write_text("---\nsubject: a\npreheader: b\n---\n", encoding="utf-8")
    (problem,) = problems(project)
    assert problem.message == "content/emails/exercise-1.md:1: the name `exercise-1` is taken"


def test_an_exercise_written_twice_names_the_other_file(project: Path) -> None:
    copy = CARD.replace("1-left", "1-again-left")
    (project / copy).write_bytes((project / CARD).read_bytes())
    (problem,) = problems(project)
    assert problem.message.endswith("exercise 1 of the left side is written twice")
    assert copy in problem.hint + problem.message
    assert CARD in problem.hint + problem.message


def test_a_template_without_plain_text_is_said_where_it_is_chosen(project: Path) -> None:
    (project / "templates/text/confirm.txt.j2").unlink()
    (problem,) = problems(project)
    assert problem.message.startswith("content/emails/confirm.md:")
    assert problem.hint == "add templates/text/confirm.txt.j2"


def test_all_mistakes_are_reported_together_each_once(project: Path) -> None:
    change(project, WELCOME, "template: offer", "templates: offer")
    change(project, OFFER, "delivery: link", "delivery: mail")
    (project / "content/parts/why.md").write_bytes(b"\xff")
    (project / "content/pages/goodbye.md").write_bytes(b"\xff")
    found = [one.message.partition(":")[0] for one in problems(project)]
    assert sorted(found) == sorted([WELCOME, OFFER, "content/parts/why.md", "content/pages/goodbye.md"])


# --- the offer's file ---


def test_a_file_that_stands_in_for_the_clinics_own_is_enough_to_load(project: Path) -> None:
    assert PLACEHOLDER in load(project).offers["ebook"].file


@pytest.mark.parametrize(("size", "delivery"), [(5_000_000, "attachment"), (6_000_000, "link")])
def test_a_file_that_fits_is_taken(project: Path, size: int, delivery: str) -> None:
    with (project / "assets/PLACEHOLDER-ebook.pdf").open("wb") as file:
        file.truncate(size)
    change(project, OFFER, "delivery: link", f"delivery: {delivery}")
    assert load(project).offers["ebook"].delivery == delivery


def test_an_attachment_that_is_too_large_says_its_size(project: Path) -> None:
    with (project / "assets/PLACEHOLDER-ebook.pdf").open("wb") as file:
        file.truncate(5_400_000)
    change(project, OFFER, "delivery: link", "delivery: attachment")
    (problem,) = problems(project)
    assert problem.message.startswith(f"{OFFER}:{line_of(project, OFFER, 'file:')}: ")
    assert "has 5.4 MB" in problem.message
    assert problem.hint == "write delivery: link"


def test_a_link_out_of_the_project_is_refused(project: Path, tmp_path: Path) -> None:
    (tmp_path / "private.pdf").write_bytes(b"x")
    (project / "assets/private.pdf").symlink_to(tmp_path / "private.pdf")
    change(project, OFFER, "PLACEHOLDER-ebook.pdf", "private.pdf")
    assert "lies outside the project" in problems(project)[0].message


def test_a_logo_that_is_not_there_is_said_in_the_settings(project: Path) -> None:
    change(project, "funnel.toml", 'logo = ""', 'logo = "assets/logo.pgn"')
    (problem,) = problems(project)
    assert problem.message.startswith(f"funnel.toml:{line_of(project, 'funnel.toml', 'logo =')}: the logo is not there")
    assert "assets/logo.png" in problem.hint


# --- times ---

MOMENTS = [
    ("2026-12-01 09:30", "2026-12-01T09:30:00"),
    ('"2026-12-01 09:30"', "2026-12-01T09:30:00"),
    ("2026-12-01T15", "2026-12-01T15:00:00"),
    ("2026-12-01 09:30:15", "2026-12-01T09:30:15"),
    ("2026-12-01", "2026-12-01T09:00:00"),
    ('"2026-12-01"', "2026-12-01T09:00:00"),
]


@pytest.mark.parametrize(("written", "moment"), MOMENTS)
def test_a_moment_is_a_wall_clock_and_a_date_alone_means_nine(project: Path, written: str, moment: str) -> None:
    change(project, BROADCAST, "send_at: ", f"send_at: {written} ")
    send_at = load(project).broadcasts["si-joint-newsletter"].send_at
    assert send_at
    assert send_at.isoformat() == moment


@pytest.mark.parametrize("written", ["", '""', "~"])
def test_a_broadcast_without_a_moment_is_a_draft(project: Path, written: str) -> None:
    change(project, BROADCAST, "send_at: ", f"send_at: {written} ")
    assert load(project).broadcasts["si-joint-newsletter"].send_at is None


# --- other editors ---


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(project: Path) -> None:
    before = load(project)
    for path in [*project.rglob("content/**/*"), *project.rglob("templates/**/*")]:
        if path.is_file():
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load(project) == before


# --- YAML ---


def parsed(text: str) -> Lined | ContentError:
    try:
        return parse_yaml(text, path="x.yaml", first_line=3)
    except ContentError as error:
        return error


@given(st.text(alphabet="ab:- \n\t\"'[]{}#&*!|>,?@`%1é\0", max_size=40))
def test_any_text_is_a_mapping_or_an_error_with_a_place(text: str) -> None:
    match parsed(text):
        case ContentError(message=message, hint=hint):
            assert 3 <= int(re.match(r"x\.yaml:(\d+): ", message)[1]) <= 4 + text.count("\n")
            assert hint
        case mapping:
            assert set(mapping.lines) == set(mapping)


plain = st.from_regex(r"[a-z]{2,8}", fullmatch=True).filter(
    lambda word: word not in ("no", "on", "off", "yes", "true", "false", "null")
)


@given(st.dictionaries(plain, plain, min_size=1, max_size=8))
def test_every_key_knows_its_line(pairs: dict[str, str]) -> None:
    found = parse_yaml("\n".join(f"{key}: {value}" for key, value in pairs.items()), path="x", first_line=2)
    assert found == pairs
    assert list(found.lines.values()) == list(range(2, 2 + len(pairs)))
