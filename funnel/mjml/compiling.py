"""Compile MJML to HTML with mjml-python (mrml), which is only ever shown what was checked."""

from __future__ import annotations

import re
from itertools import accumulate

from funnel.errors import ContentError
from funnel.mjml.checking import MAX_BYTES, check_pieces
from funnel.mjml.preparing import rewrite_pieces
from funnel.mjml.tokens import read, split
from funnel.model import Finding, Place, Severity

_SPAN = re.compile(r" in root template at position (\d+):\d+")


class MjmlError(ContentError):
    """A document that cannot be compiled. `findings` holds every error, in reading order."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(map(_line, findings)), hint=findings[0].hint)
        self.findings = findings


def to_html(source: str, *, path: str) -> str:
    """Compile an assembled MJML document; the same source gives the same HTML. Marks may be in it.

    Raises MjmlError, whose message names every error as `path:line:column: CODE message`; warnings are left
    to `check`. Nothing is read, and no font is linked that the document does not name.
    """
    pieces = split(source) if len(source) <= MAX_BYTES else [source]
    findings = check_pieces(source, pieces, path)
    errors = tuple(finding for finding in findings if finding.severity is Severity.ERROR)
    if errors:
        raise MjmlError(errors)
    return _compile(source, pieces, path)


def _compile(source: str, pieces: list[str], path: str) -> str:
    from mjml import mjml2html

    ready = rewrite_pieces(source, pieces)
    try:
        html: str = mjml2html("".join(ready), fonts={})
    except BaseException as error:
        # A panic in Rust arrives as a PanicException, which no module exports.
        if isinstance(error, ValueError) or type(error).__name__ == "PanicException":
            raise MjmlError((_refusal(str(error), pieces, ready, path),)) from error
        raise
    return html


def _refusal(said: str, pieces: list[str], ready: list[str], path: str) -> Finding:
    """Translate the engine's error; its positions are bytes of the prepared document."""
    span = _SPAN.search(said)
    reason = _SPAN.sub("", said).replace(" in root template", "")
    message = f"the MJML engine stopped: {reason}"
    if span is None:
        return Finding("MJ018", Severity.ERROR, message, Place(path), "", 1)
    ends = accumulate(len(piece.encode()) for piece in ready)
    index = next((index for index, end in enumerate(ends) if int(span[1]) < end), 0)
    origins = (read(piece).origin for piece in pieces[index::-1] if piece.startswith("<"))
    origin = next(filter(None, origins), None)
    if origin:
        return Finding("MJ018", Severity.ERROR, message, Place(origin.path, origin.line), "", origin.column)
    before = "".join(pieces[:index])
    column = len(before) - before.rfind("\n")
    return Finding("MJ018", Severity.ERROR, message, Place(path, before.count("\n") + 1), "", column)


def _line(finding: Finding) -> str:
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.place}:{finding.column}: {finding.code} {finding.message}{hint}"
