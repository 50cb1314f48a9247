"""`funnel send-test`: one marked message to an allow-listed address."""

from __future__ import annotations

import typer

from funnel.app import App
from funnel.cli.call import calling
from funnel.cli.people import find, key
from funnel.errors import Refused, Unreachable, UsageError
from funnel.fields import nearest
from funnel.model import Contact, ContactStatus, ReceiptKind, Rendered


def send_test(
    context: typer.Context,
    slug: str = typer.Argument(..., metavar="EMAIL-SLUG", help="The email, such as exercise-1."),
    to: str = typer.Option("", "--to", metavar="ADDRESS", help="An address listed under [tests] in funnel.toml."),
    seeds: str = typer.Option("", "--seeds", metavar="NAME", help="A list under [tests.seeds]; these go unmarked."),
    variant: str = typer.Option("", "--variant", help="left, right, not_sure or all [default: the first]."),
    as_contact: str = typer.Option("", "--as", metavar="CONTACT", help="Write it as if for this person."),
) -> None:
    """Send one mail for a look, marked as a test. It is never counted, and goes to listed addresses only."""
    call = calling(context)
    app = call.app()
    from funnel.testing import test_message

    rendered = _chosen(app, slug, variant)
    person = find(app, as_contact) if as_contact else Contact(0, "", "Sam", status=ContactStatus.SUBSCRIBED)
    addresses = _addresses(app, to, seeds)
    sender = app.sender()
    if rendered.missing and not sender.is_local:
        raise Refused(f"this mail still lacks {rendered.missing[0].what}", hint="funnel lint names every place")
    messages = [
        test_message(app.engine, rendered, person, address, number=number, is_marked=not seeds, now=call.now)
        for number, address in enumerate(addresses)
    ]
    for receipt in sender.send(messages, frozenset):
        if receipt.kind is not ReceiptKind.ACCEPTED:
            raise Unreachable(f"the test was not sent: {receipt.text or receipt.kind}")
    call.say(f"sent to {len(addresses)}: {slug} ({rendered.variant})")
    call.next("funnel preview" if sender.is_local else "look into that inbox")


def _chosen(app: App, slug: str, variant: str) -> Rendered:
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
    if bool(to) == bool(seeds):
        raise UsageError("to whom?", hint="--to ADDRESS, or --seeds NAME")
    if seeds:
        known = app.config.seeds
        if seeds not in known:
            raise UsageError(f"there is no seed list `{seeds}`", hint=nearest(seeds, known))
        return known[seeds]
    allowed = {key(one) for one in app.config.test_addresses}
    if key(to) not in allowed:
        raise Refused(
            f"{to} is not on the list of test addresses",
            hint='[tests] addresses = ["you@example.com"] in funnel.toml',
        )
    return (to,)
