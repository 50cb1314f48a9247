"""Run Jinja in a sandbox over sources held in memory; every mistake names the author's file and line."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping

from jinja2 import (
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.exceptions import SecurityError
from jinja2.loaders import FunctionLoader

from funnel.errors import ContentError
from funnel.fields import nearest
from funnel.sandbox import Sandbox

WRONG_IN_TEMPLATE = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
_PLACED = re.compile(r"\S+:\d+: ")  #: what opens the message of an error that knows its place


class TemplateProblem(ContentError):
    """A mistake whose line in an author's file is known already."""


class Templates:
    """A set of sources, by name. `folder` is put before a name in messages, so that it reads as a path.

    With `escape` every value is escaped for HTML, whatever the file is called: Jinja's own
    `select_autoescape` passes over `.mjml` and `.j2`.
    """

    def __init__(
        self,
        sources: Mapping[str, str],
        *,
        folder: str,
        escape: bool,
        filters: Mapping[str, Callable[..., object]],
    ) -> None:
        self._sources = sources
        self._folder = folder
        self._env = Sandbox(
            loader=FunctionLoader(self._load),
            autoescape=escape,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        self._env.filters.update(filters)
        self._written: dict[tuple[str, int, str], Template] = {}

    def render(self, name: str, context: Mapping[str, object]) -> str:
        """Render the source called `name`. Raises ContentError that starts `path:line:`."""
        return self._run(lambda: self._env.get_template(name), context, self._path(name))

    def write(self, text: str, context: Mapping[str, object], *, path: str, line: int) -> str:
        """Render a piece of text that stands at `path` from `line` on."""
        if "{" not in text:  # nothing for Jinja to do, and compiling is what it takes long over
            return text.lstrip("\n")
        return self._run(lambda: self._compile(text, path, line), context, path, line).lstrip("\n")

    def _compile(self, text: str, path: str, line: int) -> Template:
        key = (path, line, text)
        if key not in self._written:
            code = self._env.compile("\n" * (line - 1) + text, name=path, filename=path)
            self._written[key] = Template.from_code(self._env, code, self._env.make_globals(None))
        return self._written[key]

    def _load(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        source = self._sources.get(name)
        return None if source is None else (source, self._path(name), lambda: True)

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _run(self, get: Callable[[], Template], context: Mapping[str, object], path: str, line: int = 1) -> str:
        try:
            return get().render(context)
        except TemplateProblem:
            raise
        except TemplateSyntaxError as error:
            where = f"{error.filename or error.name or path}:{error.lineno}"
            raise TemplateProblem(f"{where}: {_sentence(error)}", hint=_syntax_hint(error, self._env)) from error
        except (ContentError, *WRONG_IN_TEMPLATE) as error:
            words, hint = self._explain(error, context)
            raise TemplateProblem(f"{self._where(error, path, line)}: {words}", hint=hint) from error

    def _explain(self, error: Exception, context: Mapping[str, object]) -> tuple[str, str]:
        match error:
            case ContentError():
                return _PLACED.sub("", error.message, count=1), error.hint
            case TemplateNotFound():
                return f"there is no file `{error.name}` to include", nearest(str(error.name), self._sources)
            case UndefinedError():
                return _sentence(error), _undefined_hint(str(error), context)
            case SecurityError():
                return f"not allowed here: {error}", "a template prints what it is given, with if, for and include"
            case RecursionError():
                return "this goes round in circles", "a file must not include itself, nor a macro call itself"
            case _:
                return _sentence(error), "look at the expression on this line"

    def _where(self, error: BaseException, path: str, line: int) -> str:
        """Find the innermost line of an author's file in the traceback, which Jinja rewrites for us."""
        ours = {path, *(self._path(name) for name in self._sources)}
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in ours]
        return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else f"{path}:{line}"


def _sentence(error: BaseException) -> str:
    words = str(error).strip() or type(error).__name__
    return words[0].lower() + words[1:].rstrip(".")


def _syntax_hint(error: TemplateSyntaxError, env: Sandbox) -> str:
    said = str(error)
    if "nexpected end of" in said or "end of" in said:
        return "something was opened and never closed: look for {% if %} without {% endif %}, or {{ without }}"
    if found := re.match(r"No (filter|test) named '(\w+)'", said):
        return nearest(found[2], env.filters if found[1] == "filter" else env.tests)
    return "check the braces on this line: {{ value }} prints, {% if ... %} decides"


def _undefined_hint(message: str, context: Mapping[str, object]) -> str:
    if found := re.match(r"'(\w+)' is undefined", message):
        return nearest(found[1], context)
    if found := re.match(r"'.*?' has no attribute '(\w+)'", message):
        names = {name for value in context.values() for name in _attributes(value)}
        return nearest(found[1], names)
    return "look at the names on this line"


def _attributes(value: object) -> set[str]:
    if isinstance(value, Mapping):
        return {str(key) for key in value}
    if isinstance(value, str | int | tuple | list) or value is None or callable(value):
        return set()
    return {name for name in dir(value) if not name.startswith("_")}
