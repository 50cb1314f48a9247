"""The settings: what is right is read, what is wrong names its line, the environment wins over the file."""

import re
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel import config
from funnel.config import Run, secret
from funnel.errors import ConfigError
from funnel.model import Privacy, Window

SMALL = """\
[project]
name = "A clinic"
timezone = "America/New_York"
[sender]
from = "A clinic <hello@example.com>"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "funnel.toml").write_text(SMALL, encoding="utf-8")
    return tmp_path


def load(folder: Path, more: str = "", **environ: str) -> config.Config:
    (folder / "funnel.toml").write_text(SMALL + more, encoding="utf-8")
    return config.load(folder, environ)


def refusal(folder: Path, text: str, **environ: str) -> ConfigError:
    (folder / "funnel.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        config.load(folder, environ)
    return caught.value


def test_the_smallest_settings_have_the_defaults_that_one_would_expect(folder: Path) -> None:
    found = load(folder)
    assert found.run == Run()
    assert found.settings.brand.name == "A clinic"
    assert found.settings.sender.reply_to == "hello@example.com"
    assert found.settings.sending.window == Window()
    assert found.settings.privacy == Privacy()
    assert (found.providers, found.test_addresses, found.seeds) == ({}, (), {})
    assert found.state == folder / ".funnel"


def test_every_setting_is_read(folder: Path) -> None:
    found = load(
        folder,
        """\
reply_to = "desk@example.com"
[brand]
name = "The clinic"
color = "#ABCDEF"
[site]
url = "https://clinic.example/"
[links]
article = "https://clinic.example/article"
inquiry = "mailto:desk@example.com"
[run]
sender = "smtp"
[providers.smtp]
host = "smtp.example.com"
port = 2525
password = "env:SMTP_PASSWORD"
[sending]
window = { days = "mon,wed", between = "22:00-02:00" }
quiet_hours = "23:00-23:30"
holidays = ["us-federal", "2026-03-03", 2026-03-04]
spread_minutes = 0
[privacy]
sensitive_terms = ["knee"]
health_data = "allowed"
[tests]
addresses = ["jane@example.com"]
[tests.seeds]
inboxes = ["one@example.com", "two@example.com"]
""",
    )
    assert found.settings.brand.color == "#abcdef"
    assert found.settings.site_url == "https://clinic.example"
    assert found.settings.links["credit"] == "PLACEHOLDER"
    assert found.settings.sending.window == Window(frozenset({1, 3}), time(22), time(2))
    for day in (date(2026, 7, 3), date(2026, 3, 3), date(2026, 3, 4)):
        assert day in found.settings.sending.holidays
    assert date(2026, 7, 7) not in found.settings.sending.holidays
    assert found.providers == {"smtp": {"host": "smtp.example.com", "port": "2525", "password": "env:SMTP_PASSWORD"}}
    assert found.test_addresses == ("jane@example.com",)
    assert found.seeds == {"inboxes": ("one@example.com", "two@example.com")}


def test_the_settings_of_the_example_are_read_and_know_their_lines(project: Path) -> None:
    settings = config.load(project, {}).settings
    lines = (project / "funnel.toml").read_text(encoding="utf-8").splitlines()
    assert lines[settings.at("brand.postal_address").line - 1].startswith("postal_address")
    assert lines[settings.at("links.article").line - 1].startswith("article")


UNKNOWN = [
    ("[brands]\n", 6, "unknown key `brands`", "`brand`"),
    ("[brand]\ncolour = 'x'\n", 7, "unknown key `colour`", "`color`"),
    ("[run]\nsendr = 'smtp'\n", 7, "unknown key `sendr`", "`sender`"),
    ("[tests]\naddress = []\n", 7, "unknown key `address`", "`addresses`"),
    ("[tests.seed]\na = []\n", 6, "unknown key `seed`", "`seeds`"),
    ("[providers.smpt]\nhost = 'x'\n", 6, "unknown key `smpt`", "`smtp`"),
    ("[providers.smtp]\nhots = 'x'\n", 7, "unknown key `hots`", "`host`"),
    ("[sending]\nquiet = 'x'\n", 7, "unknown key `quiet`", "`quiet_hours`"),
    ("[sending]\n[sending.window]\nday = 'x'\n", 8, "unknown key `day`", "`days`"),
    ("[links]\narticles = 'x'\n", 7, "unknown key `articles`", "`article`"),
    ("[privacy]\nterms = []\n", 7, "unknown key `terms`", "sensitive_terms"),
    ("[site]\nurls = 'x'\n", 7, "unknown key `urls`", "`url`"),
]


@pytest.mark.parametrize(("more", "line", "message", "hint"), UNKNOWN)
def test_an_unknown_key_or_table_names_the_nearest_right_one(folder: Path, more, line, message, hint) -> None:
    error = refusal(folder, SMALL + more)
    assert error.message.startswith(f"funnel.toml:{line}: {message}")
    assert hint in error.hint


WRONG = [
    ("[run]\nsender = 'smpt'\n", 7, "`sender` is `smpt`", "smtp"),
    ("[run]\nstore = 'postgres'\n", 7, "`store` is `postgres`", "sqlite"),
    ("[run]\nseries = 'kit'\n", 7, "`series` is `kit`", "local"),
    ("[brand]\ncolor = 'teal'\n", 7, "`teal` is not a colour", "#0b5c66"),
    ("[site]\nurl = 'http://example.com'\n", 7, "is not the address of a site", "https://"),
    ("[site]\nurl = 'https://'\n", 7, "is not the address of a site", "https://"),
    ("[site]\nurl = 'https://example.com/?a=1'\n", 7, "is not the address of a site", "https://"),
    ("[links]\narticle = 'javascript:alert(1)'\n", 7, "is not an address that a mail can lead to", "https://"),
    ("[links]\narticle = 'example.com'\n", 7, "is not an address that a mail can lead to", "https://"),
    ("[sending]\nwindow = 'mornings'\n", 7, "`window` must hold keys and values", ""),
    ("[sending]\nwindow = { days = 'mom' }\n", 7, "'mom' is not a day", "mon-fri"),
    ("[sending]\n[sending.window]\ndays = 'mon'\nbetween = '7-10'\n", 9, "'7-10' is not a span of time", "07:00"),
    ("[sending]\nquiet_hours = '21-7'\n", 7, "'21-7' is not a span of time", "21:00"),
    ("[sending]\nspread_minutes = -1\n", 7, "`spread_minutes` is -1", "0 is the least"),
    ("[sending]\nholidays = ['2026-13-40']\n", 7, "`2026-13-40` is not a date", "2026-12-24"),
    ("[sending]\nholidays = ['us-fedral']\n", 7, "no holiday calendar `us-fedral`", "us-federal"),
    ("[sending]\nholidays = ['HolidayBase']\n", 7, "no holiday calendar `HolidayBase`", ""),
    ("[sending]\nholidays = ['../x']\n", 7, "no holiday calendar `../x`", ""),
    (
        "[sending]\nwindow = { between = '22:00-23:00' }\nquiet_hours = '21:00-07:00'\n",
        7,
        "Mail can never go out",
        "window",
    ),
    ("[privacy]\nhealth_data = 'yes'\n", 7, "`health_data` is `yes`", "first_party"),
    ("[privacy]\nsensitive_terms = ['']\n", 7, "`sensitive_terms` holds an empty text", "take it out"),
    ("[tests]\naddresses = ['jane']\n", 7, "the address has no @ sign", "hello@example.com"),
    ("[tests.seeds]\ninboxes = ['a b@example.com']\n", 7, "space", "hello@example.com"),
    ("reply_to = 'nobody'\n", 6, "the address has no @ sign", "hello@example.com"),
]


@pytest.mark.parametrize(("more", "line", "message", "hint"), WRONG)
def test_a_wrong_value_names_its_line_and_what_is_right(folder: Path, more, line, message, hint) -> None:
    error = refusal(folder, SMALL + more)
    assert error.message.startswith(f"funnel.toml:{line}: ")
    assert message in error.message
    assert error.hint
    assert hint in error.hint


BROKEN = [
    ("", 1, "`name` is missing"),
    ("[project]\nname = 'x'\n", 1, "`timezone` is missing"),
    (SMALL.replace("America/New_York", "New York"), 3, "`New York` is not a time zone"),
    (SMALL.replace(" <hello@example.com>", ""), 5, "`from` holds no address"),
    (SMALL.replace("hello@", "hel lo@"), 5, "holds no address|space"),
    (SMALL + "[run]\nsender = smtp\n", 7, "Invalid value"),
    (SMALL + "[run]\nsender = 'a\n", 7, ""),
    (SMALL + "[run\n", 6, ""),
    (SMALL + "[project]\n", 6, "project"),
    (SMALL + "[brand]\nname = 'a'\nname = 'b'\n", 8, "overwrite"),
    (SMALL + "[brand]\nname =", 7, ""),
    (SMALL + 'x = """open', 6, ""),
]


@pytest.mark.parametrize(("text", "line", "message"), BROKEN)
def test_a_file_that_cannot_be_read_names_the_line(folder: Path, text, line, message) -> None:
    error = refusal(folder, text)
    assert error.message.startswith(f"funnel.toml:{line}: ")
    assert re.search(message, error.message)
    assert error.hint


def test_text_that_is_not_utf8_names_its_line(folder: Path) -> None:
    (folder / "funnel.toml").write_bytes(SMALL.encode() + b"[brand]\nname = 'caf\xe9'\n")
    with pytest.raises(ConfigError, match=r"^funnel\.toml:7: this is not UTF-8"):
        config.load(folder, {})


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(folder: Path) -> None:
    before = config.load(folder, {})
    (folder / "funnel.toml").write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert config.load(folder, {}) == before


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path, {})
    assert "funnel init" in caught.value.hint


def test_the_nearest_folder_upward_is_found(folder: Path) -> None:
    deep = folder / "content" / "emails"
    deep.mkdir(parents=True)
    assert config.find(deep) == folder
    (deep / "funnel.toml").mkdir()
    assert config.find(deep) == folder


# --- the environment ---

PRECEDENCE = [
    ("", {}, "mailbox"),
    ("[run]\nsender = 'smtp'\n", {}, "smtp"),
    ("[run]\nsender = 'smtp'\n", {"FUNNEL_SENDER": "mailbox"}, "mailbox"),
    ("[run]\nsender = 'smtp'\n", {"FUNNEL_SENDER": ""}, "smtp"),
    ("", {"FUNNEL_SENDER": "smtp"}, "smtp"),
    ("[run]\nsender = 'nonsense'\n", {"FUNNEL_SENDER": "smtp"}, "smtp"),
]


@pytest.mark.parametrize(("more", "environ", "sender"), PRECEDENCE)
def test_the_environment_wins_over_the_file_and_the_file_over_the_default(folder, more, environ, sender) -> None:
    assert load(folder, more, **environ).run.sender == sender


@pytest.mark.parametrize("key", ["broadcasts", "series", "sender", "store"])
def test_a_wrong_word_in_the_environment_names_the_variable(folder: Path, key: str) -> None:
    error = refusal(folder, SMALL, **{f"FUNNEL_{key.upper()}": "nonsense"})
    assert error.message == f"FUNNEL_{key.upper()} is `nonsense`"
    assert error.hint


# --- secrets ---


def test_a_secret_is_looked_up_where_the_reference_says(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n", encoding="utf-8")
    assert secret("env:KEY", {"KEY": "from the environment"}, tmp_path) == "from the environment"
    assert secret("file:key", {}, tmp_path) == "from a file"


@pytest.mark.parametrize("reference", ["env:KEY", "file:missing", "file:.", "file:binary", "hunter2secret", "http://x"])
def test_a_secret_that_cannot_be_found_is_never_shown(tmp_path: Path, reference: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ConfigError) as caught:
        secret(reference, {"KEY": ""}, tmp_path)
    assert caught.value.hint
    assert "hunter2" not in caught.value.message + caught.value.hint


@given(text=st.text(alphabet="[]=\"'.# \n\tabc1é{},", max_size=60))
def test_whatever_stands_in_the_file_is_read_or_refused_with_its_line(tmp_path_factory, text) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    error = refusal(folder, text)  # nothing so short can hold the keys that must be there
    assert re.match(r"funnel\.toml:[1-9]\d*: ", error.message)
