"""Judge the attributes of one tag: known names, right values, and what has no effect."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from funnel.mjml.tokens import Attribute, Kind, Problem, Token, fault, read, remembered
from funnel.mjml.values import complaint
from funnel.mjml.vocabulary import Element, vocabulary
from funnel.model import Severity

#: Names for which mrml 6.0.1, like npm, turns the address into a "share this page" link.
_SHARING = frozenset({"facebook", "twitter", "x", "pinterest", "linkedin", "tumblr", "xing", "google"})


@remembered
def judge(text: str) -> tuple[Token, tuple[Problem, ...]]:
    """Read one token and say what is wrong with it, whatever stands around it."""
    token = read(text)
    element = vocabulary().elements.get(token.name)
    if token.kind not in (Kind.OPEN, Kind.EMPTY) or element is None:
        return token, token.faults
    return token, (*token.faults, *_judge_attributes(token, element), *_judge_social(token))


def value_of(token: Token, name: str) -> str | None:
    """Return the value of the first attribute called `name`; None when the tag has none."""
    return next((each.value or "" for each in token.attributes if each.name == name), None)


def _judge_attributes(token: Token, element: Element) -> Iterator[Problem]:
    for attribute in token.attributes:
        kinds = element.attributes.get(attribute.name)
        if kinds is None:
            yield _unknown(attribute, element)
        elif attribute.value is None:
            hint = f'write {attribute.name}="..."'
            yield fault("MJ013", f"{attribute.name} on <{element.name}> has no value", hint, attribute.at)
        else:
            yield from _judge_value(attribute, kinds, element)
            yield from _judge_effect(attribute, element)
    if element.name == "mj-class" and not value_of(token, "name"):
        yield fault("MJ013", "<mj-class> has no name", 'write name="...", the word that mj-class="..." uses')


def _unknown(attribute: Attribute, element: Element) -> Problem:
    near = get_close_matches(attribute.name.lower(), element.attributes, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(sorted(element.attributes))}"
    return fault("MJ002", f"<{element.name}> has no attribute {attribute.name}", hint, attribute.at)


def _judge_value(attribute: Attribute, kinds: tuple[str, ...], element: Element) -> Iterator[Problem]:
    value = " ".join((attribute.value or "").split())
    complaints = [complaint(kind, value, vocabulary().colors) for kind in kinds]
    if all(what for what, _ in complaints):
        what, hint = complaints[0]
        message = f'{attribute.name}="{value[:40]}" on <{element.name}> {what}'
        yield fault("MJ003", message, hint, attribute.at)


def _judge_effect(attribute: Attribute, element: Element) -> Iterator[Problem]:
    if attribute.name not in element.ignored:
        return
    message, hint = f"{attribute.name} on <{element.name}> has no effect: our compiler drops it", ""
    if element.name == "mj-style":
        message = "the rules of this mj-style stay in a style sheet: our compiler does not write them inline"
        hint = "put the declarations into attributes, or into mj-attributes"
    elif element.name == "mj-raw":
        message = "position has no effect: our compiler leaves this mj-raw where it stands"
    yield Problem("MJ012", Severity.WARNING, message, hint, attribute.at)


def _judge_social(token: Token) -> Iterator[Problem]:
    if token.name != "mj-social-element":
        return
    name = value_of(token, "name") or ""
    if name in _SHARING and value_of(token, "href") is not None:
        message = f'name="{name}" turns the address into a link that shares it on {name}'
        yield Problem("MJ015", Severity.WARNING, message, f'write name="{name}-noshare"')
    if name and value_of(token, "src") is None:
        message = "without src, the icon is fetched from www.mailjet.com when the mail is opened"
        yield Problem("MJ015", Severity.WARNING, message, "give src an icon of your own")
