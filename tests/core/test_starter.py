"""A new project begins as a whole one, and never on top of another."""

import pytest

from funnel import config, content
from funnel.errors import Refused
from funnel.starter import PARTS, copy_starter


def test_a_new_project_loads_and_has_all_the_files_that_were_counted(tmp_path):
    target = tmp_path / "a" / "new project"
    number = copy_starter(target)
    loaded = config.load(target, {})
    assert content.load(target, loaded.settings).series
    files = [path for path in target.rglob("*") if path.is_file() and path.name != ".gitignore"]
    assert len(files) == number


def test_state_and_builds_of_a_new_project_are_ignored_by_git(tmp_path):
    copy_starter(tmp_path / "new")
    assert (tmp_path / "new" / ".gitignore").read_text(encoding="utf-8").split() == [".funnel/", "dist/"]


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_overwritten(tmp_path, part):
    (tmp_path / part).mkdir() if "." not in part else (tmp_path / part).write_text("mine", encoding="utf-8")
    with pytest.raises(Refused, match=f"has {part} already"):
        copy_starter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [part]


def test_a_file_of_that_name_is_left_alone(tmp_path):
    (tmp_path / "new").write_text("mine", encoding="utf-8")
    with pytest.raises(Refused, match="is a file"):
        copy_starter(tmp_path / "new")


def test_other_files_of_the_folder_and_its_gitignore_stay(tmp_path):
    (tmp_path / ".gitignore").write_text("mine\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    copy_starter(tmp_path)
    assert (tmp_path / ".gitignore").read_text(encoding="utf-8") == "mine\n"
    assert (tmp_path / "notes.txt").exists()


def test_what_an_editor_or_system_left_in_the_starter_is_not_copied(project, tmp_path):
    for name in (".DS_Store", ".welcome.md.swp", "welcome.md~"):
        (project / "content" / "emails" / name).write_text("rubbish", encoding="utf-8")
    copy_starter(tmp_path / "new", package=project / "funnel")
    assert {path.name for path in (tmp_path / "new/content/emails").iterdir()} >= {"welcome.md"}
    assert not list((tmp_path / "new").rglob("*welcome.md*~")) + list((tmp_path / "new/content").rglob(".*"))


def test_an_installation_without_a_starter_says_so(tmp_path):
    with pytest.raises(Refused, match="missing from this installation"):
        copy_starter(tmp_path / "new", package=tmp_path / "funnel")
