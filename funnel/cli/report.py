"""`funnel report`: the funnel in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from funnel.cli.call import BOLD, Call, calling

if TYPE_CHECKING:
    from funnel.report import ProgramCount


def report(context: typer.Context) -> None:
    """Count who entered, what went out, and what did not.

    By series and step: entered, sent, waiting, not sent and why.
    """
    call = calling(context)
    app = call.app()
    from funnel.report import count

    programs = count(app.store.ledger.counts(), app.store.ledger.run_counts())
    if call.as_json:
        call.json({"people": dict(app.store.people.count()), "programs": [_data(one) for one in programs]})
        return
    if not programs:
        call.say("nobody has entered anything yet")
        call.next("funnel enroll SLUG EMAIL")
    for program in programs:
        _show(call, program)


def _show(call: Call, program: ProgramCount) -> None:
    call.say(call.paint(program.slug, BOLD))
    call.say(
        f"  {program.entered} entered, {program.active} inside, {program.completed} finished, {program.exited} left"
    )
    rows: list[tuple[str, ...]] = []
    for step in program.steps.values():
        numbers = (step.sent, step.waiting, step.unknown, step.failed, step.not_sent)
        why = "; ".join(f"{number}: {_words(reason)}" for reason, number in sorted(step.reasons.items()))
        rows.append((step.step, *(str(number) if number else "-" for number in numbers), why))
    call.table(rows, head=("step", "sent", "waiting", "unknown", "failed", "not sent", "why"))


def _words(reason: str) -> str:
    from funnel.timeline import REASONS

    return REASONS.get(reason, reason)


def _data(program: ProgramCount) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(program), "steps": [asdict(step) for step in program.steps.values()]}
