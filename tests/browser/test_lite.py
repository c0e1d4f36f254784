"""Chapters that run in the reader's browser: opened by their button, without any other host.

A start of Python takes ten seconds and more. So one short chapter stands for all, and in it one test after another does
what a reader does: it runs, answers, is left, and comes back with its links. `make lite` and `make thorough` run each
chapter, and in the one that came back they start Python again.
"""

import base64
import json
import re
from pathlib import Path

import nbformat
import pytest
from notebooks import PATIENCE, Notebook
from thorough import THOROUGH

from tools import standalone
from tools.pages import run_chapter

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(path.stem for path in ROOT.glob("chapters/*.ipynb"))
ONE = "errata"  # has NumPy, SymPy and Matplotlib
OF_THE_MACHINE = re.compile("int(32|64)|take longer with K: .*")  # integers have half the bits there; what a clock says

pytestmark = pytest.mark.skipif(
    not (ROOT / "_build" / "lite" / "site").exists(), reason="The book was built without Python for the browser"
)


def stored(chapter):
    """Return what `Notebook.shown` is to return: the text that the page of the chapter shows below each cell."""
    notebook = nbformat.read(standalone.CHAPTERS / f"{chapter}.ipynb", as_version=4)
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    return ["".join(map(text_of, those)) for those in outputs]


def words(text):
    """Return the words of a text as a string, without those that differ from machine to machine."""
    return " ".join(OF_THE_MACHINE.sub("", text).split())


def text_of(output):
    if output.output_type == "stream":
        return output.text
    return output.data["text/plain"] if list(output.data) == ["text/plain"] else ""


def opened(page, site, chapter):
    """Return a chapter that was opened by its button, once its Python has started."""
    notebook = Notebook(page, site)
    page.goto(f"{site}chapters/{chapter}.html")
    page.get_by_role("link", name="Run this chapter", exact=True).click()
    notebook.wait_for_python()
    return notebook


@pytest.fixture(scope="module")
def notebook(browser, site):
    """The one chapter, in which Python starts once."""
    with browser.new_context() as context:
        yield opened(context.new_page(), site, ONE)


@pytest.fixture
def open_chapter(request, browser, site):
    with browser.new_context() as context:

        def open_chapter(chapter):
            if chapter == ONE:
                return request.getfixturevalue("notebook")
            return opened(context.new_page(), site, chapter)

        yield open_chapter


@pytest.mark.parametrize("chapter", CHAPTERS if THOROUGH else [ONE])
def test_a_chapter_runs_to_its_end(open_chapter, chapter):
    notebook = open_chapter(chapter)
    notebook.run_all()
    assert notebook.errors() == []
    assert notebook.has_run()
    differences = [pair for pair in zip(notebook.shown(), stored(chapter), strict=True) if len({*map(words, pair)}) > 1]
    assert differences == []
    assert notebook.wrong == []


WIDGET = """
import anywidget, ipywidgets, traitlets

class Square(anywidget.AnyWidget):
    _esm = '''export default {render({model, el}) {
        const draw = () => el.textContent = "drawn " + model.get("value");
        model.on("change:value", draw);
        draw();
    }}'''
    value = traitlets.Int(0).tag(sync=True)

slider, square = ipywidgets.IntSlider(3), Square()
slider.observe(lambda change: setattr(square, "value", change["new"] ** 2), "value")
display(slider, square)
"""


SECONDS = """
import time
from sympy.core.cache import clear_cache
from xentlib.teaching.exercises import check, guard
from xentlib.teaching.symbolic import *

def seconds(clock):
    guard._clock = clock
    clear_cache()
    started = time.perf_counter()
    rivals = sum_over(j, exp((z[j] - z[i]) / T))  # not in the form of the book, so it takes a proof
    verdict = check("05-temperature", (1 / rivals - KroneckerDelta(i, y)) / T)
    return time.perf_counter() - started, verdict

guarded, free = guard._clock, lambda: (lambda function, args, limit: function(*args), "nothing")
times = [(seconds(guarded), seconds(free)) for _ in range(4)]
with_guard, without = (min(column)[0] for column in zip(*times))
print(f"{with_guard:.2f} s with the guard, {without:.2f} s without: {with_guard / without:.2f}")
guard._clock = guarded
times[0][0][1]
"""
ENDLESS = """
guard.LIMIT = 0.3

def answer(logits, y):
    while True: pass

check("05-gradient", answer)
"""
BROKEN = """
import numpy as np

def answer(logits, y):
    return np.reshape(logits, (7, 7))

check("05-gradient", answer)
"""


def test_the_page_says_what_a_first_visit_loads(notebook):
    notebook.run("import xentlib")
    lite = sum(size for url, size in notebook.loaded.items() if "/lite/" in url)
    assert lite / 1e6 == pytest.approx(run_chapter.MEGABYTES, rel=0.05)


def test_a_right_symbolic_answer_takes_at_most_twice_as_long_as_without_the_guard(notebook):
    """SymPy, traced line by line, took 25 to 60 seconds, and no proof ended in time."""
    told = notebook.run(SECONDS)
    assert "05-temperature: solved. Equal to the reference for every K: sums worked out." in told
    assert float(re.search(r"without: ([\d.]+)", told)[1]) <= 2, told


def test_a_loop_without_end_is_stopped_and_an_error_told_with_the_readers_own_line(notebook):
    assert "stopped by a look at the clock. Does a loop never end?" in notebook.run(ENDLESS)
    assert "in line 4: return np.reshape(logits, (7, 7))" in notebook.run(BROKEN)


def test_a_widget_answers(notebook):
    assert "drawn 0" in notebook.run(WIDGET)
    track = notebook.page.locator(".jupyter-widgets .noUi-base")
    track.click(position={"x": track.bounding_box()["width"] - 1, "y": 2})  # JupyterLab has the arrow keys
    notebook.page.get_by_text("drawn 10000").wait_for(timeout=PATIENCE)


NO_PYTHON = "Worker = class extends EventTarget { postMessage() {} terminate() {} };"  # in pages that are only read


def test_exercises_answer_and_what_the_reader_wrote_stays(notebook, site):
    """Whether Python reads the answers again that the browser has kept is asked by `make lite` and `make thorough`."""
    assert "are these bits" in notebook.run("from xentlib.teaching.exercises import check\ncheck('04-guess', 3.32)")
    assert "solved" in notebook.run("from xentlib.teaching.exercises import check\ncheck('04-guess', 2.303)")
    mine = "from xentlib.teaching.exercises import progress\nprint('I was here')\nprogress()"
    notebook.run(mine)
    notebook.page.keyboard.press("Control+S")
    notebook.page.wait_for_timeout(2000)  # nothing on the page says that this was saved, and not what was before
    notebook.page.get_by_role("link", name="Back to this page of the book").click()
    notebook.page.wait_for_url(f"{site}chapters/{ONE}.html")
    if not THOROUGH:
        notebook.page.add_init_script(NO_PYTHON)
    notebook.page.get_by_role("link", name="Run this chapter", exact=True).click()
    notebook.wait_for_cells()
    assert "I was here" in notebook.cells.first.locator(".cm-content").inner_text()
    assert "04-guess" in kept(notebook, ".xentlib-progress.json")["solved"]
    if THOROUGH:
        notebook.wait_for_python()
        assert "1 of" in notebook.run(mine)


def kept(notebook, name):
    """Return what is in a file that Python wrote, as the browser keeps it."""
    (origin,) = notebook.page.context.storage_state(indexed_db=True)["origins"]
    (files,) = [store for database in origin["indexedDB"] for store in database["stores"] if store["name"] == "files"]
    (content,) = [record["value"]["content"] for record in files["records"] if record["key"] == name]
    return json.loads(base64.b64decode(content))


@pytest.mark.skipif(not THOROUGH, reason="Left to make thorough and make lite: it takes ten seconds")
def test_links_open_chapters_beside_the_notebook_and_the_logo_their_list(notebook, site):
    page = notebook.page
    page.context.add_init_script(NO_PYTHON)
    with page.expect_popup() as chapter:
        page.locator(".jp-Notebook").get_by_role("link", name="Chapter 4").first.click()
    chapter.value.locator(".jp-Notebook h1", has_text="The loss").wait_for(timeout=PATIENCE)
    formula = chapter.value.locator(".jp-Notebook .katex", has_text="𝟙").first
    assert "1l(i=y)" in formula.locator(".katex-html").text_content()  # drawn as a 1 with one stem more
    assert "𝟙(i=y)" in formula.locator(".katex-mathml").text_content()
    chapter.value.close()
    with page.expect_popup() as tree:
        page.locator("#top-panel a[href$='/tree']").click()  # the logo
    files = tree.value.locator(".jp-DirListing-item", has_text=".ipynb")
    files.first.wait_for(timeout=PATIENCE)
    names = files.locator(".jp-DirListing-itemText").all_inner_texts()
    assert [name.removesuffix(".ipynb") for name in names] == CHAPTERS
    tree.value.goto(f"{site}lite/", wait_until="commit")
    tree.value.wait_for_url(f"{site}lite/tree/index.html", wait_until="commit")
    assert notebook.wrong == []


def test_every_link_of_a_notebook_leads_to_a_notebook_or_to_a_page_of_the_book(book):
    here, dead = book / "lite" / "notebooks", []
    for path in (book / "lite" / "files").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        dead += re.findall(r"\]\((?!https://)[^)]*\)", text)  # Jupyter would look for it among the notebooks
        for address in re.findall(r'<a href="([^"]*)"', text):
            page, _, place = address.replace("index.html?path=", "../files/").partition("#")
            target = here / page
            if not target.exists() or (place and f'id="{place}"' not in target.read_text(encoding="utf-8")):
                dead.append(address)
    assert dead == []


def test_each_chapter_and_no_other_page_has_the_button():
    book = ROOT / "_build" / "html"
    pages = [page for page in book.rglob("*.html") if not page.is_relative_to(book / "lite")]
    with_button = sorted(page.stem for page in pages if 'class="run-chapter"' in page.read_text(encoding="utf-8"))
    assert with_button == CHAPTERS


def test_equations_have_their_numbers_in_the_book():
    """The errata have no number, so their equation is the second of those that are in no chapter."""
    paths = sorted(standalone.CHAPTERS.glob("*.ipynb"))
    numbers = standalone.numbered({path: nbformat.read(path, as_version=4) for path in paths})
    assert (numbers["eq-gradient"], numbers["eq-errata-card"]) == (("05_gradient.ipynb", "5.1"), ("errata.ipynb", "2"))
    for chapter in CHAPTERS:
        page = (ROOT / "_build" / "html" / "chapters" / f"{chapter}.html").read_text(encoding="utf-8")
        here = [number for there, number in numbers.values() if there == f"{chapter}.ipynb"]
        assert re.findall(r'class="eqno">\(([\d.]+)\)', page) == here
