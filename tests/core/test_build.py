"""What `funnel build` leaves on disk: the same bytes anywhere, written once, and nothing else touched."""

import re
import shutil
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from funnel import sample
from funnel.app import open_app
from funnel.build import MAIL_FILES, build, write_whole
from funnel.errors import ContentError, FunnelError, Refused, UsageError
from funnel.links import Purpose

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def built(project: Path, out: Path):
    app = open_app(project, {})
    app.check_out(out)
    return build(app.sampler, app.rendered, app.pages, app.findings(now=NOW), out=out)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_email_has_its_four_files_and_the_gallery_links_to_them(project):
    outcome = built(project, project / "dist")
    page = (project / "dist" / "index.html").read_text(encoding="utf-8")
    for email in outcome.emails:
        folder = f"emails/{email['slug']}/{email['variant']}"
        assert sorted(path.name for path in (project / "dist" / folder).iterdir()) == sorted(MAIL_FILES)
        assert f"{folder}/index.html" in page
    assert outcome.written == 4 * len(outcome.emails) + 2 * len(open_app(project, {}).pages) + 1


def test_a_second_build_writes_nothing_and_leaves_every_file_as_old_as_it_was(project):
    first = built(project, project / "dist")
    before = {path: path.stat().st_mtime_ns for path in (project / "dist").rglob("*") if path.is_file()}
    second = built(project, project / "dist")
    assert (second.written, second.unchanged, second.removed) == (0, first.written, 0)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_two_clones_of_a_project_build_the_same_bytes(project, tmp_path):
    clone = shutil.copytree(project, tmp_path / "another clone")
    built(project, project / "dist")
    open_app(clone, {}).store.close()  # this one has been pushed from, and has a key of its own
    built(clone, tmp_path / "elsewhere")
    assert files(tmp_path / "elsewhere") == files(project / "dist")


def test_a_build_keeps_no_state_and_opens_no_database(project):
    built(project, project / "dist")
    assert not (project / ".funnel").exists()


def test_the_sample_engine_has_no_database_to_ask(project):
    engine = open_app(project, {}).sampler
    for ask in (lambda: engine.store.people, lambda: engine.store.ledger, lambda: engine.store.get("clock")):
        with pytest.raises(LookupError):
            ask()


def test_the_message_is_written_to_the_sample_person_with_links_that_open_nothing(project):
    app = open_app(project, {})
    built(project, project / "dist")
    message = message_from_bytes((project / "dist/emails/welcome/left/message.eml").read_bytes(), policy=default)
    assert message["To"] == "Sam <sam@example.com>"
    token = message["List-Unsubscribe"].strip("<>").rpartition("/")[2]
    with pytest.raises(Refused):
        app.engine.signer.read(Purpose.UNSUBSCRIBE, token, NOW)
    app.close()


def test_an_offer_that_travels_inside_the_mail_is_in_the_built_message(project):
    offer = project / "content/offers/ebook.yaml"
    text = re.sub(r"(?m)^delivery:.*$", "delivery: attachment", offer.read_text(encoding="utf-8"))
    offer.write_text(text, encoding="utf-8")
    app = open_app(project, {})
    (welcome,) = (one for one in app.rendered if (one.slug, one.variant) == ("welcome", "left"))
    _, raw = sample.write(app.sampler, welcome, sample.PERSON, name="x", now=NOW)
    (attached,) = message_from_bytes(raw, policy=default).iter_attachments()
    assert attached.get_content() == app.read_file(welcome.attachment)


def test_what_was_built_for_an_email_that_is_gone_is_removed_and_other_files_stay(project):
    shutil.copy(project / "content/emails/symmetry.md", project / "content/emails/extra.md")
    (project / "content/broadcasts/extra.yaml").write_text(
        "code: abcde2\nemail: extra\nsegment: everyone\n", encoding="utf-8"
    )
    built(project, project / "dist")
    note = project / "dist/emails/extra/all/note-of-mine.txt"
    note.write_text("keep me", encoding="utf-8")
    for path in ("content/emails/extra.md", "content/broadcasts/extra.yaml", "content/pages/goodbye.md"):
        (project / path).unlink()
    outcome = built(project, project / "dist")
    assert outcome.removed == 2
    assert files(project / "dist/emails/extra") == {"all/note-of-mine.txt": b"keep me"}
    assert not (project / "dist/pages/goodbye").exists()


def test_a_broken_project_leaves_the_last_build_untouched(project):
    built(project, project / "dist")
    before = files(project / "dist")
    welcome = project / "content/emails/welcome.md"
    welcome.write_text(welcome.read_text(encoding="utf-8") + "{{ links.nowhere }}", encoding="utf-8")
    with pytest.raises(ContentError):
        built(project, project / "dist")
    assert files(project / "dist") == before


@pytest.mark.parametrize("where", [".", "..", "content", "content/emails", "templates", "assets/new", ".funnel"])
def test_a_build_does_not_go_over_the_project_itself(project, where):
    before = files(project)
    with pytest.raises(UsageError, match="holds the project itself"):
        built(project, project / where)
    assert files(project) == before


def test_a_build_does_not_go_over_a_page_that_it_did_not_write(project, tmp_path):
    page = tmp_path / "site" / "index.html"
    page.parent.mkdir()
    page.write_text("my own page", encoding="utf-8")
    with pytest.raises(Refused, match="was not written by funnel build"):
        built(project, page.parent)
    assert files(page.parent) == {"index.html": b"my own page"}


def test_a_file_in_the_way_is_named(project):
    (project / "dist").write_text("a file", encoding="utf-8")
    with pytest.raises(FunnelError, match="dist is a file"):
        built(project, project / "dist")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "target"
    target.mkdir()  # a rename onto a folder fails, after the new file was written beside it
    with pytest.raises(OSError, match="target"):
        write_whole(target, b"words")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_writing_the_same_words_again_is_no_change(tmp_path):
    path = tmp_path / "a" / "b.txt"
    assert [write_whole(path, b"one"), write_whole(path, b"one"), write_whole(path, b"two")] == [True, False, True]
    assert path.read_bytes() == b"two"
