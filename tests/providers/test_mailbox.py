"""The local mailbox: each key once, whole or not at all, and honest about a disk that fails."""

import fcntl
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE, S_ISDIR

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel.errors import ConfigError
from funnel.mailbox import Mailbox
from funnel.model import Message, ReceiptKind

ACCEPTED, REFUSED, RETRY = ReceiptKind.ACCEPTED, ReceiptKind.REFUSED, ReceiptKind.RETRY
HOLD, UNKNOWN = ReceiptKind.HOLD, ReceiptKind.UNKNOWN

HOSTILE_KEYS = [
    "",
    ".",
    "..",
    "../new/a",
    "/etc/passwd",
    "a/b",
    "a.eml",
    "a:2,S",
    "A",
    "é",
    "a\n",
    "a\0",
    "a b",
    "a" * 129,
]


def grant(ids):
    return frozenset(ids)


def letter(number=1, words=b"Hello"):
    raw = b"Subject: %d\r\n\r\n%b\r\n" % (number, words)
    return Message(number, f"key{number}", "bounce@example.com", f"person{number}@example.com", raw)


def send(box, *batch, intent=grant):
    return [receipt.kind for receipt in box.send(batch, intent)]


@pytest.fixture
def box(tmp_path):
    return Mailbox(tmp_path / "mail")


def files(box):
    return sorted(str(path.relative_to(box.root)) for path in box.root.rglob("*") if path.is_file())


def test_a_message_is_a_private_file_named_after_its_key(box):
    send(box, letter())
    assert files(box) == ["new/key1.eml"]
    assert S_IMODE((box.root / "new/key1.eml").stat().st_mode) == 0o600
    assert [S_IMODE((box.root / name).stat().st_mode) for name in (".", "tmp", "new", "cur")] == [0o700] * 4


def test_a_second_send_of_a_key_adds_nothing_and_changes_nothing(box):
    assert send(box, letter(words=b"first")) == [ACCEPTED]
    assert send(box, letter(words=b"second"), intent=pytest.fail) == [ACCEPTED]
    assert [stored.raw for stored in box.messages()] == [letter(words=b"first").raw]


def test_a_key_that_stands_twice_in_a_batch_is_stored_once(box):
    assert send(box, letter(), letter()) == [ACCEPTED, ACCEPTED]
    assert files(box) == ["new/key1.eml"]


@pytest.mark.parametrize("name", ["key1.eml", "key1.eml:2,", "key1.eml:2,FRS"])
def test_a_message_that_a_reader_moved_and_flagged_is_still_there(box, name):
    send(box, letter())
    (box.root / "new/key1.eml").rename(box.root / "cur" / name)
    assert send(box, letter(), intent=pytest.fail) == [ACCEPTED]
    assert box.settle("key1") is ACCEPTED
    assert box.find("key1").raw == letter().raw
    assert files(box) == [f"cur/{name}"]


def test_a_message_that_another_writer_stored_meanwhile_is_not_replaced(box):
    def slow_ledger(ids):
        send(Mailbox(box.root), letter(words=b"first"))
        return frozenset(ids)

    assert send(box, letter(words=b"second"), intent=slow_ledger) == [ACCEPTED]
    assert box.find("key1").raw == letter(words=b"first").raw
    assert files(box) == ["new/key1.eml"]


def test_nothing_is_in_new_or_left_in_tmp_when_the_ledger_says_no(box):
    send(box, letter(), intent=lambda ids: frozenset())
    assert files(box) == []


def test_the_whole_message_is_on_disk_before_the_ledger_is_asked(box):
    seen = []

    def intent(ids):
        seen.extend(path.read_bytes() for path in (box.root / "tmp").iterdir())
        return frozenset(ids)

    send(box, letter(), intent=intent)
    assert seen == [letter().raw]


def test_the_file_is_synced_before_the_ledger_is_asked_and_the_folder_before_the_receipt(box, monkeypatch):
    order, sync = [], os.fsync

    def recorded(descriptor):
        order.append("folder" if S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def intent(ids):
        order.append("ledger")
        return frozenset(ids)

    monkeypatch.setattr(os, "fsync", recorded)
    receipts = send(box, letter(), intent=intent)
    assert order + receipts == ["file", "ledger", "folder", ACCEPTED]


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_key_is_never_a_path(box, key):
    hostile = Message(1, key, "bounce@example.com", "person1@example.com", letter().raw)
    assert send(box, hostile, intent=pytest.fail) == [REFUSED]
    assert (box.find(key), box.settle(key)) == (None, RETRY)
    assert files(box) == []


@given(st.text())
def test_no_text_finds_a_file_outside_the_mailbox(tmp_path_factory, key):
    box = Mailbox(tmp_path_factory.getbasetemp() / "shared-mail")
    assert box.find(key) is None


def test_messages_come_oldest_first_and_other_peoples_files_are_passed_by(box):
    send(box, letter(1), letter(2), letter(3))
    for age, name in enumerate(["key2", "key3", "key1"]):
        os.utime(box.root / f"new/{name}.eml", (age, age))
    (box.root / "new/key3.eml").rename(box.root / "cur/key3.eml:2,S")
    for name in ("new/1700000000.M1P2.host", "cur/Key9.eml", "new/key1.eml.bak"):
        (box.root / name).write_bytes(b"not ours")
    assert [stored.key for stored in box.messages()] == ["key2", "key3", "key1"]


def test_a_message_that_is_moved_while_the_mailbox_is_read_is_read_once(box):
    send(box, letter(1), letter(2))
    for age in (1, 2):
        os.utime(box.root / f"new/key{age}.eml", (age, age))
    reading = box.messages()
    first = next(reading)
    (box.root / "new/key2.eml").rename(box.root / "cur/key2.eml:2,S")
    assert [stored.key for stored in (first, *reading)] == ["key1", "key2"]


def test_settling_tells_what_stands_and_what_never_came(box):
    send(box, letter(1))
    assert [box.settle(key) for key in ("key1", "key2")] == [ACCEPTED, RETRY]


# --- crashes and broken disks --------------------------------------------------------------------------------


DYING = """
import os, signal, sys
from pathlib import Path
from funnel.mailbox import Mailbox
from funnel.model import Message

def intent(ids):
    os.kill(os.getpid(), signal.SIGKILL)

list(Mailbox(Path(sys.argv[1])).send([Message(1, "key1", "", "", b"Subject: 1\\r\\n\\r\\nHello\\r\\n")], intent))
"""


def test_what_a_killed_writer_left_is_cleared_at_the_next_start(box):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", DYING, str(box.root)], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(files(box)) == 1
    again = Mailbox(box.root)
    assert files(box) == []
    assert again.settle("key1") is RETRY


def test_the_draft_of_a_living_writer_is_left_alone(box):
    def intent(ids):
        Mailbox(box.root)
        return frozenset(ids)

    assert send(box, letter(), intent=intent) == [ACCEPTED]


def test_a_start_passes_by_what_is_no_draft(box):
    (box.root / "tmp/folder").mkdir()
    (box.root / "tmp/link").symlink_to(box.root / "new")
    Mailbox(box.root)
    assert {path.name for path in (box.root / "tmp").iterdir()} == {"folder", "link"}


@contextmanager
def room_for(size):
    """Let this process write files of at most `size` bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_holds_the_batch_before_the_ledger_is_asked_and_leaves_nothing_behind(box):
    with room_for(1000):
        held = send(box, letter(1, b"x" * 5000), letter(2), intent=pytest.fail)
    assert held == [HOLD, HOLD]
    assert files(box) == []
    assert send(box, letter(1, b"x" * 5000), letter(2)) == [ACCEPTED, ACCEPTED]


def test_a_disk_that_fails_after_the_ledger_granted_holds_because_the_message_is_certainly_absent(box):
    def ledger(ids):
        (box.root / "new").rmdir()
        return frozenset(ids)

    assert send(box, letter(1), letter(2), intent=ledger) == [HOLD, HOLD]
    assert box.settle("key1") is RETRY


def test_a_mailbox_that_cannot_even_be_looked_at_afterwards_is_unknown(box):
    def ledger(ids):
        for folder in ("new", "cur"):
            (box.root / folder).rmdir()
        return frozenset(ids)

    assert send(box, letter(1), intent=ledger) == [UNKNOWN]
    assert box.settle("key1") is UNKNOWN


def test_a_name_that_might_not_outlive_a_power_cut_is_unknown_until_it_is_settled(box, monkeypatch):
    def failing(descriptor):
        raise OSError(5, "Input/output error")

    def ledger(ids):
        monkeypatch.setattr(os, "fsync", failing)
        return frozenset(ids)

    assert send(box, letter(), intent=ledger) == [UNKNOWN]
    assert box.settle("key1") is ACCEPTED


def test_a_mailbox_where_none_can_be_made_is_a_mistake_in_the_settings(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be made"):
        Mailbox(tmp_path / "file")


def test_no_lock_and_no_descriptor_outlives_a_batch(box):
    open_before = len(list(Path("/dev/fd").iterdir()))
    send(box, letter(1), letter(2))
    assert len(list(Path("/dev/fd").iterdir())) == open_before
    with (box.root / "new/key1.eml").open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
