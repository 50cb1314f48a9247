"""The Sender that speaks with a relay: one batch, one stay, one receipt for each message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from funnel.model import Message, Receipt, ReceiptKind
from funnel.ports import Intent
from funnel.smtp.dialogue import CLOSING, DONE, SEND_BODY, WILL_FORWARD, Dialogue, RelayError, Reply
from funnel.smtp.settings import SmtpSettings
from funnel.smtp.verdict import OUT_OF_ORDER, Moment, flaw_in, misfit_of, receipt_of, without_addresses


class SmtpSender:
    """Sends through one relay. Holds no connection between batches, so threads may share it."""

    name = "smtp"
    is_local = False

    def __init__(self, settings: SmtpSettings) -> None:
        self.settings = settings

    def send(self, batch: Sequence[Message], intent: Intent) -> Iterator[Receipt]:
        """Send the batch over one connection, or over several where the relay hangs up.

        After a HOLD, and after a relay that cannot be reached, the rest of the batch gets the same answer
        unasked.
        What `intent` raises passes through, with the connection closed before the dot.
        """
        visit = _Visit(self.settings)
        try:
            for message in batch:
                yield visit.hand_over(message, intent)
        finally:
            visit.end()

    def settle(self, key: str) -> ReceiptKind:  # noqa: ARG002 - the port asks with a key
        """Answer UNKNOWN, always: SMTP has no way to ask a relay whether it took a message."""
        return ReceiptKind.UNKNOWN


class _Visit:
    """One batch's stay at the relay: a connection opened when needed and kept while it is sound."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._dialogue: Dialogue | None = None
        self._stopped: Receipt | None = None

    def hand_over(self, message: Message, intent: Intent) -> Receipt:
        """Give one message to the relay and say what became of it."""
        if flaw := flaw_in(message):
            return Receipt(message.delivery_id, ReceiptKind.REFUSED, text=flaw)
        if self._stopped:
            return replace(self._stopped, delivery_id=message.delivery_id)
        try:
            receipt = self._exchange(message, intent)
        except RelayError as error:
            self._drop()
            return _receipt(message, error.kind, error)
        except BaseException:
            self._drop()  # the ledger failed: the relay must not take what it did not grant
            raise
        if receipt.kind is ReceiptKind.HOLD:
            self._stopped = receipt
        return receipt

    def end(self) -> None:
        """Take leave of the relay, if a sound connection is left."""
        if self._dialogue:
            self._dialogue.quit()
            self._dialogue = None

    def _exchange(self, message: Message, intent: Intent) -> Receipt:
        """Walk through one transaction; RelayError means that the dot was not sent."""
        dialogue = self._dialogue or self._open(message)
        if misfit := misfit_of(message, dialogue.offers):
            return Receipt(message.delivery_id, ReceiptKind.REFUSED, text=misfit)
        dialogue, reply = self._begin(dialogue, message)
        if reply.code != DONE:
            return self._judged(message, Moment.MAIL, reply)
        return self._address(dialogue, message, intent)

    def _begin(self, dialogue: Dialogue, message: Message) -> tuple[Dialogue, Reply]:
        """Say MAIL; where a kept connection has died or is closing, say it once more on a fresh one."""
        if dialogue.transactions:
            with suppress(RelayError):
                reply = dialogue.mail(message)
                if reply.code != CLOSING:
                    return dialogue, reply
            self._drop()
            dialogue = self._open(message)
        return dialogue, dialogue.mail(message)

    def _address(self, dialogue: Dialogue, message: Message, intent: Intent) -> Receipt:
        timeouts = self._settings.timeouts
        reply = dialogue.command(f"RCPT TO:<{message.envelope_to}>", timeouts.command)
        if reply.code not in (DONE, WILL_FORWARD):
            return self._judged(message, Moment.RCPT, reply)
        reply = dialogue.command("DATA", timeouts.data)
        if reply.code != SEND_BODY:
            return self._judged(message, Moment.DATA, reply)
        dialogue.body(message.raw)
        if message.delivery_id not in intent([message.delivery_id]):
            self._drop()
            return Receipt(message.delivery_id, ReceiptKind.WITHDRAWN)
        dialogue.expect_silence()  # a connection lost while the ledger wrote is still a certain "not taken"
        return self._finish(dialogue, message)

    def _finish(self, dialogue: Dialogue, message: Message) -> Receipt:
        """Send the dot. From its first byte on, only a whole, true answer makes an end certain."""
        try:
            reply = dialogue.end(self._settings.timeouts.end)
        except RelayError as error:
            self._drop()
            return _receipt(message, ReceiptKind.UNKNOWN, error)
        return self._judged(message, Moment.END, reply)

    def _judged(self, message: Message, moment: Moment, reply: Reply) -> Receipt:
        receipt = receipt_of(message, moment, reply)
        is_answer = receipt.kind is ReceiptKind.ACCEPTED or reply.code // 100 in (4, 5)
        if not is_answer or reply.code in (CLOSING, OUT_OF_ORDER):
            self._drop()
        return receipt

    def _open(self, message: Message) -> Dialogue:
        """Connect; a relay that cannot be spoken with now is not asked again for the rest of the batch."""
        try:
            self._dialogue = Dialogue(self._settings)
        except RelayError as error:
            self._stopped = _receipt(message, error.kind, error)
            raise
        return self._dialogue

    def _drop(self) -> None:
        if self._dialogue:
            self._dialogue.close()
            self._dialogue = None


def _receipt(message: Message, kind: ReceiptKind, error: RelayError) -> Receipt:
    text = without_addresses(error.text, message.envelope_to)
    return Receipt(message.delivery_id, kind, code=error.code, text=text)
