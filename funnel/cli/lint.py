"""`funnel lint`: check the whole matrix before anyone is mailed."""

from __future__ import annotations

from enum import StrEnum

import typer

from funnel.cli.call import Call, calling
from funnel.errors import ContentError, ExitCode


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
    """Check every mail before anyone gets it.

    Every rule looks at every email in every variant, with and without each personal value. Exit 1 when there is
    an error; content that cannot be read is one.
    """
    call = calling(context)
    from funnel import lint as rules
    from funnel.lint import formats
    from funnel.model import Severity

    if explain:
        _explain(call, explain)
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
    if findings:
        call.next(f"funnel lint --explain {findings[0].code}")
    if any(one.severity is Severity.ERROR for one in findings):
        raise typer.Exit(ExitCode.NO)


def _explain(call: Call, code: str) -> None:
    from funnel import lint as rules

    page = rules.explain(code)
    call.answer(page, {"code": code.strip().upper(), "page": page})
