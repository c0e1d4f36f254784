"""What a page sends is what it needs, and what it weighs is what was measured."""

import re
from base64 import b64decode
from io import BytesIO

import pytest
from fontTools.ttLib import TTFont

from benchmarks import pages
from tools.browser import serve
from tools.pages import trim_theme

SHIFTING = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><article><p>Text</p><p id="late"></p>
<p style="height: 300px; background: #ccc">Below</p></article><script src="script.js"></script><img src="picture.png">
<script>setTimeout(() => document.getElementById("late").style.height = "200px", 100);</script>"""


def test_bytes_are_those_on_the_wire_without_pictures_and_a_jump_is_a_shift(browser, tmp_path):
    (tmp_path / "index.html").write_text(SHIFTING, encoding="utf-8")
    (tmp_path / "script.js").write_text("//" + "x" * 100_000)
    (tmp_path / "picture.png").write_bytes(bytes(range(256)) * 100)
    phone, desktop = pages.measure(tmp_path, browser)
    assert (phone.name, phone.width, desktop.width) == ("index", "phone", "desktop")
    assert 0.5 < phone.kilobytes < 3  # neither the 100 KB before compression, nor the picture
    assert phone.shift > 0.1
    assert 0 < phone.text <= phone.largest
    (tmp_path / "index.html").write_text(SHIFTING.replace("200px", "0px"), encoding="utf-8")
    assert pages.measure(tmp_path, browser)[0].shift == 0


def test_the_table_names_the_worst_page_and_each_limit_counts():
    good = pages.Load("good", "phone", 499, 0.049, 999, 500, 999)
    heavy = pages.Load("heavy", "desktop", 501, 0.101, 1001, 600, 600)
    slow = pages.Load("slow", "phone", 499, 0.051, 2501, 1000, 1501)
    assert pages.markdown([good], [good]).count("| yes |") == 6
    text = pages.markdown([good, heavy], [good, slow])
    assert text.count("| **no** |") == 6
    assert "501 KB before its figures (heavy, desktop)" in text
    assert "501 ms (slow, phone)" in text
    assert "| good | phone | 499 | 0.049 | 999 | 500 |" in text
    assert "| slow | 1000 | 1501 | 2501 | 0.051 |" in text


def test_a_slow_line_is_waited_for(browser, tmp_path):
    (tmp_path / "index.html").write_text(SHIFTING, encoding="utf-8")
    (load,) = pages.measure_slow(tmp_path, browser, ["index"])
    assert load.text > pages.SLOW_LINE["latency"]
    assert load.formulas == load.text  # it has none


@pytest.mark.parametrize(
    ("name", "width"),
    [("chapters/05_gradient", "phone"), ("chapters/13_large_vocabulary", "desktop"), ("teachers", "phone")],
)
def test_every_page_weighs_less_than_its_limit_and_stands_still(browser, book, name, width):
    """The heaviest kind, a chapter, with what it fetches, and those that jumped; `make weigh` measures all of them."""
    with serve(book, compress=True) as url:
        load = pages.load(browser, url, name, width)
    assert load.kilobytes < pages.LIMITS["kilobytes"]
    assert load.shift < pages.LIMITS["shift"] / 5


# What the theme brings


def icons_in(font):
    return {chr(code) for code in TTFont(font).getBestCmap()}


def test_icons_in_use_are_in_the_font_and_few_others(book):
    fonts = book / "_static" / "vendor" / "fontawesome" / "webfonts"
    solid = icons_in(fonts / "fa-solid-900.woff")
    assert {"\uf002", "\uf0c9", "\uf019", "\uf107"} <= solid  # search, menu, download, and the arrow of the contents
    assert "\uf001" not in solid  # music
    assert "\uf09b" in icons_in(fonts / "fa-brands-400.woff")  # GitHub
    assert sorted(path.suffix for path in fonts.iterdir()) == [".woff"] * 3


def test_no_page_draws_its_icons_twice(book):
    page = (book / "index.html").read_text(encoding="utf-8")
    assert "fontawesome" not in page
    assert trim_theme.SCRIPT.sub("", '<script defer src="a/fontawesome.js?digest=1"></script>') == ""
    assert "webfonts/fa-solid-900.woff)" in (book / "_static/styles/pydata-sphinx-theme.css").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(("options", "theme"), [({}, "light"), ({"color_scheme": "dark"}, "dark")])
def test_a_page_has_its_colours_before_the_theme_is_there(browser, site, options, theme):
    with browser.new_context(**options) as context:
        page = context.new_page()
        page.route("**/pydata-sphinx-theme.js*", lambda route: route.abort())
        page.goto(f"{site}teachers.html")
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        assert page.locator("article pre").first.evaluate("e => getComputedStyle(e).borderTopStyle") == "solid"


def test_without_scripts_a_page_is_light(browser, site):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site}teachers.html")
        assert page.locator("html[data-theme=light]").count() == 1


def test_an_icon_is_seen(visit, site, book):
    icon = visit(site, book, "index").page.locator(".fa-magnifying-glass").first
    assert icon.evaluate("e => document.fonts.check('900 16px \"Font Awesome 6 Free\"', '\\uf002')")
    assert icon.evaluate("e => getComputedStyle(e, '::before').content") == '"\uf002"'


# Formulas


def test_every_formula_is_set_when_the_page_arrives(book):
    texts = [path.read_text(encoding="utf-8") for path in book.glob("**/*.html") if "lite" not in path.parts]
    formulas = [formula for text in texts for formula in text.split('math notranslate nohighlight"')[1:]]
    assert len(formulas) > 1000
    for part in ('<span class="tex"', "<mjx-math", "<math"):  # to be copied, to be seen and to be heard
        assert [formula[:200] for formula in formulas if part not in formula] == []
    assert not (book / "mathjax").exists()
    assert [text for text in texts if "mathjax/" in text] == []


LARGE = ("Main-Regular", "Math-Italic")


def test_the_fonts_of_formulas_are_asked_for_before_any_style_is_there(browser, visit, site, book):
    def fonts(page):
        names = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name.split('/').pop())")
        return sorted(name for name in names if name.startswith("MathJax"))

    with browser.new_context() as context:
        page = context.new_page()
        page.route("**/*.css*", lambda route: route.abort())
        page.goto(f"{site}chapters/05_gradient.html")
        early = fonts(page)
    assert early == [f"MathJax_{name}.woff" for name in LARGE]
    page = visit(site, book, "chapters/05_gradient").page
    page.evaluate("document.fonts.ready.then(() => true)")
    assert fonts(page) == early  # and none is asked for twice, or for nothing


def test_fonts_of_formulas_have_the_signs_that_they_show_and_small_ones_are_in_the_style_sheet(book):
    folder = book / "_static" / "formulas"
    style = (folder / "formulas.css").read_text(encoding="utf-8")
    files = set(re.findall(r"fonts/([\w.-]+)", style))
    assert files == {font.name for font in folder.glob("fonts/*")} == {f"MathJax_{n}.woff" for n in LARGE}
    inside = dict(re.findall(r"font-family: MJX([\w-]+);\s*src: url\(\"data:font/woff;base64,([^\"]+)", style))
    signs = {name: icons_in(BytesIO(b64decode(data))) for name, data in inside.items() if name != "ZERO"}
    signs |= {name: icons_in(folder / "fonts" / f"MathJax_{name}.woff") for name in LARGE}
    assert signs["TEX-B"] == {"1"}  # the indicator
    for name, some, other in (("Main-Regular", "1=", "q"), ("Math-Italic", "q", "="), ("TEX-S1", "∑", "1")):
        assert set(some) <= signs[name]
        assert other not in signs[name]


BOXES = "all => all.map(e => e.getBoundingClientRect()).map(box => [box.width, box.height])"


def test_a_formula_has_its_size_before_its_fonts_are_there(browser, site):
    sizes = []
    with browser.new_context() as context:
        page = context.new_page()
        for fonts_come in (True, False):
            if not fonts_come:
                page.route("**/MathJax_*.woff", lambda route: route.abort())
            page.goto(f"{site}chapters/07_backprop.html")
            page.evaluate("document.fonts.ready.then(() => true)")
            sizes.append(page.eval_on_selector_all("article mjx-container", BOXES))
    assert len(sizes[0]) > 50
    assert sizes[0] == sizes[1]


COPIED = """paragraph => {
  getSelection().selectAllChildren(paragraph);
  return getSelection().toString();
}"""


def test_what_is_copied_from_a_formula_is_its_tex(visit, site, book):
    page = visit(site, book, "chapters/05_gradient").page
    paragraph = page.locator("article p", has=page.locator(".math", has_text="q - p"))
    copied = paragraph.first.evaluate(COPIED)
    assert r"\(q - p\)" in copied
    assert copied.count("q") == copied.count(r"\(q - p\)")  # and not the MathML as well


# Heads


def test_text_waits_for_no_script(book):
    pages = [path for path in book.glob("**/*.html") if "lite" not in path.parts]
    heads = {path: path.read_text(encoding="utf-8").partition("</head>")[0] for path in pages}
    assert [path for path, head in heads.items() if re.search(r"<script (?!defer)[^>]*src=", head)] == []


def test_no_style_sheet_names_another(visit, site, book):
    urls = visit(site, book, "teachers").requests
    sheets = [book / url.removeprefix(site).split("?")[0] for url in urls if ".css" in url]
    assert len(sheets) > 5
    assert [sheet.name for sheet in sheets if "@import" in sheet.read_text(encoding="utf-8")] == []


def test_a_page_asks_for_no_script_or_style_that_it_does_not_use(visit, site, book):
    visited = visit(site, book, "references")
    names = {url.rsplit("/", 1)[1].split("?")[0] for url in visited.requests}
    for unused in ("thebe", "design", "fontawesome", "explorers", "searchindex"):
        assert [name for name in names if unused in name] == []
