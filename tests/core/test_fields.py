"""Keys that people write: types are checked, mistakes name the place and the nearest right word."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel.errors import ConfigError, ContentError
from funnel.fields import Fields, Lined, nearest


def fields_of(value, key="key"):
    return Fields(Lined({key: value}, {key: 7}, 3), path="content/x.yaml", what="a thing")


READ = [
    ("text", "  words ", "words"),
    ("text", 12, "12"),
    ("text", 1.5, "1.5"),
    ("number", 0, 0),
    ("number", 12, 12),
    ("flag", True, True),
    ("flag", False, False),
    ("words", "one", ("one",)),
    ("words", [" one", 2, date(2026, 12, 24)], ("one", "2", "2026-12-24")),
    ("words", [], ()),
]


@pytest.mark.parametrize(("reader", "value", "expected"), READ)
def test_a_value_of_the_right_kind_is_read(reader, value, expected) -> None:
    assert getattr(fields_of(value), reader)("key") == expected


WRONG = [
    ("text", True, "`key` must be text, not true or false", "quotes"),
    ("text", ["a"], "`key` must be text, not a list", "quotes"),
    ("text", date(2026, 1, 1), "`key` must be text, not `2026-01-01`", "quotes"),
    ("text", "  ", "`key` is empty", "a thing needs it"),
    ("text", None, "`key` is missing", "a thing needs it"),
    ("number", "3", "`key` must be a whole number, not `3`", "digits"),
    ("number", True, "`key` must be a whole number, not true or false", "digits"),
    ("number", 1.5, "`key` must be a whole number, not a number", "digits"),
    ("number", -1, "`key` is -1", "0 is the least"),
    ("flag", "yes", "`key` must be true or false, not `yes`", "quotes"),
    ("flag", 1, "`key` must be true or false, not a number", "quotes"),
    ("words", {"a": 1}, "`key` must be a list of texts, not keys and values", "such as"),
    ("words", ["a", None], "`key` must be a list of texts, not nothing", "such as"),
    ("words", [["a"]], "`key` must be a list of texts, not a list", "such as"),
    ("words", [False], "`key` must be a list of texts, not true or false", "such as"),
    ("words", ["a", " "], "`key` holds an empty text", "take it out"),
    ("mapping", "x", "`key` must hold keys and values, not `x`", "example"),
]


@pytest.mark.parametrize(("reader", "value", "message", "hint"), WRONG)
def test_a_value_of_the_wrong_kind_names_its_line_and_what_is_right(reader, value, message, hint) -> None:
    with pytest.raises(ContentError) as caught:
        getattr(fields_of(value), reader)("key")
    assert caught.value.message == f"content/x.yaml:7: {message}"
    assert hint in caught.value.hint


def test_a_missing_key_is_placed_where_the_mapping_begins() -> None:
    with pytest.raises(ContentError, match=r"^content/x\.yaml:3: `name` is missing$"):
        fields_of("x").text("name")


def test_a_choice_that_is_misspelt_names_the_nearest() -> None:
    with pytest.raises(ContentError) as caught:
        fields_of("lfet").choice("key", ["left", "right"])
    assert caught.value.hint == "did you mean `left`?"


def test_an_unknown_key_names_the_nearest_that_was_asked_for() -> None:
    fields = fields_of("x", key="subjct")
    fields.text("subject", "")
    fields.text("template", "")
    with pytest.raises(ContentError, match=r"^content/x\.yaml:7: unknown key `subjct` in a thing$") as caught:
        fields.done()
    assert caught.value.hint == "did you mean `subject`?"


def test_a_slip_in_a_required_key_is_named_rather_than_the_missing_one() -> None:
    with pytest.raises(ContentError, match=r"^content/x\.yaml:7: unknown key `subjct`") as caught:
        fields_of("x", key="subjct").text("subject")
    assert caught.value.hint == "did you mean `subject`?"


def test_a_key_that_was_asked_for_is_known() -> None:
    fields = fields_of("x")
    assert fields.has("key")
    fields.done()


def test_a_section_raises_the_error_of_its_file() -> None:
    fields = Fields(Lined({"a": Lined({}, {}, 5)}, {"a": 5}), path="funnel.toml", what="it", error=ConfigError)
    with pytest.raises(ConfigError, match=r"^funnel\.toml:5: `b` is missing$"):
        fields.section("a").text("b")


def test_a_section_that_was_left_out_is_empty() -> None:
    assert fields_of("x").section("other").text("a", "default") == "default"


def test_far_from_every_word_all_of_them_are_listed() -> None:
    assert nearest("zzzz", ["right", "left"]) == "known here: left, right"
    assert nearest("zzzz", []) == ""


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.none())


def outcome(reader, value):
    try:
        return getattr(fields_of(value), reader)("key")
    except ContentError as error:
        return error


@given(values, st.sampled_from(["text", "number", "flag", "words", "mapping"]))
def test_whatever_was_written_is_read_or_refused_with_a_hint(value, reader) -> None:
    match outcome(reader, value):
        case ContentError(message=message, hint=hint):
            assert message.startswith("content/x.yaml:")
            assert hint
        case found:
            assert isinstance(found, str | int | tuple | dict)
