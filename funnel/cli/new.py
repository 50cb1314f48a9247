"""`funnel new`: a commented starting file."""

from __future__ import annotations

import re
from enum import StrEnum

import typer

from funnel.cli.call import calling
from funnel.errors import Refused, UsageError


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
    """Write a starting file that says what goes where.

    It loads as it stands; what you still have to write is marked PLACEHOLDER. Overwrites nothing.
    """
    call = calling(context)
    app = call.app()
    path, text = _written(kind, slug)
    target = app.config.root / path
    if target.exists():
        raise Refused(f"{path} is there already", hint="choose another name; nothing was changed")
    if kind is Kind.EXERCISE:
        side, order, _ = _exercise(slug)
        for known in sorted(target.parent.glob(f"{order}-*.md")):
            raise Refused(f"exercise {order} of the {side} side is {known.name}", hint="choose another number")
    from funnel.build import write_whole

    write_whole(target, text.encode())
    call.answer(path, {"kind": kind, "slug": target.stem, "path": path})
    call.next("edit it, then funnel lint")


def _written(kind: Kind, slug: str) -> tuple[str, str]:
    """Return where a new file goes, below the project, and what stands in it."""
    if kind is Kind.EXERCISE:
        side, order, name = _exercise(slug)
        title = name.replace("-", " ").title()
        return f"content/exercises/{side}/{order}-{name}.md", EXERCISE.format(side=side, order=order, title=title)
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


def _exercise(slug: str) -> tuple[str, int, str]:
    found = re.fullmatch(r"(left|right)/([1-9]\d?)-([a-z0-9][a-z0-9-]*)", slug)
    if not found:
        raise UsageError(f"`{slug}` does not name an exercise", hint="write side/number-name, such as left/6-new-one")
    return found[1], int(found[2]), found[3]


def code() -> str:
    """Make a code: six characters that say nothing, for machines outside."""
    import secrets

    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(6))


EMAIL = """\
---
subject: "{title}"          # at most 50 characters; it never names a condition, a body part or a side
# The line beside the subject in the inbox: 40 to 90 characters, something new.
preheader: "PLACEHOLDER: what makes this worth opening, in one line"
template: letter            # the look: a file of templates/, such as letter, offer or newsletter
---
Hi {{{{ person.first_name | fallback("there") }}}},

PLACEHOLDER: write to one person here, in Markdown. Links look like [these words]({{{{ links.article }}}}).
"""

EXERCISE = """\
---
name: {title}
side: {side}
order: {order}
video:                      # the clinic's own; the mail does without until there is one
cues: []                    # the clinician's words; none until they are given
name_only: false            # true once a clinician has signed that the name alone is enough
email:                      # the same words for both sides, step by step; never a condition, a body part or a side
  subject: "Exercise {order}"
  preheader: "PLACEHOLDER: what makes this worth opening, in one line"
---
Hi {{{{ person.first_name | fallback("there") }}}},

PLACEHOLDER: one idea, 60 to 120 words.
"""

SERIES = """\
name: {title}               # for us; never leaves this project
code: {code}                # what machines outside see: made once, never changed, never used again
entry: manual               # people enter by funnel enroll; confirmed: everyone who confirms their address
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
