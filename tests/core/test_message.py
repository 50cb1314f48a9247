import email
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import policy

import pytest

from funnel.errors import FunnelError, Refused
from funnel.message import Attachment, Headers, build, guard, message_key, skeleton
from funnel.model import Context, MergeSpot, Place, Rendered, Variant

HEADERS = Headers(
    from_name="Next Level PT",
    from_address="hello@example.com",
    reply_to="people@example.com",
    to_name="Ana",
    to_address="ana@example.com",
    message_id="abc234@example.com",
    date=datetime(2026, 3, 2, 9, 5, 7, tzinfo=UTC),
    list_id="q7x2mk.example.com",
    list_name="Series Green",
    unsubscribe_url="https://example.com/u/tok",
    feedback_id="q7x2mk:s1:d:nextlevel",
)
KEY = "kjy4nzcrhsmbqavwy7lp6w67xd"
SPOT = MergeSpot("person.first_name", Context.TEXT)


def rendered(*, subject=("Hello",), html=("<p>Hi</p>\n",), text=("Hi\n",), digest="d1"):
    return Rendered(
        slug="welcome",
        variant=Variant.ALL,
        subject=subject,
        preheader="",
        html=html,
        text=text,
        digest=digest,
        clinical="",
        clinical_text="",
        place=Place("content/emails/welcome.md"),
    )


def mail(*, headers=HEADERS, values=None, attachment=None, **parts):
    return build(skeleton(rendered(**parts), attachment=attachment), headers, values or {})


def header_lines(raw, name):
    """Return the raw lines of one header, folds kept."""
    block = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    (found,) = re.findall(rf"(?m)^{name}: ?([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", block)
    return found.split("\r\n")


def text_of(raw):
    """Return the text part still encoded."""
    return raw.split(b"quoted-printable\r\n\r\n")[1].partition(b"\r\n--=_")[0]


# --- the whole -------------------------------------------------------------------------------------------------------


def test_a_mail_is_exactly_these_bytes():
    boundary = "=_a_" + "9eb0fb3fefbfe1fa2bd1be2ed28f9cc6"
    raw = mail(
        subject=("Hello ", replace(SPOT, context=Context.HEADER)),
        text=("Hi ", SPOT, ".\nBye"),
        values={"person.first_name": "Ana"},
    )
    found = re.search(rb'boundary="(.*?)"', raw)[1].decode()
    assert raw.decode().replace(found, boundary) == (
        "Date: Mon, 02 Mar 2026 09:05:07 +0000\r\n"
        "From: Next Level PT <hello@example.com>\r\n"
        "Reply-To: people@example.com\r\n"
        "To: Ana <ana@example.com>\r\n"
        "Message-ID: <abc234@example.com>\r\n"
        "Subject: Hello Ana\r\n"
        "List-ID: Series Green <q7x2mk.example.com>\r\n"
        "List-Unsubscribe: <https://example.com/u/tok>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        "Feedback-ID: q7x2mk:s1:d:nextlevel\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative;\r\n"
        f' boundary="{boundary}"\r\n'
        "\r\n"
        f"--{boundary}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
        "Hi=20=\r\n"
        "Ana=\r\n"
        "=2E\r\n"
        "Bye=\r\n"
        "\r\n"
        "\r\n"
        f"--{boundary}\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
        "<p>Hi</p>\r\n"
        "\r\n"
        f"--{boundary}--\r\n"
    )  # fmt: skip


def test_the_same_input_gives_the_same_bytes_and_another_digest_another_boundary():
    assert mail() == mail()
    assert mail(digest="d2") != mail()


def test_a_transactional_mail_has_no_list_headers():
    raw = mail(headers=replace(HEADERS, unsubscribe_url="", list_id="", feedback_id="", reply_to=""))
    names = email.message_from_bytes(raw).keys()
    assert names == [
        "Date",
        "From",
        "To",
        "Message-ID",
        "Subject",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    ]


def test_no_part_and_no_value_can_hold_the_boundary():
    boundary = re.search(rb'boundary="(.*?)"', mail())[1].decode()
    raw = mail(
        text=(f"--{boundary}\n", SPOT),
        html=(f"--{boundary}--\n",),
        values={"person.first_name": f"--{boundary}--"},
    )
    assert raw.count(boundary.encode()) == 4
    text, html = email.message_from_bytes(raw, policy=policy.default).iter_parts()
    assert text.get_content().count(boundary) == 2
    assert html.get_content().count(boundary) == 1


# --- headers that are tokens --------------------------------------------------------------------------------------


def test_a_long_unsubscribe_link_stays_raw_on_one_line():
    url = "https://example.com/u/" + "Ab_-9" * 180
    raw = mail(headers=replace(HEADERS, unsubscribe_url=url))
    assert header_lines(raw, "List-Unsubscribe") == [f"<{url}>"]
    assert header_lines(raw, "List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]


@pytest.mark.parametrize(
    "change",
    [
        {"unsubscribe_url": "http://example.com/u"},
        {"unsubscribe_url": "https://example.com/u>, <mailto:x@example.com"},
        {"unsubscribe_url": "https://example.com/u\r\nBcc: x@example.com"},
        {"unsubscribe_url": "https://example.com/=?utf-8?q?x?="},
        {"unsubscribe_url": "https://example.com/a,b"},
        {"unsubscribe_url": "https://example.com/ü"},
        {"unsubscribe_url": "https://example.com/" + "x" * 1_000},
        {"message_id": "<abc@example.com>"},
        {"message_id": "abc"},
        {"message_id": "a b@example.com"},
        {"message_id": "abc@example.com\r\n"},
        {"list_id": "Series Green <a.example.com>"},
        {"list_id": "label"},
        {"feedback_id": "a b"},
        {"feedback_id": "ü"},
        {"date": datetime(2026, 3, 2, 9, 5, 7)},
    ],
)
def test_a_token_that_does_not_fit_its_header_is_refused(change):
    with pytest.raises(Refused):
        mail(headers=replace(HEADERS, **change))


def test_the_date_is_written_in_utc():
    moment = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    assert header_lines(mail(headers=replace(HEADERS, date=moment)), "Date") == ["Wed, 31 Dec 2025 22:30:00 +0000"]


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
        ("o'neil+tag@example.com", "o'neil+tag@example.com"),
        ("Ana.B@Example.COM", "Ana.B@Example.COM"),
    ],
)
def test_an_address_is_written_with_an_ascii_domain(address, written):
    assert header_lines(mail(headers=replace(HEADERS, to_name="", to_address=address)), "To") == [written]


@pytest.mark.parametrize(
    "address",
    [
        "añá@example.com",
        "ana@-\u2028.example",
        "ana@exa mple.com",
        "ana@example.com\r\nBcc: evil@example.com",
        "ana@example.com, evil@example.com",
        "ana@example.com>",
        '"a b"@example.com',
        "=?utf-8?q?x=0D=0ABcc?=@example.com",
        "ana",
        "ana@",
        "@example.com",
        "a" * 65 + "@example.com",
        "ana@" + "a." * 127 + "com",
    ],
)
@pytest.mark.parametrize("who", ["to_address", "from_address", "reply_to"])
def test_an_address_that_a_header_cannot_carry_is_refused_without_being_named(address, who):
    with pytest.raises(Refused) as caught:
        mail(headers=replace(HEADERS, **{who: address}))
    assert "example" not in caught.value.message
    assert caught.value.__cause__ is None


# --- headers that are words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Ana", "Ana <ana@example.com>"),
        ("Ana O'Neil-Ruiz", "Ana O'Neil-Ruiz <ana@example.com>"),
        ("", "ana@example.com"),
        ("\r\n\x00", "ana@example.com"),
        ("Neil, Ana", '"Neil, Ana" <ana@example.com>'),
        ("evil@example.com", '"evil@example.com" <ana@example.com>'),
        ('A "B" \\ C', '"A \\"B\\" \\\\ C" <ana@example.com>'),
        ("Ana\r\nBcc: x", '"Ana  Bcc: x" <ana@example.com>'),
        ("José", "=?utf-8?b?Sm9zw6k=?= <ana@example.com>"),
        ("Müller, Ana Maria", "=?utf-8?q?M=C3=BCller=2C_Ana_Maria?= <ana@example.com>"),
        ("日本", "=?utf-8?b?5pel5pys?= <ana@example.com>"),
        ("=?utf-8?q?x?=", "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <ana@example.com>"),
    ],
)
def test_a_display_name_never_splits_or_extends_its_address(name, written):
    assert header_lines(mail(headers=replace(HEADERS, to_name=name)), "To") == [written]


def test_an_encoded_line_break_in_a_name_adds_no_header():
    word = "=?utf-8?q?x=0D=0ABcc:_evil@example.com?="
    raw = mail(
        headers=replace(HEADERS, to_name=word),
        subject=("Hi ", replace(SPOT, context=Context.HEADER)),
        values={"person.first_name": word},
    )
    parsed = email.message_from_bytes(raw, policy=policy.default)
    assert parsed.keys() == email.message_from_bytes(mail()).keys()
    assert parsed["Subject"] == f"Hi {word}"
    (address,) = parsed["To"].addresses
    assert address.addr_spec == "ana@example.com"
    (shown, charset), _ = email.header.decode_header(" ".join(header_lines(raw, "To")))
    assert shown.decode(charset) == word
    assert b"evil@example.com" not in raw


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "Week 3",
        "x" * 60,
        "x" * 61,
        "x" * 400,
        "word " * 60 + "end",
        "é" * 200,
        "日本語 " * 60 + "x",
        "👩‍👩‍👧 " * 40 + "x",
        "a = ?b?",
        "100 % of =?= ?= things",
        " ".join("x" * n for n in range(1, 30)),
        *("a" * n + " b" for n in range(55, 70)),
        *("é " + "a" * n for n in range(40, 60)),
    ],
)
def test_a_subject_reads_back_from_lines_that_are_short_enough(subject):
    lines = header_lines(mail(subject=(subject,)), "Subject")
    assert max(map(len, ["Subject: " + lines[0], *lines[1:]])) <= 76
    for word in re.findall(r"=\?.*?\?=(?=\s|\Z)", " ".join(lines)):
        assert len(word) <= 75
    assert email.message_from_bytes(mail(subject=(subject,)), policy=policy.default)["Subject"] == subject


def test_each_encoded_word_of_a_subject_is_whole_characters():
    lines = header_lines(mail(subject=("日本é👩 " * 30,)), "Subject")
    words = " ".join(lines).split()
    assert len(words) > 5
    for word in words:
        ((coded, charset),) = email.header.decode_header(word)
        coded.decode(charset)


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [71, 72, 73, 74, 75, 76, 77, 78, 146, 147, 152, 998, 10_000])
@pytest.mark.parametrize("character", ["x", "=", "é", " ", ".", "👩", "\t", "From "])
def test_lines_at_the_edges_are_short_start_safely_and_read_back(length, character):
    line = (character * length)[:length]
    raw = mail(text=(f"{line}\n{line}", SPOT, f"{line}\n"), values={"person.first_name": "." + line[:900] + "y"})
    body = text_of(raw)
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert not re.search(rb"(?m)^(\.|From )|[ \t]\r$", body)
    value = ("." + line[:900] + "y").replace("\t", " ")
    parsed = next(email.message_from_bytes(raw, policy=policy.default).iter_parts())
    assert parsed.get_content().replace("\r\n", "\n") == f"{line}\n{line}{value}{line}\n"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ((), "\n"),
        ((SPOT,), "Ana\n"),
        ((SPOT, SPOT), "AnaAna\n"),
        (("a\r\nb\rc\n",), "a\nb\nc\n"),
        (("\n\n.\n..\n",), "\n\n.\n..\n"),
        (("Hi \n", SPOT, "\n"), "Hi \nAna\n"),
        (("Hi ", SPOT), "Hi Ana\n"),
    ],
)
def test_a_part_reads_back_and_ends_with_a_newline(text, read):
    raw = mail(text=text, values={"person.first_name": "Ana"})
    part = next(email.message_from_bytes(raw, policy=policy.default).iter_parts())
    assert part.get_content().replace("\r\n", "\n") == read


def test_a_part_never_ends_in_a_soft_break():
    assert text_of(mail(text=("Hi ", SPOT))).endswith(b"\r\n")
    assert not text_of(mail(text=("Hi ", SPOT), values={"person.first_name": "Ana"})).endswith(b"=")


# --- attachments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("ebook.pdf", "ebook.pdf"),
        ("My book (2).pdf", "My book (2).pdf"),
        ("/srv/secret/ebook.pdf", "ebook.pdf"),
        ("..\\..\\ebook.pdf", "ebook.pdf"),
        ('übung; x="1".pdf', 'übung; x="1".pdf'),
        ("ü" * 60 + ".pdf", "ü" * 60 + ".pdf"),
        ("a\r\nBcc: x.pdf", "a  Bcc: x.pdf"),
        ("files/", "attachment"),
    ],
)
def test_an_attachment_travels_under_its_own_name_without_a_path(filename, shown):
    data = bytes(range(256)) * 9
    raw = mail(attachment=Attachment(filename, "application/pdf", data))
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    parsed = email.message_from_bytes(raw, policy=policy.default)
    assert [part.get_content_type() for part in parsed.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]
    (attached,) = parsed.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == (shown, data)
    assert raw.count(b"MIME-Version:") == 1
    guard(raw, HEADERS)


def test_an_attachment_needs_a_media_type():
    with pytest.raises(Refused, match="media type"):
        mail(attachment=Attachment("a.pdf", "application/pdf\r\nBcc: x@example.com", b""))


# --- the last check --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tamper",
    [
        lambda raw: raw.replace(b"\r\nTo:", b"\r\nBcc: x@example.com\r\nTo:", 1),
        lambda raw: raw.replace(b"\r\nTo:", b"\nTo:", 1),
        lambda raw: raw.replace(b"\r\nTo:", b"\rTo:", 1),
        lambda raw: raw.replace(b"Auto-Submitted: auto-generated\r\n", b"", 1),
        lambda raw: raw.replace(b"Subject: Hello", b"Subject: H\xc3\xa9llo", 1),
        lambda raw: raw.replace(b"Subject: Hello", b"Subject: " + b"x" * 990, 1),
        lambda raw: raw.replace(b"Subject: Hello", b"Subject: Hello\r\nSubject: again", 1),
        lambda raw: raw.replace(b"Subject: Hello\r\n", b"Subject: Hello\r\n\r\n", 1),
        lambda raw: raw.replace(b"Subject: Hello", b"Subject: Hello\nBcc: x@example.com", 1),
        lambda raw: raw.replace(b"Subject: Hello", b"Subject: Hello\rBcc: x@example.com", 1),
        lambda raw: raw.replace(b"Subject: Hello", b"Subject: Hel\0lo", 1),
        lambda raw: raw + b"\n",
        lambda raw: raw + b"\r",
        lambda raw: raw + b"\n\r",
        lambda raw: raw + b"\0\r\n",
    ],
)
def test_the_last_check_refuses_bytes_that_were_tampered_with(tamper):
    raw = mail()
    guard(raw, HEADERS)
    with pytest.raises(FunnelError):
        guard(tamper(raw), HEADERS)


def test_the_last_check_refuses_headers_that_were_not_asked_for():
    with pytest.raises(FunnelError, match="other headers"):
        guard(mail(), replace(HEADERS, unsubscribe_url=""))


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_message_key_is_always_the_same_for_one_delivery():
    # Made with: openssl dgst -sha256 -hmac secret -binary | base32
    assert message_key(b"secret", "12/welcome/1") == KEY
    assert message_key(b"other", "12/welcome/1") != KEY
    assert len({message_key(b"secret", f"{n}/welcome/1") for n in range(1_000)}) == 1_000
    assert re.fullmatch(r"[a-z2-7]{26}", KEY)
