"""The demo, killed at many points and run again, tells the same story, byte for byte (C3, C4, B1)."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "funnel", "demo", "--no-serve", "--json"]
MAILBOX = Path(".funnel", "demo", "mailbox", "new")
DATABASE = Path(".funnel", "demo", "funnel.db")
MOST_LOOKS = 20_000_000  #: so that a demo that never gets there ends the test

#: Killed as soon as the mailbox holds so many files; 0 is as soon as the database is there.
POINTS = (0, 1, 3, 6, 10, 15, 19, 21)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def play(project: Path) -> dict:
    """Run the demo to its end."""
    done = subprocess.run(
        COMMAND, cwd=project, env=environment(), capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout)


def kill_at(project: Path, files: int) -> bool:
    """Start the demo and kill it at a point; False when it had ended before."""
    demo = subprocess.Popen(COMMAND, cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for _ in range(MOST_LOOKS):
        if demo.poll() is not None or _is_there(project, files):
            break
    demo.send_signal(signal.SIGKILL)
    demo.communicate(timeout=60)
    return demo.returncode == -signal.SIGKILL


def _is_there(project: Path, files: int) -> bool:
    if not files:
        return (project / DATABASE).exists()
    try:
        return sum(1 for _ in (project / MAILBOX).iterdir()) >= files
    except FileNotFoundError:
        return False


def mails(project: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in (project / MAILBOX).iterdir()}


def told(story: dict) -> dict:
    """The story without where its files lie, which differs from folder to folder."""
    for person in story["contacts"]:
        for mail in person["received"]:
            mail["path"] = Path(mail["path"]).name
    return story


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The story and the mails of a demo that nobody disturbed."""
    project = _copy(tmp_path_factory.mktemp("undisturbed"))
    return told(play(project)), mails(project)


def _copy(folder: Path) -> Path:
    import shutil

    shutil.copy2(ROOT / "funnel.toml", folder)
    for name in ("content", "templates", "assets"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def test_the_undisturbed_demo_tells_a_whole_story(undisturbed):
    story, files = undisturbed
    received = [mail for person in story["contacts"] for mail in person["received"]]
    assert len(received) == len(files) > 20
    assert {mail["path"] for mail in received} == set(files)
    assert {person["side"] for person in story["contacts"]} == {"left", "right", "not_sure"}


def test_two_demos_in_two_folders_write_the_same_bytes(undisturbed, project):
    assert (told(play(project)), mails(project)) == undisturbed


@pytest.mark.parametrize("files", POINTS)
def test_a_demo_that_was_killed_goes_on_to_the_same_end(undisturbed, project, files):
    was_killed = kill_at(project, files)
    assert was_killed or files == POINTS[-1]
    assert len(mails(project) if (project / MAILBOX).exists() else {}) <= len(undisturbed[1])
    assert (told(play(project)), mails(project)) == undisturbed


def test_a_demo_that_is_killed_again_and_again_gets_there(undisturbed, project):
    for files in POINTS:
        kill_at(project, files)
    assert (told(play(project)), mails(project)) == undisturbed


def test_a_finished_demo_that_is_run_again_changes_nothing(undisturbed, project):
    play(project)
    before = {name: (project / MAILBOX / name).stat().st_mtime_ns for name in mails(project)}
    assert (told(play(project)), mails(project)) == undisturbed
    assert {name: (project / MAILBOX / name).stat().st_mtime_ns for name in mails(project)} == before
