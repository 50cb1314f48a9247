"""Markdown in both forms: the words, the links and their order are the same in HTML and in text."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel.markdown import WIDTH, convert, plain

CASES = [
    ("Hello *you* and **me**", "<p>Hello <em>you</em> and <strong>me</strong></p>\n", "Hello you and *me*"),
    ("one\ntwo", "<p>one\ntwo</p>\n", "one two"),
    ("one  \ntwo", "<p>one<br />\ntwo</p>\n", "one\ntwo"),
    ("# Top", "<h1>Top</h1>\n", "Top\n==="),
    ("## Next", "<h2>Next</h2>\n", "Next\n----"),
    ("[here](https://example.com/a)", '<p><a href="https://example.com/a">here</a></p>\n', "here <https://example.com/a>"),
    ("<https://example.com/a>", '<p><a href="https://example.com/a">https://example.com/a</a></p>\n', "https://example.com/a"),
    ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n", "- a\n- b"),
    ("9. a\n10. b", '<ol start="9">\n<li>a</li>\n<li>b</li>\n</ol>\n', "9. a\n10. b"),
    ("- a\n  - b", "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>\n", "- a\n  - b"),
    ("-\n- b", "<ul>\n<li></li>\n<li>b</li>\n</ul>\n", "-\n- b"),
    ("> said\n>\n> twice", "<blockquote>\n<p>said</p>\n<p>twice</p>\n</blockquote>\n", "> said\n>\n> twice"),
    ("---", "<hr />\n", "* * *"),
    ("`a < b`", "<p><code>a &lt; b</code></p>\n", "a < b"),
    ("    code", "<pre><code>code\n</code></pre>\n", "    code"),
    ("![a runner](https://example.com/p.png)", '<p><img src="https://example.com/p.png" alt="a runner" /></p>\n', "[a runner]"),
    ("![](https://example.com/p.png)", '<p><img src="https://example.com/p.png" alt="" /></p>\n', ""),
    ("<b>raw</b>", "<p>&lt;b&gt;raw&lt;/b&gt;</p>\n", "<b>raw</b>"),
    ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>\n", "[x](javascript:alert)"),
    ("~~gone~~", "<p><s>gone</s></p>\n", "gone"),
    ("", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("source", "html", "text"), CASES)
def test_a_piece_of_writing_has_both_forms(source: str, html: str, text: str) -> None:
    words = convert(source)
    assert words.html == html
    assert words.text == text


def test_a_table_is_read_row_by_row() -> None:
    assert convert("| a | b |\n|---|---|\n| 1 | 2 |").text == "a | b\n1 | 2"


def test_long_lines_are_folded_and_long_addresses_are_not() -> None:
    address = "https://example.com/" + "a" * 100
    text = convert(f"- {'word ' * 40}[here]({address})").text
    assert f"<{address}>" in text
    assert all(len(line) <= WIDTH for line in text.split("\n") if address not in line)
    assert all(line.startswith(("- ", "  ")) for line in text.split("\n"))


def test_the_bare_words_hold_no_address() -> None:
    assert plain("Read [this](https://example.com/a)\nnow.\n\nAnd *that*.") == "Read this now.\nAnd that."


source = st.text(alphabet="ab *_`#->[]()!<&\n\t1.|~\\:/", max_size=80)


@given(source)
def test_no_writing_breaks_out_of_its_place(written: str) -> None:
    html = convert(written).html
    tags = {tag.lower() for tag in re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", html)}
    assert tags <= {"p", "em", "strong", "a", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "br", "img", "s"} | {
        *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")
    }
    assert not re.search(r'(?:href|src)="(?:javascript|vbscript|data):', html)


@given(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), min_size=1, max_size=30))
def test_no_word_is_lost_in_either_form(words: list[str]) -> None:
    made = convert("\n\n".join(f"- {word}" for word in words))
    assert re.findall(r"[a-z]+", made.text) == words
    assert unescape(re.sub(r"<[^>]+>", " ", made.html)).split() == words
