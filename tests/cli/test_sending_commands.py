"""plan, push, run and send-test: exactly what was shown, to exactly whom it may go, once."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import pytest

from funnel.errors import ExitCode

from .conftest import MONDAY

TESTS = '\n[tests]\naddresses = ["me@example.com"]\n[tests.seeds]\ninboxes = ["a@example.com", "b@example.com"]\n'


def add(funnel, text):
    path = funnel.folder / "funnel.toml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


@pytest.fixture
def relayed(funnel):
    """A desk whose mail goes to a relay on this machine that does not answer."""
    add(funnel, '\n[providers.smtp]\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\n' + TESTS)
    funnel.environ["FUNNEL_SENDER"] = "smtp"
    return funnel


# --- plan and push -------------------------------------------------------------------------------------------


def test_a_plan_says_what_a_push_would_make_and_changes_nothing(funnel):
    first, second = funnel("plan", "--json").json, funnel("plan", "--json").json
    assert first == second
    assert set(first) == {"provider", "digest", "changes", "unsupported"}
    assert set(first["changes"][0]) == {"action", "kind", "slug", "summary", "people_affected"}
    assert {one["action"] for one in first["changes"]} == {"create"}


def test_after_a_push_there_is_nothing_to_change_and_each_command_says_so_in_one_line(funnel):
    assert funnel("plan", "--detailed-exitcode").code == ExitCode.CHANGES
    assert "pushed: " in funnel("push", "--yes").out
    plan, push = funnel("plan", "--detailed-exitcode"), funnel("push")
    assert (plan.code, push.code) == (ExitCode.OK, ExitCode.OK)
    assert plan.out == push.out == "nothing to change: local has exactly what is written here\n"
    assert funnel("push", "--json").json["applied"] == 0


def test_an_edit_is_shown_in_words_with_the_people_inside(funnel):
    funnel("push", "--yes")
    funnel("contacts", "add", "ana@example.com", "--side", "left", "--consent", "Yes")
    funnel.edit("content/series/si-joint.yaml", "wait: 4d,  unless", "wait: 5d,  unless")
    (change,) = funnel("plan", "--json").json["changes"]
    assert (change["action"], change["kind"], change["people_affected"]) == ("update", "series", 1)
    assert "(1 people inside)" in funnel("plan").out


def test_a_plan_that_was_kept_is_applied_as_it_was_and_not_after_things_have_changed(funnel):
    funnel("plan", "--out", "kept.plan")
    funnel.edit("content/emails/welcome.md", 'subject: "', 'subject: "New: ')
    refused = funnel("push", "--plan", "kept.plan")
    assert refused.code == ExitCode.NO
    assert "things have changed since the plan" in refused.err
    assert funnel("contacts", "add", "ana@example.com", "--ask").code == ExitCode.NO
    funnel("plan", "--out", "kept.plan")
    assert funnel("push", "--plan", "kept.plan").code == ExitCode.OK
    assert funnel("plan", "--detailed-exitcode").code == ExitCode.OK


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "there is no plan"), ("rubbish", "is no plan"), ("kit 0123456789ab", "is no plan for local")],
)
def test_a_file_that_is_no_plan_is_not_applied(funnel, text, said):
    if text is not None:
        funnel.write("kept.plan", text)
    answer = funnel("push", "--plan", "kept.plan")
    assert answer.code == ExitCode.USAGE
    assert said in answer.err


def test_without_anybody_to_ask_a_push_needs_a_yes(funnel):
    answer = funnel("push")
    assert answer.code == ExitCode.USAGE
    assert "--yes" in answer.err
    assert funnel("plan", "--detailed-exitcode").code == ExitCode.CHANGES


@pytest.mark.parametrize(
    ("typed", "code"),
    [("y\n", ExitCode.OK), ("YES\n", ExitCode.OK), ("n\n", ExitCode.NO), ("\n", ExitCode.NO), ("", ExitCode.NO)],
)
def test_only_a_yes_is_a_yes(funnel, typed, code):
    assert funnel("push", stdin=typed).code == code
    left = ExitCode.CHANGES if code else ExitCode.OK
    assert funnel("plan", "--detailed-exitcode").code == left


def test_lint_errors_stop_a_push(funnel):
    funnel.edit("content/emails/welcome.md", 'subject: "', 'subject: "Your SI joint: ')
    answer = funnel("push", "--yes")
    assert answer.code == ExitCode.NO
    assert "content/emails/welcome.md:" in answer.err
    assert funnel("plan", "--detailed-exitcode").code == ExitCode.CHANGES


@pytest.mark.parametrize("command", ["plan", "push"])
def test_an_unknown_provider_is_a_mistake_in_the_call(funnel, command):
    answer = funnel(command, "--provider", "lokal")
    assert answer.code == ExitCode.USAGE
    assert "did you mean `local`?" in answer.err


def test_unfinished_mail_cannot_be_pushed_towards_a_real_relay(relayed):
    answer = relayed("push", "--yes")
    assert answer.code == ExitCode.NO
    assert "the clinic's postal address" in answer.err
    assert relayed("plan", "--detailed-exitcode").code == ExitCode.CHANGES


def test_a_placeholder_in_signed_words_cannot_be_pushed_towards_a_real_relay(relayed):
    relayed.make_ready()
    relayed.edit("content/emails/welcome.md", "\n---\n", "\n---\nPLACEHOLDER: one more idea. ")
    relayed("approve", "--all", "--by", "Dr. Ana Example", "--credential", "PT")
    answer = relayed("push", "--yes")
    assert answer.code == ExitCode.NO
    assert "the words that PLACEHOLDER stands for" in answer.err


def test_unsigned_mail_cannot_be_pushed_towards_a_real_relay_and_signed_mail_can(relayed):
    relayed.make_ready()
    relayed.edit("content/emails/assessment.md", "\n---\n", "\n---\nA new claim. ")
    answer = relayed("push", "--yes")
    assert answer.code == ExitCode.NO
    assert "no clinician has signed: assessment" in answer.err
    relayed("approve", "assessment", "--by", "Dr. Ana Example", "--credential", "PT")
    assert relayed("push", "--yes").code == ExitCode.OK


# --- run -----------------------------------------------------------------------------------------------------


def subscribed(funnel):
    funnel("push", "--yes")
    funnel("contacts", "add", "ana@example.com", "--side", "right", "--consent", "Yes")


def test_the_engine_sends_what_is_due_once(funnel):
    subscribed(funnel)
    assert [funnel("run", "--once", "--json").json["sent"] for _ in range(3)] == [1, 0, 0]
    assert len(funnel.letters()) == 1


def test_a_made_up_clock_plays_a_whole_series_to_the_local_mailbox(funnel):
    subscribed(funnel)
    told = funnel("run", "--now", "2026-03-02T14:00:00Z", "--until", "2026-05-01", "--json").json
    assert told["sent"] == len(funnel.letters()) == 8
    assert funnel("run", "--now", "2026-05-01", "--json").json["sent"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--now", "yesterday"), "is not a time"),
        (("--now", "2026-03-02", "--until", "2026-03-01"), "--until lies before --now"),
        (("--until", "2026-03-01"), "--until lies before now"),
    ],
)
def test_a_made_up_time_must_be_one_and_run_forward(funnel, words, said):
    answer = funnel("run", *words)
    assert answer.code == ExitCode.USAGE
    assert said in answer.err


def test_a_made_up_clock_is_refused_where_mail_is_real(relayed):
    answer = relayed("run", "--now", "2026-03-02")
    assert answer.code == ExitCode.NO
    assert "made-up clock" in answer.err


def test_a_clock_that_was_set_back_is_refused(funnel):
    subscribed(funnel)
    funnel("run", "--once")
    funnel.now = MONDAY - timedelta(days=1)
    answer = funnel("run", "--once")
    assert answer.code == ExitCode.NO
    assert "set the clock right" in answer.err


def test_a_relay_that_does_not_answer_is_worth_another_try_and_loses_nothing(relayed):
    relayed.make_ready()
    subscribed(relayed)
    answer = relayed("run", "--once")
    assert answer.code == ExitCode.UNREACHABLE
    relayed.environ["FUNNEL_SENDER"] = "mailbox"
    relayed.now += timedelta(minutes=10)
    assert relayed("run", "--once", "--json").json == {"sent": 1}


def test_mail_that_was_pushed_for_a_look_does_not_leave_through_a_relay(relayed):
    relayed.environ["FUNNEL_SENDER"] = "mailbox"
    subscribed(relayed)
    relayed.environ["FUNNEL_SENDER"] = "smtp"
    answer = relayed("run", "--once")
    assert answer.code == ExitCode.NO
    assert "unapproved or still have placeholders" in answer.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('port = 70000\nhost = "127.0.0.1"', "is not a port"),
        ('hots = "127.0.0.1"', "did you mean `host`?"),
        ("port = 25", "the SMTP relay is not named"),
        ('host = "127.0.0.1"\nsecurity = "ssl"', "is not a kind of security"),
        ('host = "127.0.0.1"\npassword = "env:NOWHERE"', "the environment has no NOWHERE"),
    ],
)
def test_a_wrong_relay_setting_is_named(funnel, options, said):
    add(funnel, f"\n[providers.smtp]\n{options}\n")
    funnel.environ["FUNNEL_SENDER"] = "smtp"
    answer = funnel("run", "--once")
    assert answer.code == ExitCode.USAGE
    assert said in answer.err


# --- send-test -----------------------------------------------------------------------------------------------


def test_a_test_is_marked_goes_to_a_listed_address_and_is_never_counted(funnel):
    add(funnel, TESTS)
    told = funnel("send-test", "exercise-1", "--to", "me@example.com", "--variant", "right", "--json").json
    assert (told["email"], told["variant"], told["to"]) == ("exercise-1", "right", ["me@example.com"])
    (letter,) = (message_from_bytes(one, policy=default) for one in funnel.letters())
    assert letter["Subject"].startswith("[Test] ")
    assert letter["To"].addresses[0].addr_spec == "me@example.com"
    assert funnel("report", "--json").json == {"people": {}, "programs": []}


def test_a_second_test_is_a_second_message(funnel):
    add(funnel, TESTS)
    funnel("send-test", "welcome", "--to", "me@example.com")
    funnel.now = datetime(2026, 3, 2, 14, 0, 1, tzinfo=UTC)
    funnel("send-test", "welcome", "--to", "me@example.com")
    assert len(funnel.letters()) == 2


def test_a_seed_list_gets_unmarked_messages(funnel):
    add(funnel, TESTS)
    assert len(funnel("send-test", "welcome", "--seeds", "inboxes", "--json").json["keys"]) == 2
    subjects = {message_from_bytes(one, policy=default)["Subject"] for one in funnel.letters()}
    assert len(subjects) == 1
    assert not subjects.pop().startswith("[Test]")


def test_a_test_as_somebody_bears_their_name_and_no_link_of_theirs(funnel):
    add(funnel, TESTS)
    subscribed(funnel)
    funnel("contacts", "set", "ana@example.com", "first_name=Anastasia")
    funnel("send-test", "welcome", "--to", "me@example.com", "--as", "ana@example.com")
    funnel("run", "--once")
    test, real = sorted(map(bytes.decode, funnel.letters()), key=lambda one: "[Test]" not in one)
    links = [message_from_bytes(one.encode(), policy=default)["List-Unsubscribe"] for one in (test, real)]
    assert "Anastasia" in test
    assert links[0] != links[1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("welcome", "--to", "stranger@example.com"), ExitCode.NO, "is not on the list"),
        (("welcome",), ExitCode.USAGE, "to whom?"),
        (("welcome", "--to", "me@example.com", "--seeds", "inboxes"), ExitCode.USAGE, "to whom?"),
        (("welcome", "--seeds", "inbox"), ExitCode.USAGE, "did you mean `inboxes`?"),
        (("welcom", "--to", "me@example.com"), ExitCode.USAGE, "did you mean `welcome`?"),
        (("exercise-1", "--to", "me@example.com", "--variant", "al"), ExitCode.USAGE, "has no variant `al`"),
        (("welcome", "--to", "me@example.com", "--as", "no@example.com"), ExitCode.NO, "nobody here"),
    ],
)
def test_a_test_goes_nowhere_else(funnel, words, code, said):
    add(funnel, TESTS)
    answer = funnel("send-test", *words)
    assert answer.code == code
    assert said in answer.err
    assert funnel.letters() == []


def test_a_test_with_a_placeholder_stays_on_this_machine(relayed):
    answer = relayed("send-test", "exercise-1", "--to", "me@example.com")
    assert answer.code == ExitCode.NO
    assert "still lacks" in answer.err


def test_unsigned_words_may_be_read_by_a_listed_person_and_by_no_seed_list(relayed):
    relayed.make_ready()
    relayed.write("content/reviews.toml", "")
    listed = relayed("send-test", "welcome", "--to", "me@example.com")
    seeds = relayed("send-test", "welcome", "--seeds", "inboxes")
    assert (listed.code, seeds.code) == (ExitCode.UNREACHABLE, ExitCode.NO)  # the first one reached for the relay
    assert "no clinician has signed" in seeds.err
