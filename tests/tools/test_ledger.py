"""The ledger: what is read from the notebooks, and what a small book makes of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

from tools import ledger, standalone
from tools.pages import ledger as ledger_on_pages

ROOT = Path(__file__).parents[2]
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
extensions = ["myst_nb", "sphinxcontrib.bibtex", "tools.pages.ledger"]
bibtex_bibfiles = ["references.bib"]
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
"""
INDEX = "# Book\n\n```{toctree}\nchapters/01_a\nchapters/02_b\nledger\n```\n\n```{bibliography}\n```\n"
LEDGER = "# Ledger\n\n<!-- how many: definition --> definition\n\n<!-- all equations -->\n"
A = """# First

$$
a = 1
$$ (eq-a)

<!-- status: proved for every K -->

## With a | bar

$$
b = a
$$ (eq-b)

<!-- status: definition -->"""
B = """# Second

$$
c = b
$$ (eq-c)

<!-- status: by another chapter (eq-b) -->

$$
d = 4
$$ (eq-d)

<!-- status: on paper (shannon1948) -->"""
CODE = ["1 + 1", "# proves eq-a\nassert_identity(a, 1)\n# checks eq-b, eq-a\nassert b == a"]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a small book into a folder, which it returns."""

    def write(a=A, b=B):
        files = {"conf.py": CONF, "index.md": INDEX, "ledger.md": LEDGER}
        files |= {"references.bib": (ROOT / "references.bib").read_text(), "chapters/01_a.ipynb": notebook(a, *CODE)}
        for name, text in (files | {"chapters/02_b.ipynb": notebook(b, "2 + 2")}).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def notebook(text, *code):
    cells = [new_code_cell(source, execution_count=number) for number, source in enumerate(code, start=1)]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return writes(new_notebook(cells=[new_markdown_cell(text), *cells], metadata={"kernelspec": kernelspec}))


def test_each_equation_is_found_with_its_place_its_status_and_its_cells(write):
    found = ledger.book(write() / "chapters").values()
    assert [tuple(equation[:5]) + tuple(equation[6:]) for equation in found] == [
        ("eq-a", "First", "First", "proved for every K", "", "01_a", "1.1"),
        ("eq-b", "First", "With a | bar", "definition", "", "01_a", "1.2"),
        ("eq-c", "Second", "Second", "by another chapter", "eq-b", "02_b", "2.1"),
        ("eq-d", "Second", "Second", "on paper", "shannon1948", "02_b", "2.2"),
    ]
    assert [[(claim.verb, claim.cell.execution_count) for claim in equation.claims] for equation in found] == [
        [("proves", 2), ("checks", 2)],
        [("checks", 2)],
        [],
        [],
    ]


def test_the_page_is_markdown_with_a_table_for_each_chapter(write):
    text = ledger_on_pages.filled(LEDGER, ledger.book(write() / "chapters").values())
    assert text.splitlines()[2:] == [
        "1 definition",
        "",
        "## 1. First",
        "",
        *ledger_on_pages.HEAD.splitlines(),
        "| {eq}`eq-a` | First | proved for every K | [cell 2](chapters/01_a.ipynb#cell-2), "
        "checked in [cell 2](chapters/01_a.ipynb#cell-2) |",
        r"| {eq}`eq-b` | With a \| bar | definition | checked in [cell 2](chapters/01_a.ipynb#cell-2) |",
        "",
        "## 2. Second",
        "",
        *ledger_on_pages.HEAD.splitlines(),
        "| {eq}`eq-c` | Second | by another chapter | {eq}`eq-b` |",
        "| {eq}`eq-d` | Second | on paper | {cite:t}`shannon1948` |",
    ]


def build(folder):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html", ".", "html"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_a_book_with_all_statuses_is_built(write):
    folder = write()
    result = build(folder)
    assert result.returncode == 0, result.stderr
    chapter = (folder / "html" / "chapters" / "01_a.html").read_text()
    assert chapter.count('href="../ledger.html#eq-a"') == 1
    assert "<!-- status" not in chapter
    assert 'id="cell-2"' in chapter
    page = (folder / "html" / "ledger.html").read_text()
    assert page.count('href="chapters/01_a.html#cell-2"') == 3
    assert '<tr class="row-even" id="eq-a">' in page


def equation(label, status):
    return f"$$\na = 1\n$$ ({label})\n\n{status}"


FAULTY = f"""# Second

{equation("eq-bare", "And so on.")}

{equation("eq-late", "Meanwhile")}

<!-- status: definition -->

{equation("eq-lost", "<!-- status: by another chapter (eq-gone) -->")}

{equation("eq-cited", "<!-- status: on paper (shannon2048) -->")}"""


def test_an_equation_without_a_status_is_a_warning_that_ends_the_build_and_so_is_one_that_names_nobody(write):
    result = build(write(b=FAULTY))
    assert result.returncode != 0
    warnings = [line.partition("WARNING: ")[2] for line in result.stderr.splitlines() if "WARNING: " in line]
    for complaint in ("eq-bare has no status", "eq-late has no status", "eq-gone", "shannon2048"):
        assert [warning for warning in warnings if complaint in warning], result.stderr


# What no chapter can tell by itself


def misled(book):
    """Yield what is said to follow from an equation that is not there, not elsewhere, or that follows from it."""
    for label, equation in book.items():
        before, seen = equation, {label}
        while before.status == "by another chapter":
            other = book.get(before.note)
            if other is None or other.page == before.page or other.label in seen:
                yield f"{label} by {before.note}"
                break
            before = other
            seen.add(other.label)


def test_what_follows_from_another_chapter_does():
    assert list(misled(ledger.book(standalone.CHAPTERS))) == []


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (A, B.replace("(eq-b) -->", "(eq-gone) -->")),
        (A, B.replace("(eq-b) -->", "(eq-d) -->")),
        (A.replace("definition", "by another chapter (eq-c)"), B),
    ],
    ids=["nowhere", "here", "in a circle"],
)
def test_what_does_not_follow_is_found(write, a, b):
    assert list(misled(ledger.book(write() / "chapters"))) == []
    assert "eq-c" in "".join(misled(ledger.book(write(a, b) / "chapters")))


def test_the_page_explains_each_status_and_no_other():
    assert ledger_on_pages.COUNT.findall((ROOT / "ledger.md").read_text(encoding="utf-8")) == list(ledger.STATUSES)


# Links that show the number of an equation

NUMBERED = re.compile(r"\[\((\d+\.\d+)\)\]\(([^)#]*)#(eq-[\w-]+)\)")


def misnumbered(text, page, book):
    """Return the links of a page to equations that have another number, or are on another page."""
    links = [(number, Path(target).stem or page, label) for number, target, label in NUMBERED.findall(text)]
    return [link for link in links if link != (book[link[2]].number, book[link[2]].page, link[2])]


def test_a_link_shows_the_number_that_its_equation_has():
    book = ledger.book(ROOT / "chapters")
    pages = [*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("chapters/solutions/*.ipynb"), *ROOT.glob("*.md")]
    linked = {page: page.read_text(encoding="utf-8") for page in pages}
    assert sum(len(NUMBERED.findall(text)) for text in linked.values()) > 50
    for page, text in linked.items():
        assert misnumbered(text, page.stem, book) == [], page


@pytest.mark.parametrize("link", ["[(5.2)](05_gradient.ipynb#eq-gradient)", "[(5.1)](06_jacobian.ipynb#eq-gradient)"])
def test_a_link_with_another_number_or_page_is_seen(link):
    assert misnumbered(link, "07_backprop", ledger.book(ROOT / "chapters"))
