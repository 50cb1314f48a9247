"""What rules look at: every mail of a project in every variant, compiled, with the views that rules share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from funnel.links import PATHS, Purpose
from funnel.lint.page import Page, read_page, squeeze
from funnel.lint.sources import Sources
from funnel.merge import FIELDS, fill
from funnel.model import Email, Finding, Merged, MergeSpot, Place, Project, Rendered, Severity, Variant

CONFIRM = "confirm"  #: the template of the one mail that goes out before consent
ALWAYS_KNOWN = frozenset({"person.email"})  #: nobody is mailed without
KNOWN = {"person.first_name": "Alexandra", "person.email": "alexandra@example.com"}  #: somebody we know


@dataclass(frozen=True)
class Mail:
    """One compiled mail beside what was written for it.

    The page and the words are read as somebody sees them of whom only the address is known: every link is
    there, every other personal value falls back. Values are escaped, so no value changes what a page is
    made of.
    """

    rendered: Rendered
    email: Email
    project: Project
    sources: Sources

    @property
    def variant(self) -> Variant:
        """Return the mail's variant."""
        return self.rendered.variant

    @property
    def is_confirmation(self) -> bool:
        """Tell whether this mail asks for consent, and so goes to somebody who has not given any."""
        return self.email.template == CONFIRM

    @cached_property
    def links(self) -> dict[str, str]:
        """Return a made-up address for every `link.*`."""
        site = self.project.settings.site_url
        fields = sorted(one for one in FIELDS if one.startswith("link."))
        return {one: f"{site}/{PATHS[Purpose(one.removeprefix('link.'))]}/{'0' * 32}" for one in fields}

    @cached_property
    def fillings(self) -> Mapping[str, dict[str, str]]:
        """Return the values to try: `""` with everything known, then one with each `person.*` that can be missing."""
        known = KNOWN | self.links
        used = sorted(field for field in self._fields if field in KNOWN.keys() - ALWAYS_KNOWN)
        return {"": known} | {gone: {k: v for k, v in known.items() if k != gone} for gone in used}

    @cached_property
    def subject(self) -> str:
        """Return the subject as a person without a name sees it."""
        return fill(self.rendered.subject, self._nameless)

    @cached_property
    def html(self) -> str:
        """Return the HTML part as a person without a name sees it."""
        return fill(self.rendered.html, self._nameless)

    @cached_property
    def text(self) -> str:
        """Return the text part as a person without a name sees it."""
        return fill(self.rendered.text, self._nameless)

    @cached_property
    def page(self) -> Page:
        """Return the HTML part, read."""
        return read_page(self.html)

    @cached_property
    def parts(self) -> Mapping[str, str]:
        """Return the visible words of both parts, with single spaces."""
        return {"HTML": self.page.words, "text": squeeze(self.text)}

    @cached_property
    def text_addresses(self) -> tuple[str, ...]:
        """Return every address that stands in the text part."""
        found = re.findall(r"(?:https?://|mailto:|tel:)[^\s<>\"]+", self.text)
        return tuple(dict.fromkeys(one.rstrip(".,;:!?)'’”") for one in found))

    @property
    def design(self) -> Place:
        """Return the template of the HTML part."""
        return Place(f"templates/{self.email.template}.mjml.j2")

    def design_of(self, part: str) -> Place:
        """Return the template of "HTML" or "text", where a missing thing should have been."""
        return self.design if part == "HTML" else Place(f"templates/text/{self.email.template}.txt.j2")

    def spots(self) -> Iterator[MergeSpot]:
        """Yield every merge spot of the subject and both parts."""
        for part in (self.rendered.subject, self.rendered.html, self.rendered.text):
            yield from spots_in(part)

    def written(self, *needles: str) -> Place:
        """Return where the first of these words stands in this mail's files, else the email's own file."""
        return self.sources.words(self.email, *needles) or self.email.place

    def link_written(self, address: str) -> Place:
        """Return where a link to `address` was written: by its words, or by the name that stands for it."""
        names = [name for name, value in self.links.items() if value == address]
        names += [f"links.{key}" for key, value in self.project.settings.links.items() if value == address]
        patterns = [*map(_name, names), re.escape(address)] if address else []
        patterns += [f"{scheme}:" for scheme in ("mailto", "tel") if address.startswith(f"{scheme}:")]
        found = (place for one in patterns for place in self.sources.places(self.email, one))
        return next(found, self.email.place)

    def link_mended(self, address: str) -> Place:
        """Return where an address has to be changed: in funnel.toml when it is one of the fixed ones."""
        settings = self.project.settings
        fixed = (settings.at(f"links.{key}") for key, value in settings.links.items() if value == address)
        return next(fixed, None) or self.link_written(address)

    @cached_property
    def _fields(self) -> frozenset[str]:
        return frozenset(spot.field for spot in self.spots())

    @property
    def _nameless(self) -> dict[str, str]:
        return self.links | {"person.email": KNOWN["person.email"]}


@dataclass(frozen=True)
class Subject:
    """A project with all of its compiled mail, at one moment."""

    project: Project
    rendered: tuple[Rendered, ...]
    now: datetime

    @cached_property
    def sources(self) -> Sources:
        """Return the project's files, for finding lines."""
        return Sources(self.project)

    @cached_property
    def mails(self) -> tuple[Mail, ...]:
        """Return every mail with its views, in the order of `rendered`."""
        emails = self.project.emails
        return tuple(Mail(one, emails[one.slug][one.variant], self.project, self.sources) for one in self.rendered)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that lint looks for. `name` is short, for machines; the docstring of `check` is its page."""

    code: str
    name: str
    check: Callable[[Subject], Iterator[Finding]]

    @property
    def page(self) -> str:
        """Return what is published about the rule: what, why, how to mend it, an example."""
        return inspect.cleandoc(self.check.__doc__ or "")


def spots_in(part: Merged) -> Iterator[MergeSpot]:
    """Yield the merge spots of one part."""
    return (piece for piece in part if isinstance(piece, MergeSpot))


def error(code: str, message: str, place: Place, hint: str = "") -> Finding:
    """Make a finding that stops a push."""
    return Finding(code, Severity.ERROR, message, place, hint)


def warning(code: str, message: str, place: Place, hint: str = "") -> Finding:
    """Make a finding for people to weigh."""
    return Finding(code, Severity.WARNING, message, place, hint)


def _name(name: str) -> str:
    return rf"(?<![\w.]){re.escape(name)}\b"
