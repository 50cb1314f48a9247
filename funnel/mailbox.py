"""The local mailbox: a Maildir on this machine that the preview, the demo and any mail reader can open.

`<key>.eml` in `new/` is a message; a reader may move it to `cur/` and add flags (`<key>.eml:2,S`). Nothing
but a person ever removes one, so "is there a file for this key?" settles every doubt.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from funnel.errors import ConfigError
from funnel.model import Message, Receipt, ReceiptKind
from funnel.ports import Intent

SUFFIX = ".eml"
_KEY = re.compile(r"[a-z0-9]{1,128}")


@dataclass(frozen=True, slots=True)
class Stored:
    """One message in the mailbox: exactly the bytes that were handed over."""

    key: str
    path: Path
    raw: bytes


class Mailbox:
    """Keeps messages as files, each once: a key that is already there is never written again.

    Makes the folders (0700) where they are missing and clears away what crashed writers left in `tmp/`.
    Raises ConfigError when that cannot be done. Several processes may write at the same time.
    """

    name = "mailbox"
    is_local = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tmp, self._new, self._cur = (root / name for name in ("tmp", "new", "cur"))
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self._tmp, self._new, self._cur):
                folder.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(root)
        except OSError as error:
            raise ConfigError(
                f"{root}: the mailbox cannot be made: {error.strerror}",
                hint="choose a folder that you may write to",
            ) from error
        self._clear_tmp()

    def send(self, batch: Sequence[Message], intent: Intent) -> Iterator[Receipt]:
        """Store each message of the batch, safe on disk before its receipt.

        A key that is already in the mailbox is ACCEPTED without asking `intent`: it has happened. After a
        HOLD (a full or broken disk) the rest of the batch is held too. What `intent` raises passes through.
        """
        held: Receipt | None = None
        for message in batch:
            if held:
                yield replace(held, delivery_id=message.delivery_id)
                continue
            receipt = self._store(message, intent)
            held = receipt if receipt.kind is ReceiptKind.HOLD else None
            yield receipt

    def settle(self, key: str) -> ReceiptKind:
        """Say ACCEPTED if the file stands, else RETRY: storing is one atomic step, so absence is certain."""
        try:
            return ReceiptKind.ACCEPTED if self._path_of(key) else ReceiptKind.RETRY
        except OSError:
            return ReceiptKind.UNKNOWN  # the folders cannot be read just now

    def messages(self) -> Iterator[Stored]:
        """Yield every message, oldest file first, each read as it is asked for; other files are passed by."""
        arrived: dict[str, tuple[int, Path]] = {}
        for folder in (self._new, self._cur):
            for entry in folder.iterdir():
                if key := _key_of(entry.name):
                    with suppress(FileNotFoundError):  # a reader moved it to cur/, which is listed next
                        arrived[key] = (entry.stat().st_mtime_ns, entry)
        for key in sorted(arrived, key=lambda key: (arrived[key][0], key)):
            try:
                yield Stored(key, arrived[key][1], arrived[key][1].read_bytes())
            except FileNotFoundError:
                if stored := self.find(key):
                    yield stored

    def find(self, key: str) -> Stored | None:
        """Return the message of this key, or None. What is not a key finds nothing."""
        path = self._path_of(key)
        return Stored(key, path, path.read_bytes()) if path else None

    def _path_of(self, key: str) -> Path | None:
        """Return where the message is: new/ first, because readers move files from there to cur/."""
        if not _KEY.fullmatch(key):
            return None
        unread = self._new / f"{key}{SUFFIX}"
        if unread.exists():
            return unread
        return next((path for path in self._cur.iterdir() if _key_of(path.name) == key), None)

    def _store(self, message: Message, intent: Intent) -> Receipt:
        """Write, ask, show: nothing that can fail for want of space is left for after the question."""
        if not _KEY.fullmatch(message.key):
            return _receipt(message, ReceiptKind.REFUSED, "the message's key is not made of a-z and 0-9")
        try:
            if self._path_of(message.key):
                return _receipt(message, ReceiptKind.ACCEPTED)
            draft = _Draft(self._tmp, message)
        except OSError as error:
            return _receipt(message, ReceiptKind.HOLD, f"the mailbox cannot be written: {error.strerror}")
        try:
            if message.delivery_id not in intent([message.delivery_id]):
                return _receipt(message, ReceiptKind.WITHDRAWN)
            return self._show(draft.path, message)
        finally:
            draft.discard()

    def _show(self, draft: Path, message: Message) -> Receipt:
        """Give the finished file its name in new/, where readers see it.

        A link never replaces a file and happens wholly or not at all. If it fails and the name is not there,
        the message was certainly not stored: HOLD, for the disk is at fault. A name that stands but may not
        outlive a power cut, or that cannot be looked up, is UNKNOWN: `settle` will tell.
        """
        try:
            os.link(draft, self._new / f"{message.key}{SUFFIX}")
        except FileExistsError:
            pass  # another writer was first, with the same bytes
        except OSError as error:
            is_absent = self.settle(message.key) is ReceiptKind.RETRY
            kind = ReceiptKind.HOLD if is_absent else ReceiptKind.UNKNOWN
            return _receipt(message, kind, f"the mailbox cannot be written: {error.strerror}")
        try:
            _sync_folder(self._new)
        except OSError as error:
            return _receipt(message, ReceiptKind.UNKNOWN, f"the mailbox cannot be synced: {error.strerror}")
        return _receipt(message, ReceiptKind.ACCEPTED)

    def _clear_tmp(self) -> None:
        """Remove drafts whose writer is dead: its lock died with it."""
        for entry in self._tmp.iterdir():
            if entry.is_symlink() or not entry.is_file():
                continue
            with suppress(OSError), entry.open("r+b") as file:  # locked: its writer lives
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                entry.unlink()


class _Draft:
    """A whole message in tmp/, on disk, under a lock that lasts as long as its writer lives."""

    def __init__(self, folder: Path, message: Message) -> None:
        """Write and sync; on OSError nothing is left behind."""
        self._descriptor, self.path = _locked_file(folder, message.key)
        try:
            with os.fdopen(self._descriptor, "wb", closefd=False) as file:
                file.write(message.raw)
            os.fsync(self._descriptor)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove the draft's own name; a name that it got in new/ stays."""
        with suppress(OSError):
            self.path.unlink()
        os.close(self._descriptor)


def _locked_file(folder: Path, key: str) -> tuple[int, Path]:
    """Make a file (0600) that no other process holds; again if a clean-up took it before the lock stood."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f"{key}.", dir=folder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make the folder's names outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _key_of(name: str) -> str:
    """Return the key that a file name carries, or nothing for somebody else's file."""
    key = name.partition(":")[0].removesuffix(SUFFIX)
    return key if _KEY.fullmatch(key) and name.startswith(key + SUFFIX) else ""


def _receipt(message: Message, kind: ReceiptKind, text: str = "") -> Receipt:
    return Receipt(message.delivery_id, kind, text=text)
