from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from markdown_it import MarkdownIt
from mjml import mjml2html

from funnel.errors import ContentError, Refused
from funnel.merge import FIELDS, LONGEST, LONGEST_IN_HEADER, Spots, clean, escape, fill, one_line
from funnel.model import Context, MergeSpot, Place

HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "quote ends attribute": '" onload="alert(1)',
    "single quote ends attribute": "' onload='alert(1)",
    "comment": "--><img src=x>",
    "header line": "Ana\r\nBcc: evil@example.com",
    "line separator": "Ana\u2028Bcc: evil@example.com",
    "vertical tab": "Ana\x0bBcc: evil@example.com",
    "next line": "Ana\x85Bcc: evil@example.com",
    "file separator": "Ana\x1cBcc: evil@example.com",
    "nul": "Ana\x00",
    "bidi": "Ana\u202eanA\u2066",
    "lone surrogate": "Ana\ud800",
    "encoded word": "=?utf-8?q?x=0D=0ABcc:_evil@example.com?=",
    "jinja": "{{ 7 * 7 }}{% raw %}{# x #}",
    "provider": "*|EMAIL|* %recipient.email% {{{ x }}} [[x]]",
    "address": "javascript:alert(1)//?a=b&c=d#e",
    "dots": ".\r\n.\r\n",
    "long": "x" * 10_000,
}


def one_spot(before, after, *, field="person.first_name"):
    spots = Spots()
    merged = spots.split_html(before + spots.token(field) + after)
    (spot,) = [piece for piece in merged if isinstance(piece, MergeSpot)]
    return spot.context


# --- where spots stand ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "field", "context"),
    [
        ("<p>Hi ", "</p>", "person.first_name", Context.HTML),
        ("", "", "person.first_name", Context.HTML),
        ("<title>", "</title>", "person.first_name", Context.HTML),
        ("a < b ", "", "person.first_name", Context.HTML),
        ("<!-- old --><p>", "</p>", "person.first_name", Context.HTML),
        ("<!--[if !mso]><!--><p>", "</p><!--<![endif]-->", "person.first_name", Context.HTML),
        ("<style>p > a {}</style><p>", "</p>", "person.first_name", Context.HTML),
        ('<script>"<p "</SCRIPT >', "", "person.first_name", Context.HTML),
        ('<div aria-label="Hi ', '">', "person.first_name", Context.ATTRIBUTE),
        ("<div title='Hi ", "'>", "person.first_name", Context.ATTRIBUTE),
        ('<img alt="a > b ', '"/>', "person.first_name", Context.ATTRIBUTE),
        ('<a class="x"title = "', '">', "person.first_name", Context.ATTRIBUTE),
        ('<a href="', '">', "link.ebook", Context.ATTRIBUTE),
        ('<A HREF=" ', '?from=mail">', "link.ebook", Context.ATTRIBUTE),
        ('<a href="https://example.com/?next=', '">', "link.ebook", Context.URL),
        ('<a href="https://example.com/?n=', '">', "person.first_name", Context.URL),
        ('<a href="mailto:', '">', "person.email", Context.URL),
        ('<a href="', '">', "person.first_name", Context.URL),
        ("<img width=10 src='/i/", ".png'>", "person.email", Context.URL),
    ],
)
def test_a_spot_gets_the_context_of_its_place(before, after, field, context):
    assert one_spot(before, after, field=field) is context


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("<!-- ", " -->", "a comment"),
        ("<!--[if mso]><td>", "</td><![endif]-->", "a comment"),
        ("<!-- never closed ", "", "a comment"),
        ("<style>.", "{}</style>", "<style>"),
        ("<script>var a = '", "'</script>", "<script>"),
        ("<style>a", "", "<style>"),
        ("<x", ">", "the name of a tag"),
        ("</x", ">", "the name of a tag"),
        ("<p data-", '="1">', "the name of an attribute"),
        ("<a title=", ">", "the unquoted attribute `title`"),
        ("<p title=x", "y class='z'>", "the unquoted attribute `title`"),
        ('<p style="color:', '">', "the attribute `style`"),
        ('<p onclick="', '">', "the attribute `onclick`"),
        ('<iframe srcdoc="', '">', "the attribute `srcdoc`"),
        ("<!doctype ", ">", "a declaration"),
        ('<p title="never closed ', "", "a piece of broken markup"),
    ],
)
def test_a_spot_where_no_escape_is_safe_is_refused_by_name(before, after, where):
    with pytest.raises(ContentError, match=r"person\.first_name stands in") as caught:
        one_spot(before, after)
    assert where in caught.value.message


@pytest.mark.parametrize(
    ("before", "after", "context"),
    [
        ("Hi ", ",", Context.TEXT),
        ("https://example.com/?n=", "", Context.URL),
        ("<https://example.com/?n=", ">", Context.URL),
        ("mailto:", "", Context.URL),
        ("https://example.com/ ", "", Context.TEXT),
        ("https://example.com/\n", "", Context.TEXT),
        ("<https://example.com/>", "", Context.TEXT),
    ],
)
def test_in_the_text_part_only_a_written_out_address_is_an_address(before, after, context):
    spots = Spots()
    merged = spots.split_text(before + spots.token("person.email") + after)
    assert MergeSpot("person.email", context) in merged


def test_both_parts_say_the_same_link():
    spots = Spots()
    token = spots.token("person.first_name")
    html = spots.split_html(f'<a href="https://example.com/?n={token}">')
    text = spots.split_text(f"https://example.com/?n={token}")
    values = {"person.first_name": "Ana & Bo?"}
    assert f'<a href="{fill(text, values)}">' == fill(html, values)


def test_splitting_keeps_order_and_leaves_no_empty_literal():
    spots = Spots()
    first, second = spots.token("person.first_name", "friend"), spots.token("link.ebook")
    name, link = (
        MergeSpot("person.first_name", Context.TEXT, "friend"),
        MergeSpot("link.ebook", Context.TEXT),
    )
    assert spots.split_text(first + second) == (name, link)
    assert spots.split_text(f"a{first}b{second}x") == ("a", name, "b", link, "x")
    assert spots.split_text("no spot") == ("no spot",)
    assert spots.split_text("") == ()
    assert spots.split_header(f"Hi {first}") == (
        "Hi ",
        MergeSpot("person.first_name", Context.HEADER, "friend"),
    )


# --- the registry --------------------------------------------------------------------------------------------------


def test_sentinels_are_ascii_letters_and_digits_and_never_the_same_twice():
    spots = Spots()
    tokens = [spots.token(field) for field in sorted(FIELDS) * 3]
    assert all(token.isascii() and token.isalnum() for token in tokens)
    assert len(set(tokens)) == len(tokens)


def test_an_unknown_field_is_refused_with_the_nearest_name():
    with pytest.raises(ContentError, match=r"a\.md:4: there is no merge field person\.firstname") as caught:
        Spots(Place("a.md", 4)).token("person.firstname")
    assert caught.value.hint == "did you mean person.first_name?"


@pytest.mark.parametrize("source", ["see xmrg0001x", "XMRG0", "a xmrg9"])
def test_text_that_looks_like_a_sentinel_is_refused(source):
    with pytest.raises(ContentError, match="looks like a mark"):
        Spots().guard(source)
    with pytest.raises(ContentError, match="looks like a mark"):
        Spots().token("person.first_name", source)


def test_text_that_only_resembles_a_sentinel_passes():
    spots = Spots()
    for source in ("xmrg", "xmas 2026", "mrg0001", ""):
        spots.guard(source)
    assert spots.split_text("xmrg") == ("xmrg",)


def test_check_passes_when_every_spot_arrived():
    spots = Spots()
    html = spots.split_html(f"<p>{spots.token('person.first_name')}")
    subject = spots.split_header(spots.token("person.first_name"))
    spots.check(html, subject)


def test_check_names_a_spot_that_got_lost():
    spots = Spots()
    spots.token("link.ebook")
    with pytest.raises(ContentError, match=r"link\.ebook was used, but is nowhere"):
        spots.check(spots.split_html("<p>"))


@pytest.mark.parametrize("change", [str.upper, str.title, lambda token: token[:6]])
def test_check_finds_a_sentinel_that_a_filter_changed(change):
    spots = Spots()
    with pytest.raises(ContentError, match="was changed on its way"):
        spots.check(spots.split_text(change(spots.token("person.first_name"))))


def test_a_sentinel_of_another_mail_is_refused():
    other = Spots().token("person.first_name")
    with pytest.raises(ContentError, match="not from this mail"):
        Spots().split_text(other)


def test_sentinels_survive_jinja_markdown_and_mjml():
    spots = Spots()
    name, book, part = (spots.token(f) for f in ("person.first_name", "link.ebook", "person.email"))
    source = "Hi **{{ name }}**, [the book]({{ book }}) or [this](https://example.com/?e={{ part }})"
    markdown = Environment(autoescape=True).from_string(source).render(name=name, book=book, part=part)
    body = MarkdownIt("commonmark", {"html": False}).render(markdown)
    mjml = (
        f"<mjml><mj-head><mj-title>For {name}</mj-title></mj-head><mj-body><mj-section><mj-column>"
        f'<mj-text>{body}</mj-text><mj-button href="{book}">Book</mj-button></mj-column></mj-section></mj-body></mjml>'
    )
    html = spots.split_html(mjml2html(mjml, fonts={}))
    spots.check(html)
    found = {(spot.field, spot.context) for spot in html if isinstance(spot, MergeSpot)}
    assert found == {
        ("person.first_name", Context.HTML),
        ("person.first_name", Context.ATTRIBUTE),  # MJML writes the title as aria-label too
        ("link.ebook", Context.ATTRIBUTE),
        ("person.email", Context.URL),
    }


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("Ana", "Ana"),
        (" José  Ana ", "José  Ana"),
        ("a\r\nb", "a  b"),
        ("a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\u2028h\u2029i", "a b c d e f g h i"),
        ("a\tb\x7fc\x9fd", "a b c d"),
        ("a\x00b", "ab"),
        ("a\u202eb\u2066c\u200fd\u061ce", "abcde"),
        ("a\ud800b\udfffc", "a\ufffdb\ufffdc"),
        (
            "\N{ZERO WIDTH NON-JOINER}می\N{ZERO WIDTH NON-JOINER}خواهم",
            "\N{ZERO WIDTH NON-JOINER}می\N{ZERO WIDTH NON-JOINER}خواهم",
        ),
        ("\r\n\x00 ", ""),
        ("x" * 10_000, "x" * LONGEST),
    ],
)
def test_a_value_becomes_one_visible_line(value, cleaned):
    assert clean(value, Context.TEXT) == cleaned


def test_a_header_takes_only_a_short_value():
    assert clean("x" * 10_000, Context.HEADER) == "x" * LONGEST_IN_HEADER


@pytest.mark.parametrize(
    ("context", "escaped"),
    [
        (Context.TEXT, """<a href="x">'&'</a>"""),
        (Context.HEADER, """<a href="x">'&'</a>"""),
        (Context.HTML, "&lt;a href=&quot;x&quot;&gt;&#x27;&amp;&#x27;&lt;/a&gt;"),
        (Context.ATTRIBUTE, "&lt;a href=&quot;x&quot;&gt;&#x27;&amp;&#x27;&lt;/a&gt;"),
        (Context.URL, "%3Ca%20href%3D%22x%22%3E%27%26%27%3C%2Fa%3E"),
    ],
)
def test_each_context_has_its_own_escape(context, escaped):
    assert escape("""<a href="x">'&'</a>""", context) == escaped


@pytest.mark.parametrize("value", ["{{ 7 * 7 }}", "{% include 'x' %}", "*|EMAIL|*", "%recipient.x%", "{{{ x }}}"])
def test_template_and_provider_syntax_in_a_value_stays_text(value):
    merged = ("Hi ", MergeSpot("person.first_name", Context.TEXT), ", {{ person.email }}")
    values = {"person.first_name": value, "person.email": "ana@example.com"}
    assert fill(merged, values) == f"Hi {value}, {{{{ person.email }}}}"


def test_a_value_that_looks_like_a_sentinel_is_not_filled_again():
    spots = Spots()
    token = spots.token("person.first_name")
    assert fill(spots.split_text(f"Hi {token}"), {"person.first_name": token}) == f"Hi {token}"


@pytest.mark.parametrize("value", [{}, {"person.first_name": ""}, {"person.first_name": "\u2028\x00 "}])
@pytest.mark.parametrize(("fallback", "shown"), [(None, ""), ("", ""), ("R&D", "R&amp;D")])
def test_a_missing_or_invisible_value_gives_way_to_the_fallback(value, fallback, shown):
    assert fill((MergeSpot("person.first_name", Context.HTML, fallback),), value) == shown


def test_a_link_is_only_escaped_for_html_and_refused_rather_than_cut():
    spot = MergeSpot("link.ebook", Context.ATTRIBUTE)
    link = "https://example.com/?a=1&b=" + "x" * 900
    assert fill((spot,), {"link.ebook": link}) == link.replace("&", "&amp;")
    with pytest.raises(Refused, match=r"link\.ebook is longer"):
        fill((spot,), {"link.ebook": link + "x" * 100})


class Outline(HTMLParser):
    """The tree without what values may fill: tags, attribute names, and whether text follows."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.data, self.attributes = [], "", []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, [name for name, _ in attrs]))
        self.attributes += [value for _, value in attrs]

    def handle_endtag(self, tag):
        self.tags.append(tag)

    def handle_comment(self, data):
        self.tags.append(("comment", data))

    def handle_data(self, data):
        self.data += data


def outline(html):
    parser = Outline()
    parser.feed(html)
    parser.close()
    return parser


def page():
    spots = Spots()

    def n():
        return spots.token("person.first_name")

    source = (
        f'<html><title>{n()}</title><p title="{n()}" lang=\'{n()}\'>{n()}<a href="https://example.com/?n={n()}">x</a>'
        f'<a href="{n()}">y</a><!-- c --></p></html>'
    )
    return spots.split_html(source)


VALUES = st.one_of(st.sampled_from(list(HOSTILE.values())), st.text(max_size=60, alphabet=st.characters()))


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_no_value_changes_the_tree_of_the_html(value):
    merged = page()
    got, plain = (
        outline(fill(merged, {"person.first_name": value})),
        outline(fill(merged, {"person.first_name": "Ana"})),
    )
    assert got.tags == plain.tags
    shown = clean(value, Context.HTML)
    assert got.data == shown + shown + "xy"
    assert got.attributes[:2] == [shown, shown]
    assert got.attributes[2].startswith("https://example.com/?n=")
    assert not set(got.attributes[3]) & set(":/?#\"'<> ")


@settings(max_examples=150, deadline=None)
@given(VALUES, st.sampled_from(list(Context)))
def test_a_cleaned_value_is_one_printable_line_and_cleaning_it_again_changes_nothing(value, context):
    cleaned = clean(value, context)
    assert clean(cleaned, context) == cleaned
    assert len(cleaned.splitlines()) <= 1
    assert one_line(cleaned) == cleaned
    cleaned.encode()
