"""`funnel demo`: the whole story on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from funnel.cli.call import BOLD, DIM, GREEN, Call, calling

if TYPE_CHECKING:
    from funnel.app import App

COPY = "funnel-demo"  #: where the starter goes when the demo is called outside any project


def demo(
    context: typer.Context,
    no_serve: bool = typer.Option(False, "--no-serve", help="End after printing; open no preview."),
    port: int = typer.Option(8025, "--port", metavar="N", help="Where the preview listens, on this machine only."),
) -> None:
    """Tell the whole story with made-up people.

    On a made-up clock: build, check, push, deliver, day by day; then open their inboxes in a browser. No account
    is needed and nothing leaves this machine. A demo that was stopped goes on where it stood.
    """
    call = calling(context)
    from funnel import demo as story
    from funnel.lock import only_one
    from funnel.model import Severity

    app = call.keep(_demo_app(call))
    with only_one(app.home()):
        app = _prepare(call, app)
        story.play(app.engine, app.mailbox)
        contacts = story.tell(app.engine, app.mailbox)
    findings = app.findings(now=story.START)
    errors = sum(one.severity is Severity.ERROR for one in findings)
    if call.as_json:
        call.say(story.as_json(contacts, built=len(app.rendered), errors=errors, warnings=len(findings) - errors))
    else:
        _print(call, contacts)
    if no_serve:
        call.next("funnel demo, to read the mails in a browser")
        return
    from funnel.studio import serve_preview

    serve_preview(app, port=port, now=call.now, note=call.note)


def _demo_app(call: Call) -> App:
    """Open the project here, or a copy of the starter beside us, with the demo's own state and sender."""
    from funnel import config
    from funnel import demo as story
    from funnel.app import App

    here = call.path(call.project or Path()).resolve()
    root = config.find(here)
    if root is None:
        root = here / COPY
        if not (root / config.FILE).is_file():
            from funnel.starter import copy_starter

            copy_starter(root)
        call.note(f"there is no project here, so the demo uses a copy of the example in {COPY}/")
    loaded = config.load(root, call.environment.environ)
    loaded = replace(loaded, run=replace(loaded.run, sender="mailbox", store="sqlite"))
    return App(loaded, call.environment.environ, loaded.state / "demo", key=story.KEY, instance=story.INSTANCE)


def _prepare(call: Call, app: App) -> App:
    """Build, check and push. When the content has changed since a demo began, that demo starts afresh."""
    from funnel import demo as story
    from funnel.model import Severity
    from funnel.push import apply, make_plan

    errors = [one for one in app.findings(now=story.START) if one.severity is Severity.ERROR]
    call.note(f"built {len(app.rendered)} emails; lint found {len(errors)} {'error' if len(errors) == 1 else 'errors'}")
    wanted = app.desired(now=story.START)
    remote = app.remote("local", now=story.START)
    plan = make_plan(wanted, remote, provider="local")
    if plan.changes and story.has_begun(app.engine):
        call.note("the content has changed since the last demo, so the story starts afresh")
        return _prepare(call, call.keep(_afresh(app)))
    for outcome in apply(plan, remote):
        if outcome.error:
            call.note(f"{outcome.change.kind} {outcome.change.slug}: {outcome.error}")
    call.note(f"pushed {len(plan.changes)} changes to the engine on this machine" if plan.changes else "pushed before")
    return app


def _afresh(app: App) -> App:
    import shutil

    app.store.close()
    for name in ("funnel.db", "funnel.db-wal", "funnel.db-shm"):
        (app.state / name).unlink(missing_ok=True)
    shutil.rmtree(app.state / "mailbox", ignore_errors=True)
    return replace(app)


def _print(call: Call, contacts: list[dict[str, Any]]) -> None:
    from funnel.timeline import REASONS

    for contact in contacts:
        call.say()
        side = str(contact["side"]).replace("_", " ")
        call.say(f"{call.paint(contact['first_name'], BOLD)}  {side}, {contact['timezone']}, {contact['status']}")
        call.table(
            [(_moment(mail["local_time"]), mail["subject"], mail["exercise"] or "") for mail in contact["received"]]
        )
        for reason in dict.fromkeys(one["reason"] for one in contact["not_sent"]):
            steps = ", ".join(one["step"] for one in contact["not_sent"] if one["reason"] == reason)
            call.say(call.paint(f"  not sent, because {REASONS.get(reason, reason)}: {steps}", DIM))
    total = sum(len(contact["received"]) for contact in contacts)
    call.say()
    call.say(call.paint(f"{total} mails delivered to {len(contacts)} people, each once", GREEN))


def _moment(iso: str) -> str:
    from datetime import datetime

    return datetime.fromisoformat(iso).strftime("%a %d %b %H:%M")
