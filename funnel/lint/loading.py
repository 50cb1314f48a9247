"""Content that does not load is a finding too, with its own file and line."""

from __future__ import annotations

import re
from typing import Protocol, runtime_checkable

from funnel.errors import FunnelError
from funnel.mjml import MjmlError
from funnel.model import Finding, Place, Severity

CODE = "CT001"
_WHERE = re.compile(r"(?P<path>[^\s:][^:\n]*):(?P<line>\d+):(?:(?P<column>\d+):)? ", re.ASCII)

PAGE = """Find content that cannot be read at all: a missing key, broken YAML, a template that stops halfway.

Why: nothing can be mailed, and no other rule can look, until the project loads.

Mend: the message names the file, the line and what would be right.

Example: `subjct:` in the front matter of an email.
"""


@runtime_checkable
class Several(Protocol):
    """An error that stands for several, each with its own place."""

    @property
    def problems(self) -> tuple[FunnelError, ...]:
        """Return them in the order in which they were found."""


def from_error(error: FunnelError) -> tuple[Finding, ...]:
    """Turn what stopped the project from loading or compiling into findings: CT001, or an MJML code."""
    if isinstance(error, MjmlError):
        return error.findings
    if isinstance(error, Several):
        return tuple(finding for one in error.problems for finding in from_error(one))
    where = _WHERE.match(error.message)
    if where is None:
        return (Finding(CODE, Severity.ERROR, error.message, Place("funnel.toml"), error.hint),)
    place = Place(where["path"], int(where["line"]))
    message = error.message[where.end() :]
    return (Finding(CODE, Severity.ERROR, message, place, error.hint, int(where["column"] or 0)),)
