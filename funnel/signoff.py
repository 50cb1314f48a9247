"""A clinician's sign-off: bound to the hash of what is clinical, for one email in one variant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from funnel.model import Rendered, Review

VALID_FOR = timedelta(days=730)  #: 24 months
WARN_BEFORE = timedelta(days=60)


class Standing(StrEnum):
    """Where the sign-off of one compiled email stands."""

    APPROVED = "approved"
    EXPIRING = "expiring"  #: still good, but not for long
    EXPIRED = "expired"  #: older than 24 months; a running series goes on
    CHANGED = "changed"  #: signed once, but the clinical words are not the same any more
    NONE = "none"


def standing(rendered: Rendered, reviews: Iterable[Review], *, now: datetime) -> Standing:
    """Tell where the sign-off stands at `now`. The newest matching line decides."""
    ours = [one for one in reviews if one.email == rendered.slug and one.variant == rendered.variant]
    signed = [one for one in ours if one.digest == rendered.clinical]
    if not signed:
        return Standing.CHANGED if ours else Standing.NONE
    ends = max(one.at for one in signed) + VALID_FOR
    if now >= ends:
        return Standing.EXPIRED
    return Standing.EXPIRING if now >= ends - WARN_BEFORE else Standing.APPROVED


def is_approved(rendered: Rendered, reviews: Iterable[Review], *, now: datetime) -> bool:
    """Tell whether a clinician stands behind these words. Expiry warns; it never stops a running series."""
    return standing(rendered, reviews, now=now) in (Standing.APPROVED, Standing.EXPIRING, Standing.EXPIRED)


def sign(rendered: Iterable[Rendered], *, by: str, credential: str, now: datetime) -> tuple[Review, ...]:
    """Make one sign-off for each compiled email."""
    return tuple(
        Review(one.slug, one.variant, one.clinical, by, credential, now.replace(microsecond=0)) for one in rendered
    )
