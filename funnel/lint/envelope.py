"""What the inbox shows before a mail is opened: the subject and the preheader."""

from __future__ import annotations

import re
from collections.abc import Iterator

from funnel.lint.page import squeeze
from funnel.lint.subject import Mail, Rule, Subject, error
from funnel.merge import fill
from funnel.model import Finding, Severity

LONGEST_SUBJECT = 60  #: characters; what most inbox lists show on a wide screen
SHORTEST_PREHEADER = 30
LONGEST_PREHEADER = 110
_ANSWER = re.compile(r"\s*(?:re|aw|fwd?|wg)\s*:", re.IGNORECASE)
_FEW_LETTERS = 6  #: below this a subject of capitals may be a name or an abbreviation
_SUBJECT_HINT = "say what is inside, in a few plain words"
_PREHEADER_HINT = "30 to 110 characters that go on from the subject"


def check_subject(subject: Subject) -> Iterator[Finding]:
    """Find a subject that is empty, too long, shouted, or that poses as an answer.

    It is read with each personal field missing, one at a time, so that a subject made of a name cannot be
    empty.

    Why: a subject that poses as an answer ("Re:", "Fwd:") is deceptive under the CAN-SPAM act; shouting is
    what spam filters look for; what is too long is cut off in the inbox, often before the point.

    Mend: say what is inside in at most 60 characters, as you would to a patient across the desk.

    Example: `subject: "RE: YOUR FREE EBOOK!!!"`.
    """
    for mail in subject.mails:
        found: dict[tuple[Severity, str], str] = {}
        for field, values in mail.fillings.items():
            for one in _subject_faults(squeeze(fill(mail.rendered.subject, values))):
                found.setdefault(one, f" when `{field}` is not known" if field else "")
        for (severity, fault), when in found.items():
            place = mail.email.at("subject")
            yield Finding("SB001", severity, f"the subject {fault}{when}", place, _SUBJECT_HINT)


def check_preheader(subject: Subject) -> Iterator[Finding]:
    """Find a preheader that is missing, too short, too long, or only says the subject again.

    Why: an inbox shows the preheader beside the subject. Where there is none it shows the first words of
    the mail, such as "View in browser"; where it is short it fills the line with them.

    Mend: one sentence of 30 to 110 characters that goes on where the subject stops.

    Example: `preheader: "Newsletter"`.
    """
    for mail in subject.mails:
        fault = _preheader_fault(mail)
        if fault:
            place = mail.email.at("preheader")
            yield Finding("SB002", fault[0], f"the preheader {fault[1]}", place, _PREHEADER_HINT)
        elif squeeze(mail.rendered.preheader) not in mail.parts["HTML"]:
            hint = 'include "blocks/preheader.mjml.j2" at the top of the body'
            yield error("SB002", "the HTML part does not hold the preheader", mail.design, hint)


RULES = (Rule("SB001", "subject", check_subject), Rule("SB002", "preheader", check_preheader))


def _subject_faults(words: str) -> Iterator[tuple[Severity, str]]:
    if not words:
        yield Severity.ERROR, "is empty"
    if _ANSWER.match(words):
        yield Severity.ERROR, "poses as an answer or as forwarded mail"
    if _is_shouted(words):
        yield Severity.WARNING, "is shouted"
    if len(words) > LONGEST_SUBJECT:
        yield Severity.WARNING, f"is longer than the {LONGEST_SUBJECT} characters that most inboxes show"


def _is_shouted(words: str) -> bool:
    letters = [letter for letter in words if letter.isalpha() and letter.lower() != letter.upper()]
    capitals = sum(letter.isupper() for letter in letters)
    in_capitals = len(letters) >= _FEW_LETTERS and capitals > len(letters) * 0.6
    return in_capitals or words.count("!") > 1


def _preheader_fault(mail: Mail) -> tuple[Severity, str] | None:
    words = squeeze(mail.rendered.preheader)
    if not words:
        return Severity.ERROR, "is missing"
    if words.casefold() == squeeze(mail.subject).casefold():
        return Severity.WARNING, "only says the subject again"
    if len(words) < SHORTEST_PREHEADER:
        return Severity.WARNING, f"has only {len(words)} characters; the mail's first words fill the line"
    if len(words) > LONGEST_PREHEADER:
        return Severity.WARNING, f"has {len(words)} characters; inboxes show about {LONGEST_PREHEADER}"
    return None
