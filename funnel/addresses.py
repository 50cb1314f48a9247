"""Addresses: which ones mail can be sent to, and the one form under which each is stored. No look-ups."""

from __future__ import annotations

import re
import unicodedata

ROLES = frozenset({"abuse", "postmaster"})  # RFC 2142: they take complaints about mail, nobody signs them up
MAX_ADDRESS = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
MAX_LOCAL = 64  # RFC 5321 4.5.3.1.1

_ATOM = r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?!-)){0,61}(?<!-)"
_PLAIN = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+{_LABEL})")
_NO_MAIL = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})  # IANA special-use names


def check_address(address: str) -> None:
    """Accept an address that mail can be sent to; a ValueError says plainly what is wrong. No look-ups."""
    if not _is_plain(address) and (len(address) > MAX_ADDRESS or not _ascii_domain(address, strict=True)):
        raise ValueError(_what_is_wrong(address))
    if address.rpartition("@")[0].casefold() in ROLES:
        raise ValueError("the address takes complaints about mail: nobody signs up with it")


def email_key(address: str) -> str:
    """Return the one form under which an address is stored: a second call changes nothing.

    The part before the @ is case-folded and NFC, the domain lower-case ASCII (`xn--`). Any text has a key,
    also one that is no address, so that its suppression can be kept.
    """
    if address.isascii() and "xn--" not in address.lower():
        return address.lower()
    local, at, domain = address.rpartition("@")
    return _folded(local) + at + _domain_key(domain)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def _domain_key(domain: str) -> str:
    folded = _folded(domain)
    return _ascii_domain(f"x@{domain}") or (folded if folded == domain else _domain_key(folded))


def _is_plain(address: str) -> bool:
    """Tell whether email-validator would certainly agree: asking it takes 20 times as long."""
    plain = _PLAIN.fullmatch(address)
    if plain is None or len(plain[1]) > MAX_LOCAL or len(address) > MAX_ADDRESS:
        return False
    top = plain[2].rpartition(".")[2].lower()
    return top[-1].isalpha() and top not in _NO_MAIL


def _ascii_domain(address: str, *, strict: bool = False) -> str:
    """Return the domain in ASCII, empty when refused; `strict` also refuses what no mail can reach."""
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(
            address, check_deliverability=False, globally_deliverable=strict, strict=strict
        ).ascii_domain
    except EmailNotValidError:
        return ""


def _what_is_wrong(address: str) -> str:
    """Name the slip in a refused address; the address itself is kept out of messages and logs."""
    local, _, domain = address.rpartition("@")
    odd = next((mark for mark in address if not mark.isprintable() and not mark.isspace()), "")
    dotted = any(part.startswith(".") or part.endswith(".") for part in (local, domain))
    slips = (
        (not address, "there is no email address"),
        ("@" not in address, "the address has no @ sign"),
        (set("<>") & set(address), "the address has a name around it: keep what is between < and >"),
        (odd, f"the address has an invisible character in it (U+{ord(odd or ' '):04X}): type it again"),
        (
            re.search(r"[,;\s]", address),
            "the address has a space, comma or semicolon in it: write one address",
        ),
        ("@" in local, "the address has more than one @ sign"),
        (not local, "the address has nothing before the @ sign"),
        (not domain, "the address has nothing after the @ sign"),
        (len(local) > MAX_LOCAL or len(address) > MAX_ADDRESS, "the address is too long"),
        (".." in address, "the address has two dots in a row"),
        (dotted, "the address has a dot at its beginning, at its end or beside the @ sign"),
        ("." not in domain, "the part after the @ sign has no dot, such as the one in example.com"),
        (domain.rpartition(".")[2].lower() in _NO_MAIL, "no mail can reach the name after the @ sign"),
    )
    return next((slip for applies, slip in slips if applies), "mail cannot be sent to this address: check it")
