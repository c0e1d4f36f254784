"""The book as one PDF: put together so that each link has its place in it, and printed."""

import re
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from visits import without_formulas, without_marks

from tools import make_pdf
from xentlib.teaching import explorers

NAMES = ["index", "chapters/one"]
INDEX = """<head><title>Small</title><link rel="stylesheet" href="style.css"></head>
<article><h1>Small<a class="headerlink" href="#small">#</a></h1><p class="start"><span id="pdf"></span></p>
<p id="here"><a href="chapters/one.html#here">one</a> <a href="chapters/one.html">top</a> <a href="one.ipynb">file</a>
<a href="https://example.org/">out</a></p></article>"""
CHAPTER = """<article><h1>One</h1><h2>Part</h2>
<p id="here"><a href="../index.html#here">home</a> <a href="#ask">ask</a></p>
<svg class="drawing"><path id="one-1"/><use href="#one-1"/></svg>
<div class="highlight"><pre><span class="k">if</span> <span class="n">x</span></pre></div>
<p id="ask">Guess.</p>
<details class="admonition hide"><summary>Show the code</summary><pre>import</pre></details></article>"""


@pytest.fixture
def small_book(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "index.html").write_text(INDEX, encoding="utf-8")
    (tmp_path / "chapters" / "one.html").write_text(CHAPTER, encoding="utf-8")
    return tmp_path


@pytest.fixture
def whole(small_book):
    return BeautifulSoup(make_pdf.assemble(small_book, [("", ["index"]), ("Part I", ["chapters/one"])]), "html.parser")


def misled(html):
    """Return each link that leads to no place, or to more than one.

    By expressions: a parser takes seconds for the whole book, and has written each < in an attribute as &lt;.
    """
    places = Counter(re.findall(r'<[^<>]*\sid="([^"]*)"', html))
    targets = [target for target in re.findall(r'<a\s[^<>]*?href="([^"]*)"', html) if "://" not in target]
    return [target for target in targets if places[target.removeprefix("#")] != 1]


def test_each_link_leads_to_one_place(whole):
    links = {link.text: link.get("href") for link in whole.find_all("a")}
    assert links["one"] == "#chapters-one--here"
    assert links["home"] == "#index--here"
    assert links["top"] == "#chapters-one--"
    assert links["out"] == "https://example.org/"
    assert links["file"] is None
    assert misled(str(whole)) == []
    whole.find(id="index--here")["id"] = "gone"
    assert misled(str(whole)) == ["#index--here"]
    whole.find(id="gone")["id"] = "chapters-one--here"
    assert misled(str(whole)) == ["#chapters-one--here", "#index--here"]


def test_headings_find_their_place(whole):
    assert [(heading.name, heading.text) for heading in whole.find_all(["h1", "h2", "h3"])] == [
        ("h2", "Small"),
        ("h1", "Part I"),
        ("h2", "One"),
        ("h3", "Part"),
    ]


def test_a_drawing_keeps_its_names_and_code_no_more_marks_than_colours(whole):
    assert [mark["id"] for mark in whole.select(".drawing path")] == ["one-1"]
    assert [mark.text for mark in whole.select("pre span")] == ["if"]


def test_what_is_folded_on_a_page_is_not_printed(whole):
    assert "Guess." in whole.text
    assert "Show the code" not in whole.text
    assert "import" not in whole.text


def test_in_the_book_each_link_leads_to_one_place(book, monkeypatch):
    parse = make_pdf.parse
    monkeypatch.setattr(make_pdf, "parse", lambda html: parse(without_marks(without_formulas(html))))
    assert misled(make_pdf.assemble(book, make_pdf.contents())) == []


def test_what_starts_to_read_on_the_screen_is_not_printed(whole):
    assert whole.select(".start, [id$=pdf]") == []


def test_an_explorer_keeps_no_room_on_paper_for_what_only_the_screen_shows(open_page):
    page = open_page()
    page.set_content('<div data-explorer="x" style="--x-wide: 400px; --x-narrow: 400px"></div>')
    page.add_style_tag(path=Path(explorers.__file__).with_name("explorers.css"))
    heights = []
    for media in ("screen", "print"):
        page.emulate_media(media=media)
        heights.append(page.evaluate("document.querySelector('[data-explorer]').clientHeight"))
    assert heights == [400, 0]


def test_the_pdf_is_printed_and_linked(browser, small_book, monkeypatch):
    monkeypatch.setattr(make_pdf, "contents", lambda: [("", NAMES)])
    before = sorted(small_book.rglob("*"))
    make_pdf.print_book(small_book, browser)
    pdf = (small_book / make_pdf.NAME).read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert b"/Outlines" in pdf
    assert b"/StructTreeRoot" in pdf
    assert sorted(small_book.rglob("*")) == sorted([*before, small_book / make_pdf.NAME])
    assert f'<a href="{make_pdf.NAME}">' in (small_book / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def printed_by(small_book, monkeypatch):
    """Return a function that lets another print the page, and no browser."""
    monkeypatch.setattr(make_pdf.tools_browser, "find_chromium", lambda: "chromium")
    monkeypatch.setattr(make_pdf.tools_browser, "chromium", nullcontext)
    monkeypatch.setattr(make_pdf, "contents", lambda: [("", NAMES)])
    return lambda print_page: monkeypatch.setattr(make_pdf, "print_page", print_page)


def test_a_printing_that_fails_leaves_the_book_as_it_was(small_book, printed_by, monkeypatch):
    printed_by(lambda *arguments: b"%PDF-")
    monkeypatch.setattr(Path, "write_bytes", lambda *arguments: 1 / 0)  # a full disk
    before = {path: path.read_text(encoding="utf-8") for path in small_book.rglob("*.html")}
    with pytest.raises(ZeroDivisionError):
        make_pdf.main(str(small_book))
    assert {path: path.read_text(encoding="utf-8") for path in small_book.rglob("*.*")} == before


def test_the_book_and_its_pdf_come_into_place_together(small_book, printed_by):
    seen = []
    printed_by(lambda *arguments: seen.extend(small_book.rglob("*.*")) or b"%PDF-")
    before = sorted(small_book.rglob("*.*"))
    make_pdf.main(str(small_book))
    assert sorted(seen) == before
    assert sorted(small_book.rglob("*.*")) == sorted([*before, small_book / make_pdf.NAME])
    assert make_pdf.LINK in (small_book / "index.html").read_text(encoding="utf-8")
    assert (small_book / "index.html").stat().st_mtime <= (small_book / make_pdf.NAME).stat().st_mtime


def test_without_a_browser_it_says_so_in_one_line(monkeypatch, small_book):
    monkeypatch.setattr(make_pdf.tools_browser, "find_chromium", lambda: None)
    with pytest.raises(
        SystemExit, match=r"^The PDF needs a browser. No Chromium on the path .*chromium-headless-shell$"
    ):
        make_pdf.main(str(small_book))
