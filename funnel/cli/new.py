"""`funnel new`: a commented starting file."""

from __future__ import annotations

import re
import secrets
from enum import StrEnum

import typer

from funnel.cli.call import calling
from funnel.errors import Refused, UsageError
from funnel.model import Variant


class Kind(StrEnum):
    """What can be started."""

    EMAIL = "email"
    EXERCISE = "exercise"
    SERIES = "series"
    BROADCAST = "broadcast"


def new(
    context: typer.Context,
    kind: Kind = typer.Argument(..., help="What to start."),
    slug: str = typer.Argument(..., help="Its name: small letters, digits and dashes. For an exercise: left/6-name."),
) -> None:
    """Write a starting file with comments that say what goes where. Overwrites nothing."""
    call = calling(context)
    app = call.app()
    path, text = _written(kind, slug)
    target = app.config.root / path
    if target.exists():
        raise Refused(f"{path} is there already", hint="choose another name; nothing was changed")
    from funnel.build import write_whole

    write_whole(target, text.encode())
    call.say(path)
    call.next("edit it, then funnel lint")


def _written(kind: Kind, slug: str) -> tuple[str, str]:
    if kind is Kind.EXERCISE:
        side, number, name = _exercise(slug)
        return f"content/exercises/{side}/{number}-{name}.md", EXERCISE.format(
            side=side, number=number, title=name.replace("-", " ").title()
        )
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", slug):
        raise UsageError(f"`{slug}` cannot be a file's name", hint="small letters, digits and dashes")
    title = slug.replace("-", " ").capitalize()
    match kind:
        case Kind.EMAIL:
            return f"content/emails/{slug}.md", EMAIL.format(title=title)
        case Kind.SERIES:
            return f"content/series/{slug}.yaml", SERIES.format(title=title, code=code())
        case _:
            return f"content/broadcasts/{slug}.yaml", BROADCAST.format(title=title, code=code(), slug=slug)


def _exercise(slug: str) -> tuple[Variant, int, str]:
    found = re.fullmatch(r"(left|right)/(\d+)-([a-z0-9-]+)", slug)
    if not found:
        raise UsageError(f"`{slug}` does not name an exercise", hint="write side/number-name, such as left/6-new-one")
    return Variant(found[1]), int(found[2]), found[3]


def code() -> str:
    """Make a code: six characters that say nothing, for machines outside."""
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(6))


EMAIL = """\
---
subject: "{title}"          # at most 50 characters; it never names a condition, a body part or a side
preheader: ""               # the line beside the subject in the inbox: 40 to 90 characters, something new
template: letter            # the look: a file of templates/, such as letter, offer or newsletter
---
Hi {{{{ person.first_name | fallback("there") }}}},

Write to one person here, in Markdown. Links look like [these words]({{{{ links.article }}}}).
"""

EXERCISE = """\
---
name: {title}
side: {side}
order: {number}
video:                      # the clinic's own; the mail does without until there is one
cues: []                    # the clinician's words; none until they are given
name_only: false            # true once a clinician has signed that the name alone is enough
email:                      # the same words for both sides, step by step
  subject: "{number} of {number}: "
  preheader: ""
---
Hi {{{{ person.first_name | fallback("there") }}}},

One idea, 60 to 120 words.
"""

SERIES = """\
name: {title}               # for us; never leaves this project
code: {code}                # what machines outside see: made once, never changed, never used again
entry: confirmed            # people enter when they confirm their address; manual: only by funnel enroll
variant_by: none            # side: left, right and not_sure get their own form

# `wait` counts from the moment when the step before it really went out: 48h is hours, 3d is days, 1bd business days.
# An `id` never changes, even when a step moves.
steps:
  - {{id: welcome, email: welcome, wait: 0h}}
"""

BROADCAST = """\
name: {title}
code: {code}                # what machines outside see: made once, never changed
email: {slug}               # content/emails/{slug}.md
segment: everyone           # a name in content/segments.yaml
send_at:                    # such as 2026-12-01 09:00; empty: a draft that nobody gets
# local: true               # at that time on each person's own clock
"""
