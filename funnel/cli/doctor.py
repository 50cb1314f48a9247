"""`funnel doctor`: is everything in order here?"""

from __future__ import annotations

import typer

from funnel.cli.call import GREEN, RED, YELLOW, calling
from funnel.errors import ExitCode


def doctor(context: typer.Context) -> None:
    """Look over the settings, this machine and the sender.

    Prints the DNS records that the sender's domain needs. Asks no network. Exit 1 when something stops real mail.
    """
    call = calling(context)
    app = call.app()
    from funnel.doctor import Health, examine, records

    checks = list(examine(app.config, app.environ, now=call.now))
    needed = records(app.config)
    if call.as_json:
        listed = [{"health": one.health, "what": one.what, "words": one.words} for one in checks]
        call.json({"checks": listed, "dns": [{"name": name, "type": kind, "value": it} for name, kind, it in needed]})
    else:
        colours = {Health.OK: GREEN, Health.LOOK: YELLOW, Health.BAD: RED}
        width = max(len(one.what) for one in checks)
        for one in checks:
            call.say(f"  {call.paint(f'{one.health:<4}', colours[one.health])}  {one.what:<{width}}  {one.words}")
        call.say("\nrecords that the sender's domain needs, besides what the relay asks for:")
        call.table(needed)
    if any(one.health is Health.BAD for one in checks):
        raise typer.Exit(ExitCode.NO)
    call.next("funnel lint")
