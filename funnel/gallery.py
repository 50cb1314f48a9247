"""The pages that staff read in a browser: every mail in every variant, and one person's inbox over time.

Values in, HTML out. The same pages are written to a folder by `funnel build`, where they need no server, and
served by `funnel preview`; every address in them is relative, so both work. Choosing a mail, its width and
the dark are plain HTML and CSS; the little script adds keys and remembers the choice.

Dark is shown by the CSS property `color-scheme` on the frame: in Chromium a framed document, sandboxed or
not, takes its `prefers-color-scheme` from there (CSS Color Adjustment 1; tried with Chromium 156). Nothing in
the mail is changed. Elsewhere the frame keeps the screen's own scheme.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from itertools import groupby, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from funnel.model import ContactStatus, Finding, Place, Severity, Variant
from funnel.palette import palette

if TYPE_CHECKING:
    from jinja2 import Environment

INDEX = "index.html"  #: the name of the first page
_HOUSE = "#0b5c66"  #: the colour of a page that belongs to no brand


@dataclass(frozen=True, slots=True)
class Sheet:
    """One email in one variant, as it would go out. The addresses are relative to the page."""

    slug: str
    variant: Variant
    subject: str
    preheader: str
    html_bytes: int
    exercise: str | None
    html_url: str
    text_url: str
    eml_url: str
    findings: tuple[Finding, ...]
    source: Place

    @property
    def anchor(self) -> str:
        """Return the fragment that opens this sheet; a variant holds no hyphen, so no two are the same."""
        return f"mail-{self.slug}-{self.variant}"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail in a person's inbox. `local_time` is what people read, in the person's own zone."""

    step: str
    email: str
    subject: str
    preheader: str
    sent_at: datetime
    local_time: str
    exercise: str | None
    html_url: str
    text_url: str
    eml_url: str
    key: str

    @property
    def anchor(self) -> str:
        """Return the fragment that opens this mail."""
        return f"mail-{self.key}"


@dataclass(frozen=True, slots=True)
class NotSent:
    """A step that this person will not get. `reason` is the ledger's word, `words` the one for people."""

    step: str
    reason: str
    words: str


@dataclass(frozen=True, slots=True)
class Coming:
    """A step that is still to come. `local_time` is what people read; `why` says why then."""

    step: str
    at_utc: datetime
    local_time: str
    why: str


@dataclass(frozen=True, slots=True)
class Inbox:
    """What one person got, did not get, and will get; mails oldest first. `zone` is an IANA name."""

    email: str
    first_name: str
    side: Variant | None
    zone: str
    status: ContactStatus
    mails: tuple[Mail, ...]
    not_sent: tuple[NotSent, ...] = ()
    coming: tuple[Coming, ...] = ()

    @property
    def who(self) -> str:
        """Return what to call this person."""
        return self.first_name or self.email


@dataclass(frozen=True, slots=True)
class PageLink:
    """A page of the public site."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Gallery:
    """Everything that the pages show. `color` is `#rrggbb`; `errors` and `warnings` count the findings."""

    name: str
    color: str
    sheets: tuple[Sheet, ...]
    inboxes: tuple[Inbox, ...]
    pages: tuple[PageLink, ...]
    errors: int
    warnings: int
    built_at: str = ""


def pages(gallery: Gallery) -> dict[str, str]:
    """Write every page, by file name. They stand in one folder, from which all their addresses count."""
    people = {name_of(n): inbox_html(gallery, inbox) for n, inbox in enumerate(gallery.inboxes, 1)}
    return {INDEX: index_html(gallery), **people}


def name_of(number: int) -> str:
    """Return the file name of the page of the person who stands at this place, counted from 1."""
    return f"person-{number}.html"


def index_html(gallery: Gallery) -> str:
    """Write the first page: every email in every variant. The same gallery gives the same text."""
    mails = [list(group) for _, group in groupby(gallery.sheets, key=lambda sheet: sheet.slug)]
    return _write("gallery.html.j2", gallery.color, gallery=gallery, groups=mails, here=INDEX)


def inbox_html(gallery: Gallery, inbox: Inbox) -> str:
    """Write the page of one person of the gallery."""
    here = name_of(gallery.inboxes.index(inbox) + 1)
    rows = list(zip(_gaps(inbox), inbox.mails, strict=True))
    return _write("inbox.html.j2", gallery.color, gallery=gallery, inbox=inbox, rows=rows, here=here)


def problem_html(message: str, hint: str) -> str:
    """Write the page that stands in while the content cannot be compiled. Line breaks are kept."""
    return _write("problem.html.j2", _HOUSE, message=message, hint=hint)


def policy(color: str = _HOUSE) -> str:
    """Return the Content-Security-Policy of the pages in this colour, as they also carry it themselves.

    Only our own style and script run, named by their hashes; `frame-src` keeps a link inside a mail from
    leading its frame away: a sandbox alone lets a frame move itself (W3C CSP 3, section 6.4).
    """
    return (
        f"default-src 'none'; style-src '{_hash(_style(color))}'; script-src '{_hash(_script())}'; "
        "img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'"
    )


def _write(name: str, color: str, **values: object) -> str:
    own = {
        "style": _style(color),
        "script": _script(),
        "policy": policy(color),
        "accent": palette(color).accent,
    }
    return _environment().get_template(name).render(**own, **values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # late: the command line starts without it

    environment = Environment(
        loader=PackageLoader("funnel", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters.update(side=_side, weight=_weight, count=_count, tally=_tally)
    environment.globals["name_of"] = name_of
    return environment


@cache
def _style(color: str) -> str:
    return _environment().get_template("look.css.j2").render(palette=palette(color))


@cache
def _script() -> str:
    return _environment().get_template("keys.js.j2").render()


@cache
def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


# --- words -------------------------------------------------------------------------------------------------

_KILOBYTE = 1000  #: as mail programs count
_SIDES: Mapping[Variant | None, str] = {
    Variant.LEFT: "left side",
    Variant.RIGHT: "right side",
    Variant.NOT_SURE: "not sure",
    Variant.ALL: "everyone",
    None: "no side given",
}


def _side(variant: Variant | None) -> str:
    return _SIDES[variant]


def _weight(size: int) -> str:
    return f"{size / 1000:.0f} kB" if size >= _KILOBYTE else f"{size} bytes"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _tally(findings: Sequence[Finding]) -> str:
    """Say how many errors and warnings there are; empty when there are none."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    counts = ((errors, "error"), (len(findings) - errors, "warning"))
    return ", ".join(_count(number, noun) for number, noun in counts if number)


def _gaps(inbox: Inbox) -> list[str]:
    """Say before each mail how many of the person's own days have passed since the one before."""
    zone = ZoneInfo(inbox.zone)
    days = [mail.sent_at.astimezone(zone).date() for mail in inbox.mails]
    return [""][: len(days)] + [_days_later((after - before).days) for before, after in pairwise(days)]


def _days_later(days: int) -> str:
    match days:
        case 0:
            return "the same day"
        case 1:
            return "the next day"
        case _:
            return f"{days} days later"
