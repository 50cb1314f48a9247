"""MJML, from a designer's template to HTML: mark where tags were written, check, prepare, compile."""

from funnel.mjml.checking import check
from funnel.mjml.compiling import MjmlError, to_html
from funnel.mjml.origin import ORIGIN, mark
from funnel.mjml.preparing import prepare

__all__ = ["ORIGIN", "MjmlError", "check", "mark", "prepare", "to_html"]
