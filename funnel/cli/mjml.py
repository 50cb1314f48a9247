"""`funnel mjml`: one plain MJML file through our check and compiler, for designers."""

from __future__ import annotations

from pathlib import Path

import typer

from funnel.cli.call import calling
from funnel.errors import ExitCode, UsageError
from funnel.model import Finding, Severity


def mjml(
    context: typer.Context,
    file: Path = typer.Argument(..., help="A plain MJML file."),
    out: Path | None = typer.Option(None, "--out", "-o", help="Where the HTML goes [default: stdout]."),
) -> None:
    """Check a plain MJML file and compile it. Problems are `path:line:col: CODE message`, and exit 1."""
    call = calling(context)
    from funnel.build import write_whole
    from funnel.mjml import MjmlError, check, to_html

    path = call.path(file)
    if not path.is_file():
        raise UsageError(f"there is no file {file}")
    try:
        source = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text", hint="save it as UTF-8 in your editor") from error
    findings = check(source, path=str(file))
    try:
        html = to_html(source, path=str(file))
    except MjmlError as error:
        findings = findings if any(one.severity is Severity.ERROR for one in findings) else error.findings
        html = ""
    for one in findings:
        call.environment.stderr.write(_line(one) + "\n")
    if not html:
        raise typer.Exit(ExitCode.NO)
    if out is None:
        call.say(html)
    else:
        write_whole(call.path(out), html.encode())
        call.note(f"written: {out}")


def _line(finding: Finding) -> str:
    kind = "warning: " if finding.severity is Severity.WARNING else ""
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.place}:{finding.column}: {finding.code} {kind}{finding.message}{hint}"
