"""What the law wants at the foot of every mail: a way out, and who it is from."""

from __future__ import annotations

from collections.abc import Iterator

from funnel.lint.page import squeeze
from funnel.lint.subject import Mail, Rule, Subject, error
from funnel.model import Finding

UNSUBSCRIBE = "link.unsubscribe"
CONFIRMATION = "link.confirm"


def check_unsubscribe(subject: Subject) -> Iterator[Finding]:
    """Find a mail without an unsubscribe link in its HTML part or in its text part.

    Why: the law (CAN-SPAM, GDPR) and Gmail both want a way out that anybody can see. Who does not find it
    presses "spam" instead, and that hurts every later mail. The confirmation mail is apart: see FT003.

    Mend: keep {{ link.unsubscribe }} in the foot of both templates.

    Example: a new text template that ends with the sign-off.
    """
    for mail in subject.mails:
        if not mail.is_confirmation:
            for part in _parts_without(mail, UNSUBSCRIBE):
                hint = "print {{ link.unsubscribe }} in the foot, as the base template does"
                yield error("FT001", f"the {part} part has no unsubscribe link", mail.design_of(part), hint)


def check_address(subject: Subject) -> Iterator[Finding]:
    """Find a mail without the clinic's postal address in its HTML part or in its text part.

    Why: CAN-SPAM (15 USC 7704) wants a valid postal address in every such mail.

    Mend: keep {{ brand.postal_address }} in the foot of both templates, and the address in funnel.toml.

    Example: `postal_address = ""`.
    """
    for mail in subject.mails:
        brand = mail.project.settings.brand
        lines = [squeeze(line) for line in brand.postal_address.splitlines() if line.strip()]
        if not lines:
            hint = 'under [brand]: postal_address = "..."'
            yield error("FT002", "there is no postal address", mail.project.settings.at("brand.postal_address"), hint)
            continue
        for part, words in mail.parts.items():
            if not all(line in words for line in lines):
                hint = "print {{ brand.postal_address }} in the foot, as the base template does"
                yield error("FT002", f"the {part} part has no postal address", mail.design_of(part), hint)


def check_confirmation(subject: Subject) -> Iterator[Finding]:
    """Find a confirmation mail that offers to unsubscribe.

    Why: nobody is on the list yet, so there is nothing to leave. Whoever did not ask for the mail needs
    only to ignore it; a second button invites a wrong press.

    Mend: take {{ link.unsubscribe }} out of the confirmation's templates.

    Example: `{{ footer(brand, palette, sans, link=link) }}` in confirm.mjml.j2.
    """
    for mail in subject.mails:
        spots = {spot.field for spot in mail.spots()}
        if mail.is_confirmation and UNSUBSCRIBE in spots:
            place = mail.link_written(mail.links[UNSUBSCRIBE])
            yield error("FT003", "the confirmation mail offers to unsubscribe", place, "take the link out")


def check_confirm_link(subject: Subject) -> Iterator[Finding]:
    """Find a confirmation mail without its link in the HTML part or in the text part.

    Why: without the link nobody can confirm, and so nobody ever gets the series.

    Mend: keep {{ link.confirm }} in both of the confirmation's templates or in its text.

    Example: a text template for `confirm` that says "press the button".
    """
    for mail in subject.mails:
        if mail.is_confirmation:
            for part in _parts_without(mail, CONFIRMATION):
                message = f"the {part} part has no link to confirm with"
                yield error("FT004", message, mail.design_of(part), "print {{ link.confirm }}")


RULES = (
    Rule("FT001", "no-unsubscribe", check_unsubscribe),
    Rule("FT002", "no-postal-address", check_address),
    Rule("FT003", "unsubscribe-in-confirmation", check_confirmation),
    Rule("FT004", "no-confirm-link", check_confirm_link),
)


def _parts_without(mail: Mail, field: str) -> list[str]:
    address = mail.links[field]
    holds = {"HTML": any(link.href == address for link in mail.page.links), "text": address in mail.text}
    return [part for part, is_there in holds.items() if not is_there]
