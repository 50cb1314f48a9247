"""Walk the tree of a document once and say what stands where it must not."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import NamedTuple

from funnel.mjml.attributes import judge, value_of
from funnel.mjml.origin import Origin
from funnel.mjml.tokens import SPACE, Kind, Problem, Token, fault, is_component
from funnel.mjml.vocabulary import HTML, REFUSED, UNKNOWN, Content, Element, vocabulary
from funnel.model import Severity

MAX_DEPTH = 60  #: the engine dies near 9,000; mail programs give up far earlier
MAX_FINDINGS = 100
_ALIKE = 0.75
_COUNTED = frozenset({"mjml", "mj-body", "mj-image", "mj-all", "mj-class"})


class Found(NamedTuple):
    """A problem in one piece of the document, by its number; `origin` is the nearest mark around it."""

    piece: int
    problem: Problem
    origin: Origin | None = None


class _Open(NamedTuple):
    piece: int
    name: str
    element: Element
    origin: Origin | None


def walk(pieces: list[str]) -> list[Found]:
    """Return what is wrong with a document that `tokens.split` cut up, at most about a hundred problems."""
    tree = _Tree()
    for index in range(1, len(pieces), 2):
        before = pieces[index - 1]
        if before and tree.top.element.is_blank and before.strip(SPACE):
            tree.stray_text(index - 1, before)
        token, problems = judge(pieces[index])
        for problem in problems:
            tree.add(index, problem, token.origin)
        tree.take(index, token)
        if tree.is_hopeless:
            return tree.found
    last = len(pieces) - 1
    if pieces[last].strip(SPACE) and tree.top.element.is_blank:
        tree.stray_text(last, pieces[last])
    tree.finish()
    return tree.found


class _Tree:
    """The elements that are open, and what was found so far."""

    def __init__(self) -> None:
        self.stack = [_Open(0, "", vocabulary().root, None)]
        self.top = self.stack[0]
        self.found: list[Found] = []
        self.is_hopeless = False
        self._root: _Open | None = None
        self._bodies = 0
        self._condition: Found | None = None
        self._alt_by_default = False

    def add(self, index: int, problem: Problem, origin: Origin | None = None) -> None:
        self.found.append(Found(index, problem, origin or self.top.origin))
        self.is_hopeless = self.is_hopeless or len(self.found) >= MAX_FINDINGS

    def take(self, index: int, token: Token) -> None:
        kind = token.kind  # compared by identity: this runs for every tag of every mail
        if kind is Kind.OPEN or kind is Kind.EMPTY:
            self._open(index, token)
        elif kind is Kind.CLOSE:
            self._close(index, token.name)
        elif kind is Kind.CONDITION:
            self._take_condition(index, token.name)
        elif kind is Kind.COMMENT and not self.top.element.takes_comments:
            message = f"<{self.top.name}> cannot hold a comment: the compiler stops there"
            self.add(index, fault("MJ016", message, "move it in front of the element"))

    def stray_text(self, index: int, text: str) -> None:
        words = " ".join(text.split())[:30] or "a space of another kind"
        at = len(text) - len(text.lstrip(SPACE))
        if len(self.stack) == 1:
            message, hint = f'the text "{words}" stands outside <mjml>', "take it out"
        elif self.top.element.content is Content.NOTHING:
            message, hint = f'<{self.top.name}> cannot hold the text "{words}"', "put it into an mj-text"
        else:
            message = f'the text "{words}" stands in <{self.top.name}>, where only components may stand'
            hint = "wrap it in mj-text, or in mj-raw if it is HTML"
        self.add(index, fault("MJ006", message, hint, at))

    def finish(self) -> None:
        for left in reversed(self.stack[1:]):
            self._report_unclosed(left)
        if self._condition:
            self.found.append(self._condition)
        if self._root is None:
            self.found.append(Found(0, fault("MJ009", "this is not MJML: it has no <mjml>")))
        elif not self._bodies:
            message = "this mail has no mj-body"
            self.found.append(Found(self._root.piece, fault("MJ009", message), self._root.origin))

    def _open(self, index: int, token: Token) -> None:
        name, parent = token.name, self.top.element
        element = parent.children.get(name)
        if element is None:
            is_html = parent.content is Content.HTML and not is_component(name)
            element = HTML if is_html else self._stranger(index, token)
        if name in _COUNTED:
            self._count(index, token)
        opened = _Open(index, name, element, token.origin or self.top.origin)
        if name == "mjml" and self._root is None:
            self._root = opened
        if token.kind is Kind.OPEN:
            self._push(opened)

    def _stranger(self, index: int, token: Token) -> Element:
        """Report an element that its parent does not expect, and return the rules for what it holds."""
        element = self._element(token.name)
        problem = self._misplaced(token.name, element)
        if problem:
            self.add(index, problem, token.origin)
        return element

    def _push(self, opened: _Open) -> None:
        self.stack.append(opened)
        self.top = opened
        if len(self.stack) > MAX_DEPTH + 1:
            message = f"<{opened.name}> is the {MAX_DEPTH + 1}st element inside one another"
            self.add(opened.piece, fault("MJ010", message, f"{MAX_DEPTH} is the most; flatten the layout"))
            self.is_hopeless = True

    def _element(self, name: str) -> Element:
        if self.top.element is UNKNOWN or name in REFUSED:
            return UNKNOWN
        if is_component(name):
            return vocabulary().elements.get(name, UNKNOWN)
        return HTML

    def _count(self, index: int, token: Token) -> None:
        """Report what a document has only once, and images that say nothing."""
        if self.top.name == "mj-attributes":
            self._alt_by_default = self._alt_by_default or value_of(token, "alt") is not None
        elif token.name == "mj-image" and not self._alt_by_default and value_of(token, "alt") is None:
            self.add(index, _no_alt(), token.origin)
        elif token.name == "mj-body":
            self._bodies += 1
            if self._bodies > 1:
                self.add(index, fault("MJ009", "this mail has a second mj-body", "keep one"), token.origin)
        elif token.name == "mjml" and self._root:
            self.add(index, fault("MJ009", "this mail has a second <mjml>", "keep one"), token.origin)

    def _misplaced(self, name: str, element: Element) -> Problem | None:
        parent = self.top
        if parent.element is UNKNOWN:
            return None
        if name == "mj-include":
            return fault("MJ008", "mj-include is not read here", 'write {% include "blocks/....mjml.j2" %}')
        if name in REFUSED:
            return fault("MJ012", f"our compiler does not know {name} and stops there", "take it out")
        if element is UNKNOWN:
            near = vocabulary().nearest(name)
            return fault("MJ001", f"there is no <{name}> in MJML", f"did you mean <{near}>?" if near else "")
        if parent.name == "mj-class":
            hint = "write the attributes on mj-class itself"
            return fault("MJ012", f"<{name}> stands in mj-class: our compiler stops there", hint)
        return _judge_parent(name, element, parent)

    def _close(self, index: int, name: str) -> None:
        if self.top.name == name or (self.top.element is HTML and self.top.name.lower() == name.lower()):
            self._pop()
            return
        reach = self._reach(name)
        if reach:
            for left in reversed(self.stack[reach + 1 :]):
                self._report_unclosed(left)
            del self.stack[reach:]
            self.top = self.stack[-1]
            return
        self._report_stray_close(index, name)

    def _reach(self, name: str) -> int:
        """Return how deep in the stack the element lies that `name` closes; 0 when there is none."""
        for depth in range(len(self.stack) - 1, 0, -1):
            open_name = self.stack[depth].name
            if open_name == name:
                return depth
            if is_component(open_name) and not is_component(name):
                return 0
        return 0

    def _report_stray_close(self, index: int, name: str) -> None:
        if len(self.stack) == 1:
            self.add(index, fault("MJ005", f"</{name}> closes nothing", "take it out"))
            return
        open_name = self.top.name
        message = f"</{name}> closes nothing: <{open_name}> is open"
        self.add(index, fault("MJ005", message, f"write </{open_name}>"))
        if SequenceMatcher(None, name, open_name).ratio() >= _ALIKE:
            self._pop()

    def _report_unclosed(self, left: _Open) -> None:
        problem = fault("MJ005", f"<{left.name}> is never closed", f"add </{left.name}>")
        self.found.append(Found(left.piece, problem, left.origin))

    def _pop(self) -> None:
        self.stack.pop()
        self.top = self.stack[-1]

    def _take_condition(self, index: int, name: str) -> None:
        holder = next(each for each in reversed(self.stack) if each.element is not HTML)
        if not holder.element.takes_conditions:
            where = f"in {_named(holder)}"
            hint = "write it inside an mj-raw"
            self.add(index, fault("MJ016", f"a conditional comment {where} stops the compiler", hint))
        is_open = self._condition is not None
        if (name == "if") == is_open:
            wrong = "opens inside another" if is_open else "closes nothing"
            self.add(index, fault("MJ005", f"a conditional comment {wrong}"))
        unclosed = fault("MJ005", "a conditional comment is never closed", "add <![endif]-->")
        self._condition = Found(index, unclosed, self.top.origin) if name == "if" else None


def _judge_parent(name: str, element: Element, parent: _Open) -> Problem:
    match parent.element.content:
        case Content.TEXT:
            hint = "write &lt; for a less-than sign"
            return fault("MJ016", f"<{parent.name}> holds plain text, no <{name}>", hint)
        case Content.COMPONENTS if element is HTML:
            near = vocabulary().nearest(name)
            hint = f"did you mean <{near}>?" if near else "put HTML into mj-text or mj-raw"
            where = f"in {_named(parent)}, where only components may"
            return fault("MJ004", f"<{name}> is HTML and stands {where}", hint)
    homes = ", ".join(sorted(element.parents)) or "no other element"
    return fault("MJ004", f"<{name}> cannot stand in {_named(parent)}", f"it stands in {homes}")


def _named(parent: _Open) -> str:
    return f"<{parent.name}>" if parent.name else "the document itself"


def _no_alt() -> Problem:
    hint = 'say what it shows, or write alt="" if it only decorates'
    return Problem("MJ014", Severity.WARNING, "this image has no alt text", hint)
