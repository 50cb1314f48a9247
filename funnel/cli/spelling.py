"""What the parser of the command line has to say, in our words, with the nearest right name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from typer.core import TyperGroup

from funnel.errors import UsageError


@runtime_checkable
class Misuse(Protocol):
    """An error of Typer's parser, whichever release of it is installed."""

    exit_code: int
    ctx: Any

    def format_message(self) -> str:
        """Return what is wrong."""


class Commands(TyperGroup):
    """A group of commands that names the nearest one when asked for one that does not exist."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command. Raises UsageError when there is none of this name."""
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            from funnel.fields import nearest

            raise UsageError(f"there is no command `{name}`", hint=nearest(name, self.commands))
        return super().resolve_command(ctx, args)


def reworded(error: Misuse) -> UsageError:
    """Say what the parser found wrong, and what would be right. A call without any command gets the help."""
    said = error.format_message()
    option = getattr(error, "option_name", "")
    if said.startswith("Usage: "):
        return UsageError("which command?", hint=said)
    if option and "such option" in said.lower():
        from funnel.fields import nearest

        return UsageError(f"there is no option `{option}` here", hint=nearest(option, set(_options(error))))
    where = error.ctx.command_path if error.ctx else "funnel"
    return UsageError(_plain(said), hint=f"{where} --help says what it takes")


def _options(error: Misuse) -> Iterator[str]:
    context = error.ctx
    while context is not None:
        for parameter in context.command.params:
            yield from (word for word in parameter.opts if word.startswith("--"))
        context = context.parent


def _plain(said: str) -> str:
    """Turn the parser's sentence into one of ours: no capital, no full stop, names in backquotes."""
    said = re.sub(r"^Invalid value for (.+?): (?:Value error, )?", r"\1: ", said)
    said = re.sub(r"'([^' ]+)'", r"`\1`", said).rstrip(".")
    return said[:1].lower() + said[1:] if said[:1].isalpha() else said
