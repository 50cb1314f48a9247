"""Merge spots: typed places for a person's values, found once at compile time and filled per person.

While a mail is compiled, a spot is a sentinel: a word that Jinja, Markdown, MJML, CSS and addresses all leave
alone. Afterwards the compiled text is split at the sentinels, and each spot gets the escape of its place.

Nothing compiles after the merge. That is why template and provider syntax inside a value (`{{ x }}`,
`{% x %}`, `*|X|*`, `%recipient.x%`) needs no escape: nobody reads it as an instruction any more.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from urllib.parse import quote

from funnel.errors import ContentError, Refused
from funnel.model import Context, Merged, MergeSpot, Place

FIELDS: frozenset[str] = frozenset(
    {
        "person.first_name",
        "person.email",
        "link.unsubscribe",
        "link.preferences",
        "link.ebook",
        "link.inquiry",
        "link.browser",
        "link.confirm",
    }
)

#: The longest value in characters. No address (254) and no link that fits a header line (998) is longer.
LONGEST = 1_000
LONGEST_IN_HEADER = 100  #: a subject or display name is one short line

# --- values -------------------------------------------------------------------------------------------------

_LINE_BREAKS_AND_CONTROLS = (*range(0x01, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
_NUL_AND_BIDI = (0x00, 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_REPAIRS: Mapping[int, str | None] = {
    **dict.fromkeys(_LINE_BREAKS_AND_CONTROLS, " "),
    **dict.fromkeys(_NUL_AND_BIDI),
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),
}


def one_line(text: str) -> str:
    """Make one visible line of any text.

    Control characters and every kind of line break become a space, NUL and bidi controls go, lone surrogates
    become U+FFFD. Joiners stay: names need them.
    """
    # A printable string holds no control, bidi, separator or surrogate character.
    return text if text.isprintable() else text.translate(_REPAIRS)


def clean(value: str, context: Context) -> str:
    """Make one visible line of a value that somebody typed, without spaces around it.

    Cut at LONGEST characters; in a header at LONGEST_IN_HEADER. Cleaning twice changes nothing more.
    """
    longest = LONGEST_IN_HEADER if context is Context.HEADER else LONGEST
    return one_line(value).strip()[:longest].rstrip()


def escape(value: str, context: Context) -> str:
    """Clean a value, then escape it for the one place where it will stand.

    A header value stays readable text: `message` encodes the whole subject at once, so that nothing in it can
    pass for an encoded word (RFC 2047).
    """
    cleaned = clean(value, context)
    match context:
        case Context.HTML | Context.ATTRIBUTE:
            return html.escape(cleaned, quote=True)
        case Context.URL:
            return quote(cleaned, safe="")
        case Context.TEXT | Context.HEADER:
            return cleaned


def filled(spot: MergeSpot, values: Mapping[str, str]) -> str:
    """Return what stands at a spot: the value, else the fallback, else nothing, escaped for its place.

    Raises Refused for a link that would have to be cut.
    """
    value = values.get(spot.field, "")
    if len(value) > LONGEST and spot.field.startswith("link."):
        raise Refused(f"{spot.field} is longer than {LONGEST} characters; a link that is cut leads nowhere")
    return escape(value, spot.context) or escape(spot.fallback or "", spot.context)


def fill(merged: Merged, values: Mapping[str, str]) -> str:
    """Join literals with one person's values. A spot with neither value nor fallback stays empty."""
    return "".join(piece if isinstance(piece, str) else filled(piece, values) for piece in merged)


# --- where a spot stands in HTML ----------------------------------------------------------------------------

_SENTINEL = re.compile(r"xmrg(\d{4})x")
#: Also finds what a filter that cuts or upper-cases left of a sentinel.
_LOOKALIKE = re.compile(r"xmrg\d", re.IGNORECASE)
_MOST_SPOTS = 9_999

_ATTRIBUTE = (
    r"""(?P<name>[^\s"'<>/=]++)"""
    r"""(?:\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|[^\s"'=<>`]++))?"""
)
_UNNAMED_ATTRIBUTE = re.sub(r"\?P<\w+>", "?:", _ATTRIBUTE)
_MARKUP = re.compile(
    rf"""
      (?P<comment> <!-- (?: -?> | .*? (?: --!?> | \Z ) ) )
    | < (?P<tag> /? [a-zA-Z][^\s/>]*+ ) (?P<attributes> (?: [\s/]*+ {_UNNAMED_ATTRIBUTE} )*+ ) [\s/]*+ >
    | (?P<declaration> <[!?] [^>]*+ >? )
    | (?P<broken> < [a-zA-Z/] [^<]*+ )
    """,
    re.DOTALL | re.VERBOSE,
)
_ATTRIBUTES = re.compile(_ATTRIBUTE)

_UNREADABLE = frozenset(
    {"iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "template", "xmp"}
)
_ADDRESSES = frozenset({"action", "background", "cite", "data", "formaction", "href", "ping", "poster"}) | {
    "src",
    "srcset",
    "xlink:href",
}

_Found = tuple[re.Match[str], Context | str]  #: a sentinel, and its context or why it must not stand there


def _regions(source: str) -> Iterator[tuple[int, int, re.Match[str] | str | None]]:
    """Cover the source in order: None is text, a match is markup, a name is the inside of a raw element."""
    at = 0
    while markup := _MARKUP.search(source, at):
        yield at, markup.start(), None
        yield markup.start(), markup.end(), markup
        at = markup.end()
        tag = (markup["tag"] or "").lower()
        if tag in _UNREADABLE:
            closing = re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE).search(source, at)
            end = closing.start() if closing else len(source)
            yield at, end, tag
            at = end
    yield at, len(source), None


def _spots_in_html(source: str, fields: Mapping[str, str]) -> Iterator[_Found]:
    for start, end, region in _regions(source):
        for sentinel in _SENTINEL.finditer(source, start, end):
            match region:
                case None:
                    yield sentinel, Context.HTML
                case str():
                    yield sentinel, f"inside <{region}>"
                case _:
                    yield sentinel, _in_markup(sentinel, region, fields.get(sentinel[0], ""))


def _in_markup(sentinel: re.Match[str], markup: re.Match[str], field: str) -> Context | str:
    if markup["tag"] is None:
        return f"in a {'piece of broken markup' if markup['broken'] else markup.lastgroup}"
    for attribute in _ATTRIBUTES.finditer(sentinel.string, *markup.span("attributes")):
        if attribute.start() <= sentinel.start() < attribute.end():
            return _in_attribute(sentinel, attribute, field)
    return "in the name of a tag"


def _in_attribute(sentinel: re.Match[str], attribute: re.Match[str], field: str) -> Context | str:
    name = attribute["name"].lower()
    value_at = max(attribute.start("double"), attribute.start("single"))
    if sentinel.start() < attribute.end("name"):
        return "in the name of an attribute"
    if value_at < 0:
        return f"in the unquoted attribute `{name}`"
    if name in ("style", "srcdoc") or name.startswith("on"):
        return f"in the attribute `{name}`"
    if name not in _ADDRESSES:
        return Context.ATTRIBUTE
    # A link of ours that opens the address is the address. All else is a part, which must not redirect it.
    opens = not sentinel.string[value_at : sentinel.start()].strip()
    return Context.ATTRIBUTE if opens and field.startswith("link.") else Context.URL


# --- where a spot stands in text ----------------------------------------------------------------------------

_ADDRESS_BEFORE = re.compile(r"(?:https?://|mailto:)[^\s<>\"]*\Z")


def _spots_in_text(source: str) -> Iterator[_Found]:
    """Yield each spot of the text part. Inside an address it is escaped as in the HTML part's link."""
    for sentinel in _SENTINEL.finditer(source):
        line_start = source.rfind("\n", 0, sentinel.start()) + 1
        inside = _ADDRESS_BEFORE.search(source[line_start : sentinel.start()])
        yield sentinel, Context.URL if inside else Context.TEXT


# --- the registry -------------------------------------------------------------------------------------------


class Spots:
    """The spots of one compile: hands out sentinels, then finds out where each one came to stand.

    `place` opens the message of every error. One object serves one email in one variant.
    """

    __slots__ = ("_issued", "_placed", "_where")

    def __init__(self, place: Place | None = None) -> None:
        self._where = f"{place}: " if place else ""
        self._issued: dict[str, tuple[str, str | None]] = {}
        self._placed: set[str] = set()

    def token(self, field: str, fallback: str | None = None) -> str:
        """Return a new sentinel for one spot; two calls give two.

        Ask only for a spot that will be printed: `check` takes one that never arrives for a lost one.
        Raises ContentError for a field that does not exist.
        """
        if field not in FIELDS:
            near = get_close_matches(field, sorted(FIELDS), 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(FIELDS))}"
            raise ContentError(f"{self._where}there is no merge field {field}", hint=hint)
        if len(self._issued) == _MOST_SPOTS:
            raise ContentError(f"{self._where}one mail holds at most {_MOST_SPOTS} merge spots")
        self.guard(fallback or "")
        sentinel = f"xmrg{len(self._issued):04}x"
        self._issued[sentinel] = (field, fallback)
        return sentinel

    def guard(self, source: str) -> None:
        """Refuse text that could be mistaken for a sentinel: for what people wrote, before it is compiled."""
        if found := _LOOKALIKE.search(source):
            raise ContentError(
                f"{self._where}the text {found[0]!r} looks like a mark that funnel uses while it compiles",
                hint="write it another way",
            )

    def split_html(self, source: str) -> Merged:
        """Split compiled HTML at its spots and give each its context.

        Raises ContentError for a spot where no escape is safe: in a comment, a style or script, the name of a
        tag or attribute, an unquoted attribute, an event handler.
        """
        fields = {sentinel: field for sentinel, (field, _) in self._issued.items()}
        return self._split(source, _spots_in_html(source, fields))

    def split_text(self, source: str) -> Merged:
        """Split the plain text part at its spots."""
        return self._split(source, _spots_in_text(source))

    def split_header(self, source: str) -> Merged:
        """Split a subject at its spots."""
        return self._split(source, ((sentinel, Context.HEADER) for sentinel in _SENTINEL.finditer(source)))

    def check(self, *parts: Merged) -> None:
        """Prove that every sentinel handed out came back from a split, and that no literal holds one."""
        for literal in (piece for part in parts for piece in part if isinstance(piece, str)):
            if found := _LOOKALIKE.search(literal):
                raise ContentError(
                    f"{self._where}a merge spot was changed on its way into the mail ({found[0]!r} is left)",
                    hint="use no filter but fallback on person.* and link.*",
                )
        lost = [sentinel for sentinel in self._issued if sentinel not in self._placed]
        if lost:
            raise ContentError(
                f"{self._where}{self._issued[lost[0]][0]} was used, but is nowhere in the compiled mail",
                hint="print person.* and link.* as they are; do not test, cut or compare them",
            )

    def _split(self, source: str, found: Iterable[_Found]) -> Merged:
        pieces: list[str | MergeSpot] = []
        at = 0
        for sentinel, context in found:
            pieces += [source[at : sentinel.start()], self._spot(sentinel[0], context)]
            at = sentinel.end()
        pieces.append(source[at:])
        return tuple(piece for piece in pieces if piece)

    def _spot(self, sentinel: str, context: Context | str) -> MergeSpot:
        if sentinel not in self._issued:
            raise ContentError(f"{self._where}the mark {sentinel!r} is not from this mail")
        field, fallback = self._issued[sentinel]
        if not isinstance(context, Context):
            raise ContentError(
                f"{self._where}{field} stands {context}, where no value is safe",
                hint="put it between tags, or inside a quoted attribute",
            )
        self._placed.add(sentinel)
        return MergeSpot(field, context, fallback)
