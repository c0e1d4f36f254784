"""The pages for the board have what the chapters have, each on one sheet of paper."""

import re
from pathlib import Path

import pytest

from tools import board, ledger, standalone

ROOT = Path(__file__).parents[2]
EQUATIONS = [each for each in ledger.book(standalone.CHAPTERS).values() if each.page[0].isdigit()]
N_CHAPTERS = len(list(standalone.CHAPTERS.glob("[0-9]*.ipynb")))
SECTIONS = re.compile(r"<section>.*?</section>", re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    board.main(folder)
    return folder


def missing_in(text):
    """Yield what a page for the board lacks."""
    shown = re.findall(r'<div class="equation">.+?<p>\(([\d.]+)\) ([a-zA-Z ]+)', text, re.S)
    yield from sorted({(each.number, each.status) for each in EQUATIONS} ^ set(shown))
    for section in SECTIONS.findall(text):
        if "<strong>Aims:</strong> " not in section or "<li>" not in section.partition("<h2>Summary</h2>")[2]:
            yield section[:60]
        if re.search(r"\{eq\}|\{cite|\]\(|<!--|\$", section):
            yield f"not resolved: {re.search(r'.{40}(?:{eq}|{cite|]|<!--|[$]).{40}', section)}"


def test_each_chapter_has_its_aims_all_its_equations_and_its_summary(folder):
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert len(SECTIONS.findall(text)) == N_CHAPTERS
    assert list(missing_in(text)) == []
    assert text.count("<mjx-container") == text.count('class="math"') > 126


def test_an_equation_a_summary_and_a_link_that_are_lost_are_missed(folder):
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert list(missing_in(text.replace("(5.1) proved", "(5.1) definition"))) != []
    assert len(list(missing_in(text.replace("<li>", "", text.count("<li>"))))) == N_CHAPTERS
    assert len(list(missing_in(text.replace("</section>", "{eq}`eq-a`</section>", 1)))) == 1


def test_each_chapter_fits_a_sheet_of_paper(folder):
    browser = pytest.importorskip("tools.browser")
    if browser.find_chromium() is None:
        pytest.skip(browser.NONE_FOUND)
    with browser.chromium() as chromium:
        page = chromium.new_page()
        page.goto((folder / "index.html").as_uri())
        pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == N_CHAPTERS
