"""`funnel run`: the embedded engine at work."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime, timedelta
from types import FrameType

import typer

from funnel.app import App
from funnel.cli.call import Call, calling
from funnel.errors import Refused, Unreachable, UsageError

LONGEST_NAP = 30.0  #: seconds between two looks at the database, so that a new sign-up is soon seen


def run(
    context: typer.Context,
    once: bool = typer.Option(False, "--once", help="Do what is due now, and stop."),
    now: str = typer.Option("", "--now", metavar="ISO", help="A made-up time; only with the local mailbox."),
    until: str = typer.Option("", "--until", metavar="ISO", help="Run a made-up clock from --now to here."),
) -> None:
    """Send what is due, on schedule, until it is stopped. Running twice, or again after a crash, repeats nothing."""
    call = calling(context)
    app = call.app()
    if now or until:
        _made_up(call, app, now, until)
    elif once:
        _report(call, _act(app, call.now))
    else:
        _forever(call, app)


def _made_up(call: Call, app: App, now: str, until: str) -> None:
    sender = app.sender()
    if not sender.is_local:
        raise Refused(
            f"a made-up clock would send real mail at the wrong time through {sender.name}",
            hint='it works with sender = "mailbox"',
        )
    from funnel.lock import only_one
    from funnel.simulate import fast_forward

    start = _moment(now) if now else call.now
    end = _moment(until) if until else start
    with only_one(app.state):
        moments = fast_forward(app.engine, sender, start=start, until=end)
    _report(call, sum(one.dispatched.sent for one in moments))


def _act(app: App, now: datetime) -> int:
    """Do what is due at `now`; return how many mails went out. Raises Unreachable when the relay stopped it."""
    from funnel.engine import recover
    from funnel.simulate import act, clock

    last = clock(app.engine)
    if last is not None and now < last - timedelta(seconds=5):
        raise Refused(
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, but the engine last worked at {last:%Y-%m-%d %H:%M} UTC",
            hint="set the clock right; if a made-up clock was used here, that database is for trying things out",
        )
    sender = app.sender()
    recover(app.engine, sender, now=now, alone=False)
    done = act(app.engine, sender, now=now).dispatched
    if done.blocked:
        raise Refused(
            f"{done.blocked} mails are unapproved or still have placeholders, so {sender.name} may not carry them",
            hint="funnel lint names what is missing; funnel push afterwards",
        )
    if done.held:
        raise Unreachable(f"the relay stopped us: {done.held}", hint=f"{done.sent} mails had gone; the rest wait")
    return done.sent


def _forever(call: Call, app: App) -> None:
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()  # the mail in flight is finished, then nothing new is begun

    signal.signal(signal.SIGTERM, stop)
    call.note("the engine is running; Ctrl-C stops it")
    while not stopping.is_set():
        try:
            sent = _act(app, call.now)
        except Unreachable as error:
            sent = 0
            call.note(f"{error.message}; trying again soon")
        if sent:
            _report(call, sent)
        stopping.wait(_nap(app, call.now))


def _nap(app: App, now: datetime) -> float:
    upcoming = app.engine.store.ledger.next_instant()
    seconds = (upcoming - now).total_seconds() if upcoming else LONGEST_NAP
    return min(max(seconds, 1.0), LONGEST_NAP)


def _report(call: Call, sent: int) -> None:
    if call.as_json:
        call.json({"sent": sent})
    else:
        call.say(f"sent: {sent}")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"`{text}` is not a time", hint="write it as 2026-03-02T14:00:00Z") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
