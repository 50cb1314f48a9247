"""What a clinic owes its readers: no claims, the caution, the credit, and the eBook that was promised."""

from __future__ import annotations

import re
from collections.abc import Iterator

from funnel.lint.page import squeeze
from funnel.lint.subject import Mail, Rule, Subject, error, warning
from funnel.model import Finding, Place

EBOOK = "link.ebook"
CARE = {"caution": "the caution", "credit": "the credit to the source"}  #: part -> what it is
_CLAIM = re.compile(
    r"""
    \bcur(?:e|es|ed|ing)\b | \bguarante\w+ | \b(?:clinically\ |scientifically\ )?proven\b | \bmirac\w+
    | \b100\s?(?:%|percent\b|per\ cent\b)
    | \bheal(?:s|ed|ing)?\s+(?:\w+\s+){0,3}in\b | \bpain[-\s]free\s+in\b | \brisk[-\s]free\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
#: A sentence that first denies, or doubts, makes no claim: "nobody can guarantee", "100% often takes more".
_DENIED = re.compile(r"\b(?:no|not|never|nobody|none|neither|nor|cannot|without)\b|n[’']t\b", re.IGNORECASE)
_DOUBTED = re.compile(r"\b(?:often|sometimes|usually|may|might|rarely|seldom)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=[\s\"”’)]|$)|\n\s*\n|\n(?=\s*\w+:|---)")
_MARKED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|[\[\]()*_`<>#]")
_FEWEST_WORDS = 3  #: a run of words shorter than this proves nothing about where it came from


def check_claims(subject: Subject) -> Iterator[Finding]:
    """Find a promise that no clinic can make: cure, guarantee, proven, 100 %, heal in so many days.

    Looked at: everything below `content/`. A sentence that denies the word ("nobody can guarantee that") is
    let through, and 100 % also where the sentence doubts it ("often", "may").

    Why: such words need evidence that the clinic can show (FTC Act, section 5), and readers in pain believe
    them.

    Mend: say what you see in the clinic, and for whom.

    Example: "These five exercises cure SI joint pain."
    """
    for path in sorted(subject.project.partials):
        text = subject.sources.text(f"content/{path}")
        for claim in _claims(text):
            yield _claimed(claim, Place(f"content/{path}", text.count("\n", 0, claim.start()) + 1))
    for offer in subject.project.offers.values():
        for claim in _claims(f"{offer.title}. {offer.landing}"):
            yield _claimed(claim, offer.place)


def check_offer(subject: Subject) -> Iterator[Finding]:
    """Find a mail without the eBook: its title and its link, in the HTML part and in the text part.

    Why: people signed up for it. Whoever missed it in the first mail finds it in any other. Only the
    confirmation mail does without: it asks one question.

    Mend: print part("offer-line") in both templates, or the offer's cover.

    Example: a new template that ends after the sign-off.
    """
    for mail in subject.mails:
        offer = mail.project.offers.get(mail.email.delivers) or next(iter(mail.project.offers.values()), None)
        if offer is None or mail.is_confirmation:
            continue
        hrefs = {link.href for link in mail.page.links}
        linked = {"HTML": mail.links[EBOOK] in hrefs, "text": mail.links[EBOOK] in mail.text}
        for part, words in mail.parts.items():
            if not linked[part] or squeeze(offer.title) not in words:
                hint = 'print part("offer-line"), which names the eBook and links to it'
                yield error("EB001", f"the {part} part does not offer the eBook", mail.design_of(part), hint)


def check_caution(subject: Subject) -> Iterator[Finding]:
    """Find a series mail, or a mail that names exercises, without the caution or the credit, in either part.

    They are the texts content/parts/caution.md and content/parts/credit.md.

    Why: the exercises are not a protocol for everybody, and the mail must say so each time, because people
    open mails in any order. The thinking is owed to others, and the mail says to whom.

    Mend: print part("caution") and part("credit") in both templates.

    Example: a template for exercise mails whose text part has no "WITH CARE".
    """
    for mail in subject.mails:
        if not _needs_care(mail):
            continue
        for name, what in CARE.items():
            runs = _runs(subject.sources.text(f"content/parts/{name}.md"))
            if not runs:
                place = Place(f"content/parts/{name}.md")
                yield error("CA001", f"{what} is empty or missing", place, "write it")
                continue
            for part, words in mail.parts.items():
                if not all(run in words for run in runs):
                    hint = f'print part("{name}") in the template'
                    yield error("CA001", f"the {part} part lacks {what}", mail.design_of(part), hint)


RULES = (
    Rule("CA001", "no-caution", check_caution),
    Rule("CL001", "claim", check_claims),
    Rule("EB001", "no-ebook", check_offer),
)


def _claims(text: str) -> Iterator[re.Match[str]]:
    return (match for match in _CLAIM.finditer(text) if not _is_hedged(text, match))


def _claimed(claim: re.Match[str], place: Place) -> Finding:
    hint = "say what you see in the clinic, and for whom"
    return warning("CL001", f"“{squeeze(claim[0])}” is a claim", place, hint)


def _is_hedged(text: str, match: re.Match[str]) -> bool:
    starts = [end.end() for end in _SENTENCE_END.finditer(text, 0, match.start())]
    before = text[starts[-1] if starts else 0 : match.start()]
    after = _SENTENCE_END.search(text, match.end())
    behind = text[match.end() : after.start() if after else len(text)]
    doubted = match[0].startswith("100") and _DOUBTED.search(f"{before} {behind}")
    return bool(_DENIED.search(before) or doubted)


def _needs_care(mail: Mail) -> bool:
    steps = (step for one in mail.project.series.values() for step in one.steps)
    in_series = any(step.email == mail.rendered.slug for step in steps)
    return in_series or any(one.name in mail.parts["HTML"] for one in mail.project.exercises)


def _runs(source: str) -> list[str]:
    """Return the runs of plain words in a part: they stand unchanged in every mail that prints it."""
    pieces = (squeeze(piece) for piece in _MARKED.split(source))
    return [piece for piece in pieces if len(piece.split()) >= _FEWEST_WORDS]
