"""The JSON forms of what is published: canonical, so that the same meaning has the same digest, and back again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from funnel.model import (
    NOWHERE,
    Broadcast,
    Context,
    Merged,
    MergeSpot,
    Missing,
    Rendered,
    Segment,
    Series,
    Step,
    Variant,
    Wait,
    WaitUnit,
    Window,
)


@dataclass(frozen=True, slots=True)
class Launch:
    """When and to whom a broadcast goes: a naive wall clock in `timezone`, or in each person's zone if `local`."""

    where: Mapping[str, str]
    send_at: datetime | None
    local: bool
    timezone: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A compiled email as it was published, with what keeps it from leaving this machine."""

    rendered: Rendered
    unapproved: bool

    @property
    def is_blocked(self) -> bool:
        """Tell whether only the local mailbox may carry it."""
        return self.unapproved or bool(self.rendered.missing)


def canonical(value: object) -> str:
    """Write a JSON value in one way only: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(payload: str) -> str:
    """Name a payload by its content (SHA-256, 32 hexadecimal digits)."""
    return hashlib.sha256(payload.encode("utf-8", "surrogatepass")).hexdigest()[:32]


# --- series and broadcasts ---------------------------------------------------------------------------------------


def series_json(series: Series) -> str:
    """Write a series. Lines in files are left out: moving text around changes nothing that people get."""
    return canonical(
        {
            "name": series.name,
            "code": series.code,
            "nickname": {key.value: name for key, name in series.nickname.items()},
            "entry": series.entry,
            "variant_by": series.variant_by,
            "steps": [_step_json(step) for step in series.steps],
            "goals": {event: sorted(ids) for event, ids in series.goals.items()},
            "window": _window_json(series.window),
            "start_at": series.start_at.isoformat() if series.start_at else None,
        }
    )


def series_from(slug: str, payload: str) -> Series:
    """Read what `series_json` wrote."""
    data = json.loads(payload)
    return Series(
        slug=slug,
        name=data["name"],
        code=data["code"],
        steps=tuple(_step_from(item) for item in data["steps"]),
        nickname={Variant(key): name for key, name in data["nickname"].items()},
        entry=data["entry"],
        variant_by=data["variant_by"],
        goals={event: frozenset(ids) for event, ids in data["goals"].items()},
        window=_window_from(data["window"]),
        start_at=datetime.fromisoformat(data["start_at"]) if data["start_at"] else None,
    )


def broadcast_json(broadcast: Broadcast, segment: Segment, timezone: str) -> str:
    """Write a broadcast as a series of one step, with the moment and the people it is for."""
    series = json.loads(series_json(as_series(broadcast)))
    series["launch"] = {
        "where": dict(segment.where),
        "send_at": broadcast.send_at.isoformat() if broadcast.send_at else None,
        "local": broadcast.local,
        "timezone": broadcast.timezone or timezone,
    }
    return canonical(series)


def launch_from(payload: str) -> Launch:
    """Read a broadcast's moment and people."""
    data = json.loads(payload)["launch"]
    send_at = datetime.fromisoformat(data["send_at"]) if data["send_at"] else None
    return Launch(data["where"], send_at, data["local"], data["timezone"])


def as_series(broadcast: Broadcast) -> Series:
    """See a broadcast as what it is to the engine: a one-step enrollment."""
    return one_step(broadcast.slug, name=broadcast.name, code=broadcast.code, email=broadcast.email)


def one_step(slug: str, *, name: str, code: str, email: str) -> Series:
    """Build a series whose only step sends `email` at once."""
    step = Step(id="mail", email=email, wait=Wait(0, WaitUnit.HOURS))
    return Series(slug=slug, name=name, code=code, steps=(step,), entry="manual", variant_by="none")


def _step_json(step: Step) -> dict[str, object]:
    return {
        "id": step.id,
        "email": step.email,
        "wait": str(step.wait),
        "only": sorted(step.only),
        "only_if": step.only_if,
        "unless": step.unless,
        "exercise": step.exercise,
    }


def _step_from(data: dict[str, Any]) -> Step:
    amount = data["wait"].rstrip("bdh")
    return Step(
        id=data["id"],
        email=data["email"],
        wait=Wait(int(amount), WaitUnit(data["wait"].removeprefix(amount))),
        only=frozenset(Variant(name) for name in data["only"]),
        only_if=data["only_if"],
        unless=data["unless"],
        exercise=data["exercise"],
    )


def _window_json(window: Window | None) -> list[object] | None:
    return [sorted(window.days), window.start.isoformat(), window.end.isoformat()] if window else None


def _window_from(data: list[Any] | None) -> Window | None:
    if data is None:
        return None
    return Window(frozenset(data[0]), time.fromisoformat(data[1]), time.fromisoformat(data[2]))


# --- compiled mail ---------------------------------------------------------------------------------------------------


def email_json(rendered: Rendered, *, unapproved: bool) -> str:
    """Write a compiled email and what keeps it from leaving this machine."""
    return canonical(
        {
            "digest": rendered.digest,
            "clinical": rendered.clinical,
            "subject": merged_json(rendered.subject),
            "preheader": rendered.preheader,
            "html": merged_json(rendered.html),
            "text": merged_json(rendered.text),
            "exercise": rendered.exercise,
            "missing": [one.what for one in rendered.missing],
            "unapproved": unapproved,
            "delivers": rendered.delivers,
            "attachment": rendered.attachment,
        }
    )


def letter_from(slug: str, variant: str, payload: str) -> Letter:
    """Read what `email_json` wrote."""
    data = json.loads(payload)
    rendered = Rendered(
        slug=slug,
        variant=Variant(variant),
        subject=_merged_from(data["subject"]),
        preheader=data["preheader"],
        html=_merged_from(data["html"]),
        text=_merged_from(data["text"]),
        digest=data["digest"],
        clinical=data["clinical"],
        clinical_text="",
        place=NOWHERE,
        exercise=data["exercise"],
        missing=tuple(Missing(what, NOWHERE) for what in data["missing"]),
        delivers=data["delivers"],
        attachment=data["attachment"],
    )
    return Letter(rendered, data["unapproved"])


def merged_json(merged: Merged) -> list[object]:
    """Write a merged piece as JSON values: text, or [field, context, fallback]."""
    return [[piece.field, piece.context, piece.fallback] if isinstance(piece, MergeSpot) else piece for piece in merged]


def _merged_from(data: list[Any]) -> Merged:
    return tuple(
        piece if isinstance(piece, str) else MergeSpot(piece[0], Context(piece[1]), piece[2]) for piece in data
    )
