"""Read what stands around a series: broadcasts, offers, segments, pages and sign-offs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from funnel.content.schedule import code, moment, zone
from funnel.content.written import read_markdown, read_text, read_yaml, slug_of
from funnel.errors import ContentError
from funnel.fields import Fields, Lined
from funnel.model import SIDES, Broadcast, Offer, Page, Place, Review, Segment, Variant
from funnel.tables import parse_toml

MADE_BY = "this file is written by funnel approve"


def read_broadcast(root: Path, path: str) -> Broadcast:
    """Read one broadcast file. Without `send_at` it is a draft that nobody gets."""
    fields = Fields(read_yaml(root, path), path=path, what="a broadcast")
    slug = slug_of(path)
    broadcast = Broadcast(
        slug=slug,
        name=fields.text("name", slug),
        code=code(fields),
        email=fields.text("email"),
        segment=fields.text("segment"),
        send_at=moment(fields, "send_at"),
        local=fields.flag("local"),
        timezone=zone(fields),
        place=fields.place(),
    )
    fields.done()
    return broadcast


def read_offer(root: Path, path: str) -> Offer:
    """Read one offer file."""
    fields = Fields(read_yaml(root, path), path=path, what="an offer")
    offer = Offer(
        slug=slug_of(path),
        title=fields.text("title"),
        file=fields.text("file"),
        landing=fields.text("landing", ""),
        delivery=fields.choice("delivery", ("link", "attachment"), "link"),
        place=fields.place("file"),
    )
    fields.done()
    return offer


def read_segments(root: Path, path: str) -> dict[str, Segment]:
    """Read the small filters of `segments.yaml`, by name."""
    fields = Fields(read_yaml(root, path), path=path, what="segments.yaml")
    return {name: _segment(fields, name) for name in fields.data}


def _segment(fields: Fields, name: str) -> Segment:
    if not fields.has(name):
        raise fields.fail(name, f"the segment `{name}` does not say who is in it", "for everyone write {}")
    part = fields.section(name)
    where = {key: part.text(key) for key in ("side", "tag", "timezone") if part.has(key)}
    part.done()
    if "side" in where:
        part.choice("side", SIDES)
    if "timezone" in where:
        zone(part)
    return Segment(slug=name, where=where, place=fields.place(name))


def read_page(root: Path, path: str) -> Page:
    """Read one page of the site."""
    written = read_markdown(root, path)
    fields = Fields(written.head, path=path, what="a page's front matter")
    page = Page(
        slug=slug_of(path),
        title=fields.text("title"),
        body=written.body,
        place=Place(path),
        body_line=written.body_line,
    )
    fields.done()
    return page


def read_reviews(root: Path, path: str) -> tuple[Review, ...]:
    """Read the sign-offs that `funnel approve` wrote."""
    fields = Fields(
        parse_toml(read_text(root, path), path=path, error=ContentError), path=path, what="the file of sign-offs"
    )
    items = fields.raw("review")
    fields.done()
    if items is None:
        return ()
    if not isinstance(items, list) or not all(isinstance(item, Lined) for item in items):
        raise fields.fail("review", "the sign-offs are a list of [[review]]", MADE_BY)
    return tuple(_review(Fields(item, path=path, what="a sign-off")) for item in items)


def _review(fields: Fields) -> Review:
    at = fields.raw("at")
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise fields.fail("at", "a sign-off has no time", MADE_BY)
    review = Review(
        email=fields.text("email"),
        variant=Variant(fields.choice("variant", list(Variant))),
        digest=fields.text("digest"),
        by=fields.text("by"),
        credential=fields.text("credential"),
        at=at.astimezone(UTC),
    )
    fields.done()
    return review
