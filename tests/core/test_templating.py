"""Jinja for authors: what works, what is refused, and that every mistake names the author's own line."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel.errors import ContentError
from funnel.sandbox import LONGEST
from funnel.templating import Templates

SOURCES = {
    "parts/fine.md": "fine\n",
    "parts/wrong.md": "one\ntwo {{ nobody }}\n",
    "parts/deep.md": 'a\n\n{% include "parts/wrong.md" %}',
    "parts/itself.md": '{% include "parts/itself.md" %}',
    "parts/open.md": "a\nb\n{% if x %}",
}
CONTEXT = {"name": "Ana", "count": 3, "links": {"article": "https://example.com/a"}}


def make(sources=SOURCES, *, escape=False) -> Templates:
    return Templates(
        sources, folder="content", escape=escape, filters={"fallback": lambda value, words: value or words}
    )


def write(text: str, **more: object) -> str:
    return make().write(text, {**CONTEXT, **more}, path="content/emails/x.md", line=10)


FINE = [
    ("Hi {{ name }}", "Hi Ana"),
    ("{% if count > 2 %}many{% else %}few{% endif %}", "many"),
    ("{% for n in range(3) %}{{ n }}{% endfor %}", "012"),
    ("{{ name ~ count }}", "Ana3"),
    ("{{ name|upper|replace('N', 'M') }}", "AMA"),
    ("{{ count * 2 + 1 }} {{ count % 2 }} {{ count ** 2 }}", "7 1 9"),
    ("{{ 'ab' * 3 + 'c' }}", "abababc"),
    ("{{ '' | fallback('there') }}", "there"),
    ('{% include "parts/fine.md" %}', "fine\n"),
    ("{{ links.article }}", "https://example.com/a"),
    ("\n\nfirst", "first"),
    ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(1) }}{{ m(2) }}", "<1><2>"),
]


@pytest.mark.parametrize(("source", "expected"), FINE)
def test_a_template_prints(source: str, expected: str) -> None:
    assert write(source) == expected


WRONG = [
    ("{{ nobody }}", "content/emails/x.md:10", "'nobody' is undefined", "known here"),
    ("\n\n{{ nmae }}", "content/emails/x.md:12", "'nmae' is undefined", "`name`"),
    ("{{ links.artcle }}", "content/emails/x.md:10", "has no attribute 'artcle'", "`article`"),
    ("a\n{% if name %}", "content/emails/x.md:11", "unexpected end of template", "never closed"),
    ("a\n{{ name", "content/emails/x.md:11", "unexpected end of template", "never closed"),
    ("{{ name }", "content/emails/x.md:10", "unexpected '}'", "braces"),
    ("{% fi name %}", "content/emails/x.md:10", "unknown tag 'fi'", "braces"),
    ("{% endif %}", "content/emails/x.md:10", "unknown tag 'endif'", "braces"),
    ("x\n{{ name | fallbak('a') }}", "content/emails/x.md:11", "no filter named 'fallbak'", "`fallback`"),
    ("{{ name is evn }}", "content/emails/x.md:10", "no test named 'evn'", "`even`"),
    ('\n{% include "parts/fin.md" %}', "content/emails/x.md:11", "there is no file `parts/fin.md` to include", "`parts/fine.md`"),
    ('{% include "parts/wrong.md" %}', "content/parts/wrong.md:2", "'nobody' is undefined", "known here"),
    ('{% include "parts/deep.md" %}', "content/parts/wrong.md:2", "'nobody' is undefined", "known here"),
    ('{% include "parts/open.md" %}', "content/parts/open.md:3", "unexpected end of template", "never closed"),
    ('{% include "parts/itself.md" %}', "content/parts/itself.md:1", "goes round in circles", "include itself"),
    ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "content/emails/x.md:10", "goes round in circles", "call itself"),
    ("{{ 1 / 0 }}", "content/emails/x.md:10", "division by zero", "expression"),
    ("{{ name + 1 }}", "content/emails/x.md:10", "", "expression"),
    ("{{ name() }}", "content/emails/x.md:10", "'str' object is not callable", "expression"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "place", "message", "hint"), WRONG)
def test_a_mistake_names_the_line_where_it_stands(source: str, place: str, message: str, hint: str) -> None:
    with pytest.raises(ContentError) as caught:
        write(source)
    assert caught.value.message.startswith(f"{place}: ")
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint


ESCAPES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ name.__init__.__globals__ }}",
    "{{ ''|attr('__class__') }}",
    "{{ self.__init__ }}",
    "{{ ().__class__.__bases__[0].__subclasses__() }}",
    "{{ '{0.__class__}'.format(name) }}",
    "{{ '%s' % name }}",
    "{{ links.update(article='x') }}",
    "{{ links.pop('article') }}",
    "{% for f in ''.__class__.__mro__ %}{% endfor %}",
    "{{ cycler.__init__.__globals__.os }}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_a_way_out_of_the_sandbox_is_refused(source: str) -> None:
    with pytest.raises(ContentError, match=r"^content/emails/x\.md:10: not allowed here: "):
        write(source)


HUGE = [
    "{{ 'a' * 10**9 }}",
    "{{ 10**9 * 'a' }}",
    "{{ [1] * 10**9 }}",
    "{{ 9**9**9 }}",
    "{{ 999999 * 999999 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 'a'.ljust(10**9) }}",
    "{{ 'a'.zfill(10**9) }}",
    "{{ 'a'|center(10**9) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ 'a'|indent(10**9) }}",
    "{{ ('a' * 999999)|replace('a', 'b' * 999999) }}",
    "{% for a in range(10**9) %}x{% endfor %}",
    "{% for a in range(100) %}{% for b in range(100) %}{{ 'x' * 1000 }}{% endfor %}{% endfor %}",
    "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 40,
    "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x + x %}" * 40,
    "{% set x %}aaaaaaaaaa{% endset %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 40,
    "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}{% set x = 'aaaaaaaaaa' %}" + "{% set x = m(x) %}" * 40,
]


@pytest.mark.parametrize("escape", [False, True])
@pytest.mark.parametrize("source", HUGE)
def test_what_would_fill_the_memory_is_refused(source: str, escape: bool) -> None:
    with pytest.raises(ContentError, match=r"^content/emails/x\.md:10: "):
        make(escape=escape).write(source, CONTEXT, path="content/emails/x.md", line=10)


def test_a_text_of_nearly_the_longest_length_is_still_written() -> None:
    assert len(write(f"{{{{ 'a' * {LONGEST - 100} }}}}")) == LONGEST - 100


@pytest.mark.parametrize("name", ["lipsum", "cycler", "joiner", "namespace", "dict"])
def test_nothing_random_or_lasting_is_at_hand(name: str) -> None:
    with pytest.raises(ContentError, match=f"'{name}' is undefined"):
        write(f"{{{{ {name}() }}}}")


def test_a_design_escapes_whatever_the_file_is_called() -> None:
    templates = make({"x.mjml.j2": "{{ name }} {{ 'a' ~ name }}"}, escape=True)
    assert templates.render("x.mjml.j2", {"name": "<b>"}) == "&lt;b&gt; a&lt;b&gt;"


def test_an_error_from_what_a_template_calls_gets_the_templates_line() -> None:
    def part(_name):
        raise ContentError("there is no content/parts/x.md", hint="add it")

    templates = make({"x.mjml.j2": '\n\n{{ part("x") }}'}, escape=True)
    with pytest.raises(ContentError, match=r"^content/x\.mjml\.j2:3: there is no content/parts/x\.md$") as caught:
        templates.render("x.mjml.j2", {"part": part})
    assert caught.value.hint == "add it"


def test_an_error_inside_an_error_keeps_its_own_line_only() -> None:
    inner = make()
    outer = make({"x.mjml.j2": '\n{{ part("parts/wrong.md") }}'}, escape=True)
    with pytest.raises(ContentError) as caught:
        outer.render("x.mjml.j2", {"part": lambda name: inner.render(name, {})})
    assert caught.value.message == "content/parts/wrong.md:2: 'nobody' is undefined"


@given(st.text(alphabet="{}%#| \nan.me'()[]~*+-0", max_size=40))
def test_any_text_is_written_or_refused_with_its_line(text: str) -> None:
    try:
        said = f"content/emails/x.md:10: {write(text)!r}"
    except ContentError as error:
        said = error.message
    assert re.match(r"content/emails/x\.md:(\d+): ", said)
    assert 10 <= int(re.match(r"content/emails/x\.md:(\d+): ", said)[1]) <= 11 + text.count("\n")
