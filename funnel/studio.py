"""Gather what the preview shows: compiled mail, findings, and the inboxes of the people in the local mailbox."""

from __future__ import annotations

import secrets
import sys
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from threading import Lock

from funnel.app import DATABASE, App
from funnel.build import files, gallery_of, sheet
from funnel.calendar import local_time, upcoming
from funnel.config import load
from funnel.engine import Engine
from funnel.engine.dispatch import key_of
from funnel.gallery import Coming, Inbox, Mail, NotSent, PageLink
from funnel.merge import fill
from funnel.model import Contact, Delivery, DeliveryState, Rendered
from funnel.payload import letter_from
from funnel.timeline import REASONS, not_sent
from funnel.web.preview import Parts, Site, address, create, serve

MOST_INBOXES = 50  #: people whose inboxes are listed; the rest is what `funnel contacts show` is for
WATCHED = ("funnel.toml", "content", "templates", "assets")


def serve_preview(app: App, *, port: int, now: datetime, note: Callable[[str], None]) -> None:
    """Serve the preview of a project until Ctrl-C. Reads the files anew when one has changed."""
    secret = secrets.token_urlsafe(12)
    shelf = _Shelf(app, now)

    def started(open_port: int) -> None:
        url = address(port=open_port, secret=secret)
        note(f"the preview is at {url}  (Ctrl-C ends it)")
        if _has_screen(app.environ):
            webbrowser.open(url)

    serve(create(shelf.site, secret=secret), port=port, started=started)


def _has_screen(environ: Mapping[str, str]) -> bool:
    """Tell whether somebody sits before a screen: a browser in the terminal would only be in the way."""
    if not sys.stderr.isatty() or environ.get("CI"):
        return False
    return sys.platform in ("darwin", "win32") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


class _Shelf:
    """Keeps the last site until a file of the project, or the mailbox, has changed."""

    def __init__(self, app: App, now: datetime) -> None:
        self._app = app
        self._now = now
        self._lock = Lock()
        self._seen: object = None
        self._site: Site | None = None

    def site(self) -> Site:
        """Return what is to be shown. Raises FunnelError while the content does not compile."""
        with self._lock:
            seen = _traces(self._app)
            if self._site is None or seen != self._seen:
                self._site = site_of(_reopened(self._app), now=self._now)
                self._seen = seen
            return self._site


def site_of(app: App, *, now: datetime) -> Site:
    """Gather everything that is served. Opens the database only when there is one, and closes it."""
    findings = app.findings(now=now)
    sheets = [sheet(one, findings, folder=f"mail/{one.slug}/{one.variant}") for one in app.rendered]
    links = tuple(PageLink(title, f"page/{slug}") for slug, (title, _) in app.pages.items())
    inboxes: tuple[Inbox, ...] = ()
    messages: dict[str, bytes] = {}
    if (app.state / DATABASE).exists():
        inboxes, messages = _inboxes(app)
    return Site(
        gallery=replace(gallery_of(app.config.settings, sheets, links, findings), inboxes=inboxes),
        mails={(one.slug, str(one.variant)): _parts(app, one) for one in app.rendered},
        messages=messages,
        pages={slug: html for slug, (_, html) in app.pages.items()},
    )


def _parts(app: App, rendered: Rendered) -> Parts:
    written = files(app.sampler, rendered)
    return Parts(html=written["index.html"], text=written["text.txt"], raw=written["message.eml"])


def _inboxes(app: App) -> tuple[tuple[Inbox, ...], dict[str, bytes]]:
    """Read the inboxes of everyone who has mail in the local mailbox, and the mail itself, by key."""
    messages: dict[str, bytes] = {}
    inboxes: list[Inbox] = []
    try:
        for contact in app.store.people.each():
            mails = tuple(_mails(app, contact, messages))
            if mails:
                inboxes.append(_inbox(app.engine, contact, mails))
            if len(inboxes) == MOST_INBOXES:
                break
    finally:
        app.store.close()
    return tuple(inboxes), messages


def _inbox(engine: Engine, contact: Contact, mails: tuple[Mail, ...]) -> Inbox:
    return Inbox(
        email=contact.email,
        first_name=contact.first_name,
        side=contact.side,
        zone=engine.zone(contact).key,
        status=contact.status,
        mails=mails,
        not_sent=tuple(
            NotSent(step, reason, REASONS.get(reason, reason)) for step, reason in not_sent(engine, contact)
        ),
        coming=tuple(Coming(one.step, one.at, _words(one.local), one.why) for one in upcoming(engine, contact)),
    )


def _mails(app: App, contact: Contact, messages: dict[str, bytes]) -> Iterator[Mail]:
    for delivery in app.store.ledger.history(contact.id):
        stored = app.mailbox.find(key_of(app.engine, delivery.id)) if delivery.state is DeliveryState.SENT else None
        if stored is not None:
            messages[stored.key] = stored.raw
            yield _mail(app.engine, contact, delivery, stored.key)


def _mail(engine: Engine, contact: Contact, delivery: Delivery, key: str) -> Mail:
    email = engine.store.programs.email(engine.store.ledger.email_of(delivery.id))
    rendered = letter_from(email.slug, email.variant, email.payload).rendered
    at = delivery.settled_at or delivery.due_at
    return Mail(
        step=delivery.step,
        email=delivery.email,
        subject=fill(rendered.subject, engine.values(contact, at)),
        preheader=rendered.preheader,
        sent_at=at,
        local_time=_words(local_time(at, engine.zone(contact))),
        exercise=rendered.exercise,
        html_url=f"inbox/{key}/index.html",
        text_url=f"inbox/{key}/text.txt",
        eml_url=f"inbox/{key}/message.eml",
        key=key,
    )


def _words(at: datetime) -> str:
    return at.strftime("%a %d %b %Y, %H:%M")


def _reopened(app: App) -> App:
    """Open the same project anew: everything that was read before is read again."""
    return replace(app, config=replace(load(app.config.root, app.environ), run=app.config.run))


def _traces(app: App) -> tuple[tuple[str, int, int], ...]:
    """Return what a save, or a delivery, would change: names, times and sizes of the files."""
    roots = [app.config.root / name for name in WATCHED]
    paths = [path for root in roots for path in ([root] if root.is_file() else sorted(root.rglob("*")))]
    paths += [app.state / DATABASE, app.state / f"{DATABASE}-wal", app.state / "mailbox" / "new"]
    found = ((str(path), path.stat()) for path in paths if path.exists())
    return tuple((name, status.st_mtime_ns, status.st_size) for name, status in found)
