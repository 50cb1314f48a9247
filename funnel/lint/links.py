"""Links: where they lead, what they are called, and whether both parts of a mail have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from funnel.lint.page import Link
from funnel.lint.subject import Mail, Rule, Subject, error, warning
from funnel.model import Finding

SCHEMES = ("https", "mailto", "tel")
_VAGUE = re.compile(r"(?:click|press|tap)(?: here| me)?|here|this(?: link)?|link|(?:read |learn )?more")
_NAME_IT = "call it by what is behind it"
_WHOLE = "write the whole https:// address"
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")


def check_addresses(subject: Subject) -> Iterator[Finding]:
    """Find a link or picture that leads nowhere or somewhere unsafe, or does not say where.

    Allowed are https, mailto and tel. Not allowed: http, javascript and data, an address without a scheme,
    `#`, an address with a name and password, with blanks or backslashes, or whose host is not plain
    letters.

    Why: mail programs warn about http, block the rest, and treat oddities as fishing for passwords. A link
    called "click here" says nothing to those who listen to a list of links.

    Mend: write the whole https address, and call the link by what is behind it.

    Example: `[click here](http://example.com)`.
    """
    for mail in subject.mails:
        for link in mail.page.links:
            if fault := _fault(link.href):
                yield error("LK001", f"the link {_called(link)} {fault}", mail.link_mended(link.href), _WHOLE)
            if not link.words:
                message = f"the link to {_shown(mail, link.href)} has no words to press"
                yield error("LK001", message, mail.link_written(link.href), _NAME_IT)
            elif _VAGUE.fullmatch(link.words.casefold().strip(" .…!>»→")):
                message = f"“{link.words}” does not say where the link leads"
                yield warning("LK001", message, mail.written(f"[{link.words}]", link.words), _NAME_IT)
        yield from _pictures(mail)
        for address in mail.text_addresses:
            if fault := _fault(address):
                yield error("LK001", f"the link {address} {fault}", mail.link_mended(address), _WHOLE)


def check_parity(subject: Subject) -> Iterator[Finding]:
    """Find a link that only one of the two parts of a mail has.

    Why: some people read the text part: on a watch, by ear, or because their program prefers it. They are
    to have every link that the others have. A text part that leads elsewhere is also a mark of spam.

    Mend: write the link in the Markdown text, which makes both parts, or add it to the other template.

    Example: a button in a template, and no line for it in `templates/text/`.
    """
    for mail in subject.mails:
        in_html = dict.fromkeys(link.href for link in mail.page.links if link.href)
        in_text = mail.text_addresses
        for address in in_html:
            if address not in in_text and address not in mail.text:
                yield _lacking(mail, address, "text")
        for address in in_text:
            if address not in in_html and address not in mail.parts["HTML"]:
                yield _lacking(mail, address, "HTML")


RULES = (Rule("LK001", "link", check_addresses), Rule("LK002", "link-in-both-parts", check_parity))


def _fault(address: str) -> str:
    """Say what is wrong with an address, or nothing."""
    if not address.strip() or address.startswith("#"):
        return "leads nowhere"
    if _UNSAFE.search(address):
        return "holds a blank, a control character or a backslash"
    scheme = address.partition(":")[0].lower() if re.match(r"[a-zA-Z][\w+.-]*:", address) else ""
    if not scheme:
        return "is not a whole address"
    if scheme == "http":
        return "uses http, which anybody on the way can read and change"
    if scheme not in SCHEMES:
        return f"uses {scheme}:, which mail programs block"
    return _host_fault(address) if scheme == "https" else ""


def _host_fault(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return "cannot be read as an address"
    if "@" in parts.netloc:
        return "holds a name or password before the host"
    if not host or "." not in host:
        return "has no host"
    if not host.isascii() or "xn--" in host:
        return "has a host that can be mistaken for another"
    return ""


def _pictures(mail: Mail) -> Iterator[Finding]:
    for image in mail.page.images:
        fault = _fault(image.src)
        if fault or not image.src.lower().startswith("https:"):
            message = f"the picture {image.src} {fault or 'is not fetched over https'}"
            yield error("LK001", message, mail.written(image.src, "<mj-image"), _WHOLE)


def _called(link: Link) -> str:
    return link.href if link.href.strip() else f"“{link.words}”"


def _shown(mail: Mail, address: str) -> str:
    """Return an address as the author knows it: by its field when it is one of ours."""
    fields = [field for field, value in mail.links.items() if value == address]
    return f"`{fields[0]}`" if fields else address


def _lacking(mail: Mail, address: str, part: str) -> Finding:
    message = f"the {part} part lacks the link to {_shown(mail, address)}"
    hint = "write it in the Markdown text, which makes both parts, or add it to the other template"
    return error("LK002", message, mail.link_written(address), hint)
