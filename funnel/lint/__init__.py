"""Look at every mail before anybody gets it: each email and variant, each value missing, both parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain

from funnel.errors import UsageError
from funnel.fields import nearest
from funnel.lint import (
    care,
    envelope,
    footer,
    gaps,
    links,
    loading,
    merging,
    privacy,
    reviews,
    sides,
    structure,
)
from funnel.lint.loading import from_error
from funnel.lint.subject import Rule, Subject
from funnel.mjml import checking
from funnel.model import Finding, Project, Rendered

__all__ = ["RULES", "Rule", "Subject", "explain", "from_error", "lint"]

_TOPICS = (care, envelope, footer, gaps, links, merging, privacy, reviews, sides, structure)

#: Every rule by its code, in the order of the codes.
RULES: Mapping[str, Rule] = {
    rule.code: rule for rule in sorted(chain(*(topic.RULES for topic in _TOPICS)), key=lambda one: one.code)
}


def lint(project: Project, rendered: Iterable[Rendered], *, now: datetime) -> tuple[Finding, ...]:
    """Run every rule over compiled mail of `project`; each finding once, by path, line and code."""
    subject = Subject(project, tuple(rendered), now)
    found = dict.fromkeys(finding for rule in RULES.values() for finding in rule.check(subject))
    return tuple(sorted(found, key=lambda one: (one.place, one.code, one.message)))


def explain(code: str) -> str:
    """Return the page of a code: what, why, how to mend it. Raises UsageError with the nearest code."""
    wanted = code.strip().upper()
    found = pages()
    if wanted not in found:
        raise UsageError(f"there is no rule `{code}`", hint=nearest(wanted, found))
    return found[wanted]


def pages() -> dict[str, str]:
    """Return every code that a finding can have, with its page; the MJML check's have one sentence each."""
    mjml = re.findall(r"^- (MJ\d{3}) (.+)$", checking.__doc__ or "", re.MULTILINE)
    return {
        loading.CODE: loading.PAGE.strip(),
        **{code: rule.page for code, rule in RULES.items()},
        **{code: f"Find {said} in a template." for code, said in mjml},
    }
