"""The words that the SMTP tests share: a letter, a sender towards the scripted relay, and the kinds of receipt."""

from funnel.model import Message, ReceiptKind
from funnel.smtp import Security, SmtpSender, SmtpSettings

ACCEPTED, REFUSED, RETRY = ReceiptKind.ACCEPTED, ReceiptKind.REFUSED, ReceiptKind.RETRY
HOLD, WITHDRAWN, UNKNOWN = ReceiptKind.HOLD, ReceiptKind.WITHDRAWN, ReceiptKind.UNKNOWN

SIGNED_IN = {"username": "clinic", "password": "sentinel-secret"}


def grant(ids):
    return frozenset(ids)


def letter(number=1, to="jane.roe@example.com", body=b"Hello\r\n"):
    raw = b"Subject: %d\r\n\r\n%b" % (number, body)
    return Message(number, f"key{number}", "bounce@example.com", to, raw)


def settings(relay, **changes):
    return SmtpSettings("127.0.0.1", relay.port, **{"security": Security.NONE} | changes)


def send(relay, *batch, intent=grant, **changes):
    return list(SmtpSender(settings(relay, **changes)).send(batch, intent))


def kinds(receipts):
    return [receipt.kind for receipt in receipts]
