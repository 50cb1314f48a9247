"""`funnel doctor`: is everything in order here?"""

from __future__ import annotations

import typer

from funnel.cli.call import GREEN, RED, YELLOW, calling
from funnel.errors import ExitCode


def doctor(context: typer.Context) -> None:
    """Look over configuration, permissions, clock and sender, and print the DNS records that the domain needs.

    Asks no network. Exit 1 when something stops real mail.
    """
    call = calling(context)
    app = call.app()
    from funnel.doctor import Health, examine, records

    checks = list(examine(app.config, now=call.now))
    needed = records(app.config)
    if call.as_json:
        call.json(
            {
                "checks": [{"health": one.health, "what": one.what, "words": one.words} for one in checks],
                "dns": [{"name": name, "type": kind, "value": value} for name, kind, value in needed],
            }
        )
    else:
        colours = {Health.OK: GREEN, Health.LOOK: YELLOW, Health.BAD: RED}
        for one in checks:
            call.say(f"  {call.paint(f'{one.health:<5}', colours[one.health])} {one.what}: {one.words}")
        call.say("\nrecords that the sender's domain needs, besides what the relay asks for:")
        call.table(needed)
    if any(one.health is Health.BAD for one in checks):
        raise typer.Exit(ExitCode.NO)
