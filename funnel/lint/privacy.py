"""People's data: what the outside of a mail must not say, and whom a mail must not call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from funnel.lint.subject import Mail, Rule, Subject, error
from funnel.model import Finding, Privacy, Variant

_SEPARATORS = re.compile(r"[\s\-_/+.?&=:#~,]+")
_FETCHING_STYLE = re.compile(r"@import\s+[^;]+|@font-face|url\(\s*[\"']?(?!#)[^)]*\)", re.IGNORECASE)
_STYLE_MARKS = ("@import", "@font-face", "url(")  #: without one of these the slow search finds nothing
_FETCHING_TAG = re.compile(r"<(script|iframe|object|embed|video|audio|form)\b", re.IGNORECASE)


def check_outside(subject: Subject) -> Iterator[Finding]:
    """Find the condition, the side or a part of the body on the outside of a series' mail.

    Looked at: subject and preheader, every address in the mail, the name of the file that it hands over,
    and the series' code and nicknames. The words are `sensitive_terms` in funnel.toml; capitals do not
    matter, a dash in an address counts as a blank, and what stands in `allowed_phrases` is let through. The
    confirmation mail is held to it too. A newsletter is not: it may name its topic.

    Why: with an address beside it, "left hip" is health data. A subject stands on a locked phone; addresses
    stand in the logs of everybody between the reader and us; nicknames stand in a provider's screens.

    Mend: say it inside the mail, where only the reader sees it.

    Example: `https://example.com/si-joint-right/` behind a button.
    """
    terms = _Terms(subject.project.settings.privacy)
    for mail in subject.mails:
        if mail.variant is not Variant.ALL or mail.is_confirmation:
            yield from _mail_outside(mail, terms)
    for series in subject.project.series.values():
        if series.variant_by == "side":
            for name in (series.code, *series.nickname.values()):
                for term in terms.within(name):
                    message = f"the code or nickname “{name}” says “{term}” to a provider"
                    yield error("PR001", message, series.place, "choose a neutral one, such as Series Green")


def check_requests(subject: Subject) -> Iterator[Finding]:
    """Find something that a mail program would fetch from somewhere else by itself.

    Pictures may come from the clinic's own site and from nowhere else. Fonts, style sheets, scripts, frames
    and forms may not be there at all.

    Why: whoever serves a picture or a font learns who opened which mail, when and where. For mail about
    somebody's health that is nobody's business, ours included.

    Mend: put the picture on your own site; use the fonts that every machine has.

    Example: `@import url("https://fonts.example.net/css")` in a style block.
    """
    for mail in subject.mails:
        home = urlsplit(mail.project.settings.site_url).hostname
        for address in mail.page.fetched:
            host = _host(address)
            if host and host != home:
                place = mail.written(address, "<mj-image")
                yield error(
                    "PR002",
                    f"opening this mail fetches {address} from somebody else",
                    place,
                    f"keep it on {home}",
                )
        for words in _fetching(mail.html):
            place = mail.written(words, words.partition("(")[0])
            yield error("PR002", f"`{words[:60]}` does not belong in a mail", place, "take it out")


RULES = (
    Rule("PR001", "sensitive-outside", check_outside),
    Rule("PR002", "third-party-request", check_requests),
)


class _Terms:
    """The sensitive words, ready to be found."""

    def __init__(self, privacy: Privacy) -> None:
        self._terms = _any_of(privacy.sensitive_terms)
        self._allowed = _any_of(privacy.allowed_phrases)

    def within(self, words: str) -> list[str]:
        """Return the terms that stand in words or in an address, each once, as they are written there."""
        plain = _spaced(words)
        rest = self._allowed.sub(" | ", plain)
        return sorted({match[0].lower() for match in self._terms.finditer(rest)})


def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    spaced = {_spaced(phrase) for phrase in phrases if phrase.strip()}
    longest_first = sorted(spaced, key=lambda one: (-len(one), one))
    one_of = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<!\w)(?:{one_of})(?!\w)" if one_of else r"(?!)", re.IGNORECASE)


def _spaced(words: str) -> str:
    return _SEPARATORS.sub(" ", unquote(words)).strip()


def _mail_outside(mail: Mail, terms: _Terms) -> Iterator[Finding]:
    hint = "say it inside the mail, where only its reader sees it"
    for key, words in (("subject", mail.subject), ("preheader", mail.rendered.preheader)):
        for term in terms.within(words):
            yield error("PR001", f"the {key} says “{term}” on the outside", mail.email.at(key), hint)
    addresses = (*(link.href for link in mail.page.links), *mail.page.fetched, *mail.text_addresses)
    for address in dict.fromkeys(addresses):
        for term in terms.within(address):
            message = f"the address {address} says “{term}”"
            yield error("PR001", message, mail.link_mended(address), "link to a neutral address")
    if offer := mail.project.offers.get(mail.email.delivers):
        for term in terms.within(offer.file.rpartition("/")[2]):
            yield error("PR001", f"the file that people get says “{term}”", offer.place, "rename the file")


def _fetching(html: str) -> Iterator[str]:
    small = html.lower()
    if any(mark in small for mark in _STYLE_MARKS):
        yield from (match[0] for match in _FETCHING_STYLE.finditer(html))
    yield from (match[0] for match in _FETCHING_TAG.finditer(html))


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
