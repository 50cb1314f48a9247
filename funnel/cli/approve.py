"""`funnel approve`: a clinician signs what is clinical."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from funnel.cli.call import calling
from funnel.errors import UsageError

if TYPE_CHECKING:
    from funnel.app import App
    from funnel.model import Rendered, Review

PAGE = "review.html"
HEAD = """\
# Sign-offs by a clinician. This file is written by `funnel approve`; a line edited by hand counts for nothing.

"""


def approve(
    context: typer.Context,
    slug: str = typer.Argument("", help="The email, such as exercise-1; every variant of it is signed."),
    everything: bool = typer.Option(False, "--all", help="Every email, as the review page shows them."),
    by: str = typer.Option("", "--by", metavar="NAME", help="The clinician's name."),
    credential: str = typer.Option("", "--credential", metavar="C", help="Such as PT, DPT."),
) -> None:
    """Let a clinician sign the clinical words of a mail.

    These are names, cues, cautions and claims. A later change of them needs a new signature; a change of subject
    or layout does not. Without --by it writes the page to read first, and says where it is.
    """
    call = calling(context)
    app = call.app()
    from funnel.signoff import sign

    chosen = _chosen(app, slug, everything)
    page = _review_page(app, chosen)
    if not by.strip() or not credential.strip():
        raise UsageError("who signs?", hint=f'read {page}\nthen add --by "Dr. Ana Example" --credential "PT, DPT"')
    signed = sign(chosen, by=by.strip(), credential=credential.strip(), now=call.now)
    _keep(app, signed)
    if call.as_json:
        call.json({"signed": [{**_data(one), "at": one.at.isoformat()} for one in signed], "review_page": str(page)})
    else:
        call.table([(one.email, one.variant, f"signed by {one.by}, {one.credential}") for one in signed])
    call.note(f"what was signed stands in {page}")
    call.next("funnel plan")


def _chosen(app: App, slug: str, everything: bool) -> list[Rendered]:
    from funnel.fields import nearest

    if everything and slug:
        raise UsageError("one email, or all of them?", hint="funnel approve SLUG, or --all")
    if everything:
        return list(app.rendered)
    if not slug:
        raise UsageError("which email?", hint="funnel approve SLUG, or --all")
    chosen = [one for one in app.rendered if one.slug == slug]
    if not chosen:
        raise UsageError(f"there is no email `{slug}`", hint=nearest(slug, {one.slug for one in app.rendered}))
    return chosen


def _review_page(app: App, chosen: list[Rendered]) -> Path:
    """Write the page that a clinician reads: exactly the words that the signature covers."""
    from funnel.build import write_whole
    from funnel.review import review_html

    page = app.home() / PAGE
    write_whole(page, review_html(app.config.settings.name, chosen).encode())
    return page


def _keep(app: App, signed: tuple[Review, ...]) -> None:
    """Write the sign-offs: a new one replaces the one for the same email and variant; the file is written whole."""
    import tomli_w

    from funnel.build import write_whole

    fresh = {(one.email, one.variant): one for one in (*app.project.reviews, *signed)}
    lines = [{**_data(one), "at": one.at} for one in sorted(fresh.values(), key=lambda one: (one.email, one.variant))]
    write_whole(app.config.root / "content" / "reviews.toml", (HEAD + tomli_w.dumps({"review": lines})).encode())


def _data(review: Review) -> dict[str, str]:
    return {
        "email": review.email,
        "variant": review.variant.value,
        "digest": review.digest,
        "by": review.by,
        "credential": review.credential,
    }
