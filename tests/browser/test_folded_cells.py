"""A cell that only sets up or draws is folded on its page: it says what opens it, and opens for everyone."""

import pytest

PAGE = "chapters/checks"
FOLDED = "article .cell details.hide"


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_a_folded_cell_opens_and_closes_by_the_keyboard(open_page, site, device):
    page = open_page(device)
    page.goto(f"{site}{PAGE}.html")
    summary, code = page.locator(f"{FOLDED} > summary").first, page.locator(f"{FOLDED} pre").first
    assert (summary.inner_text(), code.is_visible()) == ("Show the code", False)
    summary.focus()
    page.keyboard.press("Enter")
    assert (summary.inner_text(), code.is_visible()) == ("Hide the code", True)
    page.keyboard.press("Space")
    assert not code.is_visible()


def test_a_folded_cell_is_called_as_it_reads(open_page, site):
    page = open_page()
    page.goto(f"{site}{PAGE}.html")
    assert page.locator(f"{FOLDED} > summary[aria-label]").count() == 0
    assert page.locator(f"{FOLDED} > summary").count() > 0


def test_on_paper_there_is_what_was_open_and_no_button(open_page, site):
    page = open_page()
    page.goto(f"{site}{PAGE}.html")
    page.emulate_media(media="print")
    folded = page.locator(FOLDED).first
    assert not folded.is_visible()
    folded.evaluate("e => e.open = true")
    assert folded.locator("pre").is_visible()
    assert not folded.locator("summary").is_visible()


def test_without_scripts_a_folded_cell_opens(open_page, site):
    page = open_page(java_script_enabled=False)
    page.goto(f"{site}{PAGE}.html")
    page.locator(f"{FOLDED} > summary").first.click()
    assert page.locator(f"{FOLDED} pre").first.is_visible()
