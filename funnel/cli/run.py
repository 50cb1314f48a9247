"""`funnel run`: the embedded engine at work."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING

import typer

from funnel.cli.call import Call, calling
from funnel.errors import Refused, Unreachable, UsageError

if TYPE_CHECKING:
    from funnel.app import App
    from funnel.engine import Dispatched

LONGEST_NAP = 30.0  #: seconds between two looks at the database, so that a new sign-up is soon seen


def run(
    context: typer.Context,
    once: bool = typer.Option(False, "--once", help="Do what is due now, and stop."),
    now: str = typer.Option("", "--now", metavar="ISO", help="A made-up time; only with the local mailbox."),
    until: str = typer.Option("", "--until", metavar="ISO", help="Run a made-up clock from --now to here."),
) -> None:
    """Send what is due, on schedule, until it is stopped.

    Running twice, or again after a crash, repeats nothing. Ctrl-C finishes the mail in flight first.
    """
    call = calling(context)
    app = call.app()
    if now or until:
        _made_up(call, app, now, until)
    elif once:
        from funnel.lock import worker

        with worker(app.home()) as is_alone:
            done = _act(app, call.now, alone=is_alone)
        _refuse_blocked(done, app.sender().name)
        _report(call, done.sent)
        call.next("funnel report")
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
    if end < start:
        raise UsageError(f"--until lies before {'--now' if now else 'now'}", hint="a made-up clock only runs forward")
    with only_one(app.home()):
        moments = fast_forward(app.engine, sender, start=start, until=end)
    _report(call, sum(one.dispatched.sent for one in moments))


def _act(app: App, now: datetime, *, alone: bool) -> Dispatched:
    """Do what is due at `now`. `alone`: nobody else can be at work. Raises Unreachable when the relay stopped it."""
    from funnel.engine import recover
    from funnel.simulate import act, clock

    last = clock(app.engine)
    if last is not None and now < last - timedelta(seconds=5):
        raise Refused(
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, but the engine last worked at "
            f"{last:%Y-%m-%d %H:%M} UTC",
            hint="set the clock right; if a made-up clock was used here, that database is for trying things out",
        )
    sender = app.sender()
    recover(app.engine, sender, now=now, alone=alone)
    done = act(app.engine, sender, now=now).dispatched
    if done.held:
        raise Unreachable(f"the relay stopped us: {done.held}", hint=f"{done.sent} mails had gone; the rest wait")
    return done


def _refuse_blocked(done: Dispatched, sender: str) -> None:
    if done.blocked:
        raise Refused(
            f"{done.blocked} mails are unapproved or still have placeholders, so {sender} may not carry them "
            f"({done.sent} others had gone)",
            hint="funnel lint names what is missing; funnel push afterwards",
        )


def _forever(call: Call, app: App) -> None:
    """Work until a signal comes. What stops one mail, or the relay for a while, does not stop the engine."""
    from funnel.lock import worker

    said = ""
    with worker(app.home()) as began_alone, _brake() as brake:
        is_alone = began_alone
        call.note("the engine is running; Ctrl-C stops it")
        while not brake.pulled:
            problem, sent = _attempt(app, call.now, alone=is_alone)
            is_alone = False  # another worker may have come; from here on a lease has to run out
            if problem and problem != said:
                call.note(f"{problem}; trying again soon")
            said = problem
            if sent:
                _report(call, sent)
            brake.wait(_nap(app, call.now))
    call.note("the engine has stopped; nothing is half done")
    if brake.pulled == signal.SIGINT:
        raise KeyboardInterrupt


def _attempt(app: App, now: datetime, *, alone: bool) -> tuple[str, int]:
    """Do what is due; return what stands in the way, in words, and how many mails went."""
    sent = 0
    try:
        done = _act(app, now, alone=alone)
        sent = done.sent
        _refuse_blocked(done, app.sender().name)
    except (Unreachable, Refused) as error:
        return error.message, sent
    return "", sent


class _Brake:
    """Remembers the signal that asks the engine to stop, and wakes it from its nap."""

    def __init__(self) -> None:
        self.pulled = 0
        self._wake, self._bell = os.pipe()

    def pull(self, number: int, _frame: FrameType | None) -> None:
        """Take note; the mail in flight is finished first. A second Ctrl-C ends the process at once."""
        self.pulled = number
        os.write(self._bell, b"!")
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def wait(self, seconds: float) -> None:
        """Sleep, unless a signal comes or has come."""
        select.select([self._wake], [], [], seconds)

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self._wake)
        os.close(self._bell)


@contextmanager
def _brake() -> Iterator[_Brake]:
    """Let SIGTERM and Ctrl-C pull a brake instead of tearing the process down."""
    brake = _Brake()
    before = {number: signal.signal(number, brake.pull) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield brake
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        brake.close()


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
