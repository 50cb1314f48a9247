"""What the doctor sees, and what it never shows."""

from datetime import UTC, datetime

import pytest

from funnel import config
from funnel.doctor import Health, examine, records

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def checks(project, environ=(), *, now=NOW):
    loaded = config.load(project, {})
    return {one.what: one for one in examine(loaded, dict(environ), now=now)}


def add(project, text):
    path = project / "funnel.toml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_the_example_is_in_order_for_a_look_on_this_machine(project):
    found = checks(project)
    assert Health.BAD not in {one.health for one in found.values()}
    assert found["sender"].words.startswith("the local mailbox")
    assert found["placeholders"].health is Health.LOOK


def test_what_is_missing_stops_real_mail(project):
    settings = project / "funnel.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace('sender = "mailbox"', 'sender = "smtp"'), encoding="utf-8")
    found = checks(project)
    assert found["placeholders"].health is Health.BAD
    assert "the postal address" in found["placeholders"].words
    assert "the link `inquiry`" in found["placeholders"].words
    assert found["relay"].health is Health.BAD


@pytest.mark.parametrize(
    ("reference", "environ", "health"),
    [
        ("env:RELAY_PASSWORD", {"RELAY_PASSWORD": "hush-hush"}, Health.OK),
        ("env:RELAY_PASSWORD", {"RELAY_PASSWORD": ""}, Health.BAD),
        ("env:RELAY_PASSWORD", {}, Health.BAD),
        ("file:secrets/relay", {}, Health.OK),
        ("file:secrets/open", {}, Health.BAD),
        ("file:secrets/none", {}, Health.BAD),
        ("hush-hush", {}, Health.BAD),
    ],
)
def test_a_secret_is_looked_for_where_the_settings_say_and_never_shown(project, reference, environ, health):
    (project / "secrets").mkdir()
    for name, mode in (("relay", 0o600), ("open", 0o644)):
        (project / "secrets" / name).write_text("hush-hush\n", encoding="utf-8")
        (project / "secrets" / name).chmod(mode)
    add(project, f'\n[providers.smtp]\nhost = "localhost"\npassword = "{reference}"\n')
    found = checks(project, environ)
    assert found["providers.smtp"].health is health
    assert "hush" not in "".join(one.words for one in found.values())


@pytest.mark.parametrize(("mode", "health"), [(0o700, Health.OK), (0o750, Health.BAD), (0o755, Health.BAD)])
def test_state_that_others_can_read_is_bad(project, mode, health):
    (project / ".funnel").mkdir()
    (project / ".funnel").chmod(mode)
    assert checks(project)["state"].health is health


def test_a_clock_that_stands_in_the_past_is_bad(project):
    assert checks(project, now=datetime(1970, 1, 2, tzinfo=UTC))["clock"].health is Health.BAD


def test_the_records_are_those_of_the_senders_own_domain(project):
    names = [name for name, _, _ in records(config.load(project, {}))]
    assert names == ["example.com", "<selector>._domainkey.example.com", "_dmarc.example.com"]
