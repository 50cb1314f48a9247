"""The pages in a real Chromium: served and from a folder, with the keyboard, in the dark, and kept in."""

import shutil
from contextlib import contextmanager

import pytest
from preview_site import made_site, serving

from funnel.gallery import pages

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: no page was looked at")
expect = sync_api.expect  # asks again until it holds; `wait_for_function` needs the eval that our policy forbids

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: no page was looked at"),
]
ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
WIDTH = "document.querySelector('.sheet:target iframe, .sheet iframe').clientWidth"
DARK, CLEAR = "rgb(0, 0, 0)", "rgba(0, 0, 0, 0)"  #: the mail's ground under its own dark styles, and without


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=[ALONE, "--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def home():
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write the site to a folder, as a build does, and give its address."""
    root, site = tmp_path_factory.mktemp("dist"), made_site()
    files = {f"page/{slug}": page.encode() for slug, page in site.pages.items()}
    files |= {name: page.encode() for name, page in pages(site.gallery).items()}
    for (slug, variant), parts in site.mails.items():
        files |= {f"mail/{slug}/{variant}/index.html": parts.html, f"mail/{slug}/{variant}/text.txt": parts.text}
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return f"{root.as_uri()}/"


@contextmanager
def opened(browser, address, *, quiet=True, **options):
    """Open a page; afterwards nothing outside was asked for and, where `quiet`, the console is empty."""
    requests, noise = [], []
    with browser.new_context(color_scheme="null", **options) as context:
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.goto(address)
        yield page
    home = address[: address.rindex("/") + 1]
    assert [one for one in requests if not one.startswith((home, "data:image/svg"))] == []
    assert not quiet or noise == []


def shown(page):
    """Return the frame of the mail that is open, once it is there."""
    frame = page.locator("iframe:visible").element_handle().content_frame()
    frame.wait_for_url(lambda url: url != "about:blank")
    return frame


def heading(page):
    return page.locator(".sheet h2:visible").inner_text()


@pytest.fixture(params=["home", "folder"])
def place(request):
    return request.getfixturevalue(request.param)


def test_the_first_mail_is_open_and_a_click_opens_another(browser, place):
    with opened(browser, place + "index.html") as page:
        assert heading(page) == "About welcome"
        assert page.locator("a[aria-current=true]").get_attribute("href") == "#mail-welcome-left"
        page.get_by_role("link", name="About welcome, Right side").click()
        page.wait_for_selector("#mail-welcome-right iframe")
        assert shown(page).url.endswith("mail/welcome/right/index.html")
        assert shown(page).locator("p").inner_text().startswith("Grüße, Rosa.")
        assert page.locator("a[aria-current=true]").get_attribute("href") == "#mail-welcome-right"


def test_only_opened_mails_are_loaded(browser, place):
    with opened(browser, place + "index.html") as page:
        page.keyboard.press("j")
        page.wait_for_selector("#mail-welcome-right iframe")
        assert page.locator("iframe").count() == 2
        page.keyboard.press("k")
        page.wait_for_selector("#mail-welcome-left iframe:visible")
        assert page.locator("iframe").count() == 2


def test_an_address_with_a_mail_in_it_opens_that_mail(browser, place):
    with opened(browser, place + "index.html#page-1") as page:
        page.wait_for_selector("#page-1 iframe")
        assert heading(page) == "Goodbye"


def test_j_and_k_walk_the_list_and_stop_at_its_ends(browser, home):
    with opened(browser, home, quiet=False) as page:
        left, right, news, last = "#mail-welcome-left", "#mail-welcome-right", "#mail-news-all", "#page-1"
        for key, open_now in zip("kjjjjjk", (left, right, news, last, last, last, news), strict=True):
            page.keyboard.press(key)
            expect(page.locator("a[aria-current=true]")).to_have_attribute("href", open_now)
            assert page.evaluate("document.activeElement.hash") == open_now


def test_the_keys_change_width_and_scheme_and_both_are_remembered(browser, place):
    with opened(browser, place + "index.html") as page:
        frame = shown(page)
        assert page.evaluate(WIDTH) == 700
        expect(frame.locator("body")).to_have_css("background-color", CLEAR)
        page.keyboard.press("1")
        page.keyboard.press("d")
        assert page.evaluate(WIDTH) == 375
        expect(frame.locator("body")).to_have_css("background-color", DARK)
        page.reload()
        assert page.evaluate(WIDTH) == 375
        expect(shown(page).locator("body")).to_have_css("background-color", DARK)
        page.keyboard.press("2")
        page.keyboard.press("d")
        assert page.evaluate(WIDTH) == 700
        expect(shown(page).locator("body")).to_have_css("background-color", CLEAR)


def test_the_dark_switch_is_the_mails_own_and_leaves_the_page_alone(browser, home):
    with opened(browser, home) as page:
        before = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_label("Dark").check()
        expect(shown(page).locator("body")).to_have_css("background-color", DARK)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == before


def test_whoever_needs_the_letters_turns_the_keys_off(browser, home):
    with opened(browser, home) as page:
        page.locator("summary", has_text="Keys").click()
        page.get_by_label("Use these keys").uncheck()
        page.keyboard.press("1")
        page.keyboard.press("j")
        assert (page.evaluate(WIDTH), page.evaluate("location.hash")) == (700, "")


def test_a_key_with_ctrl_stays_the_browsers(browser, home):
    with opened(browser, home) as page:
        page.keyboard.press("Control+j")
        assert page.evaluate("location.hash") == ""


def test_a_person_s_inbox_opens_with_the_mail_beside_it(browser, home):
    with opened(browser, home) as page:
        page.get_by_role("link", name="Inbox of Rosa").click()
        page.wait_for_url("**/person-1.html")
        assert page.locator("h1").inner_text() == "Inbox of Rosa"
        assert heading(page) == "Mail k1"
        page.get_by_role("link", name="Mail k2").click()
        page.wait_for_selector("#mail-k2 iframe")
        assert shown(page).locator("p").inner_text().startswith("Grüße, Rosa.")


def test_a_link_in_a_mail_leads_nowhere_and_the_page_says_where_it_would(browser, place):
    with opened(browser, place + "index.html", quiet=False) as page:
        shown(page).locator("a").click()
        page.locator("#said", has_text="https://example.com").wait_for()
        page.wait_for_selector(".desk iframe")
        assert shown(page).locator("p").inner_text().startswith("Grüße, Rosa.")
        page.keyboard.press("j")
        page.locator("#said").wait_for(state="hidden")


def test_a_script_in_a_mail_does_not_run(browser, place):
    with opened(browser, place + "index.html#mail-news-all", quiet=False) as page:
        page.wait_for_selector("#mail-news-all iframe")
        assert shown(page).title() == "News"


def test_a_mail_opened_on_its_own_is_kept_in_as_well(browser, home):
    with opened(browser, f"{home}mail/news/all/index.html", quiet=False) as page:
        assert page.title() == "News"


def test_everything_can_be_read_without_a_script(browser, place):
    with opened(browser, place + "index.html", quiet=False, java_script_enabled=False) as page:
        page.get_by_role("link", name="About welcome, Right side").click()
        assert page.locator("#mail-welcome-right iframe").is_visible()
        assert shown(page).url.endswith("mail/welcome/right/index.html")
        page.get_by_label("Phone").check()
        assert page.locator("#mail-welcome-right iframe").bounding_box()["width"] == 375


def test_on_a_phone_the_list_gives_way_to_the_mail_and_comes_back(browser, home):
    with opened(browser, home, viewport={"width": 375, "height": 700}) as page:
        assert page.locator(".list").is_visible()
        assert page.locator(".reader").is_hidden()
        page.get_by_role("link", name="About welcome, Right side").click()
        page.wait_for_selector("#mail-welcome-right iframe")
        assert page.locator(".list").is_hidden()
        page.get_by_role("link", name="Back to the list").click()
        assert page.locator(".list").is_visible()


@pytest.mark.parametrize("name", ["index.html", "index.html#mail-welcome-right", "person-1.html"])
def test_no_page_is_wider_than_the_screen(browser, home, name):
    with opened(browser, home + name) as page:
        for width in (320, 400, 760, 761, 1080, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator(".list").evaluate("list => list.scrollWidth - list.clientWidth") == 0
