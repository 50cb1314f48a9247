"""Random series, edits, people and faults: what must hold whatever happens (A1, B1, B7, B9, C3, C4)."""

import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import time
from pathlib import Path

from clinic import DAY, HOUR, MONDAY, WELCOME, Clinic, Crash, exercise, step
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnel.engine import change_side, erase, happened, recover, resume, set_fields, stop, unsubscribe
from funnel.errors import Refused
from funnel.model import EventType, Place, Rendered, SendingPolicy, Variant, Window
from funnel.payload import digest_of, email_json

POOL = (
    WELCOME,
    exercise("x1"),
    exercise("x2", "2d"),
    step("idea", "30h", only=frozenset({Variant.NOT_SURE})),
    step("a", "1bd"),
    step("b", "2h"),
    step("book", "3d", unless="ebook_downloaded"),
)
GOALS = {"inquiry": frozenset({"book", "a"})}
SIDES = (Variant.LEFT, Variant.RIGHT, Variant.NOT_SURE)
ZONES = ("", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
WORDS = ("accept", "retry", "quiet", "refuse", "hold", "withdraw", "lost", "vanished", "late-retry")
CRASHES = ("die-early", "die-late", "die-done")

people = st.integers(0, 2)
versions = st.lists(st.sampled_from(POOL[1:]), unique_by=lambda one: one.id, max_size=6).map(
    lambda some: (WELCOME, *some)
)
acts = st.one_of(
    st.tuples(st.just("join"), people, st.sampled_from(SIDES), st.sampled_from(ZONES)),
    st.tuples(st.just("side"), people, st.sampled_from(SIDES)),
    st.tuples(st.just("leave"), people),
    st.tuples(st.just("forget"), people),
    st.tuples(st.just("zone"), people, st.sampled_from(ZONES)),
    st.tuples(st.just("event"), people, st.sampled_from((EventType.INQUIRY, EventType.EBOOK_DOWNLOADED))),
    st.tuples(st.just("publish"), versions),
    st.tuples(st.just("pause"), st.sampled_from(("hold", "freeze"))),
    st.tuples(st.just("resume")),
    st.tuples(st.just("relay"), st.lists(st.sampled_from(WORDS + CRASHES), max_size=3), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 100)),
    st.tuples(st.just("wait"), st.integers(1, 100)),
)


class Story(Clinic):
    """A clinic that remembers what people chose and which steps every version had."""

    def __init__(self, root: Path, sending: SendingPolicy) -> None:
        super().__init__(root, sending)
        self.sides: dict[int, list] = {}
        self.versions: list = []
        self.workers = 0
        for number in (1, 2):
            for side in (Variant.LEFT, Variant.RIGHT):
                self._sided(f"x{number}", side)
        self.edit(POOL)

    def edit(self, steps) -> None:
        for one in steps:
            if not one.is_sided:
                self.email(one.email)
        self.publish(*steps, emails=False, goals=GOALS)
        self.versions.append((self.now, [one.id for one in steps]))

    def _sided(self, slug: str, side: Variant) -> None:
        text = (f"{slug} for the {side} side",)
        rendered = Rendered(slug, side, text, "", text, text, f"{slug}{side}", "", Place("x"), "")
        payload = email_json(rendered, unapproved=False)
        self.store.programs.put_email(slug, side, digest_of(payload), payload, now=self.now)

    def do(self, act) -> None:
        match act:
            case ("publish", steps):
                self.edit(steps)
            case ("pause", how):
                stop(self.engine, self.engine.program("care"), how=how, now=self.now)
            case ("resume",):
                resume(self.engine, self.engine.program("care"), now=self.now)
            case ("relay", script, knows):
                self.relay.script, self.relay.knows = list(script), knows
            case ("wait", hours):
                self.lives_until(self.now + hours * HOUR)
            case ("join", number, side, zone):
                person = self.joins(f"p{number}", side, timezone=zone)
                self.sides.setdefault(person.id, []).append((self.now, person.side))
            case (what, number, *more):
                self._does(what, self.store.people.find(f"p{number}@example.com"), *more)

    def _does(self, what, person, *more) -> None:
        """One of the people does something; whoever is not there does nothing."""
        match what, person, more:
            case _, None, _:
                return
            case "side", _, [side]:
                change_side(self.engine, person.id, side, now=self.now)
                self.sides[person.id].append((self.now, side))
            case "leave", _, _:
                unsubscribe(self.engine, person.id, source="test", now=self.now)
            case "forget", _, _:
                erase(self.engine, person.id, now=self.now)
            case "zone", _, [zone]:
                set_fields(self.engine, replace(person, timezone=zone), now=self.now)
            case "event", _, [event]:
                happened(self.engine, person.id, event, now=self.now)

    def lives_until(self, moment) -> None:
        """Let time pass; a worker that dies is followed by another."""
        for _ in range(20):
            try:
                self.until(moment)
            except Crash:
                self.workers += 1
                self.engine = self.another(f"worker {self.workers}")
                recover(self.engine, self.relay, now=self.now, alone=True)
            else:
                if self.store.ledger.next_instant() is None or self.store.ledger.next_instant() > moment:
                    return
                self.relay.script = []

    def wrong_sides(self):
        """Exercises that went to somebody of the other side."""
        for contact_id, chosen in self.sides.items():
            for one in self.store.ledger.history(contact_id):
                if one.state in ("sent", "unknown") and one.variant.is_sided and one.step in ("x1", "x2"):
                    before = [side for at, side in chosen if at < one.settled_at][-1:]
                    then = [side for at, side in chosen if at == one.settled_at]
                    if one.variant not in before + then:
                        yield one

    def dropped(self):
        """Steps that were in every version since a finished person came, and of which the ledger has no word."""
        for contact_id in self.sides:
            for run in self.store.ledger.runs(contact_id):
                if run.status != "completed":
                    continue
                known = {step for step, _, _ in self.store.ledger.settled(run.id)}
                since = [ids for at, ids in self.versions if at >= run.entered_at]
                earlier = [ids for at, ids in self.versions if at <= run.entered_at][-1:]
                always = set.intersection(*map(set, since + earlier))
                path = {one.id for one in POOL if one.is_for(run.variant)}
                yield from sorted((always & path) - known)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=st.lists(acts, min_size=3, max_size=14), windowed=st.booleans())
def test_whatever_happens_nobody_is_mailed_twice_or_wrongly_or_forgotten(script, windowed):
    window = Window(frozenset(range(1, 6)), time(7), time(10)) if windowed else Window()
    with (
        tempfile.TemporaryDirectory() as folder,
        Story(Path(folder), SendingPolicy(window, spread_minutes=30)) as story,
    ):
        for act in (("join", 0, Variant.RIGHT, ""), *script):
            story.do(act)
            assert story.broken() == []
        story.relay.script = []
        with suppress(Refused):
            resume(story.engine, story.engine.program("care"), now=story.now)
        story.lives_until(story.now + 60 * DAY)
        assert story.broken() == []
        assert list(story.wrong_sides()) == []
        assert list(story.dropped()) == []
        assert all(run.status != "active" for contact in story.sides for run in story.store.ledger.runs(contact))


waits = st.sampled_from(("0h", "1h", "12h", "26h", "0d", "1d", "2d", "1bd", "3bd"))
flavours = st.sampled_from(({}, {}, {"only_if": "tag:vip"}, {"unless": "ebook_downloaded"}))
series = st.lists(st.tuples(waits, flavours), min_size=1, max_size=5)
windows = st.one_of(
    st.just(Window()),
    st.builds(
        Window,
        st.frozensets(st.integers(1, 7), min_size=1),
        st.integers(0, 11).map(time),
        st.integers(12, 23).map(time),
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    both=st.tuples(series, series),
    window=windows,
    spread=st.sampled_from((0, 60)),
    zone=st.sampled_from(ZONES),
    later=st.integers(0, 100),
)
def test_the_previewed_timeline_is_what_then_happens(both, window, spread, zone, later):
    """B9: for two series at once, from the very beginning and again from the middle."""
    policy = SendingPolicy(window, (time(21), time(6)), spread_minutes=spread)
    with tempfile.TemporaryDirectory() as folder, Clinic(Path(folder), policy) as clinic:
        for slug, steps in zip(("one", "two"), both, strict=True):
            numbered = enumerate(steps)
            clinic.publish(*(step(f"{slug}-{number}", wait, **more) for number, (wait, more) in numbered), slug=slug)
        ann = clinic.joins(timezone=zone)
        if later % 2:
            happened(clinic.engine, ann.id, EventType.EBOOK_DOWNLOADED, now=MONDAY)
        foreseen = clinic.foreseen(ann)
        clinic.until(MONDAY + later * HOUR)
        gone, to_come = clinic.when(ann), clinic.foreseen(ann)
        clinic.until(MONDAY + 400 * DAY)
        assert sorted(gone + to_come) == sorted(foreseen)
        assert sorted(clinic.when(ann)) == sorted(foreseen)
