"""A reference to an equation shows the equation: to a mouse and to the keyboard, and never in the way."""

import pytest
from test_accessible import axe  # noqa: F401 - a fixture
from visits import Visit

SAME_PAGE = 'article a.reference[href="#equation-eq-survivor"]'
OTHER_PAGE = 'article a.reference[href="chapters/05_gradient.html#equation-eq-gradient"]'
PREVIEW = "#equation-preview"
INSIDE = """box => {
  const {left, right, top, bottom} = box.getBoundingClientRect();
  return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight && box.scrollWidth <= box.clientWidth;
}"""


def point_at(page, selector):
    page.locator(selector).first.hover()
    page.wait_for_selector(PREVIEW)
    return page.locator(PREVIEW)


def is_away(page):
    page.wait_for_selector(PREVIEW, state="hidden")
    return True


@pytest.fixture
def chapter(open_page, site):
    page = open_page()
    page.goto(f"{site}chapters/05_gradient.html")
    return page


@pytest.mark.parametrize(("name", "reference", "number"), [
    ("chapters/05_gradient", SAME_PAGE, "(5.5)"), ("ledger", OTHER_PAGE, "(5.1)"),
])  # fmt: skip
@pytest.mark.parametrize("width", [320, 1280])
def test_pointing_at_a_reference_shows_the_equation(open_page, site, name, reference, number, width):
    page = open_page()
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(f"{site}{name}.html")
    preview = point_at(page, reference)
    assert preview.locator(".eqno").inner_text().strip() == number
    assert preview.locator("mjx-math").evaluate("e => e.getBoundingClientRect().width") > 50
    assert preview.evaluate(INSIDE)
    assert preview.locator("a, [id]").count() == 0


def test_every_equation_fits_a_narrow_screen(open_page, site):
    page = open_page()
    page.goto(f"{site}ledger.html")
    page.set_viewport_size({"width": 320, "height": 700})
    references = page.locator('article td:first-child a[href*="12_variants.html#equation-"]')
    for reference in references.all():
        reference.focus()
        page.wait_for_selector(PREVIEW)
        assert page.locator(PREVIEW).evaluate(INSIDE)
        assert (
            page.locator(PREVIEW).locator("mjx-container").evaluate("e => parseFloat(getComputedStyle(e).fontSize)") > 9
        )


def test_the_keyboard_shows_it_and_puts_it_away(chapter):
    reference = chapter.locator(SAME_PAGE).first
    reference.focus()
    chapter.keyboard.press("Shift+Tab")
    chapter.keyboard.press("Tab")
    chapter.wait_for_selector(PREVIEW)
    described_by = reference.get_attribute("aria-describedby")
    assert chapter.locator(f"#{described_by} mjx-assistive-mml math").count() == 1
    chapter.keyboard.press("Escape")
    assert is_away(chapter)
    assert reference.evaluate("e => e === document.activeElement && !e.hasAttribute('aria-describedby')")
    chapter.keyboard.press("Shift+Tab")
    chapter.keyboard.press("Tab")
    chapter.wait_for_selector(PREVIEW)
    reference.blur()
    assert is_away(chapter)


def test_a_pointer_that_moved_before_does_not_put_away_what_the_keyboard_shows(chapter):
    reference = chapter.locator(SAME_PAGE).first
    reference.focus()
    chapter.keyboard.press("Shift+Tab")
    chapter.locator("article h1").dispatch_event("pointerover", {"pointerType": "mouse", "bubbles": True})
    chapter.keyboard.press("Tab")
    chapter.wait_for_selector(PREVIEW)
    chapter.wait_for_timeout(600)
    assert chapter.locator(PREVIEW).is_visible()


def test_it_stays_while_it_is_pointed_at_and_goes_by_escape(chapter):
    preview = point_at(chapter, SAME_PAGE)
    preview.hover()
    chapter.wait_for_timeout(600)
    assert preview.is_visible()
    chapter.keyboard.press("Escape")
    assert is_away(chapter)
    point_at(chapter, SAME_PAGE)
    chapter.mouse.move(5, 5)
    assert is_away(chapter)


def test_a_click_and_a_tap_follow_the_link(chapter, open_page, site):
    point_at(chapter, SAME_PAGE)
    chapter.locator(SAME_PAGE).first.click()
    assert chapter.url.endswith("#equation-eq-survivor")
    phone = open_page("phone", has_touch=True, is_mobile=True)
    phone.goto(f"{site}chapters/05_gradient.html")
    phone.locator(SAME_PAGE).first.tap()
    phone.wait_for_timeout(600)
    assert phone.url.endswith("#equation-eq-survivor")
    assert phone.locator(PREVIEW).count() == 0 or phone.locator(PREVIEW).is_hidden()


def test_what_is_not_there_is_not_shown(open_page, site):
    page = open_page()
    page.route("**/chapters/05_gradient.html", lambda route: route.abort())
    page.goto(f"{site}ledger.html")
    page.locator(OTHER_PAGE).first.hover()
    page.wait_for_timeout(600)
    assert page.locator(PREVIEW).count() == 0


def test_axe_finds_nothing_serious_in_a_preview(axe, open_page, site, book):  # noqa: F811
    visited = Visit(open_page(), site, book, "chapters/05_gradient")
    point_at(visited.page, SAME_PAGE)
    found = list(axe(visited, PREVIEW))
    assert visited.page.locator(PREVIEW).is_visible()
    assert found == []
