"""What a relay's answer means for the person, the queue and the ledger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from funnel.model import Message, Receipt, ReceiptKind
from funnel.smtp.dialogue import DONE, Reply

TEXT_LIMIT = 200  #: characters of the relay's words that a receipt keeps

BAD_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.10", "5.2.1"})  #: RFC 3463, 7505: no such mailbox or domain
SENDER_AT_FAULT = frozenset({"5.1.7", "5.1.8", "5.7.26", "5.7.515"})  #: our address, or SPF, DKIM, DMARC
SIGN_IN_NEEDED = frozenset({530, 535, 538})  #: RFC 4954 6
MAILBOX_FULL = "5.2.2"
OUT_OF_ORDER, OVER_LIMIT = 503, 552

_QUEUED = re.compile(r"queued as ([\w.-]{1,64})", re.IGNORECASE)
_QUOTED_LOCAL_PART = re.compile(r'"[^"]{0,128}"(?=@)')
_AT_SIGN = re.compile(r"@|%40|=40|&#64;|＠", re.IGNORECASE)
_AROUND_A_WORD = "<>()[]{}\"'`.,:;"
_NOT_IN_A_PATH = re.compile(r"[\x00-\x20<>\x7f\ud800-\udfff]")


class Moment(StrEnum):
    """Where in a message's dialogue an answer came."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    END = "END"  #: the answer to the end-of-data dot


def verdict(moment: Moment, reply: Reply) -> ReceiptKind:
    """Judge one answer. Before the dot, an answer that makes no sense is a RETRY; after it, UNKNOWN."""
    match reply.code // 100:
        case 2 if moment is Moment.END and reply.code == DONE:
            return ReceiptKind.ACCEPTED
        case 4:
            return ReceiptKind.RETRY
        case 5:
            return _lasting(moment, reply)
        case _:
            return ReceiptKind.UNKNOWN if moment is Moment.END else ReceiptKind.RETRY


def _lasting(moment: Moment, reply: Reply) -> ReceiptKind:
    """Judge a 5xx: whose fault is it?"""
    if reply.code in SIGN_IN_NEEDED or reply.status in SENDER_AT_FAULT:
        return ReceiptKind.HOLD
    if moment is Moment.MAIL:  # no recipient was named yet; at most the message's size is at fault
        return ReceiptKind.REFUSED if reply.code == OVER_LIMIT else ReceiptKind.HOLD
    if reply.status == MAILBOX_FULL:
        return ReceiptKind.RETRY
    if moment is Moment.RCPT and reply.code == OVER_LIMIT and not reply.status:
        return ReceiptKind.RETRY  # old servers' "too many recipients" (RFC 5321 4.5.3.1.10)
    if moment is not Moment.END and reply.code == OUT_OF_ORDER:
        return ReceiptKind.RETRY  # the two sides disagree about the dialogue, not about the person
    return ReceiptKind.REFUSED


def receipt_of(message: Message, moment: Moment, reply: Reply) -> Receipt:
    """Turn an answer into the message's receipt."""
    kind = verdict(moment, reply)
    queued = _QUEUED.search(reply.text) if kind is ReceiptKind.ACCEPTED else None
    return Receipt(
        message.delivery_id,
        kind,
        code=reply.code,
        text=without_addresses(reply.text, message.envelope_to),
        provider_id=queued[1] if queued else "",
        bad_address=kind is ReceiptKind.REFUSED and reply.status in BAD_ADDRESS,
    )


def without_addresses(text: str, recipient: str) -> str:
    """Cut a relay's words to 200 characters on one line, with every word that may hold an address taken out.

    Relays like to quote the recipient, whole, encoded (`jane%40example.com`) or as its local part alone.
    """
    own = {recipient.casefold(), recipient.rpartition("@")[0].casefold()}
    text = _QUOTED_LOCAL_PART.sub("", text)  # the only kind of address that may hold a space
    printable = "".join(char if char.isprintable() else " " for char in text)
    words = ("[address]" if _tells_address(word, own) else word for word in printable.split())
    return " ".join(words)[:TEXT_LIMIT]


def _tells_address(word: str, own: set[str]) -> bool:
    return bool(_AT_SIGN.search(word)) or word.strip(_AROUND_A_WORD).casefold() in own - {""}


def flaw_in(message: Message) -> str:
    """Say why no relay may be given this message, or nothing.

    A bare CR or LF could end the message early at the next server (SMTP smuggling, CVE-2023-51764).
    """
    raw, ends = message.raw, message.raw.count(b"\r\n")
    if not raw.endswith(b"\r\n"):
        return "the message does not end with CRLF"
    if raw.count(b"\n") != ends or raw.count(b"\r") != ends:
        return "the message has a line that does not end with CRLF"
    if "@" not in message.envelope_to:
        return "the envelope names no recipient"
    if _NOT_IN_A_PATH.search(message.envelope_from + message.envelope_to):
        return "an envelope address holds a character that no address may have"
    return ""


def misfit_of(message: Message, offers: Mapping[str, str]) -> str:
    """Say why this relay, by what its EHLO offered, cannot take the message, or nothing."""
    limit = offers.get("SIZE", "")
    if limit.isdecimal() and 0 < int(limit) < len(message.raw):  # 0: no fixed limit (RFC 1870 4)
        return f"the message has {len(message.raw)} bytes and the relay takes {int(limit)}"
    if not message.raw.isascii() and "8BITMIME" not in offers:
        return "the message has 8-bit bytes and the relay does not offer 8BITMIME"
    if not (message.envelope_from + message.envelope_to).isascii() and "SMTPUTF8" not in offers:
        return "an envelope address is not ASCII and the relay does not offer SMTPUTF8"
    return ""
