"""What has been pushed to the embedded engine, in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from funnel.errors import Refused, StoreError
from funnel.model import Program, Published, Variant
from funnel.payload import digest_of
from funnel.store.database import Database, Row, from_epoch, maybe, to_epoch

BOOK = "programs"
MOST_STEPS = 255  #: a step's number takes one byte of the ledger key


class SqlPrograms:
    """`ports.Programs` over a Database."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def publish(
        self,
        kind: str,
        slug: str,
        code: str,
        definition: str,
        *,
        steps: Sequence[str],
        now: datetime,
        start_at: datetime | None = None,
    ) -> Program:
        """Store a new version and number its new steps; the same definition again makes none.

        Raises Refused when a program has had more than 255 steps in its life.
        """
        name = {"kind": kind, "slug": slug}
        digest = digest_of(definition)
        with self._db.transaction():
            known = self.get(kind, slug)
            start = to_epoch(start_at) if start_at else None
            self._db.run(BOOK, "put_program", {**name, "code": code, "now": to_epoch(now), "start_at": start})
            if known is None or known.digest != digest:
                values = {**name, "digest": digest, "definition": definition, "now": to_epoch(now)}
                self._db.run(BOOK, "add_version", values)
                self._db.run(BOOK, "bump_version", name)
            program = self.get(kind, slug)
            if program is None:
                raise StoreError(f"the {kind} {slug} vanished while it was being stored")
            self._number(program, steps)
        return program

    def _number(self, program: Program, steps: Sequence[str]) -> None:
        if len({*self.numbers(program.id), *steps}) > MOST_STEPS:
            raise Refused(
                f"{program.kind} {program.slug} has had more than {MOST_STEPS} different steps in its life",
                hint="keep the ids of steps when they change, or begin a new one",
            )
        for step in steps:
            self._db.run(BOOK, "add_step", {"id": program.id, "step": step})

    def get(self, kind: str, slug: str) -> Program | None:
        """Return a program as last published."""
        row = self._db.row(BOOK, "program_by_slug", {"kind": kind, "slug": slug})
        return _program(row) if row else None

    def all(self) -> tuple[Program, ...]:
        """Return every program, series first."""
        return tuple(_program(row) for row in self._db.rows(BOOK, "all_programs", {}))

    def by_id(self, program_id: int) -> Program:
        """Return a program. Raises StoreError when there is none."""
        row = self._db.row(BOOK, "program_by_id", {"id": program_id})
        if row is None:
            raise StoreError(f"there is no program {program_id}")
        return _program(row)

    def set_state(self, program_id: int, state: str, *, now: datetime) -> None:
        """Open, close, hold, freeze or retire a program."""
        self._db.run(BOOK, "set_program_state", {"id": program_id, "state": state, "now": to_epoch(now)})

    def launched(self, program_id: int) -> None:
        """Write that a broadcast has entered everyone it is for."""
        self._db.run(BOOK, "launched", {"id": program_id})

    def numbers(self, program_id: int) -> Mapping[str, int]:
        """Return each step's number, given once and never used again."""
        return dict(self._db.rows(BOOK, "step_numbers", {"id": program_id}))

    def put_email(self, slug: str, variant: str, digest: str, payload: str, *, now: datetime) -> None:
        """Store a compiled email and make it the current one."""
        name = {"slug": slug, "variant": variant}
        with self._db.transaction():
            self._db.run(BOOK, "retire_email", name)
            values = {**name, "digest": digest, "payload": payload, "now": to_epoch(now)}
            self._db.run(BOOK, "put_email", values)

    def retire_email(self, slug: str, variant: str) -> None:
        """Take a compiled email out of use; what was sent of it stays in the ledger."""
        self._db.run(BOOK, "retire_email", {"slug": slug, "variant": variant})

    def emails(self) -> tuple[Published, ...]:
        """Return every current compiled email."""
        return tuple(_published(row) for row in self._db.rows(BOOK, "current_emails", {}))

    def current_email(self, slug: str, variant: Variant) -> Published | None:
        """Return the email in this variant, or in the variant for all."""
        for wanted in (variant, Variant.ALL):
            row = self._db.row(BOOK, "current_email", {"slug": slug, "variant": wanted})
            if row:
                return _published(row)
        return None

    def email_id(self, slug: str, variant: Variant) -> int | None:
        """Return the id of the email in this variant, or in the variant for all."""
        row = self._db.row(BOOK, "current_email_id", {"slug": slug, "variant": variant})
        return int(row[0]) if row else None

    def email(self, email_id: int) -> Published:
        """Return a compiled email by its id."""
        row = self._db.row(BOOK, "email_by_id", {"id": email_id})
        if row is None:
            raise StoreError(f"there is no compiled email {email_id}")
        return _published(row)

    def count_inside(self, kind: str, slug: str) -> int:
        """Count the people who are inside this program, or who may still get this email."""
        if kind == "email":
            name, _, variant = slug.partition("/")
            row = self._db.row(BOOK, "active_awaiting_email", {"slug": name, "variant": variant})
        else:
            program = self.get(kind, slug)
            row = self._db.row(BOOK, "active_in_program", {"id": program.id}) if program else None
        return int(row[0]) if row else 0


def _program(row: Row) -> Program:
    number, kind, slug, code, state, state_at, version, start_at, digest, definition = row
    return Program(
        id=number,
        kind=kind,
        slug=slug,
        code=code,
        state=state,
        state_at=from_epoch(state_at),
        version=version,
        digest=digest,
        definition=definition,
        start_at=maybe(start_at),
    )


def _published(row: Row) -> Published:
    number, slug, variant, digest, payload = row
    return Published(number, slug, Variant(variant), digest, payload)
