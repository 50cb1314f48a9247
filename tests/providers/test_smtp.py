"""What the SMTP sender makes of every way in which a relay can answer, fail, or fall silent.

The table is the project's list of SMTP outcomes; its last two rows, a process that dies, are the two tests that
start one.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field, replace

import pytest
import smtp_server
from smtp_server import DROP, HANG, RESET, Act, SmtpServer, say
from smtp_talk import (
    ACCEPTED,
    HOLD,
    REFUSED,
    RETRY,
    SIGNED_IN,
    UNKNOWN,
    grant,
    kinds,
    letter,
    send,
    settings,
)

from funnel.model import ReceiptKind
from funnel.smtp import Security, SmtpSender, SmtpSettings, Timeouts


@dataclass(frozen=True)
class Row:
    """`dots`: how many whole messages the relay must have seen, whatever the sender made of it."""

    fault: str
    moment: str
    act: Act
    expected: ReceiptKind
    dots: int = 0
    bad_address: bool = False
    settings: dict = field(default_factory=dict)


def patience(**seconds):
    return {"timeouts": Timeouts(**seconds)}


ROWS = [
    Row("the banner never comes", "CONNECT", HANG, RETRY, settings=patience(greeting=0.1)),
    Row("the banner is 554", "CONNECT", say("554 no service"), RETRY),
    Row("the banner is 421", "CONNECT", say("421 busy", then="drop"), RETRY),
    Row("the relay hangs up instead of a banner", "CONNECT", DROP, RETRY),
    Row("EHLO gets 421", "EHLO", say("421 4.3.2 closing", then="drop"), RETRY),
    Row("EHLO gets 550", "EHLO", say("550 we do not know you"), HOLD),
    Row("STARTTLS is not offered", "EHLO", say("250 relay"), HOLD, settings={"security": Security.STARTTLS}),
    Row("STARTTLS gets 454", "STARTTLS", say("454 4.7.0 later"), RETRY, settings={"security": Security.STARTTLS}),
    Row("AUTH gets 535", "AUTH", say("535 5.7.8 bad credentials"), HOLD, settings=SIGNED_IN),
    Row("AUTH gets 454", "AUTH", say("454 4.7.0 try later"), RETRY, settings=SIGNED_IN),
    Row("MAIL gets 451", "MAIL", say("451 4.3.0 later"), RETRY),
    Row("MAIL gets 452", "MAIL", say("452 4.3.1 disk full"), RETRY),
    Row("MAIL gets 421", "MAIL", say("421 4.3.2 closing", then="drop"), RETRY),
    Row("MAIL gets 550, sender refused", "MAIL", say("550 5.7.1 sender refused"), HOLD),
    Row("MAIL gets 553, sender refused", "MAIL", say("553 5.1.8 sender refused"), HOLD),
    Row("MAIL gets 530, sign in first", "MAIL", say("530 5.7.0 authentication required"), HOLD),
    Row("MAIL gets 552, message too large", "MAIL", say("552 5.3.4 too big"), REFUSED),
    Row("MAIL gets no reply but a hang-up", "MAIL", DROP, RETRY),
    Row("RCPT gets 450, grey list", "RCPT", say("450 4.2.0 grey listed"), RETRY),
    Row("RCPT gets 451", "RCPT", say("451 4.3.0 later"), RETRY),
    Row("RCPT gets 452", "RCPT", say("452 4.5.3 too many"), RETRY),
    Row("RCPT gets 421", "RCPT", say("421 4.3.2 closing", then="drop"), RETRY),
    Row("RCPT gets 550 5.1.1", "RCPT", say("550 5.1.1 no such user"), REFUSED, bad_address=True),
    Row("RCPT gets 550 5.1.2", "RCPT", say("550 5.1.2 no such domain"), REFUSED, bad_address=True),
    Row("RCPT gets 556 5.1.10", "RCPT", say("556 5.1.10 null MX"), REFUSED, bad_address=True),
    Row("RCPT gets 550 5.2.1", "RCPT", say("550-5.2.1 off", "550 5.2.1 disabled"), REFUSED, bad_address=True),
    Row("RCPT gets 550 5.1.11, no such code", "RCPT", say("550 5.1.11 odd"), REFUSED),
    Row("RCPT gets 550 without a status", "RCPT", say("550 no"), REFUSED),
    Row("RCPT gets 552 5.2.2, mailbox full", "RCPT", say("552 5.2.2 mailbox full"), RETRY),
    Row("RCPT gets 552 without a status", "RCPT", say("552 too many recipients"), RETRY),
    Row("RCPT gets 552 5.3.4, too large for this person", "RCPT", say("552 5.3.4 too big"), REFUSED),
    Row("RCPT gets 550 5.7.1, policy", "RCPT", say("550 5.7.1 not here"), REFUSED),
    Row("RCPT gets 550 5.7.26, unauthenticated", "RCPT", say("550 5.7.26 SPF and DKIM failed"), HOLD),
    Row("RCPT gets 550 5.7.515, unauthenticated", "RCPT", say("550 5.7.515 access denied"), HOLD),
    Row("RCPT gets 503, out of order", "RCPT", say("503 5.5.1 MAIL first"), RETRY),
    Row("RCPT gets 354, another command's answer", "RCPT", say("354 go ahead"), RETRY),
    Row("DATA gets 454, throttled", "DATA", say("454 throttling failure"), RETRY),
    Row("DATA gets 421", "DATA", say("421 4.3.2 closing", then="drop"), RETRY),
    Row("DATA gets 554", "DATA", say("554 5.5.0 no"), REFUSED),
    Row("DATA gets 250, another command's answer", "DATA", say("250 ok"), RETRY),
    Row("DATA gets two answers at once", "DATA", say("354 go ahead", "250 queued"), RETRY),
    Row("the dot gets 250", "END", say("250 2.0.0 ok"), ACCEPTED, dots=1),
    Row("the dot gets 250 in pieces", "END", Act((b"2", b"50-2.0.0 o", b"k\r", b"\n250 2.0.0 done\r\n")), ACCEPTED, dots=1),
    Row("the dot gets 250, then a hang-up", "END", say("250 ok", then="drop"), ACCEPTED, dots=1),
    Row("the dot gets 451", "END", say("451 4.3.0 later"), RETRY, dots=1),
    Row("the dot gets 452", "END", say("452 4.3.1 disk full"), RETRY, dots=1),
    Row("the dot gets 421", "END", say("421 4.3.2 closing", then="drop"), RETRY, dots=1),
    Row("the dot gets 554", "END", say("554 5.7.1 looks like spam"), REFUSED, dots=1),
    Row("the dot gets 550 5.7.26", "END", say("550 5.7.26 unauthenticated"), HOLD, dots=1),
    Row("the dot gets 550 5.1.1", "END", say("550 5.1.1 no such user"), REFUSED, dots=1, bad_address=True),
    Row("the dot gets a hang-up", "END", DROP, UNKNOWN, dots=1),
    Row("the dot gets a reset", "END", RESET, UNKNOWN, dots=1),
    Row("the dot gets silence", "END", HANG, UNKNOWN, dots=1, settings=patience(end=0.1)),
    Row("the dot gets no number", "END", say("OKAY"), UNKNOWN, dots=1),
    Row("the dot gets binary garbage", "END", Act((bytes(range(256)) + b"\r\n",)), UNKNOWN, dots=1),
    Row("the dot gets '250-' and a hang-up", "END", say("250-2.0.0 queued", then="drop"), UNKNOWN, dots=1),
    Row("the dot gets two codes in one reply", "END", say("250-ok", "550 no"), UNKNOWN, dots=1),
    Row("the dot gets 251", "END", say("251 will forward"), UNKNOWN, dots=1),
    Row("the dot gets 354", "END", say("354 go on"), UNKNOWN, dots=1),
    Row("the dot gets 250 with a bare LF", "END", Act((b"250 ok\n",), then="drop"), UNKNOWN, dots=1),
    Row("the dot gets a reply without end", "END", Act((b"250-more\r\n",), endless=True), UNKNOWN, dots=1),
    Row("the dot gets a line without end", "END", Act((b"250 " + b"x" * 4096,), endless=True), UNKNOWN, dots=1),
    Row("the dot gets bytes too slowly", "END", Act((b"2",), gap=0.01, endless=True), UNKNOWN, dots=1, settings=patience(end=0.1)),
    Row("QUIT gets 421 after a 250", "QUIT", say("421 busy", then="drop"), ACCEPTED, dots=1),
    Row("QUIT gets silence after a 250", "QUIT", HANG, ACCEPTED, dots=1, settings=patience(quit=0.1)),
    Row("QUIT gets a hang-up after a 250", "QUIT", DROP, ACCEPTED, dots=1),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_each_outcome_gives_the_stated_receipt(row):
    offers = ("STARTTLS",) if row.moment == "STARTTLS" else ("AUTH PLAIN LOGIN",)
    with SmtpServer({row.moment: [row.act]}, offers=offers) as relay:
        intent = grant if row.dots else pytest.fail  # what fails before the dot fails before the ledger is asked
        (receipt,) = send(relay, letter(), intent=intent, **row.settings)
        assert (receipt.kind, receipt.bad_address) == (row.expected, row.bad_address)
        assert len(relay.mails) == row.dots


def test_a_refused_connection_is_a_retry_that_asks_the_ledger_nothing():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    sender = SmtpSender(SmtpSettings("127.0.0.1", free, security=Security.NONE))
    assert kinds(sender.send([letter()], pytest.fail)) == [RETRY]


def test_a_relay_whose_name_cannot_be_looked_up_is_a_retry(monkeypatch):
    def no_answer(*_, **__):
        raise socket.gaierror(socket.EAI_AGAIN, "temporary failure")

    monkeypatch.setattr(socket, "getaddrinfo", no_answer)
    assert kinds(SmtpSender(SmtpSettings("relay.example.com")).send([letter()], pytest.fail)) == [RETRY]


def test_a_connection_lost_while_the_body_goes_is_a_retry():
    long = letter(body=b"x" * 70 + b"\r\n")
    long = replace(long, raw=long.raw * 300_000)  # more than the buffers of both sides hold
    with SmtpServer({"BODY": [RESET]}, offers=()) as relay:
        assert kinds(send(relay, long, intent=pytest.fail)) == [RETRY]
        assert relay.mails == []


@pytest.mark.parametrize("act", [DROP, RESET, say("552 5.3.4 enough", then="drop")])
def test_a_connection_lost_while_the_ledger_writes_is_a_retry_because_no_dot_was_sent(act):
    with SmtpServer({"BODY": [act]}) as relay:

        def slow_ledger(ids):
            assert relay.reached["CLOSED"].wait(10)
            return frozenset(ids)

        assert kinds(send(relay, letter(), intent=slow_ledger)) == [RETRY]
        assert relay.mails == []


DYING = """
import os, signal, sys
from funnel.model import Message
from funnel.smtp import Security, SmtpSender, SmtpSettings

def intent(ids):
    if sys.argv[2] == "in the ledger":
        os.kill(os.getpid(), signal.SIGKILL)
    return frozenset(ids)

sender = SmtpSender(SmtpSettings("127.0.0.1", int(sys.argv[1]), security=Security.NONE))
mail = Message(1, "key1", "bounce@example.com", "jane.roe@example.com", b"Subject: 1\\r\\n\\r\\nHello\\r\\n")
print([receipt.kind for receipt in sender.send([mail], intent)])
"""


def start(relay, dies):
    return subprocess.Popen(
        [sys.executable, "-c", DYING, str(relay.port), dies],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_process_killed_before_the_mark_has_sent_no_dot_so_a_retry_is_safe():
    with SmtpServer() as relay, start(relay, "in the ledger") as process:
        assert process.communicate()[0] == b""
        assert process.returncode == -signal.SIGKILL
        assert relay.reached["CLOSED"].wait(10)
        assert relay.mails == []
        assert relay.reached["DATA"].is_set()


def test_a_process_killed_after_the_mark_may_have_delivered_so_nobody_may_resend():
    with SmtpServer({"END": [HANG]}) as relay, start(relay, "waiting") as process:
        assert relay.reached["END"].wait(30)
        process.kill()
        assert process.communicate()[0] == b""
        assert len(relay.mails) == 1
    assert SmtpSender(settings(relay)).settle("key1") is UNKNOWN


def test_the_scripted_relay_also_runs_as_a_process_of_its_own(tmp_path):
    log = tmp_path / "mails.jsonl"
    command = [
        sys.executable,
        smtp_server.__file__,
        "--log",
        log,
        "--script",
        '{"END": ["drop", "451 later"]}',
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        sender = SmtpSender(SmtpSettings("127.0.0.1", int(process.stdout.readline()), security=Security.NONE))
        receipts = list(sender.send([letter(1), letter(2), letter(3)], grant))
        process.communicate()
    assert kinds(receipts) == [UNKNOWN, RETRY, ACCEPTED]
    mails = [json.loads(line) for line in log.read_text().splitlines()]
    assert [mail["raw"].encode() for mail in mails] == [letter(number).raw for number in (1, 2, 3)]
