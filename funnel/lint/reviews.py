"""Sign-offs: whether a clinician stands behind the words."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from funnel.lint.subject import Mail, Rule, Subject, warning
from funnel.model import Finding
from funnel.signoff import Standing, standing


def check_signed(subject: Subject) -> Iterator[Finding]:
    """Find a mail whose clinical words no clinician has signed, or that changed since.

    What is signed: exercise names, cues, cautions and the words of the text, for each variant. A new subject,
    layout or offer keeps the signature.

    Why: patients act on these mails. Every push, and every sender but the local mailbox, refuses unsigned
    ones.

    Mend: let a clinician read it, then run `funnel approve SLUG --by NAME --credential C`.

    Example: a new cue on an exercise that was signed last week.
    """
    said = {
        Standing.NONE: "no clinician has signed this mail",
        Standing.CHANGED: "the clinical words have changed since a clinician signed them",
    }
    for slug, mails in _by_slug(subject).items():
        for where, words in said.items():
            fallen = [mail for mail in mails if _standing(subject, mail) is where]
            hint = f"funnel approve {slug} --by NAME --credential C"
            for mail in fallen:
                yield warning("RV001", words + _which(fallen, mails), mail.email.place, hint)


def check_age(subject: Subject) -> Iterator[Finding]:
    """Find a sign-off that is about to expire, or has expired: 24 months, with notice from 60 days before.

    Why: what is known about an exercise changes. Expiry never stops a running series; it asks for a second
    look.

    Mend: let a clinician read the mail again, then run `funnel approve SLUG --by NAME --credential C`.

    Example: a mail that was signed 23 months ago.
    """
    said = {
        Standing.EXPIRING: "the sign-off expires within 60 days",
        Standing.EXPIRED: "the sign-off is older than 24 months",
    }
    for slug, mails in _by_slug(subject).items():
        for where, words in said.items():
            old = [mail for mail in mails if _standing(subject, mail) is where]
            hint = f"let a clinician read it again: funnel approve {slug} --by NAME --credential C"
            for mail in old:
                yield warning("RV002", words + _which(old, mails), mail.email.place, hint)


RULES = (Rule("RV001", "unsigned", check_signed), Rule("RV002", "sign-off-expires", check_age))


def _by_slug(subject: Subject) -> dict[str, list[Mail]]:
    found: dict[str, list[Mail]] = {}
    for mail in subject.mails:
        found.setdefault(mail.rendered.slug, []).append(mail)
    return found


def _standing(subject: Subject, mail: Mail) -> Standing:
    return standing(mail.rendered, subject.project.reviews, now=subject.now)


def _which(some: Collection[Mail], every: Collection[Mail]) -> str:
    """Name the variants when they are not all of them."""
    return "" if len(some) == len(every) else f" ({', '.join(mail.variant for mail in some)})"
