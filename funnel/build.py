"""Write every email in every variant to disk, and a gallery that needs no server. Nothing unchanged is rewritten."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from funnel import sample
from funnel.engine import Engine
from funnel.errors import Refused
from funnel.gallery import Gallery, PageLink, Sheet, index_html
from funnel.merge import fill
from funnel.model import Finding, Rendered, Settings, Severity, Variant

INDEX = "index.html"
FACTS = "meta.json"  #: marks a folder as written by a build
MAIL_FILES = (INDEX, "text.txt", "message.eml", FACTS)


@dataclass(slots=True)
class Built:
    """What a build did: one entry for each email, and how many files it wrote, left alone or removed."""

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

    Everything is made before the first file is written, and each file is written whole or not at all. What an
    earlier build wrote for emails and pages that are gone is removed; other files in `out` stay.
    Raises Refused when `out` holds an `index.html` that no build wrote.
    """
    mails = tuple(rendered)
    wanted = _files(engine, mails, pages, tuple(findings))
    _refuse_foreign(out, wanted[INDEX])
    built = Built([{**facts(one), "path": str(out / _folder(one) / INDEX)} for one in mails])
    for name, data in wanted.items():
        if write_whole(out / name, data):
            built.written += 1
        else:
            built.unchanged += 1
    built.removed = _remove_strays(out, wanted)
    return built


def files(engine: Engine, rendered: Rendered) -> dict[str, bytes]:
    """Make the four files of one email, as a sample person gets it."""
    name = f"build/{rendered.slug}/{rendered.variant}/{rendered.digest}"
    _, message = sample.write(engine, rendered, sample.PERSON, name=name, now=sample.AT)
    values = engine.values(sample.PERSON, sample.AT)
    return {
        INDEX: fill(rendered.html, values).encode(),
        "text.txt": fill(rendered.text, values).encode(),
        "message.eml": message,
        FACTS: _json(facts(rendered)),
    }


def facts(rendered: Rendered) -> dict[str, object]:
    """Return what machines want to know about one compiled email."""
    return {
        "slug": rendered.slug,
        "variant": rendered.variant.value,
        "subject": fill(rendered.subject, {"person.first_name": sample.PERSON.first_name}),
        "preheader": rendered.preheader,
        "html_bytes": len(fill(rendered.html, {}).encode()),
        "exercise": rendered.exercise,
        "digest": rendered.digest,
    }


def sheet(rendered: Rendered, findings: Iterable[Finding], *, folder: str) -> Sheet:
    """Describe one compiled email for the gallery. `folder` is where its files are, relative to the page."""
    return Sheet(
        slug=rendered.slug,
        variant=Variant(rendered.variant),
        subject=fill(rendered.subject, {"person.first_name": sample.PERSON.first_name}),
        preheader=rendered.preheader,
        html_bytes=len(fill(rendered.html, {}).encode()),
        exercise=rendered.exercise,
        html_url=f"{folder}/{INDEX}",
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
    """Write a file whole or not at all; False when it already held exactly this. Raises OSError that names it."""
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:  # a full disk does not say which file it had no room for
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _files(
    engine: Engine, mails: Iterable[Rendered], pages: Mapping[str, tuple[str, str]], findings: tuple[Finding, ...]
) -> dict[str, bytes]:
    """Make every file of a build, by its path below the folder."""
    wanted: dict[str, bytes] = {}
    sheets: list[Sheet] = []
    for one in mails:
        wanted |= {f"{_folder(one)}/{name}": data for name, data in files(engine, one).items()}
        sheets.append(sheet(one, findings, folder=_folder(one)))
    for slug, (title, html) in pages.items():
        wanted[f"pages/{slug}/{INDEX}"] = html.encode()
        wanted[f"pages/{slug}/{FACTS}"] = _json({"slug": slug, "title": title})
    links = tuple(PageLink(title, f"pages/{slug}/{INDEX}") for slug, (title, _) in pages.items())
    wanted[INDEX] = index_html(gallery_of(engine.settings, sheets, links, findings)).encode()
    return wanted


def _folder(rendered: Rendered) -> str:
    return f"emails/{rendered.slug}/{rendered.variant}"


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _ours(out: Path) -> list[Path]:
    """List the folders below `out` that a build wrote."""
    return sorted(path.parent for pattern in ("emails/*/*", "pages/*") for path in out.glob(f"{pattern}/{FACTS}"))


def _refuse_foreign(out: Path, index: bytes) -> None:
    page = out / INDEX
    if page.exists() and not _ours(out) and not (page.is_file() and page.read_bytes() == index):
        raise Refused(f"{page} was not written by funnel build", hint="choose a folder of its own: --out dist")


def _remove_strays(out: Path, wanted: Mapping[str, bytes]) -> int:
    """Remove our own files of what is gone, and folders that this leaves empty. Return how many emails or pages."""
    removed = 0
    for folder in _ours(out):
        if f"{folder.relative_to(out).as_posix()}/{FACTS}" in wanted:
            continue
        for name in MAIL_FILES:
            (folder / name).unlink(missing_ok=True)
        removed += 1
        for emptied in (folder, folder.parent):
            if not any(emptied.iterdir()):
                emptied.rmdir()
    return removed
