"""Read what becomes mail: `content/emails/*.md` and `content/exercises/<side>/*.md`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from funnel.content.written import read_markdown, slug_of
from funnel.fields import Fields
from funnel.model import Email, Exercise, Place, Variant


def read_email(root: Path, path: str, variants: Iterable[Variant]) -> dict[Variant, Email]:
    """Read one email file; one Email for each variant that gets it."""
    slug = slug_of(path)
    written = read_markdown(root, path)
    fields = Fields(written.head, path=path, what="an email's front matter")
    subject, preheader = fields.text("subject"), fields.text("preheader")
    template = fields.text("template", "letter")
    delivers = fields.text("delivers", "")
    fields.done()
    return {
        variant: Email(
            slug=slug,
            variant=variant,
            subject=subject,
            preheader=preheader,
            body=written.body,
            template=template,
            place=Place(path),
            body_line=written.body_line,
            delivers=delivers,
            keys=written.head.lines,
        )
        for variant in variants
    }


def read_exercise(root: Path, path: str, side: Variant) -> Email:
    """Read one exercise file: the card, and the email `exercise-<order>` that carries it."""
    written = read_markdown(root, path)
    fields = Fields(written.head, path=path, what="an exercise's front matter")
    exercise = _card(fields, path, side)
    mail = fields.section("email")
    subject, preheader = mail.text("subject"), mail.text("preheader")
    mail.done()
    fields.done()
    return Email(
        slug=f"exercise-{exercise.order}",
        variant=side,
        subject=subject,
        preheader=preheader,
        body=written.body,
        template="exercise",
        place=Place(path),
        body_line=written.body_line,
        exercise=exercise,
        keys={**written.head.lines, **mail.data.lines},
    )


def _card(fields: Fields, path: str, folder: Variant) -> Exercise:
    side = fields.choice("side", [Variant.LEFT, Variant.RIGHT])
    if side != folder:
        raise fields.fail("side", f"`side` is {side}, but the file lies in exercises/{folder}/", "make them agree")
    return Exercise(
        slug=slug_of(path),
        name=fields.text("name"),
        side=Variant(side),
        order=fields.number("order", least=1),
        equipment=fields.text("equipment", ""),
        video=fields.text("video", ""),
        cues=fields.words("cues"),
        name_only=fields.flag("name_only"),
        place=fields.place("name"),
    )
