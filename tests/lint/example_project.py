"""A copy of the example project that can be changed, looked at, and put back, quickly."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from jinja2.bccache import Bucket, BytecodeCache

from funnel import config, content
from funnel.errors import FunnelError
from funnel.lint import from_error, lint
from funnel.lint.sources import Sources
from funnel.model import Email, Finding, Project, Rendered
from funnel.render import Compiler

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


class ParsedTemplates(BytecodeCache):
    """Keeps what Jinja made of each template text, from one compiler to the next."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if kept := self._kept.get((bucket.key, bucket.checksum)):
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


class Example:
    """The project in a temporary folder. A mail whose sources did not change is not compiled again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("content", "templates", "assets"):
            shutil.copytree(ROOT / name, root / name)
        shutil.copy(ROOT / "funnel.toml", root / "funnel.toml")
        self._settings = config.load(root, {}).settings
        self._compiled: dict[str, Rendered] = {}
        self._parsed = ParsedTemplates()
        self.rendered = self.compile(self.load())
        self.findings = self.lint()

    def load(self, *, settings_too: bool = False) -> Project:
        settings = config.load(self.root, {}).settings if settings_too else self._settings
        return content.load(self.root, settings)

    def compile(self, project: Project) -> tuple[Rendered, ...]:
        compiler, sources = Compiler(project), Sources(project)
        for templates in (compiler._designs, compiler._texts, compiler._writing):
            templates._env.bytecode_cache = self._parsed
        return tuple(self._compile(compiler, sources, project, email) for email in project.every_email())

    def lint(self, *, now: datetime = NOW, settings_too: bool = False) -> tuple[Finding, ...]:
        """Lint what is in the folder now; what does not load is a finding."""
        try:
            project = self.load(settings_too=settings_too)
            return lint(project, self.compile(project), now=now)
        except FunnelError as error:
            return from_error(error)

    def line(self, path: str, line: int | str) -> int:
        """Return a line, or the number of the line on which some words stand."""
        lines = (self.root / path).read_text(encoding="utf-8").splitlines()
        return line if isinstance(line, int) else next(at for at, one in enumerate(lines, 1) if line in one)

    @contextmanager
    def changed(self, changes: Sequence[Mapping[str, str]]) -> Iterator[None]:
        """Apply changes ({path, replace, with} or {path, write} or {path, remove}), and take them back."""
        before = {one["path"]: self._bytes(one["path"]) for one in changes}
        try:
            for one in changes:
                self._apply(one)
            yield
        finally:
            for path, data in before.items():
                if data is None:
                    (self.root / path).unlink()
                else:
                    (self.root / path).write_bytes(data)

    def _compile(self, compiler: Compiler, sources: Sources, project: Project, email: Email) -> Rendered:
        texts = [(path, sources.raw(path)) for path in sources.reach(email)]
        shared = [project.settings, project.offers]
        if any("exercises." in text or "steps_total" in text for _, text in texts):
            shared.append(project.exercises)
        if any("series." in text for _, text in texts):
            shared.append(project.series)
        key = repr((email, shared, texts))
        if key not in self._compiled:
            self._compiled[key] = compiler.compile(email)
        return self._compiled[key]

    def _apply(self, change: Mapping[str, str]) -> None:
        path = self.root / change["path"]
        match change:
            case {"write": words}:
                path.write_text(self._with_digests(words), encoding="utf-8")
            case {"replace": old, "with": new}:
                text = path.read_text(encoding="utf-8")
                assert old in text, f"{change['path']} does not hold {old!r}: the case says nothing"
                path.write_text(text.replace(old, new), encoding="utf-8")
            case {"remove": _}:
                path.unlink()
            case _:
                raise AssertionError(change)

    def _with_digests(self, words: str) -> str:
        """Put the example's own clinical digests where a case says @slug/variant@."""
        for one in self.rendered:
            words = words.replace(f"@{one.slug}/{one.variant}@", one.clinical)
        return words

    def _bytes(self, path: str) -> bytes | None:
        file = self.root / path
        return file.read_bytes() if file.exists() else None
