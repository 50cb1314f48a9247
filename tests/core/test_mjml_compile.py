"""Compiling: what designers write arrives in the HTML, and what cannot be compiled is said in one line."""

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel.errors import ContentError, ExitCode
from funnel.mjml import MjmlError, check, mark, prepare, to_html
from funnel.mjml.compiling import _refusal
from funnel.mjml.tokens import split

FRAME = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"
RUST_ESCAPE = re.compile(r'\\u\{|\\"|\\n|\\t|\\\\')


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []
        self.text = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def compiled(source):
    reader = Reader()
    reader.feed(to_html(source, path="f"))
    return reader


def values_of(source, tag, attribute):
    return [
        attributes[attribute] for name, attributes in compiled(source).tags if name == tag and attribute in attributes
    ]


BLOCKS = {
    "text": (
        "<mj-text color='#123456'><p>Hello <a href='https://example.com'>you</a></p></mj-text>",
        "Hello <a href=",
    ),
    "button": ("<mj-button href='https://example.com/go'>Go</mj-button>", 'href="https://example.com/go"'),
    "image": ("<mj-image src='a.png' alt='A knee' width='160px'/>", 'alt="A knee"'),
    "divider": ("<mj-divider border-color='#cbd2d9' border-width='1px'/>", "border-top:solid 1px #cbd2d9"),
    "spacer": ("<mj-spacer height='30px'/>", "height:30px"),
    "raw": ("<mj-raw><!--[if mso]><i>o</i><![endif]--></mj-raw>", "<!--[if mso]><i>o</i><![endif]-->"),
    "table": ("<mj-table><tr><td>1 of 5</td></tr></mj-table>", "<td>1 of 5</td>"),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_each_building_block_compiles_marked_or_not_to_the_same_bytes(name):
    block, expected = BLOCKS[name]
    source = FRAME.replace("{}", block)
    assert check(source, path="f") == ()
    rendered = to_html(source, path="f")
    assert expected in rendered
    assert to_html(mark(source, "templates/a.mjml.j2"), path="f") == rendered == to_html(source, path="g")
    assert "fnl-at" not in rendered


def test_groups_and_wrappers_compile():
    source = (
        "<mjml><mj-head><mj-attributes><mj-all font-family='Arial'/><mj-class name='big' font-size='30px'/></mj-attributes>"
        "</mj-head><mj-body><mj-wrapper background-color='#fff'><mj-section direction='rtl'><mj-group><mj-column width='40%'>"
        "<mj-text mj-class='big'>left</mj-text></mj-column><mj-column><mj-text>right</mj-text></mj-column></mj-group>"
        "</mj-section></mj-wrapper></mj-body></mjml>"
    )
    rendered = to_html(source, path="f")
    assert check(source, path="f") == ()
    assert "font-size:30px" in rendered
    assert "width:240px" in rendered
    assert "fonts.googleapis.com" not in rendered


ANY_VALUE = st.text(
    st.one_of(
        st.sampled_from("\u00a0\n\t\"'\\\u200b\u0301\u00ad<>&{}😀é "),
        st.characters(exclude_categories=["Cs", "Cc", "Cn"]),
    ),
    max_size=12,
)
QUOTED = st.sampled_from(
    [lambda v: f'"{html.escape(v)}"', lambda v: "'" + html.escape(v, quote=False).replace("'", "&#39;") + "'"]
)


@given(ANY_VALUE, QUOTED)
@settings(max_examples=150)
def test_an_attribute_s_value_arrives_as_it_was_written(value, quoted):
    source = FRAME.replace(
        "{}", f"<mj-image src='s' alt={quoted(value)}/><mj-text><a title={quoted(value)}>x</a></mj-text>"
    )
    assert values_of(source, "img", "alt") == [value]
    assert values_of(source, "a", "title") == [value]


@given(ANY_VALUE)
@settings(max_examples=150)
def test_a_title_arrives_as_it_was_written_but_for_white_space(title):
    source = f"<mjml><mj-head><mj-title>{html.escape(title, quote=False)}</mj-title></mj-head><mj-body/></mjml>"
    (label,) = values_of(source, "div", "aria-label") or [""]
    assert label.split() == title.split()


LEAVES = st.sampled_from([block for block, _ in BLOCKS.values()])
ATTRIBUTES = st.lists(
    st.sampled_from([" css-class='a\u00a0b'", " background-color='#fff'", ' padding="0\n 10px"', ' border="1px\tsolid\n red"']),
    max_size=3, unique=True,
).map("".join)  # fmt: skip
COLUMNS = st.builds(
    lambda a, kids: f"<mj-column{a}>{''.join(kids)}</mj-column>", ATTRIBUTES, st.lists(LEAVES, max_size=3)
)
SECTIONS = st.builds(
    lambda a, kids: f"<mj-section{a}>{''.join(kids)}</mj-section>", ATTRIBUTES, st.lists(COLUMNS, max_size=3)
)
BODIES = st.lists(SECTIONS | st.builds(lambda one: f"<mj-wrapper>{one}</mj-wrapper>", SECTIONS), max_size=3)
MAILS = BODIES.map(lambda kids: f"<mjml><mj-body>{''.join(kids)}</mj-body></mjml>")


@given(MAILS)
@settings(max_examples=80)
def test_a_well_formed_mail_passes_and_is_prepared_once_for_all(source):
    assert check(source, path="f") == ()
    ready = prepare(source)
    assert prepare(ready) == ready
    assert prepare(mark(source, "t.j2")) == ready
    assert not RUST_ESCAPE.search(to_html(source, path="f"))


@pytest.mark.parametrize(
    ("written", "prepared"),
    [
        ("<mj-text padding='20px 0 0 10px'>", '<mj-text padding="20px 0px 0px 10px">'),
        ("<mj-text padding-top='0' line-height='0'>", '<mj-text padding-top="0px" line-height="0">'),
        ("<mj-button inner-padding='10px 0'>", '<mj-button inner-padding="10px 0px">'),
        ("<mj-text padding='10px 0.5px 100px'>", '<mj-text padding="10px 0.5px 100px">'),
        ("<td style='padding: 0'>", '<td style="padding: 0">'),
        ("<mj-image src='a'/>", '<mj-image src="a" alt=""/>'),
        ("<mj-social-element src='a'>", '<mj-social-element src="a" alt="">'),
        ("<a href='x'title='y' href='z'>", '<a href="x" title="y">'),
        ('<mj-text fnl-at="a&amp;b:1:2" color="red">', '<mj-text color="red">'),
        ('<mj-text fnl-at="a:1:2" color=>', "<mj-text color=>"),
        ('<p style="color: red;\n  margin: 0">', '<p style="color: red;&#xa;  margin: 0">'),
        ('<mj-text border="1px\n  solid">', '<mj-text border="1px solid">'),
        ('<mj-title>a "b"\n c\u00a0</mj-title>', "<mj-title>a &#x22;b&#x22; c&#xa0;</mj-title>"),
        ("<mj-text>café > 日本> a > b", "<mj-text>café &gt; 日本&gt; a > b"),
        ("<mj-style>.é>b{} p>b{}", "<mj-style>.é  >b{} p>b{}"),
        ("<mj-head> <mj-title>x</mj-title>\r\n  </mj-head>", "<mj-head>\n<mj-title>x</mj-title>\n</mj-head>"),
        ("<mj-text><b>a</b> <i>b</i> </mj-text>", "<mj-text><b>a</b> <i>b</i> </mj-text>"),
        ("<mj-raw css-class='a' position='file-start'>", "<mj-raw>"),
        ("<!-- <mj-image> --> a < b {{ '\\' }}", "<!-- <mj-image> --> a < b {{ '\\' }}"),
    ],
)  # fmt: skip
def test_each_defect_of_the_engine_is_met_before_it_sees_the_mail(written, prepared):
    assert prepare(written) == prepared
    assert prepare(prepared) == prepared


def test_a_bare_zero_no_longer_costs_outlook_its_width():
    section = "<mjml><mj-body><mj-section padding='20px 20px 0 20px'><mj-column><mj-text>x</mj-text></mj-column></mj-section></mj-body></mjml>"
    assert "width:560px" in to_html(section, path="f")


def test_windows_line_ends_compile_to_the_same_mail():
    source = (
        "<mjml>\n<mj-head>\n<mj-attributes>\n<mj-all color='red'/>\n</mj-attributes>\n</mj-head>\n<mj-body>\n<mj-section>\n"
        "<mj-column>\n<mj-social>\n<mj-social-element src='a'>x</mj-social-element>\n</mj-social>\n</mj-column>\n"
        "</mj-section>\n</mj-body>\n</mjml>\n"
    )
    assert to_html(source.replace("\n", "\r\n"), path="f") == to_html(source, path="f")


def test_an_alt_text_that_a_class_gives_is_kept():
    source = (
        "<mjml><mj-head><mj-attributes><mj-class name='logo' alt='The clinic'/></mj-attributes></mj-head>"
        "<mj-body><mj-section><mj-column><mj-image mj-class='logo' src='l.png'/></mj-column></mj-section></mj-body></mjml>"
    )
    assert check(source, path="f") == ()
    assert values_of(source, "img", "alt") == ["The clinic"]


def test_a_broken_mail_names_its_first_error_first_and_the_others_below():
    source = FRAME.replace("{}", "\n<mj-txt>x</mj-txt>\n<mj-text color='bleu'>x</mj-text><mj-image src='x'/>")
    with pytest.raises(ContentError) as caught:
        to_html(source, path="templates/a.mjml")
    first, second = caught.value.message.splitlines()
    assert first.startswith("templates/a.mjml:2:1: MJ001 there is no <mj-txt>")
    assert second.startswith('templates/a.mjml:3:10: MJ003 color="bleu"')
    assert caught.value.exit_code is ExitCode.USAGE
    assert isinstance(caught.value, MjmlError)
    assert [each.code for each in caught.value.findings] == ["MJ001", "MJ003"]


@pytest.mark.parametrize("source", ["", "\ud800", "<b>" * 100_000, "x" * 3_000_000, "<mj-section>" * 15_000])
def test_what_would_end_the_process_is_a_clean_error_instead(source):
    with pytest.raises(ContentError, match=r"^f:1:\d+: MJ0"):
        to_html(FRAME.replace("{}", source) if source else source, path="f")


@pytest.mark.parametrize(
    ("said", "marked", "expected"),
    [
        ("unexpected element in root template at position 28:38", False, "f:2:13"),
        ("unexpected element in root template at position 28:38", True, "t.j2:2:13"),
        ("unable to parse next template in root template", False, "f:1:1"),
    ],
)
def test_an_error_that_only_the_engine_sees_is_placed_in_the_source(said, marked, expected):
    source = "<mjml><mj-body>\n<mj-section><mj-column></mj-column></mj-section></mj-body></mjml>"
    pieces = split(mark(source, "t.j2") if marked else source)
    ready = split(prepare("".join(pieces)))
    finding = _refusal(said, pieces, ready, "f")
    assert f"{finding.place}:{finding.column}" == expected
    assert finding.code == "MJ018"
    assert "in root template" not in finding.message
