"""Write every email in every variant to disk, and a gallery that needs no server. Nothing unchanged is rewritten."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from funnel.engine import Engine
from funnel.engine.dispatch import compose
from funnel.gallery import Gallery, PageLink, Sheet, index_html
from funnel.merge import fill
from funnel.message import message_key, skeleton
from funnel.model import Contact, ContactStatus, Finding, Program, Rendered, Settings, Severity, Variant
from funnel.payload import Letter

#: Whom the built files are written for: a made-up person at a made-up time, so that same input gives same bytes.
SAMPLE_AT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
SAMPLE = Contact(
    id=1,
    email="sam@example.com",
    first_name="Sam",
    status=ContactStatus.SUBSCRIBED,
    created_at=SAMPLE_AT,
)
SAMPLE_PROGRAM = Program(
    id=0,
    kind="series",
    slug="sample",
    code="sample",
    state="open",
    state_at=SAMPLE_AT,
    version=0,
    digest="",
    definition="",
)


@dataclass(slots=True)
class Built:
    """What a build did: one entry for each email, and how many files it wrote or left alone."""

    emails: list[dict[str, object]] = field(default_factory=list)
    written: int = 0
    unchanged: int = 0
    removed: int = 0


def build(
    engine: Engine,
    rendered: Iterable[Rendered],
    pages: Mapping[str, tuple[str, str]],
    findings: Iterable[Finding],
    *,
    out: Path,
) -> Built:
    """Write `emails/<slug>/<variant>/{index.html,text.txt,message.eml,meta.json}`, pages, and `index.html`.

    Each file is written whole or not at all. Emails that no longer exist are removed.
    """
    built = Built()
    sheets: list[Sheet] = []
    found = tuple(findings)
    for one in rendered:
        folder = f"emails/{one.slug}/{one.variant}"
        for name, data in files(engine, one).items():
            _write(out / folder / name, data, built)
        built.emails.append(_entry(one, out / folder))
        sheets.append(sheet(one, found, folder=folder))
    for slug, (_, html) in pages.items():
        _write(out / "pages" / slug / "index.html", html.encode(), built)
    links = tuple(PageLink(title, f"pages/{slug}/index.html") for slug, (title, _) in pages.items())
    gallery = gallery_of(engine.settings, sheets, links, found)
    _write(out / "index.html", index_html(gallery).encode(), built)
    _remove_strays(out / "emails", {f"{entry['slug']}/{entry['variant']}" for entry in built.emails}, built)
    return built


def files(engine: Engine, rendered: Rendered) -> dict[str, bytes]:
    """Make the four files of one email, as a sample person gets it."""
    values = engine.values(SAMPLE, SAMPLE_AT)
    program = SAMPLE_PROGRAM
    key = message_key(engine.secret, f"build/{rendered.slug}/{rendered.variant}/{rendered.digest}")
    message = compose(
        engine,
        Letter(rendered, unapproved=False),
        skeleton(rendered),
        SAMPLE,
        program,
        key=key,
        now=SAMPLE_AT,
    )
    return {
        "index.html": fill(rendered.html, values).encode(),
        "text.txt": fill(rendered.text, values).encode(),
        "message.eml": message,
        "meta.json": (json.dumps(facts(rendered), indent=2, ensure_ascii=False) + "\n").encode(),
    }


def facts(rendered: Rendered) -> dict[str, object]:
    """Return what machines want to know about one compiled email."""
    return {
        "slug": rendered.slug,
        "variant": rendered.variant.value,
        "subject": fill(rendered.subject, {"person.first_name": SAMPLE.first_name}),
        "preheader": rendered.preheader,
        "html_bytes": len(fill(rendered.html, {}).encode()),
        "exercise": rendered.exercise,
        "digest": rendered.digest,
    }


def sheet(rendered: Rendered, findings: Iterable[Finding], *, folder: str) -> Sheet:
    """Describe one compiled email for the gallery. `folder` is where its files are, relative to the page."""
    known = facts(rendered)
    return Sheet(
        slug=rendered.slug,
        variant=Variant(rendered.variant),
        subject=str(known["subject"]),
        preheader=rendered.preheader,
        html_bytes=len(fill(rendered.html, {}).encode()),
        exercise=rendered.exercise,
        html_url=f"{folder}/index.html",
        text_url=f"{folder}/text.txt",
        eml_url=f"{folder}/message.eml",
        findings=tuple(one for one in findings if one.place.path == rendered.place.path),
        source=rendered.place,
    )


def gallery_of(
    settings: Settings, sheets: Iterable[Sheet], pages: tuple[PageLink, ...], findings: Iterable[Finding]
) -> Gallery:
    """Put the gallery's data together, without anyone's inbox."""
    severities = [one.severity for one in findings]
    return Gallery(
        name=settings.name,
        color=settings.brand.color,
        sheets=tuple(sheets),
        inboxes=(),
        pages=pages,
        errors=severities.count(Severity.ERROR),
        warnings=severities.count(Severity.WARNING),
    )


def write_whole(path: Path, data: bytes) -> bool:
    """Write a file whole or not at all; False when it already held exactly this."""
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)
    return True


def _write(path: Path, data: bytes, built: Built) -> None:
    if write_whole(path, data):
        built.written += 1
    else:
        built.unchanged += 1


def _entry(rendered: Rendered, folder: Path) -> dict[str, object]:
    return {**facts(rendered), "path": str(folder / "index.html")}


def _remove_strays(folder: Path, kept: set[str], built: Built) -> None:
    """Remove what an earlier build wrote for an email that is gone; only folders that hold our meta.json."""
    for meta in sorted(folder.glob("*/*/meta.json")):
        name = meta.parent.relative_to(folder).as_posix()
        if name not in kept:
            shutil.rmtree(meta.parent)
            built.removed += 1
            if not any(meta.parent.parent.iterdir()):
                meta.parent.parent.rmdir()
