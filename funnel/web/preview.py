"""The staff's preview, served to this machine alone. It reads, and can send or change nothing.

What keeps strangers out: it listens on 127.0.0.1 only, answers only to this machine's own names (a page on
the web whose name is pointed here gets 421), and stands below a path that is new in every run. What keeps
a mail in: a sandboxed frame and a policy of its own. Paths are looked up among values, never on disk.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from threading import Lock

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from funnel.content import ContentProblems
from funnel.errors import FunnelError, UsageError
from funnel.gallery import INDEX, Gallery, pages, policy, problem_html

ADDRESS = "127.0.0.1"
_LAST_PORT = 65535
_NAMES = ("localhost", ADDRESS, "[::1]")
_SECRET = re.compile(r"[A-Za-z0-9_-]+")
_HTML = "text/html; charset=utf-8"
#: A mail may show its own styles and pictures, and that is all; a frame elsewhere may not hold it.
MAIL_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox"
)
_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Parts:
    """One message as people look at it: the HTML part, the text part (both UTF-8) and the whole of it."""

    html: bytes
    text: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that is served.

    The gallery's addresses are relative and lead here: `mail/<slug>/<variant>/` and `inbox/<key>/`, each
    followed by `index.html`, `text.txt` or `message.eml`, and `page/<slug>`. `messages` holds whole messages
    by key; they are taken apart when they are asked for.
    """

    gallery: Gallery
    mails: Mapping[tuple[str, str], Parts]
    messages: Mapping[str, bytes]
    pages: Mapping[str, str]


def parts_of(raw: bytes) -> Parts:
    """Take a message apart. A part that it does not have is empty."""
    message = message_from_bytes(raw, policy=default)
    return Parts(html=_body(message, "html"), text=_body(message, "plain"), raw=raw)


def _body(message: EmailMessage, kind: str) -> bytes:
    part = message.get_body((kind,))
    return str(part.get_content()).encode() if part else b""


def create(load: Callable[[], Site], *, secret: str) -> Starlette:
    """Make the preview, below the path `/<secret>/`. Each of its own pages calls `load`: make it cheap.

    A FunnelError from `load` becomes a page that says what to fix; the next request tries again.
    Raises ValueError for a secret that cannot stand in an address.
    """
    if not _SECRET.fullmatch(secret):
        raise ValueError("the secret is one or more of A-Z, a-z, 0-9, - and _")
    desk = _Desk(load)
    routes = [
        Route("/mail/{slug}/{variant}/{part}", desk.mail),
        Route("/inbox/{key}/{part}", desk.message),
        Route("/page/{slug}", desk.page),
        Route("/", desk.own),
        Route("/{name}", desk.own),
    ]
    app = Starlette(
        routes=[Mount(f"/{secret}", app=Router(routes, redirect_slashes=False))],
        exception_handlers={404: _missing, FunnelError: _problem},
    )
    app.add_middleware(_Guard)
    return app


def address(*, port: int, secret: str) -> str:
    """Return where a browser finds the preview."""
    return f"http://{ADDRESS}:{port}/{secret}/"


def listen(port: int) -> socket.socket:
    """Open this machine's own port; 0 lets the system choose. Raises UsageError when it cannot be had."""
    hint = "choose another one with --port"
    if not 0 <= port <= _LAST_PORT:
        raise UsageError(f"port {port} cannot be used: ports go up to {_LAST_PORT}", hint=hint)
    try:
        return socket.create_server((ADDRESS, port))
    except OSError as error:
        raise UsageError(f"port {port} cannot be used: {error.strerror}", hint=hint) from error


def serve(app: Starlette, *, port: int, started: Callable[[int], None]) -> None:
    """Serve until Ctrl-C, which is the usual end and no error. `started` gets the port once it is open."""
    with listen(port) as opened:
        started(opened.getsockname()[1])
        with suppress(KeyboardInterrupt):
            server(app).run(sockets=[opened])


def server(app: Starlette) -> uvicorn.Server:
    """Return the server that `serve` runs: no log of what is read, no name of the program in its answers."""
    config = uvicorn.Config(
        app,
        access_log=False,
        lifespan="off",
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=1,
        ws="none",
    )
    return uvicorn.Server(config)


class _Desk:
    """Answers requests from the site as it was when one of our own pages was last asked for."""

    def __init__(self, load: Callable[[], Site]) -> None:
        self._load = load
        self._lock = Lock()  # requests come from several threads; the content is compiled once
        self._site: Site | None = None

    def own(self, request: Request) -> Response:
        """Answer with one of the tool's own pages, fresh."""
        with self._lock:
            site = self._site = self._load()
        page = pages(site.gallery).get(request.path_params.get("name", INDEX))
        if page is None:
            return _missing(request)
        own = f"{policy(site.gallery.color)}; frame-ancestors 'none'"
        return Response(page, media_type=_HTML, headers={"content-security-policy": own})

    def mail(self, request: Request) -> Response:
        """Answer with one part of an email in one variant."""
        slug, variant = request.path_params["slug"], request.path_params["variant"]
        return _part(request, self._current().mails.get((slug, variant)))

    def message(self, request: Request) -> Response:
        """Answer with one part of a message that somebody got."""
        raw = self._current().messages.get(request.path_params["key"])
        return _part(request, None if raw is None else parts_of(raw))

    def page(self, request: Request) -> Response:
        """Answer with a page of the public site, kept in like a mail."""
        page = self._current().pages.get(request.path_params["slug"])
        return _missing(request) if page is None else _kept_in(page.encode(), _HTML)

    def _current(self) -> Site:
        with self._lock:
            if self._site is None:
                self._site = self._load()
            return self._site


def _part(request: Request, parts: Parts | None) -> Response:
    match parts, request.path_params["part"]:
        case Parts(html=html), "index.html":
            return _kept_in(html, _HTML)
        case Parts(text=text), "text.txt":
            return _kept_in(text, "text/plain; charset=utf-8")
        case Parts(raw=raw), "message.eml":
            answer = _kept_in(raw, "message/rfc822")
            answer.headers["content-disposition"] = 'attachment; filename="message.eml"'
            return answer
        case _:
            return _missing(request)


def _kept_in(content: bytes, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers={"content-security-policy": MAIL_POLICY})


def _missing(_: Request, error: Exception | None = None) -> Response:  # noqa: ARG001 - Starlette hands it over
    return PlainTextResponse(
        "There is nothing here. Use the whole address that funnel preview printed.\n", status_code=404
    )


def _problem(_: Request, error: Exception) -> Response:
    match error:
        case ContentProblems(problems=(_, _, *_)):
            lines = [line for one in error.problems for line in (one.message, _indented(one.hint)) if line]
            message, hint = "\n".join(lines), ""
        case FunnelError():
            message, hint = error.message, error.hint
        case _:
            raise error
    headers = {"content-security-policy": f"{policy()}; frame-ancestors 'none'"}
    return Response(problem_html(message, hint), status_code=500, media_type=_HTML, headers=headers)


def _indented(hint: str) -> str:
    return hint and f"    {hint}"


class _Guard:
    """Stands before everything: this machine's names only, reading only, careful headers on each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_carefully(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_ALWAYS)
                headers.setdefault("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
            await send(message)

        await (_refusal(scope) or self._app)(scope, receive, send_carefully)


def _refusal(scope: Scope) -> Response | None:
    """Say no to a foreign Host, which is how DNS rebinding reaches a local server, and to any other verb."""
    port = scope["server"][1]
    host = Headers(scope=scope).get("host", "").lower()
    if host not in {f"{name}:{port}" for name in _NAMES}:
        return PlainTextResponse("This preview answers only to this machine.\n", status_code=421)
    if scope["method"] not in {"GET", "HEAD"}:
        return PlainTextResponse("Nothing can be changed from here.\n", status_code=405, headers={"allow": "GET, HEAD"})
    return None
