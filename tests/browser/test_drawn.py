"""Figures are drawn into the pages: in their fonts and colours, light and dark, on a phone and on a desktop."""

import re
from collections import Counter

import pytest
from visits import change_pages, without_formulas

from tools.pages import drawings

PAGES = ["benchmarks/index"] + [
    f"chapters/{name}" for name in ("01_cross_entropy", "03_classifier", "06_jacobian", "11_stability", "15_break_it")
]
# Rounding aside, what is written beyond the edge of its drawing.
BEYOND = """() => [...document.querySelectorAll("article .drawing")].flatMap(drawing => {
  const box = drawing.getBoundingClientRect();
  return [...drawing.querySelectorAll("text")].filter(text => {
    const own = text.getBoundingClientRect();
    return own.left < box.left - 2 || own.right > box.right + 2 || own.top < box.top - 2 || own.bottom > box.bottom + 2;
  }).map(text => text.textContent);
})"""
COLOURS = """() => {
  const seen = name => getComputedStyle(document.querySelector(name));
  return [seen("article .drawing:not(.card) text").fill, seen("article p").color, seen("body").backgroundColor];
}"""


def test_no_page_has_a_picture_of_a_figure(book):
    for path in book.rglob("*.html"):
        assert drawings.PICTURE.findall(path.read_text(encoding="utf-8")) == []
    assert list((book / "_images").glob("*")) == []


def test_names_within_drawings_are_those_of_one_thing_on_their_page(book):
    for path in book.glob("chapters/*.html"):
        names = Counter(re.findall(r'\bid="([^"]*)"', path.read_text(encoding="utf-8")))
        assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("device", ["phone", "desktop"])
@pytest.mark.parametrize("name", PAGES)
def test_all_that_is_written_lies_inside_its_drawing(open_page, site, book, device, name):
    page = open_page(device)
    change_pages(page, site, book, without_formulas)
    page.goto(f"{site}{name}.html")
    assert page.evaluate("document.querySelectorAll('article .drawing text').length") > 20
    assert page.evaluate(BEYOND) == []
    page.evaluate("document.querySelector('article .drawing text').setAttribute('x', 9999)")
    assert len(page.evaluate(BEYOND)) == 1
    # Firefox's letters are wider: what is beyond the edge there is not cut off.
    assert page.evaluate("getComputedStyle(document.querySelector('article .drawing')).overflow") == "visible"


def test_drawings_follow_the_theme(open_page, site):
    seen = []
    for scheme in ("light", "dark"):
        page = open_page("desktop", scheme)
        page.goto(f"{site}chapters/01_cross_entropy.html")
        text, prose, paper = page.evaluate(COLOURS)
        assert text in (prose, muted(page))
        seen.append((text, paper))
    assert seen[0][0] != seen[1][0]
    assert seen[0][1] != seen[1][1]


def muted(page):
    page.evaluate("document.body.style.outlineColor = 'var(--pst-color-text-muted)'")
    return page.evaluate("getComputedStyle(document.body).outlineColor")


def test_a_drawing_has_the_font_of_its_page(open_page, site):
    page = open_page()
    page.goto(f"{site}chapters/05_gradient.html")
    fonts = page.eval_on_selector_all(
        "article > section > p, article .drawing text", "all => all.map(e => getComputedStyle(e).fontFamily)"
    )
    assert len(set(fonts)) == 1


def test_the_text_of_a_figure_can_be_read_on_a_phone(open_page, site):
    page = open_page("phone")
    page.goto(f"{site}chapters/05_gradient.html")
    heights = page.eval_on_selector_all(
        "article .drawing text", "all => all.map(e => e.getBoundingClientRect().height)"
    )
    upright = [height for height in heights if height < 30]
    assert min(upright) >= 9
