"""init, new, build, lint, mjml, approve and doctor: from an empty folder to words that a clinician has signed."""

import json
import re
import stat

import pytest

from funnel.errors import ExitCode

SIGNED = ("--by", "Dr. Ana Example", "--credential", "PT, DPT")


def test_a_new_project_can_be_built_checked_and_shown_at_once(elsewhere):
    made = elsewhere("init", "clinic", "--json")
    assert made.json == {"path": str(elsewhere.folder / "clinic"), "files": made.json["files"]}
    assert elsewhere("build", "--project", "clinic", "--out", "clinic/dist").code == ExitCode.OK
    assert elsewhere("lint", "--project", "clinic").code == ExitCode.OK
    told = elsewhere("demo", "--no-serve", "--project", "clinic", "--json").json
    assert {len(one["received"]) > 0 for one in told["contacts"]} == {True}


def test_a_project_is_not_begun_twice_in_one_folder(elsewhere):
    elsewhere("init", "clinic")
    before = elsewhere.files()
    again = elsewhere("init", "clinic")
    assert (again.code, again.out) == (ExitCode.NO, "")
    assert "already" in again.err
    assert elsewhere.files() == before


@pytest.mark.parametrize(
    ("kind", "slug", "path"),
    [
        ("email", "spring-news", "content/emails/spring-news.md"),
        ("series", "spring", "content/series/spring.yaml"),
        ("exercise", "left/6-new-one", "content/exercises/left/6-new-one.md"),
    ],
)
def test_a_new_file_loads_as_it_stands_and_lint_names_the_words_that_are_missing(funnel, kind, slug, path):
    assert funnel("new", kind, slug, "--json").json == {
        "kind": kind,
        "slug": path.rpartition("/")[2].partition(".")[0],
        "path": path,
    }
    assert funnel("build").code == ExitCode.OK
    findings = funnel("lint", "--json").json["findings"]
    text = (funnel.folder / path).read_text(encoding="utf-8")
    gaps = [number for number, line in enumerate(text.splitlines(), 1) if "PLACEHOLDER" in line]
    assert {one["line"] for one in findings if one["path"] == path and one["code"] == "PH001"} >= set(gaps)


def test_a_new_broadcast_asks_for_its_email_and_then_loads_as_a_draft(funnel):
    funnel("new", "broadcast", "spring-news")
    (finding,) = funnel("lint", "--json").json["findings"]
    assert "sends the email `spring-news`, which does not exist" in finding["message"]
    funnel("new", "email", "spring-news")
    assert funnel("lint").code == ExitCode.OK
    assert "a draft, not scheduled" in funnel("plan").out


def test_exercises_for_both_sides_and_their_steps_leave_no_error(funnel):
    for side in ("left", "right"):
        funnel("new", "exercise", f"{side}/6-new-one-{side}")
    step = "  - {id: exercise-6, exercise: 6, wait: 3d, only: [left, right]}\n\n  - {id: idea-1,"
    funnel.edit("content/series/si-joint.yaml", "  - {id: idea-1,", step)
    told = funnel("lint", "--json").json
    new = [one for one in told["findings"] if "6-new-one" in one["path"]]
    assert [one for one in new if one["severity"] == "error"] == []


def test_a_new_code_is_six_signs_and_never_the_same(funnel):
    funnel("new", "series", "one")
    funnel("new", "series", "two")
    texts = [(funnel.folder / f"content/series/{slug}.yaml").read_text(encoding="utf-8") for slug in ("one", "two")]
    codes = [re.search(r"^code: ([a-z2-7]{6})\s", text, re.MULTILINE)[1] for text in texts]
    assert codes[0] != codes[1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("email", "welcome"), ExitCode.NO, "is there already"),
        (("exercise", "left/1-another"), ExitCode.NO, "exercise 1 of the left side is 1-left-sidelying"),
        (("exercise", "middle/1-x"), ExitCode.USAGE, "does not name an exercise"),
        (("exercise", "left/0-x"), ExitCode.USAGE, "does not name an exercise"),
        (("email", "../escape"), ExitCode.USAGE, "cannot be a file's name"),
        (("email", "Ümlaut"), ExitCode.USAGE, "cannot be a file's name"),
    ],
)
def test_a_new_file_overwrites_nothing_and_goes_nowhere_else(funnel, words, code, said):
    before = funnel.files()
    answer = funnel("new", *words)
    assert answer.code == code
    assert said in answer.err
    assert funnel.files() == before


def test_a_build_reports_every_email_and_what_it_wrote(funnel):
    first, second = funnel("build", "--json").json, funnel("build", "--json").json
    assert set(first["emails"][0]) >= {
        "slug",
        "variant",
        "subject",
        "preheader",
        "html_bytes",
        "exercise",
        "digest",
        "path",
    }
    assert first["emails"] == second["emails"]
    assert (first["unchanged"], second["written"], second["unchanged"]) == (0, 0, first["written"])
    assert f"{len(first['emails'])} emails: 0 files written" in funnel("build").out


def test_a_folder_that_may_not_be_written_is_named_and_is_no_bug(funnel):
    (funnel.folder / "dist").symlink_to("/proc/nowhere")
    answer = funnel("build")
    assert answer.code == ExitCode.NO
    assert answer.err.startswith("error: ")
    assert "bug" not in answer.err


def test_content_that_does_not_load_is_a_finding_for_lint_and_an_error_for_build(funnel):
    funnel.edit("content/emails/welcome.md", "subject:", "subjct:")
    lint, build = funnel("lint", "--json"), funnel("build")
    assert (lint.code, build.code) == (ExitCode.NO, ExitCode.USAGE)
    assert lint.json["findings"][0]["path"] == "content/emails/welcome.md"
    assert "content/emails/welcome.md:" in build.err


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_findings_are_written_in_the_form_that_was_asked_for(funnel, form):
    answer = funnel("lint", "--format", form)
    assert answer.code == ExitCode.OK
    assert "PH001" in answer.out
    assert (form in ("json", "sarif")) == answer.out.startswith("{")


def test_a_rule_is_explained_and_an_unknown_one_has_a_neighbour(funnel):
    assert "placeholder" in funnel("lint", "--explain", "ph001").out.lower()
    assert funnel("lint", "--explain", "PH001", "--json").json["code"] == "PH001"
    unknown = funnel("lint", "--explain", "PH01")
    assert unknown.code == ExitCode.USAGE
    assert "`PH001`" in unknown.err


GOOD = "<mjml><mj-body><mj-section><mj-column><mj-text>Hello</mj-text></mj-column></mj-section></mj-body></mjml>"


def test_one_mjml_file_is_compiled_to_stdout_to_a_file_or_to_an_object(funnel):
    funnel.write("one.mjml", GOOD)
    html = funnel("mjml", "one.mjml").out
    assert "Hello" in html
    told = funnel("mjml", "one.mjml", "--out", "one.html", "--json").json
    assert told["findings"] == []
    assert (funnel.folder / "one.html").read_text(encoding="utf-8") == told["html"] == html.removesuffix("\n")


def test_a_mistake_in_an_mjml_file_has_its_line_and_column_and_writes_nothing(funnel):
    funnel.write("one.mjml", GOOD.replace("mj-text", "mj-txt").replace("<mj-section>", "\n<mj-section>"))
    answer = funnel("mjml", "one.mjml", "-o", "one.html")
    assert (answer.code, answer.out) == (ExitCode.NO, "")
    assert re.match(r"one\.mjml:2:\d+: MJ\d{3} ", answer.err)
    assert not (funnel.folder / "one.html").exists()


@pytest.mark.parametrize(("path", "said"), [("none.mjml", "there is no file"), ("assets/logo.png", "not UTF-8")])
def test_what_is_no_mjml_file_is_said_plainly(funnel, path, said):
    answer = funnel("mjml", path)
    assert answer.code == ExitCode.USAGE
    assert said in answer.err


# --- a clinician signs ---------------------------------------------------------------------------------------


def unsigned(funnel) -> set[str]:
    findings = funnel("lint", "--json").json["findings"]
    return {one["path"] for one in findings if one["code"] == "RV001"}


def test_who_signs_nothing_is_shown_the_page_to_read_first(funnel):
    answer = funnel("approve", "exercise-1")
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    page = funnel.folder / ".funnel" / "review.html"
    assert str(page) in answer.err
    assert "Left Sidelying Knee Towards Knee" in page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700


def test_a_sign_off_quiets_lint_for_its_email_until_a_cue_changes(funnel):
    card = next((funnel.folder / "content/exercises/left").glob("1-*.md")).relative_to(funnel.folder).as_posix()
    assert card in unsigned(funnel)
    signed = funnel("approve", "exercise-1", *SIGNED, "--json").json["signed"]
    assert {(one["email"], one["variant"], one["by"]) for one in signed} == {
        ("exercise-1", "left", "Dr. Ana Example"),
        ("exercise-1", "right", "Dr. Ana Example"),
    }
    assert card not in unsigned(funnel)
    funnel.edit(card, 'subject: "', 'subject: "New: ')
    assert card not in unsigned(funnel)
    funnel.edit(card, "cues: []", 'cues: ["Breathe out first."]')
    codes = {one["code"] for one in funnel("lint", "--json").json["findings"] if one["path"] == card}
    assert codes & {"RV001", "RV002"}


def test_everything_can_be_signed_at_once_and_a_second_signature_replaces_the_first(funnel):
    funnel("approve", "--all", *SIGNED)
    assert unsigned(funnel) == set()
    funnel("approve", "welcome", "--by", "Dr. Bo Example", "--credential", "MD")
    text = (funnel.folder / "content/reviews.toml").read_text(encoding="utf-8")
    assert text.count('email = "welcome"') == len(
        re.findall(r'email = "welcome".*?by = "Dr. Bo Example"', text, re.DOTALL)
    )
    assert not list((funnel.folder / "content").glob(".*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "which email?"),
        (("exercise-11",), "did you mean `exercise-1`?"),
        (("welcome", "--all"), "one email, or all of them?"),
        (("welcome", "--by", " ", "--credential", "PT"), "who signs?"),
    ],
)
def test_a_signature_needs_an_email_and_a_name(funnel, words, said):
    before = (funnel.folder / "content/reviews.toml").read_bytes()
    answer = funnel("approve", *words)
    assert answer.code == ExitCode.USAGE
    assert said in answer.err
    assert (funnel.folder / "content/reviews.toml").read_bytes() == before


def test_the_doctor_answers_yes_here_and_no_once_real_mail_is_asked_for(funnel):
    healthy = funnel("doctor", "--json")
    assert healthy.code == ExitCode.OK
    assert {"health", "what", "words"} == set(healthy.json["checks"][0])
    funnel.environ["FUNNEL_SENDER"] = "smtp"
    ill = funnel("doctor")
    assert ill.code == ExitCode.NO
    assert "[providers.smtp] is missing" in ill.out


def test_the_preview_can_be_written_to_a_folder(funnel):
    told = funnel("preview", "--export", "pages", "--json").json
    assert told == {"path": str(funnel.folder / "pages" / "index.html")}
    assert "<!doctype html>" in (funnel.folder / "pages" / "index.html").read_text(encoding="utf-8").lower()


def test_the_demo_says_why_in_words_and_gives_machines_the_codes(funnel):
    told, data = funnel("demo", "--no-serve"), funnel("demo", "--no-serve", "--json")
    assert "not sent, because they unsubscribed: " in told.out
    assert not re.search(r"\b(condition|unsubscribed)\)", told.out)
    reasons = {one["reason"] for contact in data.json["contacts"] for one in contact["not_sent"]}
    assert "unsubscribed" in reasons
    assert json.loads(data.out)["findings"]["error"] == 0


def test_the_demo_outside_a_project_uses_a_copy_of_the_example(elsewhere):
    assert elsewhere("demo", "--no-serve").code == ExitCode.OK
    assert (elsewhere.folder / "funnel-demo" / "funnel.toml").exists()
    assert elsewhere("demo", "--no-serve").code == ExitCode.OK
