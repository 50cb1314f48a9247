"""The embedded engine: enters people, decides what is due, hands it over once, and keeps the ledger.

It sees only ports; `now` is an argument everywhere, so a made-up clock runs the very same code.
"""

from funnel.engine.broadcasts import launch, publish_broadcast
from funnel.engine.dispatch import Dispatched, dispatch, recover, resolve
from funnel.engine.kernel import Engine
from funnel.engine.people import (
    change_side,
    confirm,
    erase,
    happened,
    import_person,
    set_fields,
    unsubscribe,
)
from funnel.engine.programs import publish_series, request_confirmation, resume, retire, stop
from funnel.engine.runs import enroll, tick

__all__ = [
    "Dispatched",
    "Engine",
    "change_side",
    "confirm",
    "dispatch",
    "enroll",
    "erase",
    "happened",
    "import_person",
    "launch",
    "publish_broadcast",
    "publish_series",
    "recover",
    "request_confirmation",
    "resolve",
    "resume",
    "retire",
    "set_fields",
    "stop",
    "tick",
    "unsubscribe",
]
