"""Rows of the ledger as the nouns of the model."""

from __future__ import annotations

from funnel.model import Delivery, DeliveryState, Enrollment, EnrollmentStatus, Variant
from funnel.store.database import Row, from_epoch, maybe


def ledger_key(enrollment_id: int, number: int, visit: int) -> int:
    """Return the ledger key (enrollment, step, visit) as the one number that is the row's id."""
    return enrollment_id * 65536 + number * 256 + visit


def enrollment_from(row: Row) -> Enrollment:
    """Read a run."""
    number, contact_id, slug, variant, after, visit, status, entered_at, anchor_at, reason = row[:10]
    return Enrollment(
        id=number,
        contact_id=contact_id,
        series=slug,
        variant=Variant(variant),
        after=after,
        visit=visit,
        status=EnrollmentStatus(status),
        entered_at=from_epoch(entered_at),
        anchor_at=from_epoch(anchor_at),
        exit_reason=reason,
    )


def delivery_from(row: Row) -> Delivery:
    """Read a delivery; its ids are parts of the ledger key."""
    number, contact_id, step, slug, variant, state, due_at, settled_at, reason = row[:9]
    return Delivery(
        id=number,
        enrollment_id=number // 65536,
        contact_id=contact_id,
        step=step,
        visit=number % 256,
        email=slug or "",
        variant=Variant(variant),
        state=DeliveryState(state),
        due_at=from_epoch(due_at),
        settled_at=maybe(settled_at),
        reason=reason,
    )
