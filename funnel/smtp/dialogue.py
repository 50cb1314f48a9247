"""One connection to a relay, command by command. Nothing here knows what an answer means for a person."""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from funnel.model import Message, ReceiptKind
from funnel.smtp.settings import Security, SmtpSettings

LINE_LIMIT = 2048  #: bytes in one line of a reply; RFC 5321 4.5.3.1.5 asks for 512
LINES_LIMIT = 100  #: lines in one reply
BLOCK = 65536  #: bytes of body under one time-out

READY, SIGNED_IN, DONE, WILL_FORWARD, GO_ON, SEND_BODY = 220, 235, 250, 251, 334, 354
CLOSING, LASTING = 421, 500  #: the relay is hanging up; from here on a no is for good

_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?\r\n", re.DOTALL)
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?!\S)")


@dataclass(frozen=True, slots=True)
class Reply:
    """The relay's whole answer to one command."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the relay's words on one line."""
        return " ".join(self.lines)

    @property
    def status(self) -> str:
        """Return the enhanced status code (RFC 3463), such as `5.1.1`, or nothing."""
        return next((found[1] for line in self.lines if (found := _STATUS.match(line))), "")


class RelayError(Exception):
    """The connection cannot go on; `kind` is what that means for a message whose dot was not sent."""

    def __init__(self, text: str, *, kind: ReceiptKind = ReceiptKind.RETRY, code: int = 0) -> None:
        super().__init__(text)
        self.text = text
        self.kind = kind
        self.code = code


class Dialogue:
    """One connection to the relay, in step with it. Every method may raise RelayError."""

    def __init__(self, settings: SmtpSettings) -> None:
        """Connect, greet, secure the line and sign in; on failure nothing is left open."""
        self.settings = settings
        self.offers: Mapping[str, str] = {}
        self.transactions = 0  #: begun so far
        self._is_amid = False  #: a transaction is begun and neither ended nor cleared
        self._buffer = bytearray()
        timeouts = settings.timeouts
        try:
            self._socket = socket.create_connection((settings.host, settings.port), timeout=timeouts.connect)
        except OSError as error:
            raise _lost(error) from error
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the dot must not wait for an ACK
        if self.settings.security is Security.TLS:
            self._secure()
        greeting = self.reply(self.settings.timeouts.greeting)
        if greeting.code != READY:
            raise RelayError(greeting.text, code=greeting.code)
        self._hello()
        if self.settings.security is Security.STARTTLS:
            self._start_tls()
        if self.settings.username:
            self._sign_in()

    def _hello(self) -> None:
        reply = self._expect(DONE, f"EHLO {self.settings.helo or self._own_address()}")
        words = [line.split(maxsplit=1) for line in reply.lines[1:] if line.strip()]
        self.offers = {first.upper(): " ".join(rest) for first, *rest in words}

    def _own_address(self) -> str:
        """Return our end of the connection as an address literal (RFC 5321 4.1.3)."""
        address = str(self._socket.getsockname()[0])
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"

    def _start_tls(self) -> None:
        if "STARTTLS" not in self.offers:
            raise RelayError("the relay does not offer STARTTLS", kind=ReceiptKind.HOLD)
        self._expect(READY, "STARTTLS")
        if self._buffer:  # words slipped in before the encryption must not count after it (RFC 3207 6)
            raise RelayError("the relay spoke out of turn before TLS", kind=ReceiptKind.HOLD)
        self._secure()
        self._hello()  # what was offered in clear may be forged (RFC 3207 4.2)

    def _secure(self) -> None:
        self._socket.settimeout(self.settings.timeouts.command)
        try:
            context = ssl.create_default_context()
            self._socket = context.wrap_socket(self._socket, server_hostname=self.settings.host)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise _lost(error) from error
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason
            raise RelayError(f"no trusted TLS with the relay: {reason}", kind=ReceiptKind.HOLD) from error
        except OSError as error:
            raise _lost(error) from error

    def _sign_in(self) -> None:
        mechanisms = self.offers.get("AUTH", "").upper().split()
        user, password = self.settings.username, self.settings.password
        if "PLAIN" in mechanisms:  # RFC 4616
            self._expect(SIGNED_IN, "AUTH PLAIN " + _base64(f"\0{user}\0{password}"))
        elif "LOGIN" in mechanisms:
            self._expect(GO_ON, "AUTH LOGIN")
            self._expect(GO_ON, _base64(user))
            self._expect(SIGNED_IN, _base64(password))
        else:
            offered = " ".join(mechanisms) or "nothing"
            raise RelayError(f"sign-in needs AUTH PLAIN or LOGIN; offered: {offered}", kind=ReceiptKind.HOLD)

    def _expect(self, code: int, line: str) -> Reply:
        """Say a line that the whole queue depends on: a lasting no is the relay's or the settings' fault."""
        reply = self.command(line, self.settings.timeouts.command)
        if reply.code != code:
            lasting = reply.code >= LASTING
            raise RelayError(reply.text, kind=ReceiptKind.HOLD if lasting else ReceiptKind.RETRY, code=reply.code)
        return reply

    def command(self, line: str, seconds: float) -> Reply:
        """Say one line and return the answer to it, and to nothing else."""
        self.expect_silence()
        self.write(line.encode() + b"\r\n", seconds)
        return self.reply(seconds)

    def mail(self, message: Message) -> Reply:
        """Begin a transaction, after clearing away one that was refused half-way."""
        if self._is_amid:
            self._expect(DONE, "RSET")
        self._is_amid = True
        self.transactions += 1
        parameters = {
            f" SIZE={len(message.raw)}": "SIZE" in self.offers,
            " BODY=8BITMIME": not message.raw.isascii(),
            " SMTPUTF8": not (message.envelope_from + message.envelope_to).isascii(),
        }
        chosen = "".join(text for text, wanted in parameters.items() if wanted)
        return self.command(f"MAIL FROM:<{message.envelope_from}>{chosen}", self.settings.timeouts.command)

    def body(self, raw: bytes) -> None:
        """Send the message's bytes, dots doubled at line starts (RFC 5321 4.5.2), without the final dot."""
        stuffed = raw.replace(b"\r\n.", b"\r\n..")
        stuffed = b"." + stuffed if stuffed.startswith(b".") else stuffed
        for start in range(0, len(stuffed), BLOCK):
            self.write(stuffed[start : start + BLOCK], self.settings.timeouts.block)
        self.expect_silence()

    def end(self, seconds: float) -> Reply:
        """Send the end-of-data dot: the point of no return."""
        self.write(b".\r\n", seconds)
        reply = self.reply(seconds)
        self._is_amid = False
        return reply

    def write(self, data: bytes, seconds: float) -> None:
        """Send bytes as they are."""
        try:
            self._socket.settimeout(seconds)
            self._socket.sendall(data)
        except OSError as error:
            raise _lost(error) from error

    def reply(self, seconds: float) -> Reply:
        """Read one whole answer (RFC 5321 4.2.1) within `seconds`, and within bounds of lines and bytes."""
        deadline = monotonic() + seconds
        code, lines = 0, list[str]()
        while len(lines) < LINES_LIMIT:
            found = _REPLY_LINE.fullmatch(self._line(deadline))
            if not found or code not in (0, int(found[1])):
                raise RelayError("the relay's answer was not an SMTP reply")
            code = int(found[1])
            lines.append((found[3] or b"").decode("utf-8", "replace"))
            if found[2] != b"-":
                return Reply(code, tuple(lines))
        raise RelayError("the relay's answer did not end")

    def _line(self, deadline: float) -> bytes:
        while (end := self._buffer.find(b"\n") + 1) == 0 and len(self._buffer) <= LINE_LIMIT:
            self._receive(deadline - monotonic())
        if not 0 < end <= LINE_LIMIT:
            raise RelayError("the relay's answer was longer than a reply may be")
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        return line

    def _receive(self, seconds: float) -> None:
        try:
            if seconds <= 0:
                raise TimeoutError
            self._socket.settimeout(seconds)
            data = self._socket.recv(4096)
        except OSError as error:
            raise _lost(error) from error
        if not data:
            raise RelayError("the relay closed the connection")
        self._buffer += data

    def expect_silence(self) -> None:
        """Make sure that no answer lies ready: an early 250 would later pass for another command's."""
        self._socket.settimeout(0)
        try:
            data = bytes(self._buffer) or self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError as error:
            raise _lost(error) from error
        raise RelayError("the relay answered out of turn" if data else "the relay closed the connection")

    def quit(self) -> None:
        """Take leave and close. What the relay answers says nothing about any message, so it is ignored."""
        try:
            self.command("QUIT", self.settings.timeouts.quit)
        except RelayError:
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Close without a word; the relay drops a message whose dot it has not seen."""
        self._socket.close()


def _lost(error: OSError) -> RelayError:
    """Say in plain words why the relay could not be heard."""
    match error:
        case TimeoutError():
            return RelayError("the relay did not answer in time")
        case ConnectionRefusedError():
            return RelayError("the relay refused the connection")
        case socket.gaierror():
            return RelayError("the relay's name could not be looked up")
        case _:
            return RelayError("the connection to the relay was lost")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
