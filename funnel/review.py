"""The page that a clinician reads before signing: exactly the words that the signature covers. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from funnel.merge import fill
from funnel.model import Rendered

STYLE = """
:root { color-scheme: light dark; font: 18px/1.6 Georgia, serif; }
body { max-width: 38rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.9rem; line-height: 1.2; }
section { border-top: 1px solid; padding: 1.5rem 0; break-inside: avoid; }
h2 { font: bold 1.05rem/1.3 Helvetica, Arial, sans-serif; margin: 0 0 .75rem; }
p { white-space: pre-line; margin: 0 0 1rem; }
small { font: .8rem Helvetica, Arial, sans-serif; opacity: .75; }
"""


def review_html(name: str, rendered: Iterable[Rendered]) -> str:
    """Write the review page. Emails whose clinical words are the same in several variants are shown once."""
    groups: dict[str, list[Rendered]] = {}
    for one in rendered:
        groups.setdefault(one.clinical, []).append(one)
    sections = "\n".join(_section(group) for group in groups.values())
    title = f"For the clinician: what {escape(name)} says"
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n'
        f"<body>\n<h1>{title}</h1>\n"
        "<p>These are the names, cues, cautions and claims that a signature covers. Subject lines, layout and the "
        f"offer are not part of it.</p>\n{sections}\n</body>\n</html>\n"
    )


def _section(group: list[Rendered]) -> str:
    first = group[0]
    who = ", ".join(str(one.variant).replace("_", " ") for one in group)
    return (
        f"<section>\n<h2>{escape(fill(first.subject, {}))}</h2>\n<p>{escape(first.clinical_text)}</p>\n"
        f"<small>{escape(first.slug)}, for: {escape(who)}. Sign-off mark {first.clinical[:12]}</small>\n</section>"
    )
