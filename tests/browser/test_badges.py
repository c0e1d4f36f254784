"""In the built book each numbered equation has one badge, which leads to its row of the ledger; the row leads back."""

from urllib.parse import urldefrag

import pytest
from bs4 import BeautifulSoup
from visits import without_formulas, without_marks

from tools import ledger, standalone
from tools.make_pdf import contents

CHAPTER = """<article><div class="math" id="equation-eq-a"><span class="eqno">(1.1)</span></div>
<p class="equation-status"><a href="../ledger.html#eq-a">proved for every K</a></p>
<div class="cell" id="cell-3"># proves eq-a</div></article>"""
LEDGER = """<table><tr><td>status</td></tr><tr id="eq-a"><td><a href="chapters/one.html#equation-eq-a">(1.1)</a></td>
<td>One</td><td>proved for every K</td><td><a href="chapters/one.html#cell-3">cell 3</a></td></tr></table>"""


def unlike(chapters, ledger_page):
    """Yield what chapters, their HTML by name, and the ledger say differently of the equations."""
    rows = {row["id"]: row for row in soup(ledger_page).select("tr[id]")}
    for name, html in chapters.items():
        chapter = soup(html)
        for formula in chapter.select('.math[id^="equation-"]'):
            row = rows.pop(formula["id"].removeprefix("equation-"), None)
            if row is None:
                yield f"{name}: {formula['id']} has no row"
            else:
                yield from map(f"{name}: {formula['id']}: {{}}".format, disagreements(name, chapter, formula, row))
        if len(chapter.select(".equation-status")) != len(chapter.select(".eqno")):
            yield f"{name}: not one badge for each number"
    yield from (f"{label} has a row and is on no page" for label in rows)


def disagreements(name, chapter, formula, row):
    badge, own = formula.find_next_sibling(), row.td.a
    if "equation-status" not in badge.get("class", ()) or badge.a["href"] != f"../ledger.html#{row['id']}":
        yield "no badge that leads to the row"
    elif badge.a.text != row.select("td")[2].text:
        yield f"{badge.a.text!r} is not what the row says"
    if urldefrag(own["href"]) != (f"chapters/{name}.html", formula["id"]):
        yield f"the row leads to {own['href']}"
    if own.text != formula.select_one(".eqno").contents[0].text:
        yield f"the row is called {own.text}"
    for link in row.select('td:last-child a[href*="#cell-"]'):
        cell = chapter.find(id=urldefrag(link["href"]).fragment)
        if cell is None or row["id"] not in cell.text:
            yield f"{link.text} does not name the equation"


def soup(html):
    return BeautifulSoup(without_marks(without_formulas(html)), "html.parser")


def test_each_equation_has_a_badge_that_leads_to_its_row_and_back(book):
    pages = {name: (book / f"{name}.html").read_text(encoding="utf-8") for _, names in contents() for name in names}
    chapters = {name.removeprefix("chapters/"): html for name, html in pages.items() if 'class="eqno"' in html}
    assert list(unlike(chapters, pages["ledger"])) == []
    found = {(row["id"], row.a.text.strip("()")) for row in soup(pages["ledger"]).select("tr[id]")}
    assert found == {(label, equation.number) for label, equation in ledger.book(standalone.CHAPTERS).items()}


def test_a_good_page_agrees_with_the_ledger():
    assert list(unlike({"one": CHAPTER}, LEDGER)) == []


@pytest.mark.parametrize(
    ("chapter", "ledger_page"),
    [
        (CHAPTER, LEDGER.replace('"eq-a"', '"eq-b"')),
        (CHAPTER, LEDGER.replace("#equation-eq-a", "#equation-eq-b")),
        (CHAPTER, LEDGER.replace("chapters/one.html#e", "chapters/two.html#e")),
        (CHAPTER, LEDGER.replace("(1.1)", "(1.2)")),
        (CHAPTER, LEDGER.replace("proved for every K", "on paper")),
        (CHAPTER, LEDGER.replace("#cell-3", "#cell-4")),
        (CHAPTER.replace("# proves eq-a", "1 + 1"), LEDGER),
        (CHAPTER.replace("ledger.html#eq-a", "ledger.html#eq-b"), LEDGER),
        (CHAPTER.replace(' class="equation-status"', ""), LEDGER),
        (CHAPTER.replace("</article>", '<p class="equation-status"></p></article>'), LEDGER),
        ("<article></article>", LEDGER),
    ],
)
def test_what_differs_is_found(chapter, ledger_page):
    assert list(unlike({"one": chapter}, ledger_page)) != []
