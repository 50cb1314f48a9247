"""Write findings down: for people, for scripts, for GitHub's annotations, and as SARIF."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from funnel import __version__
from funnel.lint import pages
from funnel.model import Finding, Severity

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(findings: Sequence[Finding]) -> str:
    """Write `path:line: CODE message` and the hint below it. A warning says that it is one."""
    lines = []
    for one in findings:
        mark = "warning: " if one.severity is Severity.WARNING else ""
        lines.append(f"{one.place}: {one.code} {mark}{_flat(one.message)}")
        if one.hint:
            lines.append(f"    {_flat(one.hint)}")
    return "".join(f"{line}\n" for line in lines)


def as_json(findings: Sequence[Finding]) -> str:
    """Write the object that docs/guide/commands.md promises to scripts."""
    listed = [
        {
            "code": one.code,
            "severity": one.severity.value,
            "path": one.place.path,
            "line": one.place.line,
            "message": one.message,
            "hint": one.hint,
        }
        for one in findings
    ]
    return json.dumps({"findings": listed, **_counts(findings)}, ensure_ascii=False, indent=2) + "\n"


def as_github(findings: Sequence[Finding]) -> str:
    """Write workflow commands, which GitHub shows beside the line.

    Source: GitHub Docs, "Workflow commands for GitHub Actions"; the escapes are those of actions/toolkit.
    """
    return "".join(f"{_annotation(one)}\n" for one in findings)


def as_sarif(findings: Sequence[Finding]) -> str:
    """Write a SARIF 2.1.0 log (OASIS, 2020) with one run and the page of every code in it."""
    texts = pages()
    codes = sorted(texts.keys() | {one.code for one in findings})
    driver = {
        "name": "funnel",
        "version": __version__,
        "rules": [_sarif_rule(code, texts.get(code, code)) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(one, codes.index(one.code)) for one in findings],
    }
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _counts(findings: Iterable[Finding]) -> dict[str, int]:
    counted = Counter(one.severity for one in findings)
    return {severity.value: counted[severity] for severity in Severity}


def _flat(words: str) -> str:
    return " ".join(words.splitlines())


def _annotation(one: Finding) -> str:
    values = {"file": one.place.path, "line": one.place.line, "col": one.column, "title": one.code}
    given = ",".join(f"{key}={_property(str(value))}" for key, value in values.items() if value)
    words = f"{one.message}\n{one.hint}" if one.hint else one.message
    return f"::{one.severity.value} {given}::{_data(words)}"


def _data(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _data(words).replace(":", "%3A").replace(",", "%2C")


def _sarif_rule(code: str, page: str) -> dict[str, object]:
    return {
        "id": code,
        "shortDescription": {"text": page.partition("\n")[0]},
        "fullDescription": {"text": page.partition("\n\n")[0]},
        "help": {"text": page, "markdown": page},
    }


def _sarif_result(one: Finding, index: int) -> dict[str, object]:
    region = {"startLine": one.place.line} | ({"startColumn": one.column} if one.column else {})
    words = f"{one.message}. {one.hint}" if one.hint else one.message
    artifact = {"uri": quote(one.place.path), "uriBaseId": "%SRCROOT%"}
    return {
        "ruleId": one.code,
        "ruleIndex": index,
        "level": one.severity.value,
        "message": {"text": words},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
    }
