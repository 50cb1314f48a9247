"""`funnel enroll`: enter a person by hand."""

from __future__ import annotations

import typer

from funnel.cli.call import calling


def enroll(
    context: typer.Context,
    slug: str = typer.Argument(..., help="The series."),
    email: str = typer.Argument(..., help="The person's address."),
) -> None:
    """Enter a person into a series.

    Needs their consent; a second call changes nothing.
    """
    call = calling(context)
    app = call.app()
    from funnel.cli.people import find
    from funnel.engine import enroll as enter

    contact = find(app, email)
    entered = enter(app.engine, app.engine.program(slug), contact, now=call.now)
    words = f"entered into {slug}" if entered else f"is in {slug} already; nothing was changed"
    call.answer(words, {"series": slug, "email": contact.email, "entered": entered})
    call.next(f"funnel contacts show {email}")
