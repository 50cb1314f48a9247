"""Finished mail: exact bytes for one person, from a skeleton that is encoded once per email and variant.

Python's own mailer does not write it: that folds List-Unsubscribe into encoded words, lets an encoded break
in a name become a header (CVE-2024-6923), and takes fifty times as long. The tests use it to read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from funnel.errors import Refused
from funnel.headers import Headers, header_block, header_names
from funnel.merge import clean, fill, filled
from funnel.model import Context, Merged, MergeSpot, Rendered

__all__ = ["Attachment", "Headers", "Skeleton", "build", "guard", "message_key", "skeleton"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that travels inside the mail. Only the last part of `filename` is used, never a path."""

    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Skeleton:
    """One email in one variant, encoded but for its merge spots.

    `pieces` is the body after the header block, with an empty piece wherever one of `spots` stands.
    """

    subject: Merged
    mime: str
    pieces: tuple[bytes, ...]
    spots: tuple[tuple[MergeSpot, tuple[int, ...]], ...]


def skeleton(rendered: Rendered, *, attachment: Attachment | None = None) -> Skeleton:
    """Encode everything that is the same for every recipient."""
    mime, body = _body(rendered, attachment)
    pieces: list[bytes] = []
    places: dict[MergeSpot, list[int]] = {}
    for number, piece in enumerate(body):
        if isinstance(piece, MergeSpot):
            places.setdefault(piece, []).append(number)
        pieces.append(b"" if isinstance(piece, MergeSpot) else piece)
    _guard_bytes(b"".join(pieces))
    spots = tuple((spot, tuple(numbers)) for spot, numbers in places.items())
    return Skeleton(rendered.subject, mime, tuple(pieces), spots)


def build(skeleton: Skeleton, headers: Headers, values: Mapping[str, str]) -> bytes:
    """Return the final bytes of one mail; same input, same bytes.

    Raises Refused, without naming an address, where a header cannot be written as it was asked for.
    """
    pieces = list(skeleton.pieces)
    coded: dict[str, bytes] = {}
    for spot, places in skeleton.spots:
        text = filled(spot, values)
        if text not in coded:
            coded[text] = _quoted(text)
        for place in places:
            pieces[place] = coded[text]
    # Static pieces were checked once, and every piece ends its line: sound pieces, sound whole.
    _guard_bytes(b"".join(coded.values()))
    head = (header_block(headers, fill(skeleton.subject, values)) + skeleton.mime).encode()
    _guard_head(head, headers)
    return b"".join((head, b"\r\n\r\n", *pieces))


def guard(raw: bytes, headers: Headers) -> None:
    """Refuse bytes whose header block is not exactly what was asked for, or that a relay could misread.

    Header names and counts, ASCII, lines of at most 998 octets (RFC 5322, 2.1.1), CRLF only, no NUL.
    `build` holds every message to this; call it for bytes that come from elsewhere.
    """
    head, _, body = raw.partition(b"\r\n\r\n")
    _guard_head(head, headers)
    _guard_bytes(body)


def message_key(secret: bytes, ledger_key: str) -> str:
    """Return the 26 characters that name one delivery to the outside: Message-ID, file name, idempotency key.

    The same delivery gets the same key for ever; without the secret it says nothing about the person.
    """
    return base64.b32encode(hmac.digest(secret, ledger_key.encode(), "sha256"))[:26].decode().lower()


# --- what is checked last -----------------------------------------------------------------------------------

_LONGEST_LINE = 998


def _guard_head(head: bytes, headers: Headers) -> None:
    _guard_bytes(head)
    if not head.isascii():
        raise Refused("the header block of a mail holds something other than ASCII")
    lines = head.split(b"\r\n")
    names = [line.partition(b":")[0].decode() for line in lines if not line.startswith((b" ", b"\t"))]
    if names != [*header_names(headers), "MIME-Version", "Content-Type"]:
        raise Refused("a mail came out with other headers than it was given")
    if max(map(len, lines)) > _LONGEST_LINE:
        raise Refused(f"a header line of a mail is longer than {_LONGEST_LINE} octets")


def _guard_bytes(raw: bytes) -> None:
    if not raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n"):
        raise Refused("a mail holds a line break that is not CRLF")
    if b"\0" in raw:
        raise Refused("a mail holds a NUL character")


# --- the body (RFC 2045, 2046) ------------------------------------------------------------------------------


def _body(rendered: Rendered, attachment: Attachment | None) -> tuple[str, Iterator[bytes | MergeSpot]]:
    # `=_` occurs neither in quoted-printable nor in base64, so no part and no value can hold a boundary.
    seed = hashlib.sha256(rendered.digest.encode()).hexdigest()[:32]
    inner, outer = f"=_a_{seed}", f"=_m_{seed}"
    alternative = f'Content-Type: multipart/alternative;\r\n boundary="{inner}"'
    if attachment is None:
        return f"MIME-Version: 1.0\r\n{alternative}", _alternative(rendered, inner)
    mixed = f'MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary="{outer}"'
    return mixed, _mixed(rendered, attachment, boundaries=(outer, inner), alternative=alternative)


def _alternative(rendered: Rendered, boundary: str) -> Iterator[bytes | MergeSpot]:
    for subtype, part in (("plain", rendered.text), ("html", rendered.html)):
        yield (
            f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        ).encode()
        for piece in _ending_its_line(part):
            yield piece if isinstance(piece, MergeSpot) else _quoted(piece)
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _mixed(
    rendered: Rendered, attachment: Attachment, *, boundaries: tuple[str, str], alternative: str
) -> Iterator[bytes | MergeSpot]:
    outer, inner = boundaries
    if not _MEDIA_TYPE.fullmatch(attachment.content_type):
        raise Refused(f"{attachment.content_type!r} is not a media type such as application/pdf")
    yield f"--{outer}\r\n{alternative}\r\n\r\n".encode()
    yield from _alternative(rendered, inner)
    yield (
        f"--{outer}\r\nContent-Type: {attachment.content_type}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment;{_filename(attachment.filename)}\r\n\r\n"
    ).encode()
    yield base64.encodebytes(attachment.data).replace(b"\n", b"\r\n")
    yield f"--{outer}--\r\n".encode()


def _ending_its_line(part: Merged) -> Merged:
    """Return the part with plain newlines and one at its end, so that it never ends in a soft break."""
    plain = tuple(
        piece.replace("\r\n", "\n").replace("\r", "\n") if isinstance(piece, str) else piece for piece in part
    )
    ends = bool(plain) and isinstance(plain[-1], str) and plain[-1].endswith("\n")
    return plain if ends else (*plain, "\n")


_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
_PLAIN_FILENAME = re.compile(r"[\w().-][\w (),.-]{0,58}[\w()-]", re.ASCII)
_PERCENT_PIECE = re.compile(r".{1,55}(?<!%)(?<!%[0-9A-F])")


def _filename(name: str) -> str:
    """Write a file's name as a parameter (RFC 2231), in pieces where it is long."""
    bare = clean(re.split(r"[/\\]", name)[-1], Context.TEXT) or "attachment"
    if _PLAIN_FILENAME.fullmatch(bare):
        return f'\r\n filename="{bare}"'
    pieces = _PERCENT_PIECE.findall("utf-8''" + quote(bare, safe=""))
    if len(pieces) == 1:
        return f"\r\n filename*={pieces[0]}"
    return ";".join(f"\r\n filename*{number}*={piece}" for number, piece in enumerate(pieces))


# --- quoted-printable (RFC 2045, 6.7) -----------------------------------------------------------------------

_PLAIN = re.compile(r"(?!\.|From )[!-<>-~ ]{0,72}[!-<>-~]")
_UNSAFE = re.compile(rb"[^!-~ ]| \Z")
_LINE_PIECE = re.compile(rb".{1,73}(?<!=)(?<!=[0-9A-F])")
#: A dot at the start of a line needs stuffing in SMTP; old mailboxes change a `From ` there.
_RISKY_START = re.compile(rb"^(?:\.|F(?=rom ))", re.MULTILINE)


def _quoted(text: str) -> bytes:
    """Encode one piece. It starts at column 0 and, by a newline or soft break, leaves the next one there."""
    if _PLAIN.fullmatch(text):
        return text.encode("ascii") + b"=\r\n"
    if not text:
        return b""
    lines = b"\r\n".join([_quoted_line(line) for line in text.encode().split(b"\n")])
    coded = _RISKY_START.sub(lambda risky: b"=%02X" % risky[0][0], lines)
    return coded if text.endswith("\n") else coded + b"=\r\n"


def _quoted_line(line: bytes) -> bytes:
    # 73 columns leave room for one escaped character at the start and for the soft break at the end.
    coded = _UNSAFE.sub(lambda unsafe: b"=%02X" % unsafe[0][0], line.replace(b"=", b"=3D"))
    return b"=\r\n".join(_LINE_PIECE.findall(coded))
