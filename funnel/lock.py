"""A lock that says: while I work here, no other funnel on this machine does. Freed when the process ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from funnel.errors import Refused


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Hold the lock of a state folder. Raises Refused when another process holds it."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused("another funnel is at work on this project", hint="wait for it, or stop it first") from error
        yield


@contextmanager
def worker(state: Path) -> Iterator[bool]:
    """Work beside other workers. Tells whether this one began alone: then whatever is leased was left by the dead.

    Raises Refused while a made-up clock, which must be alone, is running.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state / "lock").open("w") as file:
        is_alone = True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            is_alone = False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused("another funnel is at work on this project", hint="wait for it, or stop it first") from error
        yield is_alone
