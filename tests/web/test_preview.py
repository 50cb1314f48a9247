"""The preview's server: everything listed answers, nothing else does, and no stranger gets in."""

import http.client
import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from html import unescape
from subprocess import PIPE
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from preview_site import RAW, SECRET, made_site, serving

from funnel.content import ContentProblems
from funnel.errors import ContentError, UsageError
from funnel.gallery import pages, policy
from funnel.web.preview import MAIL_POLICY, create, listen, parts_of, serve

PARTS = ("index.html", "text.txt", "message.eml")


@pytest.fixture(scope="module")
def home():
    with serving() as url:
        yield url


def asked(home, path, *, method="GET", host=None):
    """Send a path exactly as written, which requests would tidy up first. Return status, headers, body."""
    where = urlsplit(home)
    connection = http.client.HTTPConnection(where.hostname, where.port)
    headers = {} if host is None else {"Host": host}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


def listed(home):
    """Find every address that our own pages name, with the page itself."""
    for name in pages(made_site().gallery):
        page = requests.get(urljoin(home, name), timeout=10).text
        for found in re.findall(r'(?:href|src|data-url)="([^"#]+)"', page):
            if not found.startswith("data:"):
                yield urljoin(home, unescape(found))


def test_every_listed_address_answers(home):
    addresses = set(listed(home))
    assert len(addresses) == 2 + 3 * len(PARTS) + 2 * len(PARTS) + 1
    assert {requests.get(one, timeout=10).status_code for one in addresses} == {200}


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("", "text/html; charset=utf-8", "<h1>Every mail</h1>"),
        ("person-1.html", "text/html; charset=utf-8", "Inbox of Rosa"),
        ("mail/welcome/left/index.html", "text/html; charset=utf-8", "<p>Grüße, Rosa."),
        ("mail/welcome/left/text.txt", "text/plain; charset=utf-8", "Grüße, Rosa"),
        ("mail/news/all/index.html", "text/html; charset=utf-8", "<p>News"),
        ("inbox/k1/index.html", "text/html; charset=utf-8", "<p>Grüße, Rosa."),
        ("inbox/k1/text.txt", "text/plain; charset=utf-8", "Grüße, Rosa"),
        ("page/goodbye", "text/html; charset=utf-8", "<p>Goodbye"),
    ],
)
def test_an_address_answers_with_its_own_words(home, path, kind, words):
    answer = requests.get(urljoin(home, path), timeout=10)
    assert answer.headers["content-type"] == kind
    assert words in answer.content.decode()


@pytest.mark.parametrize("path", ["mail/welcome/left/message.eml", "inbox/k2/message.eml"])
def test_a_message_file_is_the_message_byte_for_byte(home, path):
    answer = requests.get(urljoin(home, path), timeout=10)
    assert answer.content == RAW
    assert answer.headers["content-disposition"] == 'attachment; filename="message.eml"'


@pytest.mark.parametrize("path", ["", "person-1.html"])
def test_our_own_pages_run_only_their_own_script(home, path):
    found = requests.get(urljoin(home, path), timeout=10).headers["content-security-policy"]
    assert found == f"{policy('#0b5c66')}; frame-ancestors 'none'"
    assert "unsafe" not in found


@pytest.mark.parametrize(
    "path", ["mail/welcome/left/index.html", "inbox/k1/text.txt", "inbox/k1/message.eml", "page/goodbye"]
)
def test_a_mail_is_kept_in(home, path):
    found = requests.get(urljoin(home, path), timeout=10).headers["content-security-policy"]
    assert found == MAIL_POLICY
    rules = {rule.split()[0]: rule.split()[1:] for rule in found.split("; ")}
    assert rules["default-src"] == ["'none'"]
    assert rules["sandbox"] == []
    assert "script-src" not in rules


@pytest.mark.parametrize("path", ["", "mail/welcome/left/index.html", "nothing-here", "../"])
def test_every_answer_is_careful(home, path):
    answer = requests.get(urljoin(home, path), timeout=10)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_this_machines_own_names_are_answered(home, name):
    status, _, _ = asked(home, f"/{SECRET}/", host=f"{name}:{urlsplit(home).port}")
    assert status == 200


@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "localhost",
        "127.0.0.1",
        "localhost:1",
        "localhost.evil.example:{port}",
        "127.0.0.2:{port}",
        "",
        "evil@localhost:{port}",
        "localhost.:{port}",
    ],
)
@pytest.mark.parametrize("path", [f"/{SECRET}/", f"/{SECRET}/inbox/k1/index.html", "/", "/nothing"])
def test_a_foreign_host_is_misdirected(home, name, path):
    status, _, body = asked(home, path, host=name.format(port=urlsplit(home).port))
    assert status == 421
    assert b"Rosa" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("path", [f"/{SECRET}/", f"/{SECRET}/inbox/k1/index.html", "/nothing"])
def test_nothing_but_reading_is_allowed(home, method, path):
    status, headers, _ = asked(home, path, method=method)
    assert (status, headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["", "mail/welcome/left/index.html", "inbox/k1/text.txt", "page/goodbye", "nothing"])
def test_head_answers_like_get_without_the_body(home, path):
    wanted = requests.get(urljoin(home, path), timeout=10)
    found = requests.head(urljoin(home, path), timeout=10)
    assert found.status_code == wanted.status_code
    assert found.content == b""
    for name in ("content-type", "content-length", "content-security-policy"):
        assert found.headers[name] == wanted.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "mail/../../../etc/passwd",
        "mail/welcome/left/../../../../etc/passwd",
        "mail/welcome/left/..%2f..%2findex.html",
        "mail/welcome/left/%2e%2e%5cindex.html",
        "mail/..%00/left/index.html",
        "mail/welcome/left/index.html%00.txt",
        "mail/welcome/left/",
        "mail/welcome/both/index.html",
        "mail/welcome/left/meta.json",
        "inbox/%2fetc%2fpasswd/index.html",
        "inbox/..%2fk1/index.html",
        "inbox/k1/index.html/",
        "inbox//etc/passwd",
        "page/../../funnel.toml",
        "page/goodbye%2f..",
        "page//goodbye",
        "person-0.html",
        "person-2.html",
        "preview.py",
        "gallery.html.j2",
        "//etc/passwd",
    ],
)
def test_a_path_that_leads_elsewhere_leads_nowhere(home, path):
    status, _, body = asked(home, f"/{SECRET}/{path}")
    assert status == 404
    assert b"root:" not in body
    assert b"Rosa" not in body


@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/inbox/k1/index.html", "/wrong/", "/s3cre/", "/S3CRET/", "/s3cret%20/"]
)
def test_without_the_runs_own_path_there_is_nothing(home, path):
    status, _, body = asked(home, path)
    assert status == 404
    assert b"funnel preview" in body


@pytest.mark.parametrize("secret", ["", "a/b", "a b", "{x}", "é"])
def test_a_secret_that_cannot_stand_in_an_address_is_refused(secret):
    with pytest.raises(ValueError, match="secret"):
        create(made_site, secret=secret)


def test_what_was_saved_shows_on_the_next_load_of_the_page():
    names = iter(["Before", "After"])

    def load():
        site = made_site()
        return replace(site, gallery=replace(site.gallery, name=next(names)))

    with serving(load) as home:
        assert "Before" in requests.get(home, timeout=10).text
        assert requests.get(f"{home}mail/news/all/index.html", timeout=10).status_code == 200
        assert "After" in requests.get(home, timeout=10).text


def test_a_mail_can_be_opened_before_any_page_was():
    with serving() as home:
        assert requests.get(f"{home}inbox/k1/index.html", timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("error", "shown", "hidden"),
    [
        (
            ContentError("content/a.md:3: <b>no</b>", hint="write yes"),
            ["content/a.md:3: &lt;b&gt;no", "write yes"],
            "<b>",
        ),
        (
            ContentProblems(
                [
                    ContentError("a.md:3: no", hint="say so"),
                    ContentError("b.md:4: no"),
                    ContentError("c.md:5: no", hint="mend it"),
                ]
            ),
            ["a.md:3: no\n    say so\nb.md:4: no\nc.md:5: no\n    mend it"],
            'class="hint"',
        ),
    ],
)
def test_content_that_does_not_compile_says_where_and_heals(error, shown, hidden):
    answers = iter([error, error, None])

    def load():
        if (found := next(answers)) is not None:
            raise found
        return made_site()

    with serving(load) as home:
        for path in ("", "mail/welcome/left/index.html"):
            answer = requests.get(f"{home}{path}", timeout=10)
            assert answer.status_code == 500
            assert all(words in answer.text for words in shown)
            assert hidden not in answer.text
            assert answer.headers["content-security-policy"].startswith(policy())
        assert requests.get(home, timeout=10).status_code == 200


def test_two_readers_at_once_compile_one_after_the_other():
    together, answers = threading.Barrier(2), []

    def load():
        try:
            together.wait(timeout=0.3)
        except threading.BrokenBarrierError:
            answers.append("alone")
        return made_site()

    with serving(load) as home:
        readers = [threading.Thread(target=requests.get, args=(home,), kwargs={"timeout": 10}) for _ in range(2)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert answers == ["alone", "alone"]


@pytest.mark.parametrize(
    ("raw", "html", "text"),
    [
        (RAW, "<!doctype html>", "Grüße, Rosa"),
        (b"Subject: x\r\n\r\nJust words\r\n", "", "Just words"),
        (b"Content-Type: text/html; charset=iso-8859-1\r\n\r\n<p>Gr\xfc\xdfe\r\n", "<p>Grüße", ""),
        (b"", "", ""),
    ],
)
def test_a_message_comes_apart_into_utf_8(raw, html, text):
    parts = parts_of(raw)
    assert parts.html.decode().startswith(html)
    assert parts.text.decode().startswith(text)
    assert parts.raw == raw
    assert bool(parts.html) == bool(html)


def test_the_preview_listens_on_this_machine_only():
    with listen(0) as opened:
        assert opened.getsockname()[0] == "127.0.0.1"


def test_a_taken_port_is_said_in_words():
    def never(port: int) -> None:
        pytest.fail(f"port {port} was taken")

    with listen(0) as opened:
        port = opened.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be used: ") as refused:
            serve(create(made_site, secret=SECRET), port=port, started=never)
    assert "--port" in refused.value.hint


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_a_port_beyond_the_last_is_said_in_words(port):
    with pytest.raises(UsageError, match=f"port {port} cannot be used: ports go up to 65535"):
        listen(port)


SCRIPT = """
import sys
sys.path[:0] = {paths!r}
from preview_site import SECRET, address, create, made_site
from funnel.web.preview import serve
serve(create(made_site, secret=SECRET), port=0, started=lambda port: print(address(port=port, secret=SECRET), flush=True))
print("closed")
"""


def test_ctrl_c_is_the_quiet_end_of_serving():
    script = SCRIPT.format(paths=sys.path)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=PIPE, stderr=PIPE, text=True)
    home = process.stdout.readline().strip()
    assert requests.get(home, timeout=10).status_code == 200
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("closed\n", "")
    assert process.returncode == 0
