"""Turn Markdown into HTML for the mail's design and into text for its plain part, from the same tokens."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

WIDTH = 72  #: columns of the plain part


@dataclass(frozen=True, slots=True)
class Words:
    """One piece of writing in both forms. `html` is closed and escaped; raw HTML in the source is shown as text."""

    html: str
    text: str


@lru_cache(maxsize=512)  # the small fixed texts stand in every mail
def convert(source: str) -> Words:
    """Convert Markdown (CommonMark and tables) to both forms."""
    parser = _parser()
    tokens = parser.parse(source)
    html: str = parser.renderer.render(tokens, parser.options, {})
    return Words(html=html, text=_text(tokens))


@lru_cache(maxsize=512)
def plain(source: str) -> str:
    """Convert Markdown to its bare words: no links' addresses, one line a block. For sign-off and counting."""
    lines = (" ".join(block.split()) for block in _text(_parser().parse(source), links=False).split("\n\n"))
    return "\n".join(lines)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "xhtmlOut": True}).enable(["table", "strikethrough"])


def _text(tokens: list[Token], *, links: bool = True) -> str:
    from markdown_it.tree import SyntaxTreeNode

    tree = SyntaxTreeNode(tokens)
    return _Text(links=links).blocks(tree.children, indent="")


class _Text:
    """Writes a token tree as plain text: headings underlined, lists indented, links followed by their address."""

    def __init__(self, *, links: bool) -> None:
        self._links = links

    def blocks(self, nodes: list[SyntaxTreeNode], *, indent: str, gap: str = "\n\n") -> str:
        return gap.join(filter(None, (self._block(node, indent) for node in nodes)))

    def _block(self, node: SyntaxTreeNode, indent: str) -> str:
        match node.type:
            case "heading":
                return self._heading(self._inline(node.children[0]), node.tag, indent)
            case "paragraph":
                return self._wrap(self._inline(node.children[0]), indent)
            case "bullet_list" | "ordered_list":
                return self._list(node, indent)
            case "blockquote":
                quoted = self.blocks(node.children, indent="")
                return "\n".join(f"{indent}> {line}".rstrip() for line in quoted.split("\n"))
            case "fence" | "code_block":
                return textwrap.indent(node.content.rstrip("\n"), indent + "    ")
            case "hr":
                return indent + "* * *"
            case "table":
                return self._table(node, indent)
            case _:
                return self.blocks(node.children, indent=indent)

    def _heading(self, words: str, tag: str, indent: str) -> str:
        rule = "=" if tag == "h1" else "-"
        return f"{indent}{words}\n{indent}{rule * min(len(words), WIDTH)}"

    def _wrap(self, words: str, indent: str) -> str:
        return "\n".join(
            textwrap.fill(
                line,
                WIDTH,
                initial_indent=indent,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
            for line in words.split("\n")
        )

    def _list(self, node: SyntaxTreeNode, indent: str) -> str:
        start = int(str(node.attrs.get("start", 1)))
        items = []
        for number, item in enumerate(node.children, start=start):
            mark = f"{number}. " if node.type == "ordered_list" else "- "
            inside = self.blocks(item.children, indent=indent + " " * len(mark), gap="\n")
            items.append((indent + mark + inside.removeprefix(indent + " " * len(mark))).rstrip())
        return "\n".join(items)

    def _table(self, node: SyntaxTreeNode, indent: str) -> str:
        rows = [row for section in node.children for row in section.children]
        return "\n".join(indent + " | ".join(self._inline(cell.children[0]) for cell in row.children) for row in rows)

    def _inline(self, node: SyntaxTreeNode) -> str:
        return "".join(self._piece(child) for child in node.children)

    def _piece(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "text" | "code_inline":
                return node.content
            case "softbreak":
                return " "
            case "hardbreak":
                return "\n"
            case "image":
                return f"[{node.content}]" if node.content else ""
            case "link":
                return self._link(self._inline(node), str(node.attrs["href"]))
            case "strong":
                return f"*{self._inline(node)}*"
            case _:
                return self._inline(node)

    def _link(self, words: str, address: str) -> str:
        if not self._links or words == address:
            return words
        return f"{words} <{address}>"
