"""What every sender promises, asked of each of them in the same words."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smtp_server import SmtpServer, say

from funnel.errors import StoreError
from funnel.mailbox import Mailbox
from funnel.model import Message, ReceiptKind
from funnel.ports import Sender
from funnel.smtp import Security, SmtpSender, SmtpSettings

ACCEPTED, REFUSED, WITHDRAWN = ReceiptKind.ACCEPTED, ReceiptKind.REFUSED, ReceiptKind.WITHDRAWN


@dataclass
class Place:
    """A sender, what has arrived behind it, and how to make a message that it must refuse."""

    sender: Sender
    arrived: Callable[[], list[bytes]]
    spoil: Callable[[Message], Message]


@contextmanager
def smtp() -> Iterator[Place]:
    with SmtpServer(refuse={"bad@example.com": say("550 5.1.1 no such user")}) as relay:
        sender = SmtpSender(SmtpSettings("127.0.0.1", relay.port, security=Security.NONE))
        yield Place(
            sender,
            lambda: [mail.raw for mail in relay.mails],
            lambda message: replace(message, envelope_to="bad@example.com"),
        )


@contextmanager
def mailbox() -> Iterator[Place]:
    with TemporaryDirectory() as folder:
        box = Mailbox(Path(folder) / "mail")
        yield Place(
            box,
            lambda: [stored.raw for stored in box.messages()],
            lambda message: replace(message, key="../bad"),
        )


every_sender = pytest.mark.parametrize("place", [smtp, mailbox])


def grant(ids: Sequence[int]) -> frozenset[int]:
    return frozenset(ids)


def letter(number: int, body: bytes = b"Hello\r\n") -> Message:
    raw = b"Subject: %d\r\n\r\n%b" % (number, body)
    return Message(number, f"key{number}", "bounce@example.com", f"person{number}@example.com", raw)


lines = st.binary(max_size=60).map(lambda line: line.replace(b"\r", b".").replace(b"\n", b"."))
bodies = st.lists(st.one_of(st.sampled_from([b"", b".", b"..", b". .", b"QUIT"]), lines)).map(
    lambda rows: b"".join(row + b"\r\n" for row in rows)
)


@every_sender
@settings(max_examples=25, deadline=None)
@given(st.lists(bodies, min_size=1, max_size=4))
def test_every_accepted_message_arrives_once_byte_for_byte(place, drawn):
    batch = [letter(number, body) for number, body in enumerate(drawn)]
    with place() as at:
        receipts = list(at.sender.send(batch, grant))
        assert [receipt.kind for receipt in receipts] == [ACCEPTED] * len(batch)
        assert sorted(at.arrived()) == sorted(message.raw for message in batch)


@every_sender
def test_a_body_of_many_blocks_arrives_byte_for_byte(place):
    long = letter(1, b".\r\n" * 100_000)
    with place() as at:
        assert [receipt.kind for receipt in at.sender.send([long], grant)] == [ACCEPTED]
        assert at.arrived() == [long.raw]


@every_sender
def test_there_is_one_receipt_for_each_message_in_the_order_of_the_batch(place):
    batch = [letter(number) for number in (7, 3, 5)]
    with place() as at:
        assert [receipt.delivery_id for receipt in at.sender.send(batch, grant)] == [7, 3, 5]


@every_sender
def test_an_empty_batch_gives_no_receipt(place):
    with place() as at:
        assert list(at.sender.send([], grant)) == []


@every_sender
def test_each_receipt_comes_before_the_next_message_goes(place):
    with place() as at:
        receipts = at.sender.send([letter(1), letter(2)], grant)
        for count in (1, 2):
            next(receipts)
            assert len(at.arrived()) == count


@every_sender
def test_the_ledger_is_asked_once_for_each_message_before_it_arrives(place):
    asked = []
    with place() as at:

        def intent(ids):
            asked.append((list(ids), len(at.arrived())))
            return frozenset(ids)

        list(at.sender.send([letter(1), letter(2)], intent))
    assert asked == [([1], 0), ([2], 1)]


@every_sender
def test_what_the_ledger_does_not_grant_never_arrives_and_the_others_do(place):
    batch = [letter(1), letter(2), letter(3)]
    with place() as at:
        receipts = list(at.sender.send(batch, lambda ids: frozenset(ids) - {2}))
        assert [receipt.kind for receipt in receipts] == [ACCEPTED, WITHDRAWN, ACCEPTED]
        assert sorted(at.arrived()) == [batch[0].raw, batch[2].raw]


@every_sender
def test_one_bad_message_touches_no_other(place):
    with place() as at:
        batch = [letter(1), at.spoil(letter(2)), letter(3)]
        receipts = list(at.sender.send(batch, grant))
        assert [receipt.kind for receipt in receipts] == [ACCEPTED, REFUSED, ACCEPTED]
        assert sorted(at.arrived()) == [batch[0].raw, batch[2].raw]


@every_sender
def test_a_ledger_that_fails_stops_the_batch_and_nothing_arrives(place):
    def broken(ids):
        raise StoreError("the database is locked")

    with place() as at:
        with pytest.raises(StoreError):
            list(at.sender.send([letter(1), letter(2)], broken))
        assert at.arrived() == []


@every_sender
def test_a_batch_that_is_left_half_way_leaves_the_sender_usable(place):
    with place() as at:
        first = at.sender.send([letter(1), letter(2)], grant)
        next(first)
        first.close()
        assert [receipt.kind for receipt in at.sender.send([letter(3)], grant)] == [ACCEPTED]
        assert sorted(at.arrived()) == [letter(1).raw, letter(3).raw]


@every_sender
def test_no_receipt_holds_an_address(place):
    with place() as at:
        batch = [letter(1), at.spoil(letter(2))]
        assert not [receipt for receipt in at.sender.send(batch, grant) if "@" in receipt.text]
