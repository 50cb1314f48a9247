"""Compile an email in one variant: Jinja, then Markdown, then MJML to HTML; and text from the same words.

Personal values stay typed merge spots that survive compilation and are filled later, for each person.
Pure: everything comes in with the Project. Heavy parts are imported with this module, so import it late.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import NoReturn

from markupsafe import Markup

from funnel.errors import ContentError
from funnel.fields import nearest
from funnel.markdown import convert, plain
from funnel.merge import FIELDS, Spots, fill
from funnel.missing import find_missing, is_example
from funnel.mjml import mark, to_html
from funnel.model import (
    Email,
    Exercise,
    Offer,
    Page,
    Place,
    Project,
    Rendered,
    Variant,
)
from funnel.palette import palette
from funnel.payload import canonical, digest_of, merged_json
from funnel.templating import Templates

CLINICAL_PARTS = ("card-note", "caution", "rhythm", "to-do")  #: fixed texts that a clinician signs too


class Compiler:
    """Compiles a project's mail. Holds the parsed templates, so make one and use it for every email."""

    def __init__(self, project: Project) -> None:
        self._project = project
        for folder, sources in (("content", project.partials), ("templates", project.templates)):
            for name, source in sources.items():
                _guard(source, Place(f"{folder}/{name}"))
        filters = {"fallback": _fallback}
        marked = {
            name: mark(source, f"templates/{name}") if name.endswith(".mjml.j2") else source
            for name, source in project.templates.items()
        }
        self._designs = Templates(marked, folder="templates", escape=True, filters=filters)
        self._texts = Templates(project.templates, folder="templates", escape=False, filters=filters)
        self._writing = Templates(project.partials, folder="content", escape=False, filters=filters)

    def every(self) -> Iterator[Rendered]:
        """Compile every email in every variant, in a stable order. Raises ContentError at the first mistake."""
        for email in self._project.every_email():
            yield self.compile(email)

    def compile(self, email: Email) -> Rendered:
        """Compile one email. The same input gives the same bytes. Raises ContentError with `path:line:`."""
        spots = Spots(email.place)
        _guard_email(email)
        context = self._context(email, spots)
        subject = self._line(email, "subject", context)
        preheader = self._line(email, "preheader", context)
        words = convert(self._body(email, context))
        body = SimpleNamespace(html=Markup(words.html), text=words.text)  # noqa: S704 - Markdown with raw HTML off
        context |= {"subject": subject, "preheader": preheader, "body": body}
        path = f"{email.template}.mjml.j2"
        html = to_html(self._designs.render(path, context), path=f"templates/{path}")
        text = self._texts.render(f"text/{email.template}.txt.j2", context).strip() + "\n"
        clinical = self._clinical(email)
        parts = spots.split_header(subject), spots.split_html(html), spots.split_text(text)
        spots.check(*parts)
        rendered = Rendered(
            slug=email.slug,
            variant=email.variant,
            subject=parts[0],
            preheader=fill(spots.split_text(preheader), {}),
            html=parts[1],
            text=parts[2],
            digest="",
            clinical=digest_of(clinical),
            clinical_text=clinical,
            place=email.place,
            exercise=email.exercise.name if email.exercise else None,
            missing=tuple(sorted(set(find_missing(self._project, email, parts[1], parts[2])))),
            delivers=email.delivers,
            attachment=self._attachment(email),
        )
        return replace(rendered, digest=digest(rendered))

    def page(self, page: Page) -> str:
        """Compile one page of the site to a whole HTML document, without personal values."""
        settings = self._project.settings
        context = {"brand": settings.brand, "sender": settings.sender, "links": settings.links}
        words = convert(self._writing.write(page.body, context, path=page.place.path, line=page.body_line))
        html = Markup(words.html)  # noqa: S704 - Markdown with raw HTML off
        context |= {"title": page.title, "html": html, "palette": palette(settings.brand.color)}
        return self._designs.render("site/page.html.j2", context)

    def _context(self, email: Email, spots: Spots) -> dict[str, object]:
        project, settings = self._project, self._project.settings
        brand = SimpleNamespace(**asdict(settings.brand), logo_url=self._logo())
        context: dict[str, object] = {
            "person": _Namespace("person", spots),
            "link": _Namespace("link", spots),
            "links": settings.links,
            "brand": brand,
            "sender": settings.sender,
            "palette": palette(settings.brand.color),
            "offer": self._offer(email),
            "exercise": email.exercise,
            "exercises": {side.value: self._side(side) for side in (Variant.LEFT, Variant.RIGHT)},
            "steps_total": len(self._side(email.exercise.side)) if email.exercise else len(self._side(Variant.LEFT)),
            "series": next((one for one in project.series.values() if _uses(one.steps, email)), None),
            "variant": email.variant.value,
        }
        context["part"] = _Parts(self._writing, context, project.partials)
        return context

    def _side(self, side: Variant) -> list[Exercise]:
        return [one for one in self._project.exercises if one.side == side]

    def _offer(self, email: Email) -> Offer | None:
        offers = self._project.offers
        return offers.get(email.delivers) or next(iter(offers.values()), None)

    def _logo(self) -> str:
        """Return the logo's address once the site has one of its own; until then mails show the word-mark."""
        settings = self._project.settings
        if not settings.brand.logo or is_example(settings.site_url.removeprefix("https://")):
            return ""
        return f"{settings.site_url}/{settings.brand.logo}"

    def _line(self, email: Email, key: str, context: Mapping[str, object]) -> str:
        place = email.at(key)
        line = self._writing.write(getattr(email, key), context, path=place.path, line=place.line)
        return " ".join(line.split())

    def _body(self, email: Email, context: Mapping[str, object]) -> str:
        return self._writing.write(email.body, context, path=email.place.path, line=email.body_line)

    def _clinical(self, email: Email) -> str:
        """Gather what a clinician signs: the card and the words. Subject, layout, offer and links stay outside."""
        spots = Spots()
        context = self._context(email, spots)
        context |= {"offer": SimpleNamespace(title="(the offer)", landing=""), "links": _Same("(link)")}
        card = email.exercise
        pieces = list(_card_words(card)) if card else []
        pieces.append(plain(self._body(email, context)))
        for name in CLINICAL_PARTS if email.template != "confirm" else ():
            source = self._project.partials.get(f"parts/{name}.md")
            if source is not None:
                pieces.append(plain(self._writing.render(f"parts/{name}.md", context)))
        return fill(spots.split_text("\n\n".join(pieces)), {})

    def _attachment(self, email: Email) -> str:
        offer = self._project.offers.get(email.delivers)
        return offer.file if offer and offer.delivery == "attachment" else ""


def digest(rendered: Rendered) -> str:
    """Name a compiled email by what is in it: a change of one byte is another digest."""
    parts = [merged_json(part) for part in (rendered.subject, rendered.html, rendered.text)]
    return digest_of(canonical([rendered.slug, rendered.variant, rendered.preheader, parts, rendered.attachment]))


def _guard(source: str, place: Place) -> None:
    """Refuse a source that holds what could be taken for the mark of a merge spot, naming its line."""
    for number, line in enumerate(source.split("\n"), start=place.line):
        Spots(Place(place.path, number)).guard(line)


def _guard_email(email: Email) -> None:
    _guard(email.subject, email.at("subject"))
    _guard(email.preheader, email.at("preheader"))
    _guard(email.body, Place(email.place.path, email.body_line))


def _card_words(card: Exercise) -> Iterator[str]:
    """Yield what a clinician signs of a card: also what it is done with, and the film that shows how."""
    yield f"{card.name}\n{card.side}, {card.order}"
    yield from card.cues
    if card.equipment:
        yield f"With {card.equipment}"
    if card.video:
        yield f"Video: {card.video}"


class _Spot:
    """A personal value inside a template: it can be printed, and given a fallback, and nothing else."""

    def __init__(self, field: str, spots: Spots) -> None:
        self._field = field
        self._spots = spots

    def __str__(self) -> str:
        return self._spots.token(self._field)

    def with_fallback(self, words: str) -> str:
        return self._spots.token(self._field, words)

    def _refuse(self, *_: object) -> NoReturn:
        raise ContentError(
            f"`{self._field}` cannot decide what a mail says: it is filled after the mail is compiled",
            hint='print it with a fallback: {{ person.first_name | fallback("there") }}',
        )

    def __eq__(self, other: object) -> bool:
        self._refuse(other)

    __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = __lt__ = __gt__ = __le__ = __ge__ = _refuse

    def __hash__(self) -> int:
        return id(self)


class _Namespace:
    """`person` or `link` inside a template."""

    def __init__(self, prefix: str, spots: Spots) -> None:
        self._prefix = prefix
        self._spots = spots

    def __getattr__(self, name: str) -> _Spot:
        if name.startswith("_"):
            raise AttributeError(name)
        field = f"{self._prefix}.{name}"
        if field not in FIELDS:
            raise ContentError(f"there is no `{field}`", hint=nearest(field, FIELDS))
        return _Spot(field, self._spots)


class _Same(dict[str, str]):
    """Answers the same words for every key."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words

    def __missing__(self, key: str) -> str:
        return self._words


class _Parts:
    """`part(name)` inside a template: one of the small fixed texts of content/parts, in both forms."""

    def __init__(self, writing: Templates, context: Mapping[str, object], names: Mapping[str, str]) -> None:
        self._writing = writing
        self._context = context
        self._names = names

    def __call__(self, name: str) -> SimpleNamespace:
        path = f"parts/{name}.md"
        if path not in self._names:
            raise ContentError(f"there is no content/{path}", hint="add it, or take the part out of the template")
        words = convert(self._writing.render(path, self._context))
        return SimpleNamespace(html=Markup(words.html), text=words.text)  # noqa: S704 - Markdown with raw HTML off


def _fallback(value: object, words: str) -> str:
    if isinstance(value, _Spot):
        return value.with_fallback(words)
    return str(value) or words


def _uses(steps: tuple[object, ...], email: Email) -> bool:
    return any(getattr(step, "email", "") == email.slug for step in steps)
