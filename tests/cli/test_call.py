"""What every command has in common: options on either side, exit codes, streams, words for mistakes."""

import json
import os
import pty
import re
import resource
import signal
from pathlib import Path

import pytest
from typer.main import get_command

from funnel.cli import COMMANDS, app, hoist
from funnel.errors import ExitCode

from .conftest import Terminal

#: Rooms and libraries that only some commands need; the help must not wait for them.
HEAVY = {
    "jinja2", "requests", "sqlite3", "email_validator", "rich", "yaml", "starlette", "uvicorn", "mjml", "markdown_it",
    "holidays", "itsdangerous", "smtplib", "csv", "pydantic", "funnel.app", "funnel.config", "funnel.content", "funnel.engine",
    "funnel.gallery", "funnel.lint", "funnel.people", "funnel.render", "funnel.store", "funnel.web",
}  # fmt: skip


def test_the_help_imports_no_room_or_library_that_only_some_commands_need(process):
    _, told = process("--help", python=("-X", "importtime")).communicate(timeout=60)
    imported = {line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")}
    assert "funnel.cli" in imported
    assert imported & HEAVY == set()


@pytest.mark.parametrize(
    "argv",
    [
        ("--json", "contacts", "list"),
        ("contacts", "--json", "list"),
        ("contacts", "list", "--json"),
    ],
)
def test_a_global_option_works_on_either_side_of_the_command(funnel, argv):
    assert funnel(*argv).json == []


@pytest.mark.parametrize("option", ["--project", "--project="])
def test_a_project_can_be_named_after_the_command(funnel, elsewhere, option):
    path = str(funnel.folder)
    words = [option + path] if option.endswith("=") else [option, path]
    assert elsewhere("contacts", "list", "--json", *words).json == []
    assert elsewhere("contacts", "list").code == ExitCode.USAGE


def test_words_after_two_dashes_are_left_where_they_stand():
    assert hoist(["enroll", "--", "--json"]) == ["enroll", "--", "--json"]


def test_quiet_keeps_results_and_drops_remarks(funnel):
    loud, quiet = funnel("contacts", "list"), funnel("contacts", "list", "-q")
    assert (quiet.out, quiet.err) == (loud.out, "")
    assert "next: " in loud.err


@pytest.mark.parametrize("where", [("--version",), ("build", "--version")])
def test_the_version_is_printed_wherever_it_is_asked_for(elsewhere, where):
    assert re.fullmatch(r"funnel \d+\.\d+\.\d+\n", elsewhere(*where).out)


@pytest.mark.parametrize(
    ("argv", "error", "hint"),
    [
        (["biuld"], "there is no command `biuld`", "did you mean `build`?"),
        (["contacts", "lst"], "there is no command `lst`", "did you mean `list`?"),
        (["lint", "--formt", "json"], "there is no option `--formt` here", "did you mean `--format`?"),
        (["lint", "--format", "jsn"], "`--format`: `jsn` is not one of", "funnel lint --help"),
        (["lint", "--jsn"], "there is no option `--jsn` here", "did you mean `--json`?"),
        (["enroll"], "missing argument", "funnel enroll --help"),
        (["build", "one", "two"], "unexpected extra argument", "funnel build --help"),
        (["run", "--now"], "option `--now` requires an argument", "--help"),
        (["preview", "--port", "tea"], "`--port`:", "funnel preview --help"),
        (["new", "emial", "x"], "`emial` is not one of", "funnel new --help"),
        (["contacts"], "which command?", "unsubscribe"),
        ([], "which command?", "send-test"),
    ],
)
def test_a_mistyped_call_is_answered_with_what_would_be_right(elsewhere, argv, error, hint):
    answer = elsewhere(*argv)
    assert answer.code == ExitCode.USAGE
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert error in answer.err
    assert hint in answer.err


def commands():
    """Yield the words of every command, those about people included."""
    for name in COMMANDS:
        yield (name,)
    for name in get_command(app).commands["contacts"].commands:
        yield ("contacts", name)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_the_help_of_a_command_fits_a_narrow_terminal_and_starts_with_a_whole_sentence(elsewhere, words):
    answer = elsewhere(*words, "--help")
    assert answer.code == ExitCode.OK
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "Works with every command: --project DIR" in answer.out.replace("\n", " ")
    summary = answer.out.split("\n\n")[1].strip()
    assert len(summary) < 60
    assert summary.endswith(".")


@pytest.mark.parametrize("words", [(), ("contacts",)])
def test_no_sentence_is_cut_in_the_list_of_commands(elsewhere, words):
    assert "..." not in elsewhere(*words, "-h").out.partition("Commands:")[2]


def test_a_bug_is_named_with_the_exit_code_for_bugs_and_traced_only_when_asked(funnel):
    funnel.now = "not a time"
    short, long = funnel("plan"), funnel("plan", "--verbose")
    assert (short.code, long.code) == (ExitCode.BUG, ExitCode.BUG)
    assert "funnel has a bug: TypeError" in short.err
    assert "Traceback" not in short.err
    assert "Traceback" in long.err


def test_an_error_leaves_stdout_empty_also_for_machines(funnel):
    for argv in (
        ["contacts", "show", "ana@example.com"],
        ["build", "--out", "content"],
        ["push"],
        ["approve", "welcome"],
    ):
        answer = funnel("--json", *argv)
        assert answer.code in (ExitCode.NO, ExitCode.USAGE)
        assert answer.out == ""
        assert answer.err.startswith("error: ")


def test_colour_is_for_terminals_whose_owner_did_not_refuse_it(funnel):
    plain = funnel("plan")
    funnel.stream = Terminal
    coloured = funnel("plan")
    funnel.environ["NO_COLOR"] = "1"
    assert "\x1b[" in coloured.out
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured.out) == plain.out
    assert "\x1b" not in plain.out + funnel("plan").out


def test_a_name_cannot_steer_the_terminal(funnel):
    funnel("contacts", "add", "ana@example.com", "--first-name", "\x1b[31mAna\x07")
    assert "\x1b" not in funnel("contacts", "list").out
    assert "\x1b" not in funnel("contacts", "show", "ana@example.com").out


def test_columns_stand_below_each_other(funnel):
    funnel("contacts", "add", "a@example.com", "--first-name", "Bartholomew", "--side", "left")
    funnel("contacts", "add", "long.address@example.com", "--first-name", "Jo", "--side", "right")
    head, *rows = funnel("contacts", "list").out.splitlines()
    for title, words in (
        ("name", ("Bartholomew", "Jo")),
        ("side", ("left", "right")),
        ("status", ("unconfirmed",) * 2),
    ):
        assert [row.index(word) for row, word in zip(rows, words, strict=True)] == [head.index(title)] * 2


# --- real processes ------------------------------------------------------------------------------------------


def test_a_reader_that_has_seen_enough_ends_the_export_quietly(process, funnel):
    lines = "".join(f"person{number}@example.com\n" for number in range(3000))
    funnel("contacts", "import", str(funnel.write("people.csv", f"email\n{lines}")))
    with process("contacts", "export") as export:
        assert export.stdout.readline().startswith('"email",')
        export.stdout.close()
        assert export.stderr.read() == ""
    assert export.returncode == ExitCode.OK


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_the_running_engine_stops_in_order_when_it_is_asked_to(process, sent, code):
    with process("run") as engine:
        assert "the engine is running" in engine.stderr.readline()
        engine.send_signal(sent)
        _, told = engine.communicate(timeout=60)
    assert engine.returncode == code
    assert "nothing is half done" in told


def test_ctrl_c_at_a_question_ends_the_command_with_130_and_pushes_nothing(process, funnel):
    ours, theirs = pty.openpty()
    with process("push", stdin=theirs) as push:
        asked = iter(lambda: push.stderr.read(1), "?")
        assert "push this" in "".join(asked)
        push.send_signal(signal.SIGINT)
        _, told = push.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert push.returncode == ExitCode.INTERRUPTED
    assert told.endswith("stopped\n")
    assert funnel("plan", "--detailed-exitcode").code == ExitCode.CHANGES


def test_a_full_disk_is_named_and_leaves_whole_files_only(process, project):
    limit = 20_000  # bytes that any one file may have: room for the texts, none for the pages
    with process("build", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) as build:
        _, told = build.communicate(timeout=60)
    assert build.returncode == ExitCode.NO
    assert re.match(r"error: \S+/dist/emails/\S+: File too large\n", told)
    assert not list((project / "dist").rglob(".*"))


def test_results_that_cannot_be_written_are_an_error_without_a_trace(process):
    with Path("/dev/full").open("w") as full, process("build", "--json", stdout=full) as build:
        _, told = build.communicate(timeout=60)
    assert build.returncode == ExitCode.NO
    assert told == "error: No space left on device\n"


def test_machine_output_is_utf8_in_any_locale(process, funnel):
    funnel("contacts", "add", "zoe@example.com", "--first-name", "Zoë")
    out, _ = process("contacts", "list", "--json", environ={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}).communicate()
    assert json.loads(out)[0]["first_name"] == "Zoë"
