"""A site with two mails, two people and a page, served by the real server in a thread."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from funnel.gallery import Coming, Gallery, Inbox, Mail, NotSent, PageLink, Sheet
from funnel.model import ContactStatus, Place, Variant
from funnel.web.preview import Parts, Site, address, create, listen, parts_of, server

SECRET = "s3cret"
RAW = b"""\
Subject: Hello\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary="b"\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
Gr=C3=BC=C3=9Fe, Rosa\r
--b\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
<!doctype html><title>Hello</title><style>@media (prefers-color-scheme: dark) { body { background: #000 } }=\r
</style><p>Gr=C3=BC=C3=9Fe, Rosa. <a href=3D"https://example.com/away">A link</a></p>\r
--b--\r
"""


def made_site():
    raw_parts = parts_of(RAW)
    mails = {
        ("welcome", "left"): raw_parts,
        ("welcome", "right"): raw_parts,
        ("news", "all"): Parts(
            html=b"<!doctype html><title>News</title><p>News<script>document.title = 'ran'</script>",
            text=b"News\n",
            raw=RAW,
        ),
    }
    pages = {"goodbye": "<!doctype html><title>Goodbye</title><p>Goodbye"}
    messages = {"k1": RAW, "k2": RAW}
    return Site(gallery=made_gallery(mails), mails=mails, messages=messages, pages=pages)


def made_gallery(mails):
    rosa = Inbox(
        email="rosa@example.com",
        first_name="Rosa",
        side=Variant.RIGHT,
        zone="America/New_York",
        status=ContactStatus.SUBSCRIBED,
        mails=(mail("k1", 0), mail("k2", 3)),
        not_sent=(NotSent("ebook", "condition", "Rosa has the eBook already."),),
        coming=(Coming("exercise-2", datetime(2026, 3, 9, 13, tzinfo=UTC), "Mon 9 Mar 2026, 08:00", "3 days on"),),
    )
    return Gallery(
        name="Next Level PT",
        color="#0b5c66",
        sheets=tuple(sheet(slug, Variant(variant)) for slug, variant in mails),
        inboxes=(rosa,),
        pages=(PageLink("Goodbye", "page/goodbye"),),
        errors=0,
        warnings=0,
    )


def sheet(slug, variant):
    base = f"mail/{slug}/{variant}/"
    place = Place(f"content/emails/{slug}.md")
    urls = (f"{base}index.html", f"{base}text.txt", f"{base}message.eml")
    return Sheet(slug, variant, f"About {slug}", "A line to look at.", 2000, None, *urls, (), place)


def mail(key, days):
    base = f"inbox/{key}/"
    return Mail(
        step=f"step-{key}",
        email="welcome",
        subject=f"Mail {key}",
        preheader="A line to look at.",
        sent_at=datetime(2026, 3, 2, 13, 14, tzinfo=UTC) + timedelta(days=days),
        local_time=f"{2 + days} Mar 2026, 08:14",
        exercise=None,
        html_url=f"{base}index.html",
        text_url=f"{base}text.txt",
        eml_url=f"{base}message.eml",
        key=key,
    )


@contextmanager
def serving(load=made_site):
    """Run the preview and yield its address; the port is open before the first request."""
    opened = listen(0)
    running = server(create(load, secret=SECRET))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [opened]})
    thread.start()
    try:
        yield address(port=opened.getsockname()[1], secret=SECRET)
    finally:
        running.should_exit = True
        thread.join()
        opened.close()
