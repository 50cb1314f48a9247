"""The funnel in numbers, by series and step: pure counting over what the ledger says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from funnel.model import EnrollmentStatus


@dataclass(slots=True)
class StepCount:
    """One step's numbers. `reasons` counts the mails that were not sent, by reason."""

    step: str
    sent: int = 0
    waiting: int = 0
    unknown: int = 0
    failed: int = 0
    not_sent: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class ProgramCount:
    """One series or broadcast in numbers."""

    slug: str
    entered: int = 0
    active: int = 0
    completed: int = 0
    exited: int = 0
    steps: dict[str, StepCount] = field(default_factory=dict)


def count(
    deliveries: Iterable[tuple[str, str, str, str, int]], runs: Iterable[tuple[str, str, str, int]]
) -> list[ProgramCount]:
    """Add up the ledger's rows: (program, step, state, reason, n) and (program, status, reason, n)."""
    programs: dict[str, ProgramCount] = {}
    for slug, status, _, number in runs:
        program = programs.setdefault(slug, ProgramCount(slug))
        _count_runs(program, EnrollmentStatus(status), number)
    for slug, step, state, reason, number in deliveries:
        steps = programs.setdefault(slug, ProgramCount(slug)).steps
        _count_step(steps.setdefault(step, StepCount(step)), state, reason, number)
    return list(programs.values())


def _count_runs(program: ProgramCount, status: EnrollmentStatus, number: int) -> None:
    program.entered += number
    match status:
        case EnrollmentStatus.ACTIVE:
            program.active += number
        case EnrollmentStatus.COMPLETED:
            program.completed += number
        case EnrollmentStatus.EXITED:
            program.exited += number


def _count_step(step: StepCount, state: str, reason: str, number: int) -> None:
    match state:
        case "sent":
            step.sent += number
        case "unknown":
            step.unknown += number
        case "failed":
            step.failed += number
        case "cancelled" | "expired" | "skipped":
            step.not_sent += number
        case _:
            step.waiting += number
    if reason:
        step.reasons[reason] = step.reasons.get(reason, 0) + number
