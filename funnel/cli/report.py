"""`funnel report`: the funnel in numbers."""

from __future__ import annotations

import typer

from funnel.cli.call import BOLD, Call, calling
from funnel.report import ProgramCount


def report(context: typer.Context) -> None:
    """Count, by series and step: entered, sent, waiting, not sent and why."""
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
    rows: list[tuple[str, ...]] = [("step", "sent", "waiting", "unknown", "failed", "not sent", "")]
    for step in program.steps.values():
        why = ", ".join(f"{reason} {number}" for reason, number in sorted(step.reasons.items()))
        numbers = (step.sent, step.waiting, step.unknown, step.failed, step.not_sent)
        rows.append((step.step, *(str(number) if number else "·" for number in numbers), why))
    call.table(rows)


def _data(program: ProgramCount) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(program), "steps": [asdict(step) for step in program.steps.values()]}
