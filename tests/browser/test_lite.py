"""Chapters that run in the reader's browser: opened by their button, without any other host.

A start of Python takes ten seconds and more, so one short chapter stands for all. `make lite` runs each of them.
"""

import os
import re
from pathlib import Path

import nbformat
import pytest
from notebooks import PATIENCE, Notebook

from tools import alone

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(path.stem for path in ROOT.glob("chapters/*.ipynb"))
FEW = ["errata"]  # of NumPy, SymPy and Matplotlib

pytestmark = pytest.mark.skipif(
    not (ROOT / "_build" / "lite" / "site").exists(), reason="The book was built without Python for the browser"
)


@pytest.fixture
def open_chapter(browser, site):
    context = browser.new_context()

    def open_chapter(chapter):
        notebook = Notebook(context.new_page(), site)
        notebook.page.goto(f"{site}chapters/{chapter}.html")
        notebook.page.get_by_role("link", name="Run this chapter").click()
        notebook.wait_for_python()
        return notebook

    yield open_chapter
    context.close()


@pytest.mark.parametrize("chapter", CHAPTERS if os.environ.get("XENTLIB_LITE") == "all" else FEW)
def test_a_chapter_runs_to_its_end(open_chapter, chapter):
    notebook = open_chapter(chapter)
    notebook.run_all()
    assert notebook.errors() == []
    assert notebook.has_run()
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


def test_exercises_answer_and_what_the_reader_wrote_stays(open_chapter):
    notebook = open_chapter("04_loss")
    assert "This is in bits" in notebook.run(
        "from xentlib.teaching.exercises import check, progress\ncheck('04-guess', 3.32)"
    )
    lite = sum(size for url, size in notebook.loaded.items() if "/lite/" in url)
    stated = (ROOT / "_build" / "lite" / "megabytes.json").read_text(encoding="utf-8")
    assert lite / 1e6 == pytest.approx(int(stated), rel=0.05)  # the page says so beside the button
    assert "solved" in notebook.run("from xentlib.teaching.exercises import check\ncheck('04-guess', 2.303)")
    mine = "from xentlib.teaching.exercises import progress\nprint('I was here')\nprogress()"
    notebook.run(mine)
    notebook.page.keyboard.press("Control+S")
    notebook.page.wait_for_timeout(2000)
    notebook.page.reload()
    notebook.wait_for_python()
    assert "I was here" in notebook.cells.first.locator(".cm-content").inner_text()
    assert "1 of" in notebook.run(mine)
    assert "drawn 0" in notebook.run(WIDGET)
    track = notebook.page.locator(".jupyter-widgets .noUi-base")
    track.click(position={"x": track.bounding_box()["width"] - 1, "y": 2})  # JupyterLab has the arrow keys
    notebook.page.get_by_text("drawn 10000").wait_for(timeout=PATIENCE)
    assert notebook.wrong == []


def test_each_chapter_and_no_other_page_has_the_button():
    pages = (ROOT / "_build" / "html").rglob("*.html")
    pages = [page for page in pages if "lite" not in page.parts]
    with_button = sorted(page.stem for page in pages if 'class="run-chapter"' in page.read_text(encoding="utf-8"))
    assert with_button == CHAPTERS


def test_equations_have_their_numbers_in_the_book():
    """The appendix has no number, so its equation is the first of those that are in no chapter."""
    numbers = alone.numbered({path: nbformat.read(path, as_version=4) for path in alone.CHAPTERS.glob("*.ipynb")})
    assert (numbers["eq-gradient"], numbers["eq-errata-card"]) == (("05_gradient.ipynb", "5.1"), ("errata.ipynb", "1"))
    for chapter in CHAPTERS:
        page = (ROOT / "_build" / "html" / "chapters" / f"{chapter}.html").read_text(encoding="utf-8")
        here = [number for there, number in numbers.values() if there == f"{chapter}.ipynb"]
        assert re.findall(r'class="eqno">\(([\d.]+)\)', page) == here
