"""Contacts, consent, events and suppressions in the database."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime

from funnel.errors import StoreError
from funnel.model import (
    Consent,
    ConsentEvent,
    Contact,
    ContactStatus,
    Event,
    EventType,
    Person,
    Variant,
)
from funnel.store.database import Database, Row, from_epoch, to_epoch

BOOK = "people"
PAGE = 1000  #: contacts read at a time


class SqlPeople:
    """`ports.People` over a Database. `pepper` keys the hash under which suppressions outlive an erasure."""

    def __init__(self, database: Database, pepper: bytes) -> None:
        self._db = database
        self._pepper = pepper

    def add(self, person: Person, *, now: datetime) -> tuple[int, bool]:
        """Store a person as unconfirmed, or find the one with this address and leave them as they are."""
        values = {
            "email": person.email,
            "email_key": person.email_key,
            "first_name": person.first_name,
            "side": person.side or "",
            "timezone": person.timezone,
            "status": ContactStatus.UNCONFIRMED,
            "now": to_epoch(now),
        }
        new = self._db.insert(BOOK, "add_contact", values)
        if new is None:
            return self._id_of(person.email_key), False
        for tag in sorted(person.tags):
            self._db.run(BOOK, "add_tag", {"id": new, "tag": tag})
        return new, True

    def find(self, email_key: str) -> Contact | None:
        """Return the contact with this normalised address."""
        row = self._db.row(BOOK, "contact_by_key", {"email_key": email_key})
        return self._contact(row) if row else None

    def key_of(self, contact_id: int) -> str:
        """Return a contact's normalised address."""
        row = self._db.row(BOOK, "key_of", {"id": contact_id})
        if row is None:
            raise StoreError(f"there is no contact {contact_id}")
        return str(row[0])

    def get(self, contact_id: int) -> Contact:
        """Return a contact. Raises StoreError when there is none."""
        row = self._db.row(BOOK, "contact_by_id", {"id": contact_id})
        if row is None:
            raise StoreError(f"there is no contact {contact_id}")
        return self._contact(row)

    def each(self) -> Iterator[Contact]:
        """Read every contact that is not erased, a page at a time."""
        after = 0
        while rows := self._db.rows(BOOK, "all_contacts", {"after": after, "limit": PAGE}):
            yield from (self._contact(row) for row in rows)
            after = rows[-1][0]

    def update(self, contact: Contact) -> None:
        """Write name, side, zone and tags."""
        values = {
            "id": contact.id,
            "first_name": contact.first_name,
            "side": contact.side or "",
            "timezone": contact.timezone,
        }
        self._db.run(BOOK, "set_contact", values)
        self._db.run(BOOK, "drop_tags", {"id": contact.id})
        for tag in sorted(contact.tags):
            self._db.run(BOOK, "add_tag", {"id": contact.id, "tag": tag})

    def set_status(self, contact_id: int, status: ContactStatus) -> None:
        """Write where the person stands; an erased person stays erased."""
        self._db.run(BOOK, "set_status", {"id": contact_id, "status": status})

    def consent(self, contact_id: int, consent: Consent) -> None:
        """Append to the consent log; the exact words are stored once."""
        digest = hashlib.sha256(consent.text.encode("utf-8", "surrogatepass")).hexdigest()
        self._db.run(BOOK, "add_consent_text", {"digest": digest, "text": consent.text})
        values = {
            "contact_id": contact_id,
            "event": consent.event,
            "at": to_epoch(consent.at),
            "source": consent.source,
            "digest": digest,
        }
        self._db.run(BOOK, "add_consent", values)

    def consents(self, contact_id: int) -> tuple[Consent, ...]:
        """Return the person's consent log, oldest first."""
        rows = self._db.rows(BOOK, "consents_of", {"id": contact_id})
        return tuple(Consent(ConsentEvent(event), from_epoch(at), source, text) for event, at, source, text in rows)

    def suppress(self, email_key: str, reason: str, *, now: datetime) -> None:
        """Never mail this address again. The first reason stays."""
        self._db.run(BOOK, "suppress", {"hash": self._hash(email_key), "reason": reason, "at": to_epoch(now)})

    def lift(self, email_key: str) -> None:
        """Forget an unsubscribe after a new consent; bounces and complaints stay."""
        self._db.run(BOOK, "lift_suppression", {"hash": self._hash(email_key)})

    def suppression(self, email_key: str) -> str:
        """Return why the address is suppressed, or nothing."""
        row = self._db.row(BOOK, "suppression_of", {"hash": self._hash(email_key)})
        return row[0] if row else ""

    def happened(self, event: Event) -> bool:
        """Record an event; False when its key is known already."""
        values = {
            "contact_id": event.contact_id,
            "type": event.type,
            "at": to_epoch(event.at),
            "key": event.key,
            "delivery_id": event.delivery_id,
        }
        return self._db.run(BOOK, "add_event", values) == 1

    def events(self, contact_id: int) -> tuple[Event, ...]:
        """Return the person's events, oldest first."""
        rows = self._db.rows(BOOK, "events_of", {"id": contact_id})
        return tuple(
            Event(EventType(kind), contact_id, from_epoch(at), key, delivery) for kind, at, key, delivery in rows
        )

    def known(self, contact_id: int) -> frozenset[str]:
        """Return the names of events and `tag:` names that hold for the person."""
        return frozenset(name for (name,) in self._db.rows(BOOK, "known_of", {"id": contact_id}))

    def erase(self, contact_id: int) -> None:
        """Replace the person's identity by nothing. The caller compacts the file afterwards."""
        self._db.run(BOOK, "drop_tags", {"id": contact_id})
        self._db.run(BOOK, "erase_contact", {"id": contact_id, "erased": f"erased/{contact_id}"})

    def count(self) -> Mapping[str, int]:
        """Count people by status."""
        return dict(self._db.rows(BOOK, "count_by_status", {}))

    def _id_of(self, email_key: str) -> int:
        found = self.find(email_key)
        if found is None:
            raise StoreError("a contact vanished while it was being stored")
        return found.id

    def _contact(self, row: Row) -> Contact:
        number, email, first_name, side, timezone, status, created_at = row
        tags = frozenset(tag for (tag,) in self._db.rows(BOOK, "tags_of", {"id": number}))
        return Contact(
            id=number,
            email=email,
            first_name=first_name,
            side=Variant(side) if side else None,
            timezone=timezone,
            status=ContactStatus(status),
            tags=tags,
            created_at=from_epoch(created_at),
        )

    def _hash(self, email_key: str) -> str:
        return hmac.new(self._pepper, email_key.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
