"""What the chapters become in the browser."""

import json
import runpy
import shutil
import sys
import time
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import standalone
from tools.lite import build, fetch


@pytest.mark.parametrize("tool", [fetch, build], ids=["fetch", "build"])
def test_an_interrupt_is_said_in_one_line(tmp_path, monkeypatch, tool):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", interrupt)
    monkeypatch.setattr(sys, "argv", ["", str(tmp_path), str(tmp_path / "lite")])
    with pytest.raises(SystemExit, match=r"^.* was interrupted\. The next run begins it again\.$"):
        runpy.run_path(tool.__file__, run_name="__main__")


def test_what_is_edited_while_it_is_built_is_newer(tmp_path, monkeypatch):
    chapter = tmp_path / "chapter.ipynb"
    (tmp_path / "fetched").mkdir()
    (tmp_path / "fetched" / "pyodide.js").touch()
    for name in ("write_settings", "collect_python", "finish_site"):
        monkeypatch.setattr(build, name, lambda *arguments: None)
    monkeypatch.setattr(build, "run_jupyterlite", lambda target: ((target / "stage").mkdir(), wait_and_touch(chapter)))
    build.main(tmp_path / "fetched", tmp_path / "lite")
    assert (tmp_path / "lite" / "ready").stat().st_mtime_ns < chapter.stat().st_mtime_ns


def wait_and_touch(path):
    time.sleep(0.05)
    path.touch()


def test_without_pyodide_nothing_is_built_for_the_button_to_open(tmp_path):
    (tmp_path / "fetched").mkdir()
    build.main(tmp_path / "fetched", tmp_path / "lite")
    assert [path.name for path in (tmp_path / "lite").iterdir()] == ["ready"]


def test_a_chapter_is_written_as_jupyterlite_shows_it_right(tmp_path, monkeypatch):
    output = new_output("stream", text="first line\nsecond line\n")
    formulas = "$$\na\n= b\n$$ (eq-one)\n\nso\n\n$$\nc\n$$"
    (tmp_path / "chapters").mkdir()
    chapter = new_notebook(cells=[new_code_cell("print()", outputs=[output]), new_markdown_cell(formulas)])
    nbformat.write(chapter, tmp_path / "chapters" / "01_a.ipynb")
    monkeypatch.setattr(build, "CHAPTERS", tmp_path / "chapters")
    build.write_contents(tmp_path / "site")
    written = json.loads((tmp_path / "site" / "files" / "01_a.ipynb").read_text(encoding="utf-8"))
    prints, derives = written["cells"]
    assert prints["outputs"][0]["text"] == output.text  # it would join lines by commas
    one, two = (f"```{{math}}\n:enumerated: false\n{formula}\n```" for formula in (r"a" "\n" r"= b \tag{1.1}", "c"))
    assert derives["source"] == f"{one}\n\nso\n\n{two}"  # it would number both, from 1


@pytest.mark.parametrize(
    ("name", "text", "there"),
    [
        ("02_b.ipynb", "[chapter 1](01_a.ipynb)", '<a href="index.html?path=01_a.ipynb" target="_blank">chapter 1</a>'),
        ("solutions/01_a.ipynb", "[(1.2)](../01_a.ipynb#eq-b)",
         '<a href="index.html?path=01_a.ipynb" target="_blank">(1.2)</a>'),
        ("01_a.ipynb", "[Solution](solutions/01_a.ipynb#Exercise-1.1:-It)",
         '<a href="index.html?path=solutions/01_a.ipynb" target="_blank">Solution</a>'),
        ("01_a.ipynb", "[`f`](../api/a.md#x.f)", '<a href="../../api/a.html#x.f" target="_blank">`f`</a>'),
        ("solutions/01_a.ipynb", "[`f`](../../api/a.md)", '<a href="../../api/a.html" target="_blank">`f`</a>'),
        ("01_a.ipynb", "[all](../benchmarks/a.md), [one](https://a.b/c.md)",
         '<a href="../../benchmarks/a.html" target="_blank">all</a>, [one](https://a.b/c.md)'),
        ("01_a.ipynb", r"$\mathbb{1}(i = y)$", rf"${build.ONE}(i = y)$"),
    ],
)  # fmt: skip
def test_links_lead_on_and_a_letter_is_drawn_that_is_in_no_font(name, text, there):
    assert build.as_katex_sets_it(standalone.with_links(text, name, build.link)) == there


def test_below_the_title_stands_the_way_back(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "CHAPTERS", tmp_path / "chapters")
    (tmp_path / "chapters").mkdir()
    cells = [new_markdown_cell("# A\n\ntext") for _ in range(2)]
    nbformat.write(new_notebook(cells=cells), tmp_path / "chapters" / "01_a.ipynb")
    build.write_contents(tmp_path / "site")
    written = json.loads((tmp_path / "site" / "files" / "01_a.ipynb").read_text(encoding="utf-8"))
    first, second = (cell["source"].split("\n\n") for cell in written["cells"])
    assert first == ["# A", '<a href="../../chapters/01_a.html">← Back to this page of the book</a>', "text"]
    assert second == ["# A", "text"]


def test_matplotlib_gets_a_list_of_the_fonts_that_come_with_it(tmp_path):
    own, foreign = {"fname": "fonts/ttf/Own.ttf"}, {"fname": "/System/Library/Fonts/Foreign.ttc"}
    fonts = {"_version": 390, "ttflist": [own, foreign], "afmlist": [foreign]}
    with zipfile.ZipFile(tmp_path / "matplotlib.whl", "w") as wheel:
        wheel.writestr("matplotlib/fontlist.json", json.dumps(fonts))
        wheel.writestr("matplotlib/font_manager.py", "class FontManager:\n    __version__ = 330\n")
        wheel.writestr("matplotlib/mpl-data/fonts/ttf/Own.ttf", b"a font")
    build.leave_its_own_fonts(tmp_path / "matplotlib.whl")
    with zipfile.ZipFile(tmp_path / "matplotlib.whl") as wheel:
        assert json.loads(wheel.read("matplotlib/fontlist.json")) == {
            "_version": 330, "ttflist": [own], "afmlist": [],
        }  # fmt: skip
        assert wheel.read("matplotlib/mpl-data/fonts/ttf/Own.ttf") == b"a font"
