"""`funnel approve`: a clinician signs what is clinical."""

from __future__ import annotations

from pathlib import Path

import typer

from funnel.app import App
from funnel.cli.call import calling
from funnel.errors import UsageError
from funnel.fields import nearest
from funnel.model import Rendered, Review

PAGE = "review.html"


def approve(
    context: typer.Context,
    slug: str = typer.Argument("", help="The email, such as exercise-1; every variant of it is signed."),
    everything: bool = typer.Option(False, "--all", help="Every email, as the review page shows them."),
    by: str = typer.Option("", "--by", help="The clinician's name."),
    credential: str = typer.Option("", "--credential", help="Such as PT, DPT."),
) -> None:
    """Sign the clinical words of a mail: names, cues, cautions and claims. A later change of them needs a new
    signature; a change of subject or layout does not.
    """
    call = calling(context)
    app = call.app()
    from funnel.signoff import sign

    chosen = _chosen(app, slug, everything)
    page = _review_page(app, chosen)
    if not by or not credential:
        call.say(f"to read before signing: {page}")
        raise UsageError("who signs?", hint='add --by "Dr. Ana Example" --credential "PT, DPT"')
    signed = sign(chosen, by=by, credential=credential, now=call.now)
    _keep(app, signed)
    for one in signed:
        call.say(f"signed: {one.email} ({one.variant})")
    call.note(f"what was signed stands in {page}")
    call.next("funnel plan")


def _chosen(app: App, slug: str, everything: bool) -> list[Rendered]:
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

    page = app.config.state / PAGE
    write_whole(page, review_html(app.config.settings.name, chosen).encode())
    return page


def _keep(app: App, signed: tuple[Review, ...]) -> None:
    """Write the sign-offs: a new one replaces the one for the same email and variant; the file is written whole."""
    import tomli_w

    from funnel.build import write_whole

    fresh = {(one.email, one.variant): one for one in (*app.project.reviews, *signed)}
    data = {
        "review": [
            {
                "email": one.email,
                "variant": one.variant.value,
                "digest": one.digest,
                "by": one.by,
                "credential": one.credential,
                "at": one.at,
            }
            for one in sorted(fresh.values(), key=lambda one: (one.email, one.variant))
        ]
    }
    head = "# Sign-offs by a clinician. This file is written by `funnel approve`; a line edited by hand counts for nothing.\n\n"
    write_whole(app.config.root / "content" / "reviews.toml", (head + tomli_w.dumps(data)).encode())
