"""A reader gets from any page to any other, at every width, by mouse, finger and keyboard."""

import re

import pytest
from playwright.sync_api import TimeoutError
from thorough import THOROUGH
from visits import change_pages, lightened

# The theme changes at 992 and at 1200.
WIDTHS = [390, 800, 991, 992, 1100, 1280, 1440] if THOROUGH else [991, 992, 1280]
BOOK, PAGE = "primary", "secondary"


class Contents:
    """The contents of the book, or those of the page, and the button that opens them."""

    def __init__(self, page, which):
        self.page = page
        self.button = page.locator(f"button.{which}-toggle").filter(visible=True)
        self.link = page.locator({BOOK: "nav.bd-docs-nav a[href*='08_descent']", PAGE: "nav.page-toc a"}[which]).first

    def are(self, state):
        """Tell whether they come to be visible, or hidden; those of the book glide."""
        try:
            self.link.wait_for(state=state, timeout=2000)
        except TimeoutError:
            return False
        return True

    def are_closed_by(self, close):
        """Open them, close them in some way, and tell whether both worked."""
        self.button.click()
        were_open = self.are("visible")
        close(self.page)
        return were_open and self.are("hidden")


def press(key):
    return lambda page: page.keyboard.press(key)


def click_close(page):
    page.get_by_role("button", name="Close the contents").click()


def click_beside(page):
    box = page.locator("dialog[open]").bounding_box()
    width = page.viewport_size["width"]
    page.mouse.click(width - 5 if box["x"] < width / 4 else 5, 400)


CLOSE = [click_close, click_beside, press("Escape"), press("Enter")]  # Enter, as its button has the focus


@pytest.fixture
def chapter(context, site, book):
    """Return a function from a width to chapter 5."""
    page = context.new_page()
    change_pages(page, site, book, lightened)

    def chapter(width):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(f"{site}chapters/05_gradient.html")
        return page

    yield chapter
    page.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_contents_open_and_close_and_lead_to_chapter_8(chapter, width):
    page = chapter(width)
    of_page, of_book = Contents(page, PAGE), Contents(page, BOOK)
    if width < 1200:
        assert of_page.are("hidden")
        assert [of_page.are_closed_by(close) for close in CLOSE] == [True] * len(CLOSE)
    else:
        assert of_page.are("visible")
        assert of_page.button.count() == 0
    if width < 992:
        assert of_book.are("hidden")
        assert [of_book.are_closed_by(close) for close in CLOSE] == [True] * len(CLOSE)
        of_book.button.click()
    else:
        assert of_book.are("visible")
        for by in (of_book.button.click, lambda: of_book.button.press("Enter")):
            by()
            assert of_book.are("hidden")
            by()
            assert of_book.are("visible")
        assert page.get_by_role("button", name="Close the contents").count() == 0
    of_book.link.click()
    page.wait_for_url("**/chapters/08_descent.html")


@pytest.mark.parametrize("which", [BOOK, PAGE])
def test_the_keyboard_opens_the_contents_and_gets_back_to_their_button(chapter, which):
    page = chapter(390)
    contents = Contents(page, which)
    contents.button.press("Enter")
    assert contents.are("visible")
    page.keyboard.press("Escape")
    assert contents.are("hidden")
    assert contents.button.evaluate("button => button === document.activeElement")


def test_a_solution_is_one_click_from_its_exercise_and_one_click_back(chapter):
    """The places of both, in the middle of their pages, are those of the same exercise."""
    page = chapter(1280)
    page.locator("#exercise-5-2-the-gradient-at-a-temperature").get_by_role("link", name="Solution").click()
    page.wait_for_url("**/chapters/solutions/05_gradient.html#exercise-5-2-the-gradient-at-a-temperature")
    solution = page.locator("#exercise-5-2-the-gradient-at-a-temperature")
    assert "05-temperature: solved." in solution.inner_text()
    solution.get_by_role("link", name="Back to the exercise").click()
    page.wait_for_url("**/chapters/05_gradient.html#exercise-5-2-the-gradient-at-a-temperature")
    assert page.evaluate("scrollY") > 2000


def test_a_page_without_contents_has_none_to_close(book):
    text = (book / "references.html").read_text(encoding="utf-8")
    assert text.count('method="dialog"') == 1  # that of the book's


def test_each_button_is_on_the_page_once(book):
    """The theme binds what it finds first, which would be one that is hidden."""
    text = (book / "chapters" / "05_gradient.html").read_text(encoding="utf-8")
    assert len(re.findall(r"<button [^>]*primary-toggle", text)) == 1
    assert len(re.findall(r"<button [^>]*secondary-toggle", text)) == 1
