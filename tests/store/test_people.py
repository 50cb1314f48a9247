"""People as CSV: what comes in, what is said about what cannot, and that a round trip changes nothing."""

from __future__ import annotations

import codecs
import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from funnel.addresses import check_address
from funnel.errors import ConfigError, ContentError
from funnel.model import Consent, ConsentEvent, Person, Variant
from funnel.people import COLUMNS, MAX_FIELD, MAX_ROW, Problem, read, write

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "contacts.csv"


def read_all(file: Path, encoding: str | None = None, zone: str = "America/New_York") -> list[Person | Problem]:
    return list(read(file, encoding=encoding, default_timezone=zone, now=NOW))


def read_text(file: Path, text: str) -> list[Person | Problem]:
    file.write_bytes(text.encode())
    return read_all(file)


def person(file: Path, columns: str, row: str) -> Person:
    """Return the person of a file with one row that must have no problem at all."""
    (only,) = read_text(file, f"{columns}\n{row}\n")
    assert isinstance(only, Person)
    return only


def problem(file: Path, columns: str, row: str) -> Problem:
    (only,) = read_text(file, f"{columns}\n{row}\n")
    assert isinstance(only, Problem)
    return only


def emails_and_lines(found: list[Person | Problem]) -> list[str]:
    """Write people as their address, problems as their line."""
    return [one.email if isinstance(one, Person) else f"line {one.line}" for one in found]


# --- one person ---


def test_a_full_row_becomes_a_person(file: Path) -> None:
    row = (
        "Ana@Example.com,Ana,left,Europe/Berlin,runner; coach ;;runner,"
        "2026-05-01T12:00:00+02:00,sign-up form,I want these mails.,subscribed"
    )
    consent = Consent(
        ConsentEvent.IMPORTED, datetime(2026, 5, 1, 10, tzinfo=UTC), "sign-up form", "I want these mails."
    )
    assert person(file, ",".join(COLUMNS), row) == Person(
        email="Ana@Example.com",
        email_key="ana@example.com",
        first_name="Ana",
        side=Variant.LEFT,
        timezone="Europe/Berlin",
        tags=frozenset({"runner", "coach"}),
        consent=consent,
        line=2,
    )


def test_an_address_is_enough(file: Path) -> None:
    assert person(file, "email", "ana@example.com") == Person("ana@example.com", "ana@example.com", line=2)


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("left", Variant.LEFT),
        ("RIGHT", Variant.RIGHT),
        ("not_sure", Variant.NOT_SURE),
        ("not sure", Variant.NOT_SURE),
        ("Not-Sure", Variant.NOT_SURE),
        ("both", Variant.NOT_SURE),
        ("", None),
    ],
)
def test_a_side_is_read(file: Path, text: str, side: Variant | None) -> None:
    assert person(file, "email,side", f"ana@example.com,{text}").side is side


@pytest.mark.parametrize(
    ("status", "is_unsubscribed"),
    [("subscribed", False), ("Unsubscribed", True), ("unconfirmed", False), ("", False)],
)
def test_a_status_is_read(file: Path, status: str, is_unsubscribed: bool) -> None:
    assert person(file, "email,status", f"ana@example.com,{status}").unsubscribed is is_unsubscribed


def test_subscribed_without_the_consent_columns_is_no_consent(file: Path) -> None:
    assert person(file, "email,status", "ana@example.com,subscribed").consent is None


@pytest.mark.parametrize(
    "name",
    [
        "<b>Ana</b>",
        "Ana\r\nBcc: evil@example.com",
        "=?utf-8?q?x=0D=0ABcc:_evil@example.com?=",
        "{{ person.email }}",
        "*|FNAME|*",
        'Ana "the Knee" Lopez',
        "Ana, Bea; Cleo\tDan",
        "Zoë \U0001f9b5",
        "O'Hara",
        "'t Hooft",
    ],
)
def test_a_first_name_is_data_whatever_is_in_it(file: Path, name: str) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["email", "first_name"], ["ana@example.com", name]])
    found = read_all(file)
    assert isinstance(found[0], Person)
    assert found[0].first_name == name


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-05-01T12:00:00Z", "2026-05-01T12:00+00:00"),
        ("2026-05-01T12:00:00+05:45", "2026-05-01T06:15+00:00"),
        ("2026-05-01 12:00", "2026-05-01T16:00+00:00"),
        ("2026-05-01", "2026-05-01T04:00+00:00"),
        ("2026-03-08T02:30", "2026-03-08T07:00+00:00"),
    ],
)
def test_a_consent_without_a_zone_is_read_in_the_default_one(file: Path, text: str, at: str) -> None:
    consent = person(file, "email,consent_at,consent_source,consent_text", f"ana@example.com,{text},form,yes").consent
    assert consent == Consent(ConsentEvent.IMPORTED, datetime.fromisoformat(at), "form", "yes")


def test_an_unsubscribed_person_keeps_the_proof_of_consent(file: Path) -> None:
    found = person(
        file,
        "email,consent_at,consent_source,consent_text,status",
        "ana@example.com,2026-05-01T12:00Z,form,yes,unsubscribed",
    )
    assert found.unsubscribed
    assert found.consent is not None


# --- a no is never lost ---

SLIPS = [
    ("left,UNSUBSCRIBED,", []),
    ("left, Unsubscribed ,", []),
    ("lfet,unsubscribed,", ["the side 'lfet' is not known"]),
    ("left,unsubscribed,Mars", ["the time zone 'Mars' is not known: the default is used"]),
    ("left,unsubscribd,", ["the status 'unsubscribd' is not known: it is read as unsubscribed"]),
    ("left,Unsubscribe,", ["the status 'Unsubscribe' is not known: it is read as unsubscribed"]),
    ("left,unsub,", ["the status 'unsub' is not known: it is read as unsubscribed"]),
    (
        "lfet,unsubcribed,Mars",
        [
            "the side 'lfet' is not known",
            "the status 'unsubcribed' is not known: it is read as unsubscribed",
            "the time zone 'Mars' is not known: the default is used",
        ],
    ),
]


@pytest.mark.parametrize(("row", "warnings"), SLIPS)
def test_an_unsubscribe_is_taken_whatever_else_is_mistyped(file: Path, row: str, warnings: list[str]) -> None:
    one, *said = read_text(file, f"email,side,status,timezone\nana@example.com,{row}\n")
    assert isinstance(one, Person)
    assert one.unsubscribed
    assert [problem.message for problem in said if isinstance(problem, Problem) and problem.warning] == warnings


@pytest.mark.parametrize("row", ["lfet,subscribed,", "left,subscribd,", "left,unconfirmd,", "left,opted out,"])
def test_a_slip_in_a_yes_keeps_the_row_out(file: Path, row: str) -> None:
    (only,) = read_text(file, f"email,side,status,timezone\nana@example.com,{row}\n")
    assert isinstance(only, Problem)
    assert not only.warning


# --- what is wrong with a row ---

BAD_ADDRESSES = [
    ('""', "there is no email address"),
    ("ana.example.com", "no @ sign"),
    ("ana@bea@example.com", "more than one @ sign"),
    ("@example.com", "nothing before the @ sign"),
    ("ana@", "nothing after the @ sign"),
    ("ana lopez@example.com", "a space, comma or semicolon"),
    ('"ana@example.com, bea@example.com"', "a space, comma or semicolon"),
    ("ana@example.com;bea@example.com", "a space, comma or semicolon"),
    ('"ana@example.com\nbea@example.com"', "a space, comma or semicolon"),
    ("Ana <ana@example.com>", "keep what is between < and >"),
    ("ana@example", "has no dot, such as the one in example.com"),
    ("ana@localhost", "has no dot, such as the one in example.com"),
    ("ana@clinic.test", "no mail can reach"),
    ("ana@clinic.invalid", "no mail can reach"),
    ("ana@clinic.LOCAL", "no mail can reach"),
    (".ana@example.com", "a dot at its beginning"),
    ("ana.@example.com", "a dot at its beginning"),
    ("ana@example.com.", "a dot at its beginning"),
    ("ana..lopez@example.com", "two dots in a row"),
    ("ana@example..com", "two dots in a row"),
    (f"{'a' * 65}@example.com", "too long"),
    (f"ana@{'a.' * 125}com", "too long"),
    (f"ana@{'a' * 9000}.com", "too long"),
    ("ana\u202e@example.com", "an invisible character in it (U+202E)"),
    ("ana\u200b@example.com", "an invisible character in it (U+200B)"),
    ("ana\ufeff@example.com", "an invisible character in it (U+FEFF)"),
    ("ana\x07@example.com", "an invisible character in it (U+0007)"),
    ("ana\uff20example.com", "no @ sign"),
    ("ana@[127.0.0.1]", "mail cannot be sent to this address"),
    ("ana@ex_ample.com", "mail cannot be sent to this address"),
    ("ana@-example.com", "mail cannot be sent to this address"),
    ("ana@example.c0", "mail cannot be sent to this address"),
    ("ana@xn--a.com", "mail cannot be sent to this address"),
    ("mailto:ana@example.com", "mail cannot be sent to this address"),
    ("abuse@example.com", "takes complaints about mail"),
    ("Postmaster@example.com", "takes complaints about mail"),
]


@pytest.mark.parametrize(("address", "why"), BAD_ADDRESSES)
def test_a_bad_address_is_named_in_plain_words_without_the_address(file: Path, address: str, why: str) -> None:
    found = problem(file, "email,first_name", f"{address},Ana")
    assert why in found.message
    assert found.line == 2
    assert not found.warning
    assert "ana" not in found.message
    assert "bea" not in found.message


@pytest.mark.parametrize("word", ["IDNA", "IP", "RFC", "syntax", "local part", "domain", "ASCII", "Punycode"])
def test_no_message_about_an_address_uses_a_word_of_the_trade(word: str) -> None:
    for address, _ in BAD_ADDRESSES:
        with pytest.raises(ValueError) as caught:
            check_address(address.strip('"'))
        assert word not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "ana+knee@example.com",
        "o'hara@example.com",
        "ana@bücher.example",
        "ана@example.com",
        "A@xn--bcher-kva.example",
    ],
)
def test_an_unusual_address_is_accepted_as_entered(file: Path, address: str) -> None:
    assert person(file, "email", address).email == address


@pytest.mark.parametrize(
    ("columns", "row", "message", "hint"),
    [
        ("email,side", "ana@example.com,lft", "the side 'lft' is not known", "Did you mean 'left'?"),
        (
            "email,side",
            "ana@example.com,up",
            "the side 'up' is not known",
            "Write one of: left, right, not_sure, both.",
        ),
        (
            "email,side",
            "ana@example.com,bea@example.com",
            "the side (an address) is not known",
            "Write one of",
        ),
        (
            "email,status",
            "ana@example.com,subscribd",
            "the status 'subscribd' is not known",
            "Did you mean 'subscribed'?",
        ),
        ("email,status", "ana@example.com,erased", "the status 'erased' is not known", ""),
        (
            "email,side",
            "ana@example.com",
            "the row has 1 fields, the first line names 2 columns",
            "quotation marks",
        ),
        ("email,side", "ana@example.com,left,x", "the row has 3 fields, the first line names 2 columns", ""),
        (
            "email,first_name",
            f"ana@example.com,{'x' * (MAX_FIELD + 1)}",
            "a field has more than 10,000 characters",
            "",
        ),
        (
            "email,first_name",
            f"ana@example.com,{'x' * MAX_ROW}",
            "the row has more than 100,000 characters",
            "",
        ),
        (
            "email,first_name",
            f"ana@example.com,{'x' * 3 * MAX_ROW}",
            "the row has more than 100,000 characters",
            "",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_a_problem_with_a_hint(
    file: Path, columns: str, row: str, message: str, hint: str
) -> None:
    found = read_text(file, f"{columns}\nbefore@example.com,\n{row}\nafter@example.com,\n")
    assert emails_and_lines(found) == ["before@example.com", "line 3", "after@example.com"]
    wrong = found[1]
    assert isinstance(wrong, Problem)
    assert message in wrong.message
    assert hint in wrong.hint
    assert not wrong.warning


def test_every_mistake_of_a_row_is_told_at_once(file: Path) -> None:
    found = read_text(file, "email,side,status\nana,lft,gone\n")
    assert [one.message for one in found if isinstance(one, Problem)] == [
        "the address has no @ sign",
        "the side 'lft' is not known",
        "the status 'gone' is not known",
    ]


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Bertin", "Did you mean Europe/Berlin?"),
        ("new york", "Did you mean America/New_York?"),
        ("../../etc/passwd", "America/New_York"),
        ("+02:00", "America/New_York"),
    ],
)
def test_an_unknown_time_zone_is_a_warning_and_the_person_stays(file: Path, zone: str, hint: str) -> None:
    found, warning = read_text(file, f"email,timezone\nana@example.com,{zone}\n")
    assert isinstance(found, Person)
    assert found.timezone == ""
    assert isinstance(warning, Problem)
    assert warning.warning
    assert (warning.line, hint in warning.hint) == (2, True)
    assert f"the time zone '{zone}' is not known: the default is used" in warning.message


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ("2026-05-01,form,,", "not complete"),
        ("2026-05-01,,yes,", "not complete"),
        (",form,yes,", "not complete"),
        ("1 May 2026,form,yes,", "consent_at is no date"),
        ("0001-01-01T00:00+14:00,form,yes,", "consent_at is no date"),
        ("2026-06-01T00:00:01Z,form,yes,", "in the future"),
        ("2026-05-01,form,yes,unconfirmed", "the status says unconfirmed"),
    ],
)
def test_a_doubtful_consent_is_no_consent_and_a_warning(file: Path, cells: str, why: str) -> None:
    columns = "email,consent_at,consent_source,consent_text,status"
    found, warning = read_text(file, f"{columns}\nana@example.com,{cells}\n")
    assert isinstance(found, Person)
    assert found.consent is None
    assert isinstance(warning, Problem)
    assert warning.warning
    assert why in warning.message


# --- what is wrong with a file ---


@pytest.mark.parametrize(
    ("content", "place", "message", "hint"),
    [
        (b"", 1, "There are no names of columns", "email"),
        (b"\n\n", 2, "There are no names of columns", "email"),
        (b"x" * 300_000, 1, "There are no names of columns", "email"),
        (b"email,fist_name\n", 1, "There is no column 'fist_name'", "Did you mean 'first_name'?"),
        (b"\nemail,Time Zone\n", 2, "There is no column 'time zone'", "Did you mean 'timezone'?"),
        (b"email,\n", 1, "There is no column ''", "Write one of: email, first_name"),
        (b"ana@example.com,Ana\n", 1, "There is no column (an address)", ""),
        (b"email,side,Side\n", 1, "The column 'side' comes twice", ""),
        (b"first_name,side\n", 1, "The column 'email' is missing", ""),
        (b"email\nana@example.com\nbea\0@example.com\n", 3, "A NUL character", "--encoding utf-16-le"),
        ("email\nana@example.com\n".encode("utf-16-le"), 1, "A NUL character", "--encoding utf-16-le"),
        (
            "email,first_name\nana@example.com,Zoë\n".encode("cp1252"),
            2,
            "The text is not UTF-8",
            "windows-1252",
        ),
        (
            b"email\n" + b"a@example.com\n" * 5000 + b"\xff@example.com\n",
            5002,
            "The text is not UTF-8",
            "windows-1252",
        ),
        (codecs.BOM_UTF8 + b"email\nan\xe9@example.com\n", 2, "The text is not UTF-8", "windows-1252"),
        (codecs.BOM_UTF16_LE + "email\na\n".encode("utf-16-le") + b"x", 3, "The text is not UTF-16", ""),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused_with_its_line(
    file: Path, content: bytes, place: int, message: str, hint: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(ContentError) as caught:
        read_all(file)
    assert caught.value.message.startswith(f"{file}:{place}: {message}")
    assert hint in caught.value.hint


def test_a_file_that_is_not_there_is_refused(file: Path) -> None:
    with pytest.raises(ContentError, match="cannot be opened"):
        read_all(file)


@pytest.mark.parametrize("encoding", ["klingon", "base64"])
def test_an_encoding_that_is_none_is_refused(file: Path, encoding: str) -> None:
    file.write_bytes(b"email\n")
    with pytest.raises(ContentError, match=f"no encoding called '{encoding}'"):
        read_all(file, encoding=encoding)


def test_a_default_zone_that_is_none_is_refused(file: Path) -> None:
    file.write_bytes(b"email\n")
    with pytest.raises(ConfigError, match="'Mars/Base' is not a time zone"):
        read_all(file, zone="Mars/Base")


# --- encodings, separators, quotation marks ---

TWO_PEOPLE = "email,first_name\nana@example.com,Zoë\nbea@example.com,Łucja\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TWO_PEOPLE.encode(), None),
        (codecs.BOM_UTF8 + TWO_PEOPLE.encode(), None),
        (codecs.BOM_UTF8 + TWO_PEOPLE.encode(), "windows-1250"),
        (codecs.BOM_UTF16_LE + TWO_PEOPLE.encode("utf-16-le"), None),
        (codecs.BOM_UTF16_BE + TWO_PEOPLE.encode("utf-16-be"), None),
        (TWO_PEOPLE.encode("utf-16-le"), "utf-16-le"),
        (TWO_PEOPLE.replace("ë", "é").encode("windows-1250"), "windows-1250"),
        (TWO_PEOPLE.replace("\n", "\r\n").encode(), None),
        (TWO_PEOPLE.replace("\n", "\r").encode(), None),
        (TWO_PEOPLE.replace(",", ";").encode(), None),
        (TWO_PEOPLE.replace(",", "\t").encode(), None),
        (TWO_PEOPLE.replace("email,first_name", ' "E"mail , FIRST_NAME ').replace('"E"', "E").encode(), None),
        (TWO_PEOPLE.replace("\nbea", "\n\n,\n \nbea").replace("\n \n", "\n").encode(), None),
        (TWO_PEOPLE.rstrip("\n").encode(), None),
    ],
)
def test_the_same_people_come_out_of_every_way_to_save_a_file(file: Path, content: bytes, encoding: str | None) -> None:
    file.write_bytes(content)
    found = [one for one in read_all(file, encoding) if isinstance(one, Person)]
    assert [one.email for one in found] == ["ana@example.com", "bea@example.com"]
    assert [one.first_name[-2:] for one in found] in (["oë", "ja"], ["oé", "ja"])


@pytest.mark.parametrize(
    ("row", "first_name"),
    [
        ('a@example.com,"Ana, Bea"', "Ana, Bea"),
        ('a@example.com,"Ana ""the Knee"""', 'Ana "the Knee"'),
        ('a@example.com,"Ana\nBea"', "Ana\nBea"),
        ('a@example.com,"Ana\r\nBea"', "Ana\r\nBea"),
        ('a@example.com,""', ""),
        ('"a@example.com","{""a"": 1}"', '{"a": 1}'),
        ("a@example.com,ʤ", "ʤ"),
        ("a@example.com,Ana 5'10\"", "Ana 5'10\""),
    ],
)
def test_quotation_marks_and_line_breaks_are_read_as_spreadsheets_write_them(
    file: Path, row: str, first_name: str
) -> None:
    assert person(file, "email,first_name", row).first_name == first_name


def test_a_row_with_line_breaks_counts_from_its_first_line(file: Path) -> None:
    found = read_text(file, 'email,first_name\na@example.com,"A\nB\nC"\nb,B\nc@example.com,"C\n"\n')
    assert [one.line for one in found] == [2, 5, 6]


@pytest.mark.parametrize(
    ("broken", "lines"),
    [
        ('x@example.com,"Ana\n', "line 3"),
        ('x@example.com,"Ana" Lopez\n', "line 3"),
        ('"x@example.com,Ana\n', "line 3"),
        ('x@example.com,"A\nB","Ana\n', "line 4"),
    ],
)
@pytest.mark.parametrize("rest", ["", 'eve@example.com,"Eve"\n', 'eve@example.com,"Eve, Ada"\n'])
def test_a_quotation_mark_that_is_not_closed_loses_no_other_row(file: Path, broken: str, lines: str, rest: str) -> None:
    middle = "".join(f"m{n}@example.com,M\n" for n in range(50))
    found = emails_and_lines(read_text(file, f"email,first_name\nana@example.com,Ana\n{broken}{middle}{rest}"))
    people = [one for one in found if "@" in one]
    assert found[:2] == ["ana@example.com", lines]
    assert people == [
        "ana@example.com",
        *(f"m{n}@example.com" for n in range(50)),
        *(["eve@example.com"] if rest else []),
    ]


def test_a_quotation_mark_left_open_before_a_huge_rest_is_a_problem_at_its_line(file: Path) -> None:
    rest = "".join(f"m{n}@example.com,M\n" for n in range(20_000))
    found = read_text(file, f'email,first_name\nx@example.com,"Ana\n{rest}')
    assert isinstance(found[0], Problem)
    assert (found[0].line, "quotation mark" in found[0].message) == (2, True)
    assert len(found) == 20_001
    assert found[-1].line == 20_002


def test_rows_joined_by_stray_quotation_marks_into_too_few_fields_are_read_after_all(file: Path) -> None:
    text = 'email,first_name,side\nx@example.com,"Ana,left\nb@example.com,Bea,right\nz@example.com,Zed,"\n'
    assert emails_and_lines(read_text(file, text)) == ["line 2", "b@example.com", "line 4"]


def test_rows_that_two_stray_quotation_marks_join_are_pointed_at(file: Path) -> None:
    person_found, warning = read_text(file, 'email,first_name\nx@example.com,"Ana\nb@example.com,Bea"\n')
    assert isinstance(person_found, Person)
    assert isinstance(warning, Problem)
    assert warning.warning
    assert "swallowed" in warning.message


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="a@.,;\"\n\r\t= '\\é", max_size=80))
@example('"\r;\r""')
def test_no_text_after_a_header_breaks_the_reading(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("csv") / "contacts.csv"
    found = read_text(file, f"email,first_name\n{text}")
    taken = [one.line for one in found if isinstance(one, Person)]
    assert taken == sorted(taken)
    assert all(2 <= one.line <= 2 + len(text) for one in found)


# --- writing ---

DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠A1",
    "'=1",
    " =1",
]


@pytest.mark.parametrize("text", [*DANGEROUS, "=cmd|' /C calc'!A0", "''+1"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    out = io.StringIO(newline="")
    write([{"email": "ana@example.com", "first_name": text}], out)
    row = next(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert row["first_name"] == f"'{text}"


@pytest.mark.parametrize("text", ["Ana", "Ana-Maria", "1+1", "'t Hooft", "O'Hara", "", "(=1)"])
def test_an_ordinary_cell_is_written_as_it_is(text: str) -> None:
    out = io.StringIO(newline="")
    write([{"email": "ana@example.com", "first_name": text}], out)
    row = next(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert row["first_name"] == text


def test_the_header_is_written_even_for_nobody() -> None:
    out = io.StringIO(newline="")
    assert write([], out) == 0
    assert out.getvalue() == ",".join(f'"{column}"' for column in COLUMNS) + "\r\n"


def test_an_unknown_column_is_not_written_in_silence() -> None:
    with pytest.raises(ValueError, match="phone"):
        write([{"email": "ana@example.com", "phone": "1"}], io.StringIO())


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20).map(str.strip)
cells = names | st.builds("{}{}".format, st.sampled_from(DANGEROUS), names).map(str.rstrip)
tags = st.frozensets(cells.map(lambda tag: tag.replace(";", "").strip()).filter(bool), max_size=3)
people = st.fixed_dictionaries(
    {
        "email": st.sampled_from(["ana@example.com", "+ana@example.com", "-a@example.com", "=a@example.com"]),
        "first_name": cells,
        "side": st.sampled_from(["left", "right", "not_sure", ""]),
        "timezone": st.sampled_from(["", "Europe/Berlin", "Etc/GMT+5"]),
        "tags": tags,
        "consent_at": st.just("2026-05-01T10:00:00+00:00"),
        "consent_source": cells.filter(bool),
        "consent_text": cells.filter(bool),
        "status": st.sampled_from(["subscribed", "unsubscribed"]),
    }
)


@settings(max_examples=150, deadline=None)
@given(st.lists(people, max_size=4))
def test_what_was_written_is_read_back_unchanged(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str | frozenset[str]]]
) -> None:
    file = tmp_path_factory.mktemp("csv") / "contacts.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        written = (
            {name: cell if isinstance(cell, str) else ";".join(cell) for name, cell in row.items()} for row in rows
        )
        assert write(written, out) == len(rows)
    found = [one for one in read_all(file) if isinstance(one, Person)]
    assert [as_row(one) for one in found] == rows


def as_row(found: Person) -> dict[str, str | frozenset[str]]:
    assert found.consent is not None
    return {
        "email": found.email,
        "first_name": found.first_name,
        "side": found.side or "",
        "timezone": found.timezone,
        "tags": found.tags,
        "consent_at": found.consent.at.isoformat(),
        "consent_source": found.consent.source,
        "consent_text": found.consent.text,
        "status": "unsubscribed" if found.unsubscribed else "subscribed",
    }


# --- memory ---


def test_a_long_file_takes_the_memory_of_a_short_one(file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        write(
            ({"email": f"person{n}@example.com", "first_name": f"Ana {n}", "side": "left"} for n in range(20_000)),
            out,
        )
    read_all(file)  # what is imported late and cached is not the file's
    tracemalloc.start()
    try:
        count = sum(isinstance(one, Person) for one in stream(file))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 500_000 < file.stat().st_size


def stream(file: Path) -> Iterator[Person | Problem]:
    return read(file, default_timezone="UTC", now=NOW)
