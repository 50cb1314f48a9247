"""`funnel lint`: check the whole matrix before anyone is mailed."""

from __future__ import annotations

from enum import StrEnum

import typer

from funnel.cli.call import calling
from funnel.errors import ContentError, ExitCode
from funnel.model import Severity


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


def lint(
    context: typer.Context,
    form: Format = typer.Option(Format.TEXT, "--format", help="How findings are written."),
    explain: str = typer.Option("", "--explain", metavar="CODE", help="Say what a rule wants, and why."),
) -> None:
    """Check every email in every variant, with and without each personal value. Exit 1 when there is an error."""
    call = calling(context)
    from funnel import lint as rules
    from funnel.lint import formats

    if explain:
        call.say(rules.explain(explain))
        return
    app = call.app()
    try:
        findings = app.findings(now=call.now)
    except ContentError as error:
        findings = rules.from_error(error)
    writers = {
        Format.JSON: formats.as_json,
        Format.GITHUB: formats.as_github,
        Format.SARIF: formats.as_sarif,
        Format.TEXT: formats.as_text,
    }
    written = writers[Format.JSON if call.as_json else form](findings)
    if written:
        call.say(written.rstrip("\n"))
    errors = sum(one.severity is Severity.ERROR for one in findings)
    call.note(f"{_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}")
    if findings:
        call.next(f"funnel lint --explain {findings[0].code}")
    if errors:
        raise typer.Exit(ExitCode.NO)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
