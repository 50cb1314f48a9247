"""A small clinic: the real engine over a real database, short series, and a relay that does what it is told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import invariants

from funnel.calendar import upcoming
from funnel.engine import (
    Engine,
    confirm,
    dispatch,
    launch,
    publish_broadcast,
    publish_series,
    tick,
)
from funnel.links import Signer
from funnel.model import (
    Brand,
    Broadcast,
    Consent,
    ConsentEvent,
    Contact,
    Context,
    MergeSpot,
    Message,
    Missing,
    Person,
    Place,
    Receipt,
    ReceiptKind,
    Rendered,
    Segment,
    SenderIdentity,
    SendingPolicy,
    Series,
    Settings,
    Step,
    Variant,
    Wait,
    WaitUnit,
    Window,
)
from funnel.payload import broadcast_json, digest_of, email_json, series_json
from funnel.simulate import fast_forward
from funnel.store import SqliteStore

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
EVER = SendingPolicy(spread_minutes=0)
MORNINGS = SendingPolicy(window=Window(frozenset(range(1, 6)), time(7), time(10)), spread_minutes=0)
SIDED = frozenset({Variant.LEFT, Variant.RIGHT})


class Crash(Exception):
    """The process dies here."""


@dataclass
class Relay:
    """A sender by the port's rules. `script` holds what it does with the next messages; then it accepts.

    retry, quiet (no answer at all), refuse, bad-address, hold, withdraw: before the intent is asked for.
    lost (taken, the answer is lost), vanished (not taken, nobody knows), late-retry: after it.
    die-early, die-late, die-done: the process dies before the intent, after it, or after the message was taken.
    """

    script: list[str] = field(default_factory=list)
    is_local: bool = True
    knows: bool = False  #: whether it can look up what became of a message
    meanwhile: Callable[[], object] | None = None  #: what happens once, between the lease and the intent
    during: Callable[[], object] | None = None  #: what happens once, after the intent and before the answer
    taken: list[Message] = field(default_factory=list)
    name: str = "relay"

    def send(self, batch, intent):
        for message in batch:
            yield self._one(message, intent, self.script.pop(0) if self.script else "accept")

    def settle(self, key):
        if not self.knows:
            return ReceiptKind.UNKNOWN
        return ReceiptKind.ACCEPTED if key in {one.key for one in self.taken} else ReceiptKind.RETRY

    def _one(self, message, intent, word):
        early = {
            "retry": (ReceiptKind.RETRY, 451),
            "quiet": (ReceiptKind.RETRY, 0),
            "refuse": (ReceiptKind.REFUSED, 554),
            "bad-address": (ReceiptKind.REFUSED, 550),
            "hold": (ReceiptKind.HOLD, 535),
            "withdraw": (ReceiptKind.WITHDRAWN, 0),
        }
        number = message.delivery_id
        if word in early:
            kind, code = early[word]
            return Receipt(number, kind, code=code, bad_address=word == "bad-address")
        if word == "die-early":
            raise Crash
        self._once("meanwhile")
        if number not in intent([number]):
            return Receipt(number, ReceiptKind.WITHDRAWN)
        self._once("during")
        return self._past_the_gate(message, word)

    def _past_the_gate(self, message, word):
        if word in ("accept", "lost", "die-done"):
            self.taken.append(message)
        if word in ("die-late", "die-done"):
            raise Crash
        kinds = {"accept": ReceiptKind.ACCEPTED, "late-retry": ReceiptKind.RETRY}
        return Receipt(message.delivery_id, kinds.get(word, ReceiptKind.UNKNOWN), code=451)

    def _once(self, hook):
        act = getattr(self, hook)
        setattr(self, hook, None)
        if act:
            act()


class Clinic:
    """One database, one engine, one relay. `now` is the made-up clock."""

    def __init__(self, root: Path, sending: SendingPolicy = EVER, *, timezone: str = "UTC") -> None:
        self.path = root / "funnel.db"
        self.store = SqliteStore(self.path, pepper=b"pepper", instance="test")
        self.settings = Settings(
            name="Clinic",
            timezone=timezone,
            brand=Brand("Clinic"),
            sender=SenderIdentity("Clinic", "hello@example.com", "hello@example.com"),
            sending=sending,
        )
        self.engine = self.another("first")
        self.relay = Relay()
        self.now = MONDAY

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.store.close()

    def another(self, owner: str) -> Engine:
        """A second worker on the same database."""
        signer = Signer([b"secret"], "https://example.com")
        return Engine(self.store, self.settings, signer, b"secret", owner, lambda _: b"%PDF")

    # --- content

    def publish(self, *steps: Step, slug: str = "care", emails: bool = True, **more) -> None:
        series = Series(slug=slug, name=slug, code="abcdef", steps=steps, **{"variant_by": "side", **more})
        if emails:
            for step in steps:
                self.email(step.email)
        publish_series(self.engine, slug, series_json(series), now=self.now)

    def broadcast(self, slug: str = "news", *, where: dict | None = None, **more) -> None:
        self.email(slug)
        one = Broadcast(slug, slug, "abcdeg", slug, "everyone", **more)
        definition = broadcast_json(one, Segment("everyone", where or {}), self.settings.timezone)
        publish_broadcast(self.engine, slug, definition, now=self.now)

    def email(self, slug: str, *, missing: tuple[Missing, ...] = (), attachment: str = "") -> None:
        hello = ("Hello ", MergeSpot("person.first_name", Context.TEXT, "there"), f", this is {slug}.\n")
        rendered = Rendered(
            slug=slug,
            variant=Variant.ALL,
            subject=(f"About {slug}",),
            preheader="",
            html=("<p>", *hello, "</p>\n"),
            text=hello,
            digest=slug,
            clinical="",
            place=Place("x"),
            clinical_text="",
            missing=missing,
            attachment=attachment,
        )
        payload = email_json(rendered, unapproved=False)
        self.store.programs.put_email(slug, "all", digest_of(payload), payload, now=self.now)

    # --- people

    def person(self, name: str = "ann", side: Variant | None = Variant.RIGHT, *, timezone: str = "") -> Contact:
        """A new person who has not confirmed."""
        address = f"{name}@example.com"
        number, _ = self.store.people.add(Person(address, address, name.title(), side, timezone), now=self.now)
        return self.store.people.get(number)

    def joins(self, name: str = "ann", side: Variant | None = Variant.RIGHT, *, timezone: str = "") -> Contact:
        """Somebody signs up and confirms."""
        person = self.person(name, side, timezone=timezone)
        confirm(self.engine, person.id, Consent(ConsentEvent.CONFIRMED, self.now, "test", "Yes"), now=self.now)
        return self.store.people.get(person.id)

    # --- time

    def at(self, moment: datetime):
        """Do what is due at a moment."""
        self.now = moment
        launch(self.engine, now=moment)
        tick(self.engine, now=moment)
        return dispatch(self.engine, self.relay, now=moment)

    def until(self, moment: datetime) -> None:
        """Let time pass."""
        fast_forward(self.engine, self.relay, start=self.now, until=moment)
        self.now = moment

    # --- what is seen

    def got(self, contact: Contact) -> list[str]:
        """The steps that a person was sent, in order of time."""
        return [one.step for one in self.store.ledger.history(contact.id) if one.state == "sent"]

    def ledger(self, contact: Contact) -> dict[str, str]:
        """Step -> state, with the reason after a colon; of the last visit."""
        words = {}
        for one in sorted(self.store.ledger.history(contact.id), key=lambda one: one.visit):
            words[one.step] = f"{one.state}: {one.reason}" if one.reason else str(one.state)
        return words

    def when(self, contact: Contact) -> list[tuple[str, datetime]]:
        return [(one.step, one.settled_at) for one in self.store.ledger.history(contact.id) if one.state == "sent"]

    def foreseen(self, contact: Contact) -> list[tuple[str, datetime]]:
        return [(one.step, one.at) for one in upcoming(self.engine, contact)]

    def run_of(self, contact: Contact):
        return self.store.ledger.runs(contact.id)[0]

    def subjects(self) -> list[str]:
        return [one.raw.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for one in self.relay.taken]

    def broken(self) -> list[str]:
        return invariants.broken(self.engine, self.path, self.relay.taken)


def step(name: str, wait: str = "1d", **more) -> Step:
    """A step whose email has its name. `x1` is an exercise."""
    amount = wait.rstrip("bdh")
    return Step(name, name, Wait(int(amount), WaitUnit(wait.removeprefix(amount))), **more)


def exercise(name: str, wait: str = "1d") -> Step:
    return step(name, wait, only=SIDED, exercise=1)


WELCOME = step("welcome", "0h")
