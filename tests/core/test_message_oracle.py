"""Python's own mailer and parser are the oracle: both mails must read alike, whatever the values are."""

import email
import random
import re
from datetime import UTC, datetime
from email import policy
from email.header import decode_header
from email.message import EmailMessage

from hypothesis import given, settings
from hypothesis import strategies as st

from funnel.merge import clean, fill, one_line
from funnel.message import Headers, build, guard, skeleton
from funnel.model import Context, MergeSpot, Place, Rendered, Variant

HOSTILE = [
    "<script>alert(1)</script>",
    '" onload="x',
    "--><b>",
    "Ana\r\nBcc: evil@example.com",
    "Ana\nBcc: evil@example.com\n\nbody",
    "\r\n\r\n--=_a_\r\n",
    "Ana\x0b\x1c\x85\u2028\u2029Bcc: evil@example.com",
    "=?utf-8?q?x=0D=0ABcc:_evil@example.com?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAZXhhbXBsZS5jb20=?=",
    "Ana, evil@example.com",
    'Ana" <evil@example.com>, "x',
    "(comment) Ana; group:;",
    "Ana\x00\u202eanA\u2066",
    "\ud800Ana\udfff",
    "{{ 7 * 7 }}{% x %}",
    "*|EMAIL|* %recipient.email%",
    ".",
    ".\r\n.\r\n",
    "..",
    "From here",
    "=3D=",
    "é" * 40,
    "👩‍👩‍👧日本",
    "x" * 10_000,
    *("x" * length for length in (71, 72, 73, 74, 75, 76, 77)),
    *("=" * length for length in (24, 25, 26)),
    "",
]
ALPHABET = ["=", ".", "..", "\t", " ", "  ", "\n", "\r\n", "é", "\xa0", "\u200b", "😀", "a", "Z9", "<", ">", "&", '"', "'", "%", ",", "{{ x }}", "From ", "=3D", "=?", "?=", "\\", "日本", "\u2028", "\x00"]  # fmt: skip
PLAIN = {
    "person.first_name": "Ana",
    "person.email": "ana@example.com",
    "link.ebook": "https://example.com/e?a=1&b=2",
}


def name(context):
    return MergeSpot("person.first_name", context, "there")


def rendered(subject, text, html):
    return Rendered(
        slug="welcome",
        variant=Variant.ALL,
        subject=subject,
        preheader="",
        html=html,
        text=text,
        digest="d1",
        clinical="",
        clinical_text="",
        place=Place("content/emails/welcome.md"),
    )


MAIL = rendered(
    ("Week 3, ", name(Context.HEADER), ": six exercises"),
    (
        "Hi ",
        name(Context.TEXT),
        ",\n",
        name(Context.TEXT),
        "\n.\nthe book: ",
        MergeSpot("link.ebook", Context.TEXT),
        "\n",
    ),
    (
        '<html><p title="',
        name(Context.ATTRIBUTE),
        '">Hi ',
        name(Context.HTML),
        '</p><a href="',
        MergeSpot("link.ebook", Context.ATTRIBUTE),
        '">book</a><a href="https://example.com/?n=',
        name(Context.URL),
        '">é</a></html>\n',
    ),
)
SKELETON = skeleton(MAIL)


def headers(to_name):
    return Headers(
        from_name="Next Level PT, LLC",
        from_address="hello@example.com",
        reply_to="people@example.com",
        to_name=to_name,
        to_address="ana@example.com",
        message_id="abc234@example.com",
        date=datetime(2026, 3, 2, 9, 5, 7, tzinfo=UTC),
        list_id="q7x2mk.example.com",
        list_name="Series Green",
        unsubscribe_url="https://example.com/u/" + "A" * 120,
        feedback_id="q7x2mk:s1:d:nextlevel",
    )


def read(raw):
    return email.message_from_bytes(raw, policy=policy.default)


def parts_of(message):
    assert not message.defects
    return [
        (p.get_content_type(), p.get_content_charset(), p.get_content().replace("\r\n", "\n"))
        for p in message.iter_parts()
    ]


def shown_name(raw):
    """Decode the display name of To with the older of Python's two readers, which keeps to RFC 2047 here."""
    value = email.message_from_bytes(raw)["To"].rpartition("<")[0].strip()
    if value.startswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    decoded = [
        (text.encode() if isinstance(text, str) else text).decode(charset or "ascii")
        for text, charset in decode_header(value)
    ]
    return "".join(decoded)


def one_spaced(text):
    return " ".join(word for word in text.split(" ") if word)


def oracle(mail, values):
    """Build the same bodies the slow way, and read them back."""
    slow = EmailMessage(policy=policy.SMTP)
    slow.set_content(fill(mail.text, values))
    slow.add_alternative(fill(mail.html, values), subtype="html")
    return parts_of(read(slow.as_bytes()))


def assert_sound(raw):
    body = raw.partition(b"\r\n\r\n")[2]
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0|(?m:^\.)", raw)


PLAIN_RUN = read(build(SKELETON, headers("Ana"), PLAIN))
VALUES = st.one_of(
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(ALPHABET), max_size=60).map("".join),
    st.text(alphabet=st.characters(), max_size=120),
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_no_value_changes_anything_but_its_own_places(value):
    asked, values = headers(value), {**PLAIN, "person.first_name": value}
    raw = build(SKELETON, asked, values)
    guard(raw, asked)
    assert_sound(raw)
    parsed = read(raw)
    assert parsed.keys() == PLAIN_RUN.keys()
    for header in set(parsed.keys()) - {"Subject", "To"}:
        assert parsed[header] == PLAIN_RUN[header]
    assert parsed["Subject"] == one_spaced(fill(MAIL.subject, values))
    assert [address.addr_spec for address in parsed["To"].addresses] == ["ana@example.com"]
    assert parts_of(parsed) == oracle(MAIL, values)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_a_display_name_reads_back_as_it_was_cleaned(value):
    shown = shown_name(build(SKELETON, headers(value), PLAIN))
    assert one_spaced(shown) == one_spaced(clean(value, Context.HEADER))


LITERALS = st.lists(st.sampled_from([*ALPHABET, "<p>words and more words</p>", "x" * 70, "y" * 75]), max_size=40).map(
    "".join
)


@st.composite
def merged(draw, contexts):
    spots = st.sampled_from([MergeSpot(field, context, "there") for field in PLAIN for context in contexts])
    pieces = draw(st.lists(st.one_of(LITERALS, spots), max_size=8))
    return tuple(piece for piece in pieces if piece)


@settings(max_examples=150, deadline=None)
@given(merged([Context.TEXT, Context.URL]), merged([Context.HTML, Context.ATTRIBUTE, Context.URL]), VALUES)
def test_any_compiled_mail_reads_back_exactly_as_it_was_filled(text, html, value):
    mail = rendered(("Hi",), text, html)
    values = {**PLAIN, "person.first_name": value, "person.email": value[::-1]}
    raw = build(skeleton(mail), headers("Ana"), values)
    assert_sound(raw)
    expected = [
        (kind, charset, line_ends(fill(part, values)))
        for kind, charset, part in (("text/plain", "utf-8", text), ("text/html", "utf-8", html))
    ]
    assert parts_of(read(raw)) == expected


def line_ends(text):
    """Bring text to the form that a part has: plain newlines, one at the end."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return plain if plain.endswith("\n") else plain + "\n"


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_two_readers_decode_any_subject_to_the_line_that_was_written(subject):
    raw = build(skeleton(rendered((subject,), ("Hi\n",), ("Hi\n",))), headers("Ana"), PLAIN)
    new, old = read(raw)["Subject"], email.message_from_bytes(raw)["Subject"]
    pieces = [(text, charset) for text, charset in decode_header(old.replace("\r\n", ""))]
    decoded = "".join(text if isinstance(text, str) else text.decode(charset or "ascii") for text, charset in pieces)
    assert new == decoded == one_spaced(one_line(subject))


def test_three_thousand_random_mails_read_back_exactly():
    dice = random.Random(5)
    plain_names = PLAIN_RUN.keys()
    for _ in range(3_000):
        value = "".join(dice.choices(ALPHABET, k=dice.choice([0, 1, 2, 5, 30, 120])))
        values = {**PLAIN, "person.first_name": value}
        raw = build(SKELETON, headers(value), values)
        assert_sound(raw)
        parsed = email.message_from_bytes(raw)
        text, html = parsed.get_payload()
        assert parsed.keys() == plain_names
        assert text.get_payload(decode=True).decode().replace("\r\n", "\n") == fill(MAIL.text, values)
        assert html.get_payload(decode=True).decode().replace("\r\n", "\n") == fill(MAIL.html, values)
