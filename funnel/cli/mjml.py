"""`funnel mjml`: one plain MJML file through our check and compiler, for designers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from funnel.cli.call import Call, calling
from funnel.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from funnel.model import Finding


def mjml(
    context: typer.Context,
    file: Path = typer.Argument(..., metavar="FILE", help="A plain MJML file."),
    out: Path | None = typer.Option(None, "--out", "-o", metavar="FILE", help="Where the HTML goes [default: stdout]."),
) -> None:
    """Check and compile one plain MJML file.

    Problems are `path:line:col: CODE message`, and exit 1.
    """
    call = calling(context)
    findings, html = _compiled(_source(call, file), path=str(file))
    for one in findings:
        call.environment.stderr.write(_line(one) + "\n")
    if html and out is not None:
        from funnel.build import write_whole

        write_whole(call.path(out), html.encode())
        call.note(f"written: {out}")
    if call.as_json:
        call.json({"findings": [_data(one) for one in findings], "html": html})
    elif html and out is None:
        call.say(html)
    if not html:
        raise typer.Exit(ExitCode.NO)


def _source(call: Call, file: Path) -> str:
    path = call.path(file)
    if not path.is_file():
        raise UsageError(f"there is no file {file}")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text", hint="save it as UTF-8 in your editor") from error


def _compiled(source: str, *, path: str) -> tuple[Sequence[Finding], str]:
    """Return what the check found, and the HTML: empty when there is an error."""
    from funnel.mjml import MjmlError, check, to_html
    from funnel.model import Severity

    findings = check(source, path=path)
    try:
        return findings, to_html(source, path=path)
    except MjmlError as error:
        return findings if any(one.severity is Severity.ERROR for one in findings) else error.findings, ""


def _line(finding: Finding) -> str:
    kind = "warning: " if finding.severity == "warning" else ""
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.place}:{finding.column}: {finding.code} {kind}{finding.message}{hint}"


def _data(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "path": finding.place.path,
        "line": finding.place.line,
        "column": finding.column,
        "message": finding.message,
        "hint": finding.hint,
    }
