"""The shape of the HTML part: title, headings, pictures, weight."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from funnel.lint.page import squeeze
from funnel.lint.subject import Mail, Rule, Subject, error, warning
from funnel.merge import LONGEST, filled
from funnel.model import Finding, MergeSpot, Place

MOST_BYTES = 100_000  #: Gmail cuts a mail off at about 102 kB, and the way out goes with what is cut
MANY_BYTES = 80_000
_WIDEST = ('"' * LONGEST, "\U0001f3c3" * LONGEST)  #: six bytes a character between tags, twelve in an address


def check_alt(subject: Subject) -> Iterator[Finding]:
    """Find a picture without words for those who do not see it.

    Why: many mail programs show no pictures until asked, and some readers listen. They get the alt text, or
    nothing. MJML writes an empty one by itself, so an empty one counts as missing.

    Mend: say in a few words what the picture shows: `alt="..."`, or ![what it shows](address) in Markdown.

    Example: `<mj-image src="https://example.com/runner.png" />`.
    """
    for mail in subject.mails:
        for image in mail.page.images:
            if not image.hidden and not (image.alt or "").strip():
                place = mail.written(image.src, "<mj-image")
                message = f"the picture {image.src} has no alt text"
                yield error("AL001", message, place, 'say what it shows: alt="..."')


def check_headings(subject: Subject) -> Iterator[Finding]:
    """Find a mail without exactly one main heading, or with a level left out.

    Why: who listens to a mail steps from heading to heading; a missing level sounds like missing text.
    The template writes the one main heading, so a text begins with `##`.

    Mend: use `##` for headings in a text, and `###` only below a `##`.

    Example: `# Things to consider` in a newsletter, which already has its subject as main heading.
    """
    for mail in subject.mails:
        headings = mail.page.headings
        main = [one.heading for one in headings if one.level == 1]
        if not main:
            message = "this mail has no main heading (h1)"
            yield error("HD001", message, mail.design, "print the subject as <h1>")
        for words in main[1:]:
            message, place = f"“{words}” is a second main heading", mail.written(f"# {words}", words)
            yield error("HD001", message, place, "write ## in its place")
        for before, after in pairwise(headings):
            if after.level > before.level + 1:
                message = f"“{after.heading}” is h{after.level} right below an h{before.level}"
                hint = f"write {'#' * (before.level + 1)} in its place"
                yield error("HD001", message, _heading(mail, after.heading), hint)
        if headings and headings[0].level != 1:
            message = f"“{headings[0].heading}” stands before the main heading"
            yield error("HD001", message, _heading(mail, headings[0].heading), "begin with the h1")


def check_title(subject: Subject) -> Iterator[Finding]:
    """Find a mail whose HTML title is not its subject.

    Why: the title is what a browser tab and a screen reader say. It must say what the inbox said.

    Mend: keep `<mj-title>{{ subject }}</mj-title>` in the layout.

    Example: `<mj-title>Newsletter</mj-title>`.
    """
    for mail in subject.mails:
        title = mail.page.title
        if title != squeeze(mail.subject):
            place = mail.sources.words(mail.email, "<mj-title") or mail.design
            said = f"is “{title}”, not the subject" if title else "is missing"
            yield error("TT001", f"the HTML title {said}", place, "write <mj-title>{{ subject }}</mj-title>")


def check_size(subject: Subject) -> Iterator[Finding]:
    """Find a mail whose HTML is too heavy: a warning from 80 kB, an error over 100 kB.

    It is weighed with the longest values that can be merged in: a kB is 1000 bytes.

    Why: Gmail cuts a mail off at about 102 kB. The end is missing then, and with it the way to unsubscribe.

    Mend: shorten the text, or send half of it as a second mail and link to the rest.

    Example: an article of 15,000 words in one newsletter.
    """
    for mail in subject.mails:
        size = heaviest(mail)
        hint = "shorten it, or put the rest on a page and link to it"
        if size > MOST_BYTES:
            message = f"the HTML can reach {_kb(size)}; mail programs cut it off after 100 kB"
            yield error("SZ001", message, _heavy(mail), hint)
        elif size >= MANY_BYTES:
            message = f"the HTML can reach {_kb(size)} of the 100 kB that fit"
            yield warning("SZ001", message, _heavy(mail), hint)


RULES = (
    Rule("AL001", "no-alt-text", check_alt),
    Rule("HD001", "headings", check_headings),
    Rule("SZ001", "too-heavy", check_size),
    Rule("TT001", "title-is-subject", check_title),
)


def heaviest(mail: Mail) -> int:
    """Return the most bytes that the HTML part can have, whoever gets it."""
    return sum(len(piece.encode()) if isinstance(piece, str) else _widest(piece) for piece in mail.rendered.html)


def _widest(spot: MergeSpot) -> int:
    if spot.field.startswith("link."):
        return LONGEST
    return max(len(filled(spot, {spot.field: value}).encode()) for value in _WIDEST)


def _kb(size: int) -> str:
    return f"{-(-size // 1000)} kB"


def _heavy(mail: Mail) -> Place:
    return Place(mail.email.place.path, mail.email.body_line)


def _heading(mail: Mail, words: str) -> Place:
    return mail.written(*(f"{'#' * level} {words}" for level in range(6, 1, -1)), words)
