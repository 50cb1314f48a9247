"""Checking: every mistake has a code and a place, and what passes is what the engine can read."""

import json
import re
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel.mjml import check, prepare, to_html
from funnel.model import Severity

GOOD = "<mjml><mj-body>\n<mj-section><mj-column>\n{}\n</mj-column></mj-section></mj-body></mjml>"
HEAD = "<mjml><mj-head>\n{}\n</mj-head><mj-body></mj-body></mjml>"
TABLE = json.loads(files("funnel.mjml").joinpath("components.json").read_text(encoding="utf-8"))["components"]


def told(source):
    return [f"{each.code} {each.place}:{each.column}" for each in check(source, path="f")]


IN_COLUMN = [
    ("<mj-txt>x</mj-txt>", ["MJ001 f:3:1"], "mj-text"),
    ("<mj-text colour='red'>x</mj-text>", ["MJ002 f:3:10"], "did you mean color?"),
    ("<mj-text color='bleu'>x</mj-text>", ["MJ003 f:3:10"], "blue"),
    ("<mj-text color='#12'>x</mj-text>", ["MJ003 f:3:10"], "#0b5c66"),
    ("<mj-text font-size='16'>x</mj-text>", ["MJ003 f:3:10"], "16px"),
    ("<mj-text\n  align='centre'>x</mj-text>", ["MJ003 f:4:3"], "center"),
    ("<mj-text padding='1px 2px 3px 4px 5px'>x</mj-text>", ["MJ003 f:3:10"], "10px 20px"),
    ("<mj-text letter-spacing='-1px' line-height='1.5' padding='0 10%'>x</mj-text>", [], ""),
    ("<mj-table cellpadding='many'><tr></tr></mj-table>", ["MJ003 f:3:11"], "digits"),
    ("<mj-image src='a' alt='' height='auto' fluid-on-mobile='yes'/>", ["MJ003 f:3:40"], "true"),
    ("<mj-section></mj-section>", ["MJ004 f:3:1"], "mj-body"),
    ("<section></section>", ["MJ004 f:3:1"], "mj-section"),
    ("<div>x</div>", ["MJ004 f:3:1"], "mj-raw"),
    ("<mj-text><mj-button>x</mj-button></mj-text>", ["MJ004 f:3:10"], "mj-column"),
    ("<mj-social><mj-raw>x</mj-raw></mj-social>", ["MJ004 f:3:12"], "mj-column"),
    ("<mj-text>x", ["MJ005 f:3:1"], "</mj-text>"),
    ("<mj-text>x</mj-txt>", ["MJ005 f:3:11"], "</mj-text>"),
    ("<mj-text><p>x</mj-text>", ["MJ005 f:3:10"], "</p>"),
    ("<mj-text>x</p></mj-text>", ["MJ005 f:3:11"], "</mj-text>"),
    ("<mj-text><ul><li>a<li>b</ul></mj-text>", ["MJ005 f:3:14", "MJ005 f:3:19"], "</li>"),
    ("<mj-text>a<BR>b</mj-text>", ["MJ005 f:3:11"], "</BR>"),
    ("<mj-raw><!--[if mso]>x</mj-raw>", ["MJ005 f:3:9"], "<![endif]-->"),
    ("<mj-raw>x<![endif]--></mj-raw>", ["MJ005 f:3:10"], ""),
    ("<mj-spacer/>\u00a0", ["MJ006 f:3:13"], "space"),
    ("hello there", ["MJ006 f:3:1"], "mj-text"),
    ("<mj-image src='a' alt=''>caption</mj-image>", ["MJ006 f:3:26"], "mj-text"),
    ("<mj-text color='red' color='blue'>x</mj-text>", ["MJ007 f:3:22"], "one"),
    ("<mj-include path='x'/>", ["MJ008 f:3:1"], "include"),
    ("<mj-text color>x</mj-text>", ["MJ013 f:3:10"], 'color="..."'),
    ("<mj-text color=red>x</mj-text>", ["MJ013 f:3:10"], 'color="red"'),
    ("<mj-text><a href=x>y</a></mj-text>", ["MJ013 f:3:13"], 'href="x"'),
    ("<mj-image src='a'/>", ["MJ014 f:3:1"], 'alt=""'),
    ("<mj-social><mj-social-element name='facebook' src='f.png' href='x'>y</mj-social-element></mj-social>", ["MJ015 f:3:12"], "facebook-noshare"),
    ("<mj-social><mj-social-element name='web' href='x'>y</mj-social-element></mj-social>", ["MJ015 f:3:12"], "icon"),
    ("<mj-text>a < b</mj-text>", ["MJ016 f:3:12"], "&lt;"),
    ("<mj-text>a<b</mj-text>", ["MJ016 f:3:11"], "&lt;"),
    ("<mj-text>x ]]> y</mj-text>", ["MJ016 f:3:12"], "]]&gt;"),
    ("<mj-text><!-- a -- b --></mj-text>", ["MJ016 f:3:10"], "dash"),
    ("<mj-text><!-- a </mj-text>", ["MJ005 f:1:1", "MJ005 f:1:7", "MJ005 f:2:1", "MJ005 f:2:13", "MJ005 f:3:1", "MJ016 f:3:10"], "-->"),
    ("<mj-text><![CDATA[x]]></mj-text>", ["MJ016 f:3:10"], "&amp;"),
    ("<mj-text><!--[if mso]x--></mj-text>", ["MJ016 f:3:10"], "endif"),
    ("<mj-text><a @click='x'>y</a></mj-text>", ["MJ016 f:3:13"], ""),
    ("<mj-text><br / ></mj-text>", ["MJ016 f:3:14"], "/>"),
    ("<mj-text>x</mj-text a='b'>", ["MJ016 f:3:11"], "</mj-text>"),
    ("<mj-table><tr><!--[if mso]><td></td><![endif]--></tr></mj-table>", ["MJ016 f:3:15", "MJ016 f:3:37"], "mj-raw"),
    ("<mj-image src='a' alt=''><!-- x --></mj-image>", ["MJ016 f:3:26"], "front"),
    ("<mj-text>a\x00b</mj-text>", ["MJ017 f:3:11"], ""),
    ("<mj-text>a\x0bb</mj-text>", ["MJ017 f:3:11"], ""),
    ("<mj-text>a\ud800b</mj-text>", ["MJ017 f:3:11"], ""),
    ("<mj-text>a\x7fb</mj-text>", ["MJ017 f:3:11"], ""),
    ("<mj-text>\u00a0 a\x92b</mj-text>", ["MJ017 f:3:13"], ""),
    ("<mj-text>a\uffffb 한</mj-text>", ["MJ017 f:3:11"], ""),
    ("<mj-text>한국어 é \u00a0 😀</mj-text>", [], ""),
    ("<mj-raw><!--[if mso]><table><tr><td><![endif]-->x<!--[if mso]></td></tr></table><![endif]--></mj-raw>", [], ""),
    ("<mj-raw><!--[if !mso]><!--><p>x</p><!--<![endif]--></mj-raw>", [], ""),
    ("<mj-text><p>a &amp; b > c</P><br><img src='x'/><input disabled></mj-text>", [], ""),
]  # fmt: skip


@pytest.mark.parametrize(("inside", "expected", "hint"), IN_COLUMN)
def test_a_mistake_in_a_column_is_named_with_its_line_and_column(inside, expected, hint):
    findings = check(GOOD.replace("{}", inside), path="f")
    assert [f"{each.code} {each.place}:{each.column}" for each in findings] == expected
    assert not hint or any(hint in f"{each.message} {each.hint}" for each in findings)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<mj-title>a <b>b</b></mj-title>", ["MJ016 f:2:13"]),
        ("<mj-style>/* <p> */</mj-style>", ["MJ016 f:2:14", "MJ005 f:2:14"]),
        ("<mj-style>a > b { color: red }</mj-style>", []),
        ("<mj-style inline='inline'>a{}</mj-style>", ["MJ012 f:2:11"]),
        (
            "<mj-html-attributes><mj-selector path='a'><x/></mj-selector></mj-html-attributes>",
            ["MJ012 f:2:1"],
        ),
        (
            "<mj-attributes><mj-class name='a'><mj-text color='red'/></mj-class></mj-attributes>",
            ["MJ012 f:2:35"],
        ),
        ("<mj-attributes><mj-class color='red'/></mj-attributes>", ["MJ013 f:2:16"]),
        ("<mj-attributes><mj-all font-family='x'/><mj-class name='k' align='justify'/></mj-attributes>", []),
        ("<mj-attributes><mj-all font-famly='x'/></mj-attributes>", ["MJ002 f:2:24"]),
        ("<mj-attributes><mj-text colr='red'>x</mj-text></mj-attributes>", ["MJ002 f:2:25", "MJ006 f:2:36"]),
        ("<mj-attributes><mj-title/></mj-attributes>", ["MJ004 f:2:16"]),
        ("<mj-text>x</mj-text>", ["MJ004 f:2:1"]),
        ("<mj-title css-class='a'>x</mj-title>\u00a0", ["MJ002 f:2:11", "MJ006 f:2:37"]),
        ("<mj-breakpoint width='320px'/><mj-font name='a' href='b'/><mj-preview>x</mj-preview>", []),
    ],
)
def test_a_mistake_in_the_head_is_named_with_its_line_and_column(inside, expected):
    assert sorted(told(HEAD.replace("{}", inside))) == sorted(expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ["MJ009 f:1:1"]),
        ("hello", ["MJ006 f:1:1", "MJ009 f:1:1"]),
        ("\n <mjml></mjml>", ["MJ009 f:2:2"]),
        ("<mjml><mj-body></mj-body><mj-body></mj-body></mjml>", ["MJ009 f:1:26"]),
        ("<mjml><mj-body></mj-body></mjml><mjml></mjml>", ["MJ009 f:1:33"]),
        ("<mj-body></mj-body>", ["MJ004 f:1:1", "MJ009 f:1:1"]),
        ("<!doctype html><mjml><mj-body/></mjml>", ["MJ016 f:1:1"]),
        ("<?xml version='1.0'?><mjml><mj-body/></mjml>", ["MJ016 f:1:1"]),
        ("<mjml lang='en'><mj-body width='600px'/></mjml> tail", ["MJ006 f:1:49"]),
        ("<!-- fine --><mjml><!-- fine --><mj-body/></mjml>\n", []),
    ],
)
def test_a_document_has_one_mjml_and_one_body_and_nothing_around_them(source, expected):
    assert sorted(told(source)) == sorted(expected)


def test_sixty_elements_deep_is_fine_and_one_more_is_an_error():
    spans = 60 - len(("mjml", "mj-body", "mj-section", "mj-column", "mj-text"))
    deep = "<mj-text>{}</mj-text>"
    fine = "<b>" * spans + "</b>" * spans
    assert told(GOOD.replace("{}", deep.replace("{}", fine))) == []
    over = "<b>" * (spans + 1) + "</b>" * (spans + 1)
    assert told(GOOD.replace("{}", deep.replace("{}", over))) == [f"MJ010 f:3:{10 + 3 * spans}"]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("<b>" * 19_000, "MJ010"),
        ("<mj-section>" * 15_000 + "</mj-section>" * 3_000, "MJ010"),
        ("<p/>" * 20_001, "MJ011"),
        ("é" * 600_000, "MJ011"),
        ("x" * 2_000_000, "MJ011"),
        ("<" * 19_000, "MJ016"),
        ("<a '" * 19_000, "MJ016"),
        ("<!--" * 200_000, "MJ016"),
        ("<!--[if " * 19_000, "MJ016"),
        ("\ud83d" * 10, "MJ017"),
        ("<mj-text " + "a=" * 200_000, "MJ016"),
        ("<mj-text " + "a " * 200_000 + ">", "MJ007"),
    ],
)
def test_hostile_input_is_answered_with_findings_and_not_many(source, code):
    codes = [each.code for each in check(GOOD.replace("{}", f"<mj-text>{source}</mj-text>"), path="f")]
    assert code in codes
    assert len(codes) <= 100


DROPPED = [
    ("<mj-hero border-radius='9px'></mj-hero>", "mj-hero"),
    ("<mj-column inner-border-radius='9px'></mj-column>", "mj-column"),
    ("<mj-wrapper gap='9px'><mj-section/><mj-section/></mj-wrapper>", "mj-wrapper"),
    ("<mj-raw position='file-start'>x</mj-raw>", "mj-raw"),
    ("<mj-button title='t'>x</mj-button>", "mj-button"),
    ("<mj-table role='none'><tr></tr></mj-table>", "mj-table"),
    ("<mj-image src='s' alt='' sizes='9px' border-top='1px solid red' border-bottom='1px solid red'/>", "mj-image"),
    ("<mj-social-element src='s' icon-position='right' srcset='t' sizes='9px'>x</mj-social-element>", "mj-social-element"),
    ("<mj-accordion-title font-weight='900'>x</mj-accordion-title>", "mj-accordion-title"),
    ("<mj-style inline='inline'>a{}</mj-style>", "mj-style"),
]  # fmt: skip


def at_home(element, component):
    parents = {name: facts["parents"].split() for name, facts in TABLE.items()}
    while component != "mjml":
        component = parents[component][0]
        element = f"<{component}>{element}</{component}>"
    return element if "<mj-body>" in element else element.replace("</mjml>", "<mj-body/></mjml>")


@pytest.mark.parametrize(("element", "component"), DROPPED)
def test_an_attribute_that_the_engine_drops_is_a_warning_and_changes_nothing_in_the_mail(element, component):
    dropped = TABLE[component]["ignored"].split()
    source = at_home(element, component)
    warned = [each for each in check(source, path="f") if each.code == "MJ012"]
    assert [each.severity for each in warned] == [Severity.WARNING] * len(dropped)
    without = re.sub(rf" (?:{'|'.join(dropped)})='[^']*'", "", source)
    assert to_html(source, path="f") == to_html(without, path="f")


def test_every_attribute_that_the_table_calls_dropped_is_tried_above():
    assert {name for name, facts in TABLE.items() if "ignored" in facts} == {component for _, component in DROPPED}


SNIPPETS = st.sampled_from(
    [
        "<", ">", "</", "/>", '"', "'", "=", " ", "\n", "-", "--", "<!--", "-->", "<!--[if mso]>", "<![endif]-->", "<!--<![endif]-->",
        "<!-->", "<![", "&", "&amp;", "]]>", "{{ x }}", "é", "\xa0", "<p>", "</p>", "<P>", "<br>", "<br/>", "<img src='x'>", "</a>",
        '<a href="y"', "text", "日", "<td>", "</td>", "<!-- x -->", "@", 'x="y"', "x=y", "<!", "?", "#", "/", "\\", "<mj-text>", "</mj-text>",
        "<mj-image src='q'/>", "<mj-raw>", "</mj-raw>", "<mj-button>", "</mj-button>", "<mj-table>", "</mj-table>", "</mj-column>", "<mj-column>",
    ],
)  # fmt: skip


@given(
    st.lists(SNIPPETS, max_size=8).map("".join),
    st.sampled_from(["{}", "<mj-text>{}</mj-text>", "<mj-raw>{}</mj-raw>", "<mj-table>{}</mj-table>"]),
)
@settings(max_examples=400)
def test_what_passes_the_check_is_what_the_engine_compiles(snippet, around):
    source = GOOD.replace("{}", around.replace("{}", snippet))
    findings = check(source, path="f")
    lines = source.split("\n")
    for each in findings:
        assert 1 <= each.column <= len(lines[each.place.line - 1]) + 1
    if all(each.severity is Severity.WARNING for each in findings):
        assert to_html(source, path="f").startswith("<!doctype html>")


@given(st.text(max_size=200))
@settings(max_examples=200)
def test_any_text_at_all_can_be_checked_and_prepared(text):
    check(text, path="f")
    assert prepare(prepare(text)) == prepare(text)
