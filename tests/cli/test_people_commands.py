"""contacts and enroll: whatever a file or a name holds, the answer is plain and nothing is lost or let through."""

import csv
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from io import StringIO

import pytest

from funnel.errors import ExitCode

CONSENT = "2026-02-01T10:00:00Z,website,Yes please"
HEAD = "email,first_name,side,consent_at,consent_source,consent_text\n"


def test_a_person_is_added_entered_and_shown_with_what_comes_next(funnel):
    funnel("push", "--yes")
    added = funnel(
        "contacts", "add", "ana@example.com", "--first-name", "Ana", "--side", "right", "--consent", "Yes", "--json"
    )
    assert added.json == {"email": "ana@example.com", "added": True, "entered": ["si-joint"], "asked": False}
    funnel("run", "--once")
    told = funnel("contacts", "show", "ana@example.com", "--json").json
    assert list(told) == ["contact", "consents", "enrollments", "deliveries", "events", "upcoming"]
    assert [(one["step"], one["state"]) for one in told["deliveries"]] == [("welcome", "sent")]
    assert set(told["upcoming"][0]) == {"step", "at_utc", "local_time", "why"}
    assert [one["step"] for one in told["upcoming"]][:2] == ["exercise-1", "exercise-2"]
    words = funnel("contacts", "show", "ana@example.com").out
    assert "sent: welcome" in words
    assert "to come: exercise-1" in words


def test_whoever_is_only_asked_gets_one_confirmation_mail(funnel):
    funnel("push", "--yes")
    assert funnel("contacts", "add", "ana@example.com", "--ask", "--json").json["asked"] is True
    funnel("run", "--once")
    (letter,) = funnel.letters()
    assert "confirm" in message_from_bytes(letter, policy=default)["Subject"].lower()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "ana"), "has no @ sign"),
        (("add", "ana@example.com", "--side", "lfet"), "did you mean `left`?"),
        (("add", "ana@example.com", "--timezone", "Mars/Base"), "is not a time zone"),
        (("add", "ana@example.com", "--consent", "Yes", "--ask"), "need not be asked"),
        (("set", "bea@example.com", "colour=red"), "`colour` cannot be set"),
        (("set", "bea@example.com", "side"), "write side=value"),
        (("set", "bea@example.com", "side=up"), "`up` is not a side"),
        (("set", "bea@example.com", "side="), "cannot be taken away"),
        (("goal", "bea@example.com", "inquery"), "did you mean `inquiry`?"),
        (("show", "nobody@"), "nothing after the @ sign"),
        (("import", "none.csv"), "there is no file none.csv"),
    ],
)
def test_a_slip_is_named_and_changes_nobody(funnel, words, said):
    funnel("contacts", "add", "bea@example.com", "--side", "left")
    before = funnel("contacts", "list", "--json").out
    answer = funnel("contacts", *words)
    assert answer.code == ExitCode.USAGE
    assert said in answer.err
    assert funnel("contacts", "list", "--json").out == before


def test_what_is_known_of_a_person_can_be_changed(funnel):
    funnel("contacts", "add", "bea@example.com")
    told = funnel(
        "contacts",
        "set",
        "bea@example.com",
        "first_name=Bea",
        "side=both",
        "timezone=Europe/London",
        "tags=a;b",
        "--json",
    )
    contact = told.json["contact"]
    assert (contact["first_name"], contact["side"], contact["tags"]) == ("Bea", "not_sure", ["a", "b"])


def test_no_more_mail_goes_to_whoever_unsubscribed_or_was_forgotten(funnel):
    funnel("push", "--yes")
    for name in ("ana", "bea"):
        funnel("contacts", "add", f"{name}@example.com", "--consent", "Yes")
    assert funnel("contacts", "unsubscribe", "ana@example.com", "--json").json["email"] == "ana@example.com"
    assert funnel("contacts", "erase", "bea@example.com", "--json").json == {"erased": True}
    assert funnel("run", "--once", "--json").json == {"sent": 0}
    assert [one["email"] for one in funnel("contacts", "list", "--json").json] == ["ana@example.com"]


def test_a_goal_counts_once(funnel):
    funnel("contacts", "add", "ana@example.com")
    answers = [funnel("contacts", "goal", "ana@example.com", "inquiry", "--json").json["recorded"] for _ in range(2)]
    assert answers == [True, False]


@pytest.mark.parametrize(
    "command",
    [
        ("contacts", "show", "no@example.com"),
        ("enroll", "si-joint", "no@example.com"),
        ("contacts", "erase", "no@example.com"),
    ],
)
def test_a_person_who_is_not_here_is_a_no(funnel, command):
    answer = funnel(*command)
    assert answer.code == ExitCode.NO
    assert "nobody here has the address" in answer.err


def test_entering_a_person_needs_a_push_and_a_consent_and_happens_once(funnel):
    funnel("contacts", "add", "ana@example.com")
    assert "has not been pushed" in funnel("enroll", "si-joint", "ana@example.com").err
    funnel("push", "--yes")
    assert "nothing may be sent" in funnel("enroll", "si-joint", "ana@example.com").err
    funnel("contacts", "import", str(funnel.write("yes.csv", HEAD + f"bea@example.com,Bea,left,{CONSENT}\n")))
    answers = [funnel("enroll", "si-joint", "bea@example.com", "--json").json["entered"] for _ in range(2)]
    assert answers == [True, False]


def test_a_whole_series_can_be_held_and_let_go(funnel):
    funnel("push", "--yes")
    funnel("contacts", "add", "ana@example.com", "--consent", "Yes")
    held = funnel("stop", "si-joint", "--json").json["programs"]
    assert held == [{"kind": "series", "slug": "si-joint", "state": "held"}]
    assert funnel("run", "--once", "--json").json == {"sent": 0}
    assert "si-joint: open" in funnel("resume", "--all").out
    assert funnel("run", "--once", "--json").json == {"sent": 1}


@pytest.mark.parametrize(
    "words", [("stop",), ("resume",), ("stop", "si-joint", "--all"), ("stop", "si-joint", "--freeze", "--close")]
)
def test_the_brakes_want_to_know_which_one(funnel, words):
    assert funnel(*words).code == ExitCode.USAGE


def test_the_report_counts_what_went_and_says_why_the_rest_did_not(funnel):
    assert "nobody has entered" in funnel("report").out
    funnel("push", "--yes")
    funnel("contacts", "add", "ana@example.com", "--consent", "Yes")
    funnel("run", "--once")
    (series,) = funnel("report", "--json").json["programs"]
    assert (series["slug"], series["entered"], series["steps"][0]["sent"]) == ("si-joint", 1, 1)
    assert "1 entered, 1 inside" in funnel("report").out


# --- files of people -----------------------------------------------------------------------------------------

NAMES = [
    "Zoë",
    "<b>Ana</b>",
    "=?utf-8?q?x=0D=0ABcc:spy@example.com?=",
    '"Ana" <spy@example.com>, Bo',
    "{{ person.email }}",
    "%%unsubscribe%%",
    "Ana\r\nBcc: spy@example.com",
]


def sheet(*rows: tuple[str, ...]) -> str:
    text = StringIO()
    csv.writer(text).writerows([tuple(HEAD.strip().split(",")), *rows])
    return text.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_strange_name_reaches_the_mail_as_words_and_as_nothing_else(funnel, encoding):
    funnel("push", "--yes")
    rows = [(f"p{n}@example.com", name, "left", *CONSENT.split(",")) for n, name in enumerate(NAMES)]
    (funnel.folder / "people.csv").write_bytes(sheet(*rows).encode(encoding))
    told = funnel("contacts", "import", "people.csv", "--json").json
    assert (told["counts"]["new"], told["counts"]["refused"]) == (len(NAMES), 0)
    for n in range(len(NAMES)):
        assert funnel("enroll", "si-joint", f"p{n}@example.com").code == ExitCode.OK
    assert funnel("run", "--once", "--json").json == {"sent": len(NAMES)}
    letters = [message_from_bytes(one, policy=default) for one in funnel.letters()]
    assert {one["To"].addresses[0].addr_spec for one in letters} == {row[0] for row in rows}
    headers = {tuple(one.keys()) for one in letters}
    assert len(headers) == 1
    assert "Bcc" not in headers.pop()
    for letter in letters:
        assert len(letter["To"].addresses) == 1
        name = NAMES[int(letter["To"].addresses[0].username[1:])]
        text = letter.get_body(("plain",)).get_content()
        assert " ".join(name.split()) in " ".join(text.split())
        assert "<b>" not in letter.get_body(("html",)).get_content()


def test_bad_lines_are_named_and_left_out_and_the_good_ones_come_in(funnel):
    funnel.write(
        "people.csv",
        'email,first_name\nana@example.com,Ana\nbo,Bo\n"cy@example.com,Cy\ndi@example.com,Di\nana@example.com,Ana\n',
    )
    answer = funnel("contacts", "import", "people.csv")
    assert answer.code == ExitCode.NO
    assert "people.csv:3: the address has no @ sign" in answer.out
    assert "people.csv:4: a quotation mark" in answer.out
    assert "2 new, 0 updated, 1 known already, 0 unsubscribed, 2 lines refused" in answer.out
    assert "2 came without consent" in answer.out


def test_a_rehearsal_says_the_same_and_stores_nothing(funnel):
    funnel.write("people.csv", "email\nana@example.com\nbo\n")
    dry = funnel("contacts", "import", "people.csv", "--dry-run", "--json")
    assert funnel("contacts", "list", "--json").json == []
    real = funnel("contacts", "import", "people.csv", "--json")
    assert (dry.json["counts"], dry.json["problems"], dry.code) == (
        real.json["counts"],
        real.json["problems"],
        real.code,
    )


def test_a_file_that_cannot_be_trusted_as_a_whole_brings_nobody_in(funnel):
    (funnel.folder / "people.csv").write_bytes("email,first_name\nana@example.com,Zoë\n".encode("latin-1"))
    answer = funnel("contacts", "import", "people.csv")
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    assert "people.csv:2: The text is not UTF-8." in answer.err
    assert funnel("contacts", "list", "--json").json == []
    assert funnel("contacts", "import", "people.csv", "--encoding", "latin-1").code == ExitCode.OK
    assert funnel("contacts", "list", "--json").json[0]["first_name"] == "Zoë"


def test_five_thousand_people_come_in_once_and_go_out_again_whole(funnel):
    rows = [(f"p{n}@example.com", f"Person {n}", "right", *CONSENT.split(",")) for n in range(5000)]
    funnel.write("people.csv", sheet(*rows))
    counts = [funnel("contacts", "import", "people.csv", "--json").json["counts"] for _ in range(2)]
    assert [(one["new"], one["known"]) for one in counts] == [(5000, 0), (0, 5000)]
    exported = funnel("contacts", "export").out
    assert [(row["email"], row["first_name"]) for row in csv.DictReader(StringIO(exported))] == [
        row[:2] for row in rows
    ]


def test_what_was_exported_is_read_back_as_known(funnel):
    funnel("contacts", "add", "ana@example.com", "--first-name", "=SUM(1)", "--side", "left", "--consent", "Yes")
    funnel.now += timedelta(minutes=1)
    out = funnel("contacts", "export").out
    assert [(row["email"], row["status"]) for row in csv.DictReader(StringIO(out))] == [
        ("ana@example.com", "subscribed")
    ]
    funnel.write("again.csv", out)
    counts = funnel("contacts", "import", "again.csv", "--json").json["counts"]
    assert (counts["known"], counts["new"], counts["refused"]) == (1, 0, 0)
    assert funnel("contacts", "list", "--json").json[0]["first_name"] == "=SUM(1)"
    assert funnel("contacts", "export", "--json").json[0]["email"] == "ana@example.com"
