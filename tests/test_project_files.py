"""The files around the code say what is true of it."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

#: Folders of the machine on which somebody worked, and the hosts that packages come from. Neither belongs in a file.
FOLDERS = ["/" + name for name in ("work", "tmp", "root", "home")]
HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))]
MACHINE = re.compile("|".join([rf"(?<![\w.:/}}*-]){folder}(?:/\w|\b(?!/))" for folder in FOLDERS] + HOSTS))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def project_files() -> list[Path]:
    """Return every file that is, or is about to be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def project_text(path: Path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", errors="replace")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(requirements: list[str]) -> set[str]:
    return {normal(re.match(r"[\w.-]+", one)[0]) for one in requirements}


def pinned(lock: str) -> set[str]:
    return {normal(name) for name in re.findall(r"^([\w.-]+)==\S+", read(lock), re.MULTILINE)}


def test_the_pattern_for_machine_paths_finds_them_and_spares_addresses() -> None:
    found = [
        "cd " + FOLDERS[0] + "/main",
        '"' + FOLDERS[1] + '"',
        "file://x " + FOLDERS[1] + "/a",
        "https://" + HOSTS[0],
    ]
    spared = [
        "https://example.com" + FOLDERS[0] + "/1",
        "a" + FOLDERS[3],
        "../shared/specs",
        "work/",
        "tests" + FOLDERS[1],
    ]
    assert [line for line in found if not MACHINE.search(line)] == []
    assert [line for line in spared if MACHINE.search(line)] == []


def test_no_file_names_a_folder_of_somebodys_machine_or_a_package_host() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in project_files()
        for number, line in enumerate(project_text(path).splitlines(), start=1)
        if (match := MACHINE.search(line))
    ]
    assert wrong == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_parses_and_its_jobs_have_an_end(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    assert workflow["jobs"]
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 20
        assert set(job.get("permissions", {}).items()) <= {("contents", "read")}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_pins_each_action_to_one_commit_and_says_its_version(path: Path) -> None:
    uses = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert [line for line in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_there_is_a_workflow_for_the_tests_the_plan_and_the_push() -> None:
    assert [path.name for path in WORKFLOWS] == ["campaign-plan.yml", "campaign-push.yml", "ci.yml"]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".ci/run", ".github/workflows/ci.yml"])
def test_each_make_target_that_a_file_names_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:`|run: |^|\s)make ([a-z-]+)(?=`|$|[ \t]*[A-Z#])", read(name), re.MULTILINE))
    assert named
    assert named - targets == set()


def test_each_make_target_for_people_is_in_the_list_that_make_prints() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)
    described = set(re.findall(r"^([a-z-]+):.*## \S", read("Makefile"), re.MULTILINE))
    assert phony
    assert described == set(phony[1].split())


def test_the_lock_pins_every_dependency_that_the_project_names() -> None:
    runtime = required(PYPROJECT["project"]["dependencies"])
    development = required(PYPROJECT["dependency-groups"]["dev"])
    assert runtime - pinned("requirements.lock") == set()
    assert (runtime | development) - pinned("requirements-dev.lock") == set()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_each_pin_has_a_hash(lock: str) -> None:
    entries = re.split(r"^(?=[\w.-]+==)", read(lock), flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_both_locks_agree_on_every_version() -> None:
    pins = [
        set(re.findall(r"^([\w.-]+==\S+)", read(f"requirements{which}.lock"), re.MULTILINE)) for which in ("", "-dev")
    ]
    assert pins[0] - pins[1] == set()


def test_the_changelog_has_an_entry_for_this_version() -> None:
    version = re.escape(PYPROJECT["project"]["version"])
    assert re.search(rf"^## \[{version}\] - \d{{4}}-\d{{2}}-\d{{2}}$", read("CHANGELOG.md"), re.MULTILINE)


def test_what_the_wheel_takes_in_from_outside_the_package_is_there() -> None:
    taken = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert [path for path in taken if not (ROOT / path).exists()] == []


def test_each_dependency_has_its_reason_written_down() -> None:
    reasons = read("docs/decisions/0002-dependencies.md")
    named = required(PYPROJECT["project"]["dependencies"]) | required(PYPROJECT["dependency-groups"]["dev"])
    assert [name for name in sorted(named) if f"| {name} |" not in reasons] == []


def linked(document: Path) -> list[str]:
    """Return the files that a document points at; examples in code are left out."""
    words = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(r"""(?:\]\(|srcset="|src=")([^)"#:\s]+)(?:#[^)"\s]*)?[)"]""", words)


def test_each_link_between_documents_leads_to_a_file() -> None:
    documents = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
    targets = [(document, target) for document in documents for target in linked(document)]
    assert targets
    lost = [
        f"{document.relative_to(ROOT)}: {target}"
        for document, target in targets
        if not (document.parent / target).exists()
    ]
    assert lost == []
