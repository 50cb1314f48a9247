r"""Rewrite checked MJML so that mrml 6.0.1 gives the same mail as npm's mjml 4.

Four of its defects are met here:

- D1: it prints attribute values, and the title where it becomes an attribute, with Rust's escapes (`\n`,
  `\u{a0}`, `\"`, which breaks the tag). Entities pass through, so those characters become entities.
- D2: a bare 0 in a padding loses the width for Outlook. It becomes 0px.
- D3: an image without alt gets none, where npm writes an empty one. So do we.
- D11: of an attribute written twice the last wins, with npm the first. Only the first is kept.
- It panics at a `>` in text that stands within two bytes of a character beyond ASCII ("café >"). In HTML
  it becomes `&gt;`; in a style sheet, where that would be wrong, it moves two spaces away.
- It stops at white space that does not begin with a line feed (a blank, Windows' line ends) in mj-head,
  mj-attributes and mj-social. Between components, white space becomes one line feed.
- It stops at a second attribute on mj-raw, of which it uses none. They are dropped.
"""

from __future__ import annotations

import re

from funnel.mjml.origin import ORIGIN
from funnel.mjml.tokens import SPACE, Attribute, Kind, Token, is_component, read, remembered, split

_SAFE = re.compile(r"[ !#-\[\]-~]*+")  # printable ASCII, but for the quote and the backslash
_UNSAFE = re.compile(r"[^ !#-\[\]-~]")
_SPACES = re.compile(r"[ \t\r\n]++")
_BARE_ZERO = re.compile(r"(?<![\w.%-])0(?![\w.%-])")
_MARK = re.compile(rf"\s{ORIGIN}=\"[^\"]*+\"")
_SHOWS_ALT = frozenset({"mj-image", "mj-carousel-image", "mj-social-element"})
#: Here a line break is part of what was written; in other MJML attributes it only separates words.
_PROSE = frozenset({"alt", "title", "href", "src", "name", "thumbnails-src"})
_NO_ALT = ('alt=""',)
_TITLE = "<mj-title"
_NOT_HTML = ("<mj", "</mj", "<!--")
_STYLES = ("<mj-style", "<style")
_PANICS = re.compile(r"([^\x00-\x7f][\x00-\x7f]?)>")


def prepare(source: str) -> str:
    """Return MJML that the engine renders faithfully, without marks; a second call changes nothing.

    Tags that cannot be read stay as they are, but for their mark. Linear in the length of `source`.
    """
    return "".join(rewrite_pieces(source, split(source)))


def rewrite_pieces(source: str, pieces: list[str]) -> list[str]:
    """Return the pieces that `tokens.split` made of `source`, each prepared."""
    pieces = pieces.copy()
    rewrite = _rewrite_plainly if _sets_alt(source) else _rewrite
    for index in range(1, len(pieces), 2):
        tag, text = pieces[index], pieces[index + 1]
        pieces[index] = rewrite(tag)
        if text and (text[0] in " \t\r" or not text.isascii() or tag.startswith(_TITLE)):
            following = pieces[index + 2] if index + 2 < len(pieces) else ""
            pieces[index + 1] = _rewrite_text(text, tag, following)
    return pieces


def _rewrite_text(text: str, tag: str, following: str) -> str:
    if tag.startswith(_TITLE):
        return _escape(_SPACES.sub(" ", text))
    if text.isspace() and tag.startswith(_NOT_HTML) and following.startswith(_NOT_HTML):
        return text if text.strip(SPACE) else "\n"
    return _PANICS.sub(r"\1  >" if tag.startswith(_STYLES) else r"\1&gt;", text)


def _sets_alt(source: str) -> bool:
    """Tell whether mj-attributes gives images an alt, which an empty one of ours would hide."""
    start = source.find("<mj-attributes")
    if start < 0:
        return False
    return " alt" in source[start : source.rfind("</mj-attributes")]


@remembered
def _rewrite(text: str) -> str:
    """Rewrite one token; an image without alt gets an empty one."""
    token = read(text)
    lacks_alt = token.name in _SHOWS_ALT and all(each.name != "alt" for each in token.attributes)
    return _rewritten(text, token, _NO_ALT if lacks_alt else ())


@remembered
def _rewrite_plainly(text: str) -> str:
    return _rewritten(text, read(text))


def _rewritten(text: str, token: Token, added: tuple[str, ...] = ()) -> str:
    unreadable = any(each.code != "MJ007" for each in token.faults)  # MJ007: an attribute written twice
    if unreadable or token.kind not in (Kind.OPEN, Kind.EMPTY):
        return _MARK.sub("", text) if ORIGIN in text else text
    component = is_component(token.name)
    first = {each.name: each for each in reversed(token.attributes)}
    kept = () if token.name == "mj-raw" else token.attributes  # two on mj-raw stop the engine; it uses none
    written = [_write(each, component) for each in kept if first[each.name] is each]
    return f"<{' '.join((token.name, *written, *added))}{'/>' if text.endswith('/>') else '>'}"


def _write(attribute: Attribute, component: bool) -> str:
    name, value, _ = attribute
    if value is None:
        return name
    if component and "padding" in name:
        value = _BARE_ZERO.sub("0px", value)
    if _SAFE.fullmatch(value):
        return f'{name}="{value}"'
    if component and name not in _PROSE:
        value = _SPACES.sub(" ", value).strip()
    value = _escape(value.replace("\r\n", "\n"))
    return f'{name}="{value}"'


def _escape(value: str) -> str:
    """Write every character that Rust could escape as an entity, which it passes through."""
    return _UNSAFE.sub(lambda found: f"&#x{ord(found[0]):x};", value)
