"""What is still missing, and what was left behind: placeholders and template syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from funnel.lint.subject import Mail, Rule, Subject, error, warning
from funnel.missing import WORDS
from funnel.model import PLACEHOLDER, Finding, Place

#: Syntax that only somebody else would act on, or nobody: Jinja, MJML, providers' merge tags, our own marks.
_LEFT_OVER = re.compile(
    r"""
    \{\{[^{}]*\}\} | \{\{ | \}\} | \{% | %\} | \{\# | \#\}                    # Jinja, Handlebars, Liquid
    | </?mj-?[a-z]+                                          # MJML
    | \*?\|[A-Z][A-Z0-9_:]+\|\*? | %%\w+%% | %recipient\.\w+%       # Mailchimp, Salesforce, Mailgun
    | <%=?\s | \$\{\w | \[\[\w+\]\] | \{\$\w                 # ERB, JavaScript, and more
    | xmrg\d                                                 # our own marks
    | \bLorem\ ipsum\b | \b(?:TODO|FIXME|TBD)\b
    """,
    re.VERBOSE,
)
_BARE = 2  #: characters of an opening or closing brace without anything in it
_SEEN_AS_MJML = re.compile(r"<mj-?[a-z]+")  #: a tag that went through the compiler unread


def check_placeholders(subject: Subject) -> Iterator[Finding]:
    """Find a fact that the clinic still has to supply, each place once.

    Why: a mail without a postal address breaks the law, and one that says PLACEHOLDER breaks trust. The local
    mailbox takes such mail, so that you can look at it; every other sender and every push refuses it.

    Mend: write the real thing in the place that is named.

    Example: `postal_address = "PLACEHOLDER: the clinic's street address"` in funnel.toml.
    """
    for mail in subject.mails:
        for one in (one for one in mail.rendered.missing if one.what != WORDS):
            hint = "write it here; until then mail stays on this machine"
            yield warning("PH001", f"still missing: {one.what}", one.place, hint)
        yield from _in_words(mail)


def check_left_over(subject: Subject) -> Iterator[Finding]:
    """Find template syntax, a provider's merge tag, or a note to oneself in what people would read.

    Why: "Hi {{ name }}" is the best-known way to lose a reader. And some providers would still act on their
    own tags, so that a mail could say something that nobody here has seen.

    Mend: for a person's name write {{ person.first_name | fallback("there") }}; take everything else out.

    Example: `Hi *|FNAME|*,` in a body that came from another program.
    """
    for mail in subject.mails:
        addresses = unquote(" ".join(link.href for link in mail.page.links))
        outputs = (mail.subject, mail.rendered.preheader, mail.parts["HTML"], mail.parts["text"], addresses)
        left = {match[0].strip() for output in outputs for match in _LEFT_OVER.finditer(output)}
        left |= {match[0] for match in _SEEN_AS_MJML.finditer(mail.html)}
        for words in sorted(left):
            hint = 'a name is written {{ person.first_name | fallback("there") }}'
            yield error("TP001", f"`{words}` is left over in the mail", _left_at(mail, words), hint)


RULES = (Rule("PH001", "placeholder", check_placeholders), Rule("TP001", "left-over-syntax", check_left_over))


def _in_words(mail: Mail) -> Iterator[Finding]:
    """Find the mark in the words themselves, apart from settings and offers, which were reported already."""
    settings = mail.project.settings
    known = [settings.brand.postal_address, *settings.links.values()]
    known += [offer.file for offer in mail.project.offers.values()]
    shown = " ".join((mail.subject, mail.rendered.preheader, *mail.parts.values()))
    for words in known:
        shown = shown.replace(" ".join(words.split()), "")
    if PLACEHOLDER in shown:
        for place in mail.sources.places(mail.email, PLACEHOLDER):
            message = f"still missing: the words that {PLACEHOLDER} stands for"
            yield warning("PH001", message, place, "write them here")


def _left_at(mail: Mail, words: str) -> Place:
    """Find left-over syntax in its source. Bare braces stand everywhere, so only those in quotes are looked for."""
    quoted = (f"'{words}'", f'"{words}"')
    return mail.written(*(quoted if len(words) <= _BARE else (words,)))
