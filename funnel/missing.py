"""What staff still have to supply before a mail may leave this machine. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from funnel.merge import fill
from funnel.model import PLACEHOLDER, Email, Merged, MergeSpot, Missing, Project

EXAMPLE_DOMAINS = ("example.com", "example.org", "example.net", ".example")  #: RFC 2606: nobody's own
WORDS = f"the words that {PLACEHOLDER} stands for"


def find_missing(project: Project, email: Email, html: Merged, text: Merged) -> Iterator[Missing]:
    """Yield each fact that this mail needs and does not have, with the place where it is to be written."""
    yield from _sender(project)
    yield from _links(project, html)
    for offer in project.offers.values():
        if PLACEHOLDER in offer.file:
            yield Missing(f"the file of the offer `{offer.slug}`", offer.place)
    card = email.exercise
    if card and not (card.video or card.cues or card.name_only):
        yield Missing("a video, cues, or a clinician's `name_only: true`", card.place)
    if PLACEHOLDER in _own_words(project, text):
        yield Missing(WORDS, email.place)


def is_example(domain: str) -> bool:
    """Tell whether a domain is one of those that stand for somebody's own."""
    return domain.endswith(EXAMPLE_DOMAINS)


def _sender(project: Project) -> Iterator[Missing]:
    settings = project.settings
    if PLACEHOLDER in settings.brand.postal_address:
        yield Missing("the clinic's postal address", settings.at("brand.postal_address"))
    if is_example(settings.sender.domain) or is_example(settings.sender.reply_to.rpartition("@")[2]):
        yield Missing("the sender's own address", settings.at("sender.from"))
    if is_example(settings.site_url.removeprefix("https://")):
        yield Missing("the site's own address", settings.at("site.url"))


def _links(project: Project, html: Merged) -> Iterator[Missing]:
    """Find fixed links that are used and not written yet; `link.inquiry` leads to the fixed one of that name."""
    printed = fill(html, {})
    personal = {piece.field for piece in html if isinstance(piece, MergeSpot)}
    for name, address in project.settings.links.items():
        if PLACEHOLDER in address and (address in printed or f"link.{name}" in personal):
            yield Missing(f"the address of the link `{name}`", project.settings.at(f"links.{name}"))


def _own_words(project: Project, text: Merged) -> str:
    """Return the text part without the settings that are reported on their own."""
    settings = project.settings
    shown = " ".join(fill(text, {}).split())
    for known in (settings.brand.postal_address, *settings.links.values(), settings.sender.reply_to):
        shown = shown.replace(" ".join(known.split()), "")
    return shown
