"""What can go wrong, said for people, and the exit codes that scripts rely on."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The command line's answers; stable, documented in docs/guide/commands.md."""

    OK = 0
    NO = 1  #: lint errors, refused or failed changes
    USAGE = 2  #: usage, configuration or content is wrong
    BUG = 3  #: our fault
    UNREACHABLE = 4  #: a provider, relay or database did not answer; a retry may help
    CHANGES = 5  #: `plan --detailed-exitcode` found changes
    INTERRUPTED = 130


class FunnelError(Exception):
    """Something a person can act on. `hint` says what would be right, in one sentence."""

    exit_code = ExitCode.NO

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(FunnelError):
    """The command was called with something it cannot take."""

    exit_code = ExitCode.USAGE


class ConfigError(FunnelError):
    """`funnel.toml` or the environment is wrong. The message starts with `path:line:` where known."""

    exit_code = ExitCode.USAGE


class ContentError(FunnelError):
    """A content file or template is wrong. The message starts with `path:line:`."""

    exit_code = ExitCode.USAGE


class Refused(FunnelError):
    """The answer is no: a safety rule stands against it."""


class StoreError(FunnelError):
    """The database is missing, locked, newer than this program, or damaged."""

    exit_code = ExitCode.UNREACHABLE


class Unreachable(FunnelError):
    """A provider or relay did not answer, or answered that it cannot now."""

    exit_code = ExitCode.UNREACHABLE
