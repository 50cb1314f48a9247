"""How a batch shares its connection, and exactly what the relay is told."""

from dataclasses import replace
from itertools import repeat

import pytest
from smtp_server import DROP, SmtpServer, say
from smtp_talk import ACCEPTED, HOLD, REFUSED, RETRY, UNKNOWN, WITHDRAWN, grant, kinds, letter, send, settings

from funnel.errors import StoreError
from funnel.smtp import SmtpSender


def test_a_batch_shares_one_connection():
    with SmtpServer() as relay:
        assert kinds(send(relay, *map(letter, range(5)))) == [ACCEPTED] * 5
        assert relay.connections == 1
        assert relay.verbs == ["EHLO", *["MAIL", "RCPT", "DATA"] * 5, "QUIT"]


def test_a_refused_recipient_is_cleared_away_and_the_connection_stays():
    with SmtpServer({"RCPT": [say("550 5.1.1 no")]}) as relay:
        assert kinds(send(relay, letter(1), letter(2))) == [REFUSED, ACCEPTED]
        assert relay.verbs == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA", "QUIT"]


@pytest.mark.parametrize(
    ("moment", "act", "first"),
    [
        ("END", DROP, UNKNOWN),
        ("END", say("421 4.3.2 closing", then="drop"), RETRY),
        ("END", say("OKAY"), UNKNOWN),
        ("RCPT", say("421 4.3.2 closing"), RETRY),
        ("RCPT", DROP, RETRY),
        ("DATA", say("250 ok"), RETRY),
    ],
)
def test_after_a_lost_connection_the_next_message_gets_a_fresh_one(moment, act, first):
    with SmtpServer({moment: [act]}) as relay:
        assert kinds(send(relay, letter(1), letter(2))) == [first, ACCEPTED]
        assert relay.connections == 2
        assert relay.mails[-1].raw == letter(2).raw


@pytest.mark.parametrize("act", [say("421 4.7.0 enough for one connection", then="drop"), DROP, say("what?")])
def test_a_kept_connection_that_ends_at_mail_costs_the_message_nothing(act):
    with SmtpServer({"MAIL": [say("250 ok"), act]}) as relay:
        assert kinds(send(relay, letter(1), letter(2))) == [ACCEPTED, ACCEPTED]
        assert relay.connections == 2
        assert [mail.raw for mail in relay.mails] == [letter(1).raw, letter(2).raw]


def test_a_kept_connection_that_died_in_silence_costs_the_message_nothing():
    with SmtpServer({"END": [say("250 ok", then="drop")]}) as relay:
        receipts = SmtpSender(settings(relay)).send([letter(1), letter(2)], grant)
        assert next(receipts).kind is ACCEPTED
        assert relay.reached["CLOSED"].wait(10)
        assert kinds(receipts) == [ACCEPTED]


def test_a_clearing_away_that_fails_costs_the_next_message_nothing():
    with SmtpServer({"RCPT": [say("450 4.2.0 grey")], "RSET": [say("502 what?")]}) as relay:
        assert kinds(send(relay, letter(1), letter(2))) == [RETRY, ACCEPTED]


def test_what_is_not_granted_is_dropped_with_its_connection():
    with SmtpServer() as relay:
        assert kinds(send(relay, letter(1), letter(2), intent=lambda ids: frozenset(ids) - {1})) == [
            WITHDRAWN,
            ACCEPTED,
        ]
        assert relay.connections == 2
        assert [mail.raw for mail in relay.mails] == [letter(2).raw]


@pytest.mark.parametrize(
    ("script", "first"),
    [
        ({"MAIL": [say("250 ok"), say("550 5.7.1 you are blocked")]}, ACCEPTED),
        ({"RCPT": [say("550 5.1.1 no"), say("550 5.7.26 unauthenticated")]}, REFUSED),
    ],
)
def test_after_a_hold_the_rest_of_the_batch_is_held_without_a_word_to_the_relay(script, first):
    with SmtpServer(script) as relay:
        batch = [letter(number) for number in range(1, 6)]
        receipts = send(relay, *batch)
        assert kinds(receipts) == [first, HOLD, HOLD, HOLD, HOLD]
        assert [receipt.delivery_id for receipt in receipts] == [1, 2, 3, 4, 5]
        assert relay.verbs.count("MAIL") == 2


@pytest.mark.parametrize(
    ("act", "expected"),
    [(say("554 no service"), RETRY), (say("421 busy", then="drop"), RETRY), (DROP, RETRY)],
)
def test_a_relay_that_cannot_be_reached_is_asked_once_in_a_batch(act, expected):
    with SmtpServer({"CONNECT": repeat(act)}) as relay:
        assert kinds(send(relay, letter(1), letter(2), letter(3))) == [expected] * 3
        assert relay.connections == 1


def test_a_ledger_that_fails_makes_us_hang_up_without_another_word():
    def broken(ids):
        raise StoreError("the database is locked")

    with SmtpServer() as relay:
        with pytest.raises(StoreError):
            send(relay, letter(), intent=broken)
        assert relay.reached["CLOSED"].wait(10)
        assert relay.in_clear.endswith(b"\r\nHello\r\n")


# --- what is sent --------------------------------------------------------------------------------------------


def test_the_envelope_names_sender_recipient_and_size():
    with SmtpServer() as relay:
        send(relay, letter())
        assert f"MAIL FROM:<bounce@example.com> SIZE={len(letter().raw)}" in relay.lines
        assert "RCPT TO:<jane.roe@example.com>" in relay.lines


def test_a_message_that_is_all_dots_arrives_byte_for_byte():
    dots = replace(letter(), raw=b".a: b\r\n..c: d\r\n\r\n.\r\n..\r\n...\r\n.\r\n")
    with SmtpServer() as relay:
        assert kinds(send(relay, dots, letter(2))) == [ACCEPTED, ACCEPTED]
        assert [mail.raw for mail in relay.mails] == [dots.raw, letter(2).raw]


def test_the_relay_hears_the_configured_name_or_our_address():
    with SmtpServer() as relay:
        send(relay, letter(), helo="mail.example.com")
        send(relay, letter())
        assert [line for line in relay.lines if line.startswith("EHLO")] == [
            "EHLO mail.example.com",
            "EHLO [127.0.0.1]",
        ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"raw": b"Subject: x\r\n\r\n" + b"y" * 100 + b"\r\n"}, "the relay takes 100"),
        ({"raw": b"Subject: x\r\n\r\nna\xc3\xafve\r\n"}, "8BITMIME"),
        ({"envelope_to": "josé@example.com"}, "SMTPUTF8"),
        ({"raw": b"Subject: x\r\n\r\nno end"}, "end with CRLF"),
        ({"raw": b""}, "end with CRLF"),
        ({"raw": b"Subject: x\r\n\r\na\n.\nMAIL FROM:<evil@example.com>\r\n"}, "end with CRLF"),
        ({"raw": b"Subject: x\r\n\r\na\r.\rb\r\n"}, "end with CRLF"),
        ({"envelope_to": "a@example.com>\r\nRCPT TO:<b@example.com"}, "no address may have"),
        ({"envelope_from": "a b@example.com"}, "no address may have"),
        ({"envelope_to": "\ud800@example.com"}, "no address may have"),
        ({"envelope_to": ""}, "no recipient"),
    ],
)
def test_a_message_that_the_relay_could_not_take_is_refused_before_mail(changes, words):
    with SmtpServer(offers=("SIZE 100",)) as relay:
        refused, accepted = send(relay, replace(letter(1), **changes), letter(2))
        assert (refused.kind, refused.bad_address, accepted.kind) == (REFUSED, False, ACCEPTED)
        assert words in refused.text
        assert relay.verbs.count("MAIL") == 1


def test_eight_bit_bodies_and_international_addresses_go_where_they_are_offered():
    message = replace(letter(to="josé@example.com"), raw=b"Subject: x\r\n\r\nna\xc3\xafve\r\n")
    with SmtpServer(offers=("8BITMIME", "SMTPUTF8", "SIZE 0")) as relay:
        assert kinds(send(relay, message)) == [ACCEPTED]
        assert any(line.endswith(" BODY=8BITMIME SMTPUTF8") for line in relay.lines)
        assert relay.mails[0].recipient == "josé@example.com"
        assert relay.mails[0].raw == message.raw
