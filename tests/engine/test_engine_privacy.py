"""What is left of somebody who asked to be forgotten (E5), and what an import may not do (E2)."""

from clinic import DAY, HOUR, MONDAY, WELCOME, step

from funnel.engine import confirm, erase, import_person, unsubscribe
from funnel.links import Purpose
from funnel.model import Consent, ConsentEvent, ContactStatus, Person, Variant

YES = Consent(ConsentEvent.IMPORTED, MONDAY, "old list", "Yes")


def line(name="zebulon", **more):
    address = f"{name}@forget.example.com"
    return Person(address, address, more.pop("first_name", name.title()), **more)


def test_no_byte_of_somebody_who_was_forgotten_remains(clinic):
    """In the database, its log and the frozen mail: whatever state their mail was in."""
    clinic.publish(WELCOME, step("a"), step("b"))
    import_person(
        clinic.engine, line(side=Variant.LEFT, timezone="Asia/Kathmandu", tags=frozenset({"quagga"})), now=MONDAY
    )
    person = clinic.store.people.find("zebulon@forget.example.com")
    confirm(clinic.engine, person.id, YES, now=MONDAY)
    clinic.relay.script = ["vanished", "retry"]
    clinic.until(MONDAY + DAY)
    tokens = [clinic.engine.signer.token(purpose, person.id, MONDAY) for purpose in Purpose if purpose != "confirm"]
    words = ["zebulon", "Zebulon", "forget.example.com", "Kathmandu", "quagga", *tokens]
    assert any(word.encode() in _everything(clinic) for word in words)
    erase(clinic.engine, person.id, now=MONDAY + DAY)
    clinic.store.compact()
    assert [word for word in words if word.encode() in _everything(clinic)] == []
    assert clinic.store.people.suppression("zebulon@forget.example.com") == "erased"
    assert clinic.broken() == []
    erase(clinic.engine, person.id, now=MONDAY + DAY)  # a second call finds nobody


def test_an_import_brings_back_nobody_who_said_no(clinic):
    for reason in ("unsubscribed", "bounced", "complained", "erased"):
        clinic.store.people.suppress(f"{reason}@forget.example.com", reason, now=MONDAY)
        assert import_person(clinic.engine, line(reason, consent=YES), now=MONDAY) == "new"
        contact = clinic.store.people.find(f"{reason}@forget.example.com")
        assert contact.status is ContactStatus.UNCONFIRMED
        assert clinic.store.people.consents(contact.id) == ()


def test_an_import_does_not_resubscribe_whoever_unsubscribed_here(clinic):
    import_person(clinic.engine, line(consent=YES), now=MONDAY)
    person = clinic.store.people.find("zebulon@forget.example.com")
    unsubscribe(clinic.engine, person.id, source="link", now=MONDAY + HOUR)
    assert import_person(clinic.engine, line(consent=YES), now=MONDAY + 2 * HOUR) == "known"
    assert clinic.store.people.get(person.id).status is ContactStatus.UNSUBSCRIBED


def test_the_same_line_twice_changes_nothing(clinic):
    clinic.publish(WELCOME)
    lines = [
        line("one"),
        line("two", consent=YES, tags=frozenset({"a"})),
        line("three", unsubscribed=True),
        line("one", first_name="Other", consent=YES, timezone="Asia/Tokyo", tags=frozenset({"b"}), side=Variant.LEFT),
        line("one", side=Variant.RIGHT),
    ]
    first = [import_person(clinic.engine, one, now=MONDAY) for one in lines]
    assert first == ["new", "new", "unsubscribed", "updated", "known"]
    before = _dump(clinic)
    again = [import_person(clinic.engine, one, now=MONDAY + DAY) for one in lines]
    assert again == ["known", "known", "unsubscribed", "known", "known"]
    assert _dump(clinic) == before
    one = clinic.store.people.find("one@forget.example.com")
    assert (one.first_name, one.timezone, one.side, one.tags) == ("One", "Asia/Tokyo", Variant.LEFT, {"b"})


def test_unsubscribing_twice_is_written_once(clinic):
    person = clinic.joins()
    for hours in range(3):
        unsubscribe(clinic.engine, person.id, source="link", now=MONDAY + hours * HOUR)
    assert [one.event for one in clinic.store.people.consents(person.id)] == ["confirmed", "withdrawn"]
    assert len(clinic.store.people.events(person.id)) == 1


def _everything(clinic):
    clinic.store._db._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return b"".join(one.read_bytes() for one in clinic.path.parent.iterdir() if one.name != "funnel.db-shm")


def _dump(clinic):
    return list(clinic.store._db._connection.iterdump())
