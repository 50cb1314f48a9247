"""The header block of one mail (RFC 5322, 2047, 2369, 2919, 3834, 8058): ASCII, folded, one line per fact.

Words that people write are encoded whole or not at all. Addresses, ids and links are tokens: checked against
a pattern, written raw, never encoded and never folded inside.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import idna

from funnel.errors import Refused
from funnel.merge import clean, one_line
from funnel.model import Context


@dataclass(frozen=True, slots=True)
class Headers:
    """What the header block of one mail says. Names are any text; addresses are as stored.

    `message_id` comes without its angle brackets, `date` is aware. `unsubscribe_url` is https; when it is
    empty the mail is transactional and has no List-Unsubscribe at all. Empty `reply_to`, `list_id` and
    `feedback_id` leave their header out.
    """

    from_name: str
    from_address: str
    reply_to: str
    to_name: str
    to_address: str
    message_id: str
    date: datetime
    list_id: str = ""
    list_name: str = ""
    unsubscribe_url: str = ""
    feedback_id: str = ""


def header_names(headers: Headers) -> list[str]:
    """Return the names that `header_block` must write, in order; the last check of a mail compares them."""
    return [
        *("Date", "From", *(["Reply-To"] if headers.reply_to else []), "To", "Message-ID", "Subject"),
        *(["List-ID"] if headers.list_id else []),
        *(["List-Unsubscribe", "List-Unsubscribe-Post"] if headers.unsubscribe_url else []),
        *(["Feedback-ID"] if headers.feedback_id else []),
        "Auto-Submitted",
    ]


def header_block(headers: Headers, subject: str) -> str:
    """Write every header but those of MIME; each line ends in CRLF.

    Raises Refused for a date without a zone, an address that needs SMTPUTF8, or an id or link that does not
    fit its pattern. No message names the person's address.
    """
    return "".join(_lines(headers, subject))


def _lines(headers: Headers, subject: str) -> Iterator[str]:
    yield f"Date: {_date(headers.date)}\r\n"
    yield _own_mailbox("From", headers.from_name, headers.from_address)
    if headers.reply_to:
        yield _own_mailbox("Reply-To", "", headers.reply_to)
    yield _mailbox("To", headers.to_name, headers.to_address)
    yield f"Message-ID: <{_matching(_MESSAGE_ID, headers.message_id, 'Message-ID')}>\r\n"
    yield _folded("Subject", _subject_words(subject))
    if headers.list_id:
        yield _list_id(headers.list_name, headers.list_id)
    if headers.unsubscribe_url:
        yield f"List-Unsubscribe: <{_matching(_HTTPS, headers.unsubscribe_url, 'unsubscribe link')}>\r\n"
        yield "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    if headers.feedback_id:
        yield f"Feedback-ID: {_matching(_FEEDBACK_ID, headers.feedback_id, 'Feedback-ID')}\r\n"
    yield "Auto-Submitted: auto-generated\r\n"


# --- tokens -------------------------------------------------------------------------------------------------

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"(?=.{{1,64}}\Z)(?!.*=\?){_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_MESSAGE_ID = re.compile(r"(?!.*=\?)[!-;=?A-~]{1,400}@[A-Za-z0-9.-]{1,253}")
_LIST_ID = re.compile(r"(?=.{1,200}\Z)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
_FEEDBACK_ID = re.compile(r"(?!.*=\?)[!-~]{1,500}")
#: A comma would read as a second address, `=?` as an encoded word; both are easily percent-encoded.
_HTTPS = re.compile(r"https://(?!.*=\?)[!#-+\--;=?-\[\]-~]{1,960}")


def _matching(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise Refused(f"the {what} of a mail is not in the form that its header allows")
    return value


def _address(address: str) -> str:
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        raise Refused("an address has letters before its @ that need SMTPUTF8, which plain mail lacks")
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        # The cause quotes the domain, which is part of the person's address.
        raise Refused("an address has a domain that is not a valid international name") from None
    if not (_LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(ascii_domain)):
        raise Refused("an address is not one that a mail header can carry")
    return f"{local}@{ascii_domain}"


def _date(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise Refused("the date of a mail has no time zone")
    utc = moment.astimezone(UTC)
    day = f"{_DAYS[utc.weekday()]}, {utc.day:02} {_MONTHS[utc.month - 1]} {utc.year:04}"
    return f"{day} {utc.hour:02}:{utc.minute:02}:{utc.second:02} +0000"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # strftime would speak the machine's language
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# --- words that people write --------------------------------------------------------------------------------

_LINE = 76  #: what RFC 2047 allows a line with an encoded word
_WORD = 64  #: an encoded word that also fits behind the longest header name here
_ROOM = _WORD - len("=?utf-8?q??=")
_LONGEST_PLAIN = 60
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_Q_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+/- ")


def _mailbox(header: str, name: str, address: str) -> str:
    bare = _address(address)
    phrase = _phrase(name)
    return _folded(header, [*phrase, f"<{bare}>"] if phrase else [bare])


@lru_cache(maxsize=64)
def _own_mailbox(header: str, name: str, address: str) -> str:
    """Write the sender's side, which hardly ever changes. People's addresses are not kept."""
    return _mailbox(header, name, address)


@lru_cache(maxsize=64)
def _list_id(name: str, label: str) -> str:
    return _folded("List-ID", [*_phrase(name), f"<{_matching(_LIST_ID, label, 'List-ID')}>"])


def _phrase(text: str) -> list[str]:
    """Write a display name as words, a quoted string or encoded words: no comma splits it."""
    name = clean(text, Context.HEADER)
    if not _is_plain(name) or len(name) > _LONGEST_PLAIN:
        return list(_encoded_words(name))
    if _ATOMS.fullmatch(name):
        return name.split()
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']


def _subject_words(subject: str) -> list[str]:
    words = [word for word in one_line(subject).split(" ") if word]
    if _is_plain("".join(words)) and max(map(len, words), default=0) <= _LONGEST_PLAIN:
        return words
    return list(_encoded_words(" ".join(words)))


def _is_plain(text: str) -> bool:
    """Tell whether text can stand as it is: `=?` must not, or it would be decoded as an encoded word."""
    return text.isascii() and text.isprintable() and "=?" not in text


def _encoded_words(text: str) -> Iterator[str]:
    """Encode text as words of RFC 2047, in the shorter of its two ways; none splits a character."""
    utf8_length = len(text.encode())
    if sum(map(_q_size, text)) <= utf8_length * 4 / 3:
        for chunk in _chunks(text, _q_size, _ROOM):
            yield f"=?utf-8?q?{''.join(map(_q_coded, chunk))}?="
    else:
        for chunk in _chunks(text, _utf8_size, _ROOM // 4 * 3):
            yield f"=?utf-8?b?{binascii.b2a_base64(chunk.encode(), newline=False).decode()}?="


def _chunks(text: str, size_of: Callable[[str], int], room: int) -> Iterator[str]:
    start = taken = 0
    for at, character in enumerate(text):
        size = size_of(character)
        if taken + size > room:
            yield text[start:at]
            start, taken = at, 0
        taken += size
    if text:
        yield text[start:]


def _utf8_size(character: str) -> int:
    return len(character.encode())


def _q_size(character: str) -> int:
    return 1 if character in _Q_SAFE else 3 * len(character.encode())


def _q_coded(character: str) -> str:
    if character == " ":
        return "_"
    return character if character in _Q_SAFE else "".join(f"={byte:02X}" for byte in character.encode())


def _folded(header: str, words: Sequence[str]) -> str:
    """Write a header, with a new line before each word that would pass column 76."""
    lines = [f"{header}:"]
    for number, word in enumerate(words):
        if number and len(lines[-1]) + 1 + len(word) > _LINE:
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines) + "\r\n"
