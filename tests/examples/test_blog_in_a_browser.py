"""The example blog as Chromium shows it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.examples.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def page(chromium: Browser, blog_server: Site) -> Iterator[Page]:
    """A page whose relative addresses lead to the blog, and which must end without an error."""
    page = chromium.new_page(base_url=blog_server.url, viewport={"width": 1200, "height": 900})
    complaints: list[str] = []
    strangers: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.on(
        "request",
        lambda request: (
            strangers.append(request.url)
            if not request.url.startswith((blog_server.url, "data:", "blob:"))
            else None
        ),
    )
    yield page
    page.close()
    assert complaints == []
    assert strangers == []


def test_a_reader_goes_from_the_list_to_a_post(page: Page) -> None:
    """Home, list, next page and post follow each other by clicks."""
    page.goto("/")
    page.get_by_role("link", name="All posts").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Posts"
    page.get_by_role("link", name="Older").click()
    assert "Page 2 of" in page.get_by_role("navigation", name="Pages").inner_text()
    entry = page.get_by_role("heading", level=2).first
    title = entry.inner_text()
    entry.get_by_role("link").click()
    assert page.get_by_role("heading", level=1).inner_text() == title


def test_a_post_full_of_markup_is_text(page: Page) -> None:
    """Script and HTML in a post are shown, not run."""
    page.goto("/blog/?q=%3Cb%3EMarkup")
    page.get_by_role("link", name="Markup").first.click()
    text = page.locator("article.post").inner_text()
    assert '<script>alert("a post is text, not a program")</script>' in text
    assert "{{ 7 * 7 }}" in text


@pytest.mark.parametrize("width", [320, 1200])
def test_no_page_is_wider_than_the_window(page: Page, width: int) -> None:
    """Nothing has to be scrolled sideways, on a telephone or a desk, long words included."""
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/", "/blog/", "/blog/?page=2", "/blog/?q=long+word", "/blog/?q=WWW"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto("/blog/?q=long+word")
    page.get_by_role("link", name="A very long word").click()
    page.wait_for_load_state("load")  # a click does not wait for the style sheet
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_light_and_dark(page: Page, scheme: str) -> None:
    """Text and ground differ by a contrast of at least 7 to 1 in both schemes."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto("/blog/")
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert get_contrast(ink, paper) >= 7


def get_contrast(first: str, second: str) -> float:
    """Return the contrast of two `rgb(...)` colours (WCAG 2.2)."""
    light, dark = sorted((get_luminance(first), get_luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def get_luminance(color: str) -> float:
    parts = [int(part) / 255 for part in color.strip("rgb()").split(",")]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_skip_link_leads_to_the_content(page: Page) -> None:
    """The first press of Tab offers to skip the navigation."""
    page.goto("/blog/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_swagger_ui_lists_the_api(page: Page) -> None:
    """`/docs` shows the API's operations with nothing fetched from elsewhere."""
    page.goto("/docs")
    page.get_by_text("/api/posts/", exact=True).first.wait_for()
