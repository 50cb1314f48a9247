"""What MJML knows: components, their attributes and parents.

The facts stand in `components.json`: `allowedAttributes` and `dependencies` of npm's mjml-preset-core 4.18.0
(MIT), with what may stand inside each component, and which attributes have no effect, as mrml 6.0.1 behaves
(measured).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

#: Outlook's conditional comments stop the engine in every component but these.
_CONDITIONS_IN = frozenset(
    {"mj-text", "mj-raw", "mj-navbar-link", "mj-social-element", "mj-accordion-text"},
)
_NO_COMMENTS_IN = frozenset(
    {"mj-accordion", "mj-accordion-element", "mj-accordion-title", "mj-attributes", "mj-carousel"}
    | {"mj-style", "mj-title"},
)
#: What the engine has no notion of, and refuses.
REFUSED = frozenset({"mj-html-attributes", "mj-selector", "mj-html-attribute"})
_NOT_IN_ATTRIBUTES = frozenset({"mjml", "mj-head", *REFUSED})
_WHEREVER_SHOWN = {"mj-class": "string", "css-class": "string"}


class Content(StrEnum):
    """What may stand between an element's tags."""

    COMPONENTS = "components"
    HTML = "html"
    TEXT = "text"
    NOTHING = "nothing"
    ANYTHING = "anything"  #: inside a tag that nobody knows: one complaint is enough


@dataclass(frozen=True, slots=True)
class Element:
    """One element's rules. `attributes` maps a name to the kinds of value that it takes (any one of them)."""

    name: str
    content: Content
    parents: frozenset[str] = frozenset()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    takes_comments: bool = True
    takes_conditions: bool = True
    is_blank: bool = False  #: only white space may stand between its tags and those of its children
    children: Mapping[str, Element] = field(default_factory=dict)  #: the components that may stand in it


HTML = Element("", Content.HTML)  #: any HTML element; the engine copies it
UNKNOWN = Element("", Content.ANYTHING)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All elements by name, and the names of colors."""

    elements: Mapping[str, Element]
    colors: frozenset[str]
    root: Element  #: the document itself, which holds one mjml

    def nearest(self, name: str) -> str:
        """Return the component whose name is most like `name`, or an empty string."""
        wanted = name.lower().replace("_", "-")
        for guess in (wanted, f"mj-{wanted}", f"mj-{wanted.removeprefix('mj')}"):
            if guess in self.elements:
                return guess
        near = get_close_matches(wanted, self.elements, n=1, cutoff=0.7)
        return near[0] if near else ""


@cache
def vocabulary() -> Vocabulary:
    """Load the table, once."""
    table = json.loads(files("funnel.mjml").joinpath("components.json").read_text(encoding="utf-8"))
    elements = {name: _element(name, facts) for name, facts in table["components"].items()}
    every: dict[str, tuple[str, ...]] = {}
    for element in elements.values():
        for name, kinds in element.attributes.items():
            every[name] = tuple(dict.fromkeys((*every.get(name, ()), *kinds)))
    for name in ("mj-all", "mj-class"):  # they hold defaults for any component
        elements[name] = replace(elements[name], attributes=MappingProxyType(every))
    _link(elements)
    root = replace(UNKNOWN, content=Content.COMPONENTS, takes_conditions=False, is_blank=True)
    return Vocabulary(
        elements=MappingProxyType(elements),
        colors=frozenset(table["colors"].split()),
        root=replace(root, children={"mjml": elements["mjml"]}),
    )


def _link(elements: dict[str, Element]) -> None:
    """Give each element its children, from the leaves up."""
    defaults = {
        name: replace(element, content=Content.NOTHING, is_blank=True, takes_comments=False)
        for name, element in elements.items()
        if name not in _NOT_IN_ATTRIBUTES and "mj-head" not in element.parents
    }
    elements["mj-attributes"] = replace(elements["mj-attributes"], children=MappingProxyType(defaults))
    done = {"mj-attributes"}

    def finish(name: str) -> Element:
        if name not in done:
            done.add(name)
            inside = [each for each, child in elements.items() if name in child.parents]
            children = {each: finish(each) for each in inside if each not in REFUSED}
            elements[name] = replace(elements[name], children=MappingProxyType(children))
        return elements[name]

    for name in tuple(elements):
        finish(name)


def _element(name: str, facts: Mapping[str, object]) -> Element:
    kinds = facts["attributes"]
    parents = frozenset(str(facts["parents"]).split())
    is_shown = name not in ("mjml", "mj-head") and parents != {"mj-head"}
    attributes = {each: (kind,) for each, kind in _WHEREVER_SHOWN.items()} if is_shown else {}
    if isinstance(kinds, dict):
        attributes |= {each: (kind,) for kind, names in kinds.items() for each in names.split()}
    content = Content(str(facts["content"]))
    is_leaf = content is Content.NOTHING
    return Element(
        name=name,
        content=content,
        parents=parents,
        attributes=MappingProxyType(attributes),
        ignored=frozenset(str(facts.get("ignored", "")).split()),
        takes_comments=not is_leaf and name not in _NO_COMMENTS_IN,
        takes_conditions=name in _CONDITIONS_IN,
        is_blank=is_leaf or content is Content.COMPONENTS,
    )
