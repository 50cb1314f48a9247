"""Marks: every MJML tag of a template knows where it was written, and nothing else is touched."""

import re

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel.mjml import ORIGIN, check, mark

PIECES = st.sampled_from(
    [
        "<mj-text>", "</mj-text>", '<mj-image src="{{ url }}" />', "<mjml>", "{# <mj-text> #}", "{% if a < b %}", "{% endif %}",
        "{% raw %}<mj-text>{% endraw %}", "<!-- <mj-text> -->", '{{ "<mj-text>" }}', "\n", "\r\n", '"', "'", "<", "{", "}", "%}",
        '<a title="<mj-text>">', "<p>", "text", "é", "{{", "{%", "{#", "<!--", "<mj-", "<mjmlx", "\\",
    ],
)  # fmt: skip


def marks(source):
    return re.findall(r'<([\w-]+) fnl-at="[^"]*?:(\d+):(\d+)"', mark(source, "t.mjml.j2"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<mjml><mj-body></mj-body></mjml>", [("mjml", "1", "1"), ("mj-body", "1", "7")]),
        ("\n  <mj-text>x</mj-text>", [("mj-text", "2", "3")]),
        ('<mj-image\n  src="a"/>\n<mj-spacer/>', [("mj-image", "1", "1"), ("mj-spacer", "3", "1")]),
        ("é<mj-text>", [("mj-text", "1", "2")]),
        ("{# <mj-text>\n #}<mj-text>", [("mj-text", "2", "4")]),
        ("{% set x = '<mj-text>' %}<mj-text>", [("mj-text", "1", "26")]),
        ("{{ '<mj-text> }}' }}<mj-text>", [("mj-text", "1", "21")]),
        ("{%- raw -%}<mj-text>{%- endraw -%}<mj-text>", [("mj-text", "1", "35")]),
        ("<!-- <mj-text> --><mj-text>", [("mj-text", "1", "19")]),
        ("<!-- {# --> #} <mj-raw> --><mj-text>", [("mj-text", "1", "28")]),
        ('<a title="<mj-text>"><mj-text>', [("mj-text", "1", "22")]),
        (
            '<mj-text a="{{ f("<mj-raw>") }}" {% if x > "y" %}b="c"{% endif %}><mj-raw>',
            [("mj-text", "1", "1"), ("mj-raw", "1", "67")],
        ),
        (
            "{% if wide %}<mj-section>{% else %}<mj-group>{% endif %}",
            [("mj-section", "1", "14"), ("mj-group", "1", "36")],
        ),
        ("<mjmlx><mj><p>", []),
    ],
)
def test_each_tag_is_marked_with_the_line_and_column_of_its_first_character(source, expected):
    assert marks(source) == expected


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=200)
def test_marking_only_adds_marks_and_never_a_line_and_a_second_time_nothing(source):
    marked = mark(source, "templates/a.mjml.j2")
    assert re.sub(rf' {ORIGIN}="templates/a\.mjml\.j2:\d+:\d+"', "", marked) == source
    assert marked.count("\n") == source.count("\n")
    assert mark(marked, "templates/b.mjml.j2") == marked


@pytest.mark.parametrize("path", ['odd "name".j2', "a&b's<c>.j2", "{{x}}{%y%}.j2", "a:1:2.j2"])
def test_an_odd_path_survives_jinja_and_comes_back_from_check(path):
    source = "<mjml>\n <mj-body>\n  <mj-tex></mj-tex></mj-body></mjml>"
    assembled = jinja2.Template(mark(source, path)).render()
    (finding,) = check(assembled, path="assembled")
    assert (finding.place.path, finding.place.line, finding.column, finding.code) == (path, 3, 3, "MJ001")


def test_after_layout_include_and_macro_a_problem_is_placed_where_its_author_wrote_it():
    authored = {
        "layout": "<mjml>\n<mj-body>{% block body %}{% endblock %}{% include 'foot' %}</mj-body></mjml>",
        "foot": "\n\n  <mj-section><mj-column><mj-text colour='red'>x</mj-text></mj-column></mj-section>",
        "blocks": "{% macro card(t) %}\n<mj-section><mj-column><mj-buton>{{ t }}</mj-buton></mj-column></mj-section>{% endmacro %}",
        "mail": "{% extends 'layout' %}{% import 'blocks' as b %}{% block body %}\n\n\n{{ b.card('x') }}<mj-text>y</mj-text>{% endblock %}",
    }
    loader = jinja2.DictLoader({name: mark(source, f"{name}.j2") for name, source in authored.items()})
    assembled = jinja2.Environment(loader=loader).get_template("mail").render()
    assert [(str(each.place), each.column, each.code) for each in check(assembled, path="mail")] == [
        ("blocks.j2:2", 24, "MJ001"),
        ("mail.j2:4", 18, "MJ004"),
        ("foot.j2:3", 26, "MJ002"),
    ]


@pytest.mark.parametrize(
    "piece",
    [
        "<mj-text>",
        "{#",
        "{%",
        "{{",
        '"',
        "<!--",
        "<a '",
        "{% raw %}",
        "<a {",
        '{{ "',
        "\\'",
        "<mj-text a=\"{{'",
    ],
)
def test_a_large_template_of_any_one_piece_is_marked_without_trouble(piece):
    source = piece * 20_000
    assert mark(source, "x").count(ORIGIN) <= 20_000
