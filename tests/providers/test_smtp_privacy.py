"""Nothing in clear, nothing to a stranger, and no address in what a receipt says."""

import shutil
import ssl
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smtp_server import SmtpServer, say
from smtp_talk import (
    ACCEPTED,
    HOLD,
    RETRY,
    SIGNED_IN,
    UNKNOWN,
    kinds,
    letter,
    send,
    settings,
)

from funnel.errors import ConfigError
from funnel.smtp import Security, SmtpSender, SmtpSettings
from funnel.smtp.verdict import without_addresses


@pytest.mark.parametrize(
    ("offer", "spoken"),
    [
        ("AUTH PLAIN LOGIN", ["AUTH PLAIN AGNsaW5pYwBzZW50aW5lbC1zZWNyZXQ="]),
        ("AUTH LOGIN", ["AUTH LOGIN", "Y2xpbmlj", "c2VudGluZWwtc2VjcmV0"]),
    ],
)
def test_sign_in_comes_before_mail(offer, spoken):
    with SmtpServer(offers=(offer,)) as relay:
        assert kinds(send(relay, letter(), **SIGNED_IN)) == [ACCEPTED]
        assert relay.lines[1 : relay.verbs.index("MAIL")] == spoken


@pytest.mark.parametrize("offers", [(), ("AUTH XOAUTH2",)])
def test_a_relay_without_a_sign_in_that_we_speak_holds_the_queue(offers):
    with SmtpServer(offers=offers) as relay:
        (receipt,) = send(relay, letter(), **SIGNED_IN)
        assert receipt.kind is HOLD
        assert "PLAIN" in receipt.text
        assert "MAIL" not in relay.verbs


def test_the_password_is_in_no_repr_and_no_receipt():
    with SmtpServer({"AUTH": [say("535 5.7.8 no")]}, offers=("AUTH PLAIN",)) as relay:
        assert "sentinel" not in repr(settings(relay, **SIGNED_IN))
        assert "sentinel" not in repr(send(relay, letter(), **SIGNED_IN))


@pytest.mark.parametrize("host", ["smtp.example.com", "192.0.2.1", "2001:db8::1", "localhost.example.com"])
def test_mail_in_clear_to_another_machine_is_a_mistake_in_the_settings(host):
    with pytest.raises(ConfigError, match="in clear"):
        SmtpSettings(host, security=Security.NONE)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1"])
def test_mail_in_clear_to_this_machine_is_allowed(host):
    assert SmtpSettings(host, security=Security.NONE).host == host


@pytest.mark.parametrize(
    "changes", [{"host": ""}, {"host": "a" * 64 + ".example.com"}, {"host": "a b"}, {"helo": "a\r\nMAIL"}]
)
def test_names_that_cannot_be_names_are_mistakes_in_the_settings(changes):
    with pytest.raises(ConfigError):
        SmtpSettings(**{"host": "smtp.example.com"} | changes)


def certificate(folder, names):
    """Make a certificate and its key in one file, and the server's side of TLS with it."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("needs the openssl command to make a certificate")
    path = folder / "relay.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-subj", "/CN=relay", "-addext", f"subjectAltName={names}", "-days", "2", "-keyout", path, "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", path)
    return folder / "cert.pem", context


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_over_tls_the_message_and_the_password_never_travel_in_clear(security, tmp_path, monkeypatch):
    trusted, context = certificate(tmp_path, "IP:127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with SmtpServer(tls=context, tls_at_once=security is Security.TLS, offers=("AUTH PLAIN",)) as relay:
        assert kinds(send(relay, letter(1), letter(2), security=security, **SIGNED_IN)) == [
            ACCEPTED,
            ACCEPTED,
        ]
        assert [mail.is_private for mail in relay.mails] == [True, True]
        assert bytes(relay.in_clear) in (b"", b"EHLO [127.0.0.1]\r\nSTARTTLS\r\n")
        assert relay.verbs.count("EHLO") == (2 if security is Security.STARTTLS else 1)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
@pytest.mark.parametrize(("names", "is_trusted"), [("DNS:other.example.com", True), ("IP:127.0.0.1", False)])
def test_a_certificate_that_cannot_be_trusted_holds_the_queue(security, names, is_trusted, tmp_path, monkeypatch):
    trusted, context = certificate(tmp_path, names)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with SmtpServer(tls=context, tls_at_once=security is Security.TLS) as relay:
        receipts = send(relay, letter(1), letter(2), security=security, **SIGNED_IN)
        assert kinds(receipts) == [HOLD, HOLD]
        assert "certificate" in receipts[0].text or "IP address" in receipts[0].text
        assert relay.mails == []
        assert b"AUTH" not in relay.in_clear


def test_words_slipped_in_before_tls_hold_the_queue(tmp_path, monkeypatch):
    trusted, context = certificate(tmp_path, "IP:127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with SmtpServer({"STARTTLS": [say("220 ready", "250 forged")]}, tls=context) as relay:
        assert kinds(send(relay, letter(), security=Security.STARTTLS)) == [HOLD]


def test_a_relay_that_speaks_no_tls_where_tls_was_asked_for_holds_the_queue():
    with SmtpServer() as relay:
        assert kinds(send(relay, letter(), security=Security.TLS)) == [HOLD]


def test_a_relay_that_hangs_up_in_the_tls_greeting_is_a_retry():
    with SmtpServer({"STARTTLS": [say("220 ready", then="drop")]}, offers=("STARTTLS",)) as relay:
        assert kinds(send(relay, letter(), security=Security.STARTTLS)) == [RETRY]


# --- what receipts say ---------------------------------------------------------------------------------------


def test_a_receipt_keeps_the_relays_code_words_and_queue_number():
    with SmtpServer({"END": [say("250 2.0.0 Ok: queued as 4XYZ-1.b")]}) as relay:
        (receipt,) = send(relay, letter())
        assert (receipt.code, receipt.text, receipt.provider_id) == (
            250,
            "2.0.0 Ok: queued as 4XYZ-1.b",
            "4XYZ-1.b",
        )


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("5.1.1 <jane.roe@example.com>: user unknown", "5.1.1 [address] user unknown"),
        ("5.1.1 <Jane.Roe>... unknown", "5.1.1 [address] unknown"),
        ('5.1.1 "jane roe"@example.com unknown', "5.1.1 [address] unknown"),
        ("see http://spf.example.com/?id=jane.roe%40example.com;ip=192.0.2.1", "see [address]"),
        ("bounce+jane.roe=40example.com refused", "[address] refused"),
        ("two\tlines\x00 and\u2028more", "two lines and more"),
        ("x" * 300, "x" * 200),
        ("", ""),
    ],
)
def test_a_receipts_words_hold_no_address(said, kept):
    assert without_addresses(said, "jane.roe@example.com") == kept


@given(st.text(), st.text(), st.emails())
def test_no_words_around_it_make_an_address_stay(before, after, address):
    assert address not in without_addresses(before + address + after, address)
    assert len(without_addresses(before + address + after, address)) <= 200


def test_a_hold_repeated_for_others_tells_nobody_elses_address():
    with SmtpServer({"RCPT": [say("550 5.7.26 <jane.roe> may not be mailed by you")]}) as relay:
        texts = {receipt.text for receipt in send(relay, letter(1), letter(2, to="sam@example.com"))}
        assert texts == {"5.7.26 [address] may not be mailed by you"}


def test_an_uncertain_message_stays_uncertain_because_smtp_cannot_be_asked():
    assert SmtpSender(SmtpSettings("smtp.example.com")).settle("key1") is UNKNOWN
