"""`funnel send-test`: one marked message to an allow-listed address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from funnel.cli.call import Call, calling
from funnel.errors import Refused, Unreachable, UsageError

if TYPE_CHECKING:
    from funnel.app import App
    from funnel.model import Contact, Rendered
    from funnel.ports import Sender


def send_test(
    context: typer.Context,
    slug: str = typer.Argument(..., metavar="EMAIL-SLUG", help="The email, such as exercise-1."),
    to: str = typer.Option("", "--to", metavar="ADDRESS", help="An address listed under [tests] in funnel.toml."),
    seeds: str = typer.Option("", "--seeds", metavar="NAME", help="A list under [tests.seeds]; these go unmarked."),
    variant: str = typer.Option("", "--variant", metavar="V", help="left, right, not_sure, all [default: the first]."),
    as_contact: str = typer.Option("", "--as", metavar="CONTACT", help="Write it as if for this person."),
) -> None:
    """Send one mail to yourself, marked as a test.

    It is never counted, its links open nothing, and it goes to listed addresses only. Unapproved text may go to
    --to, so that a clinician can read it in a real inbox, and never to --seeds. A mail with a placeholder stays in
    the local mailbox.
    """
    call = calling(context)
    app = call.app()
    from funnel.testing import write_test

    rendered = _chosen(app, slug, variant)
    person = _person(app, as_contact)
    addresses = _addresses(app, to, seeds)
    sender = app.sender()
    _refuse_unready(call, app, rendered, sender, is_seed=bool(seeds))
    messages = [
        write_test(app.engine, rendered, person, address, number=number, is_marked=not seeds, now=call.now)
        for number, address in enumerate(addresses)
    ]
    for receipt in sender.send(messages, frozenset):
        if receipt.kind != "accepted":
            raise Unreachable(f"the test was not sent: {receipt.text or receipt.kind}")
    words = f"sent to {len(addresses)}: {slug} ({rendered.variant})"
    call.answer(words, {"email": slug, "variant": rendered.variant, "to": addresses, "keys": [m.key for m in messages]})
    call.next("funnel preview" if sender.is_local else "look into that inbox")


def _person(app: App, email: str) -> Contact:
    from funnel.cli.people import find
    from funnel.sample import PERSON

    return find(app, email) if email else PERSON


def _refuse_unready(call: Call, app: App, rendered: Rendered, sender: Sender, *, is_seed: bool) -> None:
    """Keep unfinished mail on this machine; unapproved text may be read by whoever is on the list."""
    from funnel.signoff import is_approved

    if sender.is_local:
        return
    if rendered.missing:
        raise Refused(f"this mail still lacks {rendered.missing[0].what}", hint="funnel lint names every place")
    if is_seed and not is_approved(rendered, app.project.reviews, now=call.now):
        raise Refused(
            f"no clinician has signed {rendered.slug} ({rendered.variant}), so it cannot go to a seed list",
            hint="send it marked, to yourself: --to ADDRESS",
        )


def _chosen(app: App, slug: str, variant: str) -> Rendered:
    from funnel.fields import nearest

    chosen = [one for one in app.rendered if one.slug == slug]
    if not chosen:
        raise UsageError(f"there is no email `{slug}`", hint=nearest(slug, {one.slug for one in app.rendered}))
    if not variant:
        return chosen[0]
    found = [one for one in chosen if one.variant == variant]
    if not found:
        raise UsageError(f"`{slug}` has no variant `{variant}`", hint=nearest(variant, [one.variant for one in chosen]))
    return found[0]


def _addresses(app: App, to: str, seeds: str) -> tuple[str, ...]:
    from funnel.cli.people import key
    from funnel.fields import nearest

    if bool(to) == bool(seeds):
        raise UsageError("to whom?", hint="--to ADDRESS, or --seeds NAME")
    if seeds:
        known = app.config.seeds
        if not known.get(seeds):
            raise UsageError(
                f"there is no seed list `{seeds}`",
                hint=nearest(seeds, known) or f'[tests.seeds] {seeds} = ["you@example.com"] in funnel.toml',
            )
        return known[seeds]
    allowed = {key(one) for one in app.config.test_addresses}
    if key(to) not in allowed:
        raise Refused(
            f"{to} is not on the list of test addresses",
            hint='[tests] addresses = ["you@example.com"] in funnel.toml',
        )
    return (to,)
