"""What holds for all rules together, and the side invariant over every mail and name."""

import html
from dataclasses import replace

import pytest
from example_project import NOW, Example
from hypothesis import given
from hypothesis import strategies as st

from funnel.errors import ConfigError, ContentError, UsageError
from funnel.lint import RULES, Subject, explain, from_error, lint
from funnel.lint.page import read_page, squeeze
from funnel.mjml import MjmlError, to_html
from funnel.model import Place, Severity, Variant


def test_the_example_has_no_error_and_lacks_only_facts_and_signatures(example: Example) -> None:
    assert {one.code for one in example.findings} == {"PH001", "RV001"}
    assert all(one.severity is Severity.WARNING for one in example.findings)


def test_findings_are_sorted_by_place_and_code_and_said_once(example: Example) -> None:
    order = [(one.place.path, one.place.line, one.code) for one in example.findings]
    assert order == sorted(order)
    assert len(set(example.findings)) == len(example.findings)


def test_the_order_of_the_compiled_mail_changes_nothing(example: Example) -> None:
    assert lint(example.load(), reversed(example.rendered), now=NOW) == example.findings


@pytest.mark.parametrize("part", ["html", "text"])
def test_no_name_of_another_side_passes_in_any_mail_of_any_variant(example: Example, part: str) -> None:
    project = example.load()
    for mail in example.rendered:
        for card in project.exercises:
            if mail.variant is Variant.ALL or mail.variant is card.side:
                continue
            words = card.name.upper() if part == "text" else f"<p>{html.escape(card.name)}</p></body>"
            wrong = replace(mail, **{part: (*getattr(mail, part), words)})
            found = [one for one in RULES["SD001"].check(_subject(project, wrong)) if card.name in one.message]
            assert found, f"{card.name} in {mail.slug}/{mail.variant}"


def _subject(project, *rendered):

    return Subject(project, rendered, NOW)


def test_every_sided_mail_of_the_example_shows_its_own_exercise_in_both_parts(example: Example) -> None:
    project = example.load()
    for mail in example.rendered:
        if mail.exercise is None:
            continue
        for part in ("html", "text"):
            wrong = replace(mail, **{part: tuple(_without(mail.exercise, piece) for piece in getattr(mail, part))})
            codes = [one.code for one in RULES["SD001"].check(_subject(project, wrong))]
            assert codes == ["SD001"]


def _without(name: str, piece: object) -> object:
    return piece.replace(name, "An exercise") if isinstance(piece, str) else piece


def test_an_unknown_code_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        explain("SB01")
    assert "SB001" in caught.value.hint


@pytest.mark.parametrize("code", [*RULES, "CT001", "MJ014", "sd001"])
def test_every_code_can_be_explained(code: str) -> None:
    assert explain(code).startswith("Find ")


def test_a_problem_without_a_line_is_laid_at_the_settings() -> None:
    (one,) = from_error(ConfigError("there is no funnel.toml in here", hint="funnel init DIR"))
    assert (one.code, one.place, one.hint) == ("CT001", Place("funnel.toml"), "funnel init DIR")


def test_a_problem_with_a_line_keeps_it_and_loses_it_from_the_words() -> None:
    (one,) = from_error(ContentError("content/emails/a.md:7: 12:30: no time", hint="h"))
    assert (one.place, one.message, one.column) == (Place("content/emails/a.md", 7), "12:30: no time", 0)


def test_the_mjml_check_keeps_its_own_codes_and_columns() -> None:
    with pytest.raises(MjmlError) as caught:
        to_html("<mjml><mj-body><mj-txt>x</mj-txt></mj-body></mjml>", path="templates/a.mjml")
    (one,) = from_error(caught.value)
    assert (one.code, one.place.path, one.column) == ("MJ001", "templates/a.mjml", 16)


@given(st.text())
def test_the_page_shows_exactly_the_words_that_were_escaped_into_it(words: str) -> None:
    assert read_page(f"<td>{html.escape(words)}</td>").words == squeeze(words)


@given(st.text(alphabet="<>/!-=\"'& ahimgsrctyle1\n", max_size=60))
def test_a_page_can_be_read_from_anything(source: str) -> None:
    page = read_page(source)
    assert page.words == squeeze(page.words)
