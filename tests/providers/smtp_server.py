"""A relay that does what a script says, on a free port of this machine, and remembers what it was told.

In a test:            with SmtpServer({"END": [DROP]}) as relay: ... relay.port ... relay.mails
In its own process:   python smtp_server.py --log mails.jsonl --script '{"END": ["drop", "451 4.7.1 later"]}'
                      prints its port, then one JSON line for each message into the log; ends when its stdin closes.

A script gives, for a moment of the dialogue, what to do the first, second, ... time it comes; after that the relay
is friendly. Moments: CONNECT EHLO STARTTLS AUTH MAIL RCPT DATA BODY (the first line came, the dot did not) END
(the dot came) RSET QUIT.
"""

from __future__ import annotations

import argparse
import json
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from select import select
from typing import Self

FRIENDLY = {
    "CONNECT": "220 relay.example.com ESMTP",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "END": "250 2.0.0 Ok: queued as 4XYZ1",
    "STARTTLS": "220 2.0.0 ready",
    "RSET": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}

MOMENTS = (*FRIENDLY, "EHLO", "BODY", "CLOSED")  #: CLOSED is only waited for, never scripted


@dataclass(frozen=True)
class Act:
    """Bytes sent piece by piece, `gap` seconds apart, and how it goes on: "go on", "drop", "reset" or "hang"."""

    pieces: tuple[bytes, ...] = ()
    then: str = "go on"
    gap: float = 0
    endless: bool = False  #: say the pieces again and again until the client has had enough


DROP, RESET, HANG = Act(then="drop"), Act(then="reset"), Act(then="hang")


def say(*lines: str, then: str = "go on") -> Act:
    return Act((("\r\n".join(lines) + "\r\n").encode(),), then)


@dataclass(frozen=True)
class Mail:
    """One message whose dot came: exactly its bytes, with the doubled dots undone."""

    sender: str
    recipient: str
    raw: bytes
    is_private: bool


class _ClosedError(Exception):
    """The connection is over."""


class SmtpServer:
    """Use as a context manager. `refuse` answers RCPT by address; `tls` has a certificate for STARTTLS."""

    def __init__(
        self,
        script: Mapping[str, Iterable[Act]] | None = None,
        *,
        offers: tuple[str, ...] = ("SIZE 1000000", "8BITMIME"),
        refuse: Mapping[str, Act] | None = None,
        tls: ssl.SSLContext | None = None,
        tls_at_once: bool = False,
        port: int = 0,
        on_mail: Callable[[Mail], None] = lambda mail: None,
    ) -> None:
        self.script: dict[str, Iterator[Act]] = {moment: iter(acts) for moment, acts in (script or {}).items()}
        self.offers, self.refuse = offers, refuse or {}
        self.tls, self.tls_at_once, self.on_mail = tls, tls_at_once, on_mail
        self.lines: list[str] = []  #: every command, in order, over all connections
        self.mails: list[Mail] = []
        self.in_clear = bytearray()  #: every byte that came outside TLS
        self.connections = 0
        self.reached = {moment: threading.Event() for moment in MOMENTS}
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    @property
    def verbs(self) -> list[str]:
        return [line.partition(" ")[0].upper() for line in self.lines]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        session = _Session(self, connection)
        try:
            session.run()
        except (_ClosedError, OSError):
            pass
        finally:
            self._open.discard(connection)
            session.close()
            self.reached["CLOSED"].set()


class _Session:
    def __init__(self, server: SmtpServer, connection: socket.socket) -> None:
        self.server, self.connection = server, connection
        self.file = connection.makefile("rb")
        self.is_private = False
        self.sender = self.recipient = ""

    def close(self) -> None:
        self.file.close()
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def run(self) -> None:
        if self.server.tls_at_once:
            self.secure()
        self.act("CONNECT")
        while True:
            line = self.read().decode("utf-8", "replace").rstrip("\r\n")
            self.server.lines.append(line)
            self.answer(line)

    def read(self) -> bytes:
        line = self.file.readline()
        if not line:
            raise _ClosedError
        if not self.is_private:
            self.server.in_clear += line
        return line

    def answer(self, line: str) -> None:
        verb = line.partition(" ")[0].upper()
        match verb:
            case "EHLO":
                offers = (
                    *self.server.offers,
                    *(["STARTTLS"] if self.server.tls and not self.is_private else []),
                )
                names = ["relay.example.com", *offers]
                self.act("EHLO", say(*(f"250-{name}" for name in names[:-1]), f"250 {names[-1]}"))
            case "STARTTLS":
                if self.act("STARTTLS").startswith(b"220") and self.server.tls:
                    self.secure()
            case "AUTH":
                self.sign_in(line)
            case "MAIL":
                self.sender = _path(line)
                self.act("MAIL")
            case "RCPT":
                self.recipient = _path(line)
                self.act("RCPT", self.server.refuse.get(self.recipient))
            case "DATA":
                if self.act("DATA").startswith(b"354"):
                    self.body()
            case "QUIT":
                self.act("QUIT")
                raise _ClosedError
            case _:
                self.act(verb, None if verb == "RSET" else say("502 5.5.1 unknown command"))

    def sign_in(self, line: str) -> None:
        if line.upper() == "AUTH LOGIN":
            for question in ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"):
                self.do(say(question))
                self.server.lines.append(self.read().decode().rstrip("\r\n"))
        self.act("AUTH")

    def body(self) -> None:
        raw, line = bytearray(), self.read()
        if line != b".\r\n":
            self.act("BODY", Act())
        while line != b".\r\n":
            raw += line.removeprefix(b".")
            line = self.read()
        mail = Mail(self.sender, self.recipient, bytes(raw), self.is_private)
        self.server.mails.append(mail)
        self.server.on_mail(mail)
        self.act("END")

    def act(self, moment: str, friendly: Act | None = None) -> bytes:
        """Do what the script says for this moment, else what is friendly; return what was said."""
        act = next(self.server.script.get(moment, iter(())), None)
        act = act or friendly or say(FRIENDLY[moment])
        if moment in self.server.reached:
            self.server.reached[moment].set()
        self.do(act)
        return b"".join(act.pieces)

    def do(self, act: Act) -> None:
        while True:
            for piece in act.pieces:
                self.connection.sendall(piece)
                if act.gap:
                    select([self.connection], [], [], act.gap)  # ends early when the client hangs up
            if not act.endless:
                break
        match act.then:
            case "drop":
                raise _ClosedError
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.file.close()
                self.connection.close()
                raise _ClosedError
            case "hang":
                while True:
                    self.read()

    def secure(self) -> None:
        assert self.server.tls is not None
        plain = self.connection
        self.file.close()
        self.connection = self.server.tls.wrap_socket(plain, server_side=True)
        self.server._open.discard(plain)
        self.server._open.add(self.connection)
        self.file = self.connection.makefile("rb")
        self.is_private = True


def _path(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


def _act_of(written: str | dict[str, str]) -> Act:
    """Read an act from JSON: "drop", "reset", "hang", a reply, or {"say": reply, "then": ...}."""
    if isinstance(written, dict):
        return say(written["say"], then=written.get("then", "go on"))
    return Act(then=written) if written in ("drop", "reset", "hang") else say(written)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--script", type=json.loads, default={})
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    script = {moment: [_act_of(act) for act in acts] for moment, acts in options.script.items()}
    one_at_a_time = threading.Lock()
    with options.log.open("a", encoding="utf-8") as log:

        def write(mail: Mail) -> None:
            with one_at_a_time:
                log.write(json.dumps(asdict(mail) | {"raw": mail.raw.decode("latin-1")}) + "\n")
                log.flush()

        with SmtpServer(script, port=options.port, on_mail=write) as server:
            sys.stdout.write(f"{server.port}\n")
            sys.stdout.flush()
            sys.stdin.read()


if __name__ == "__main__":
    main()
