"""Notebooks are executed, and their outputs and drawings stored."""

import json

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from tools import drawings, run_notebooks


@pytest.fixture
def write(tmp_path):
    def write(*sources):
        path = tmp_path / "chapter.ipynb"
        nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
        return path

    return write


def test_a_notebook_is_executed_once_and_unchanged_from_then_on(write):
    path = write("x = 20", "print(x, flush=True)\nprint(x + 1)", "x + 2")
    assert run_notebooks.refresh(path)
    first = path.read_bytes()
    assert not run_notebooks.refresh(path)
    assert path.read_bytes() == first
    cells = json.loads(first)["cells"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3]
    assert cells[1]["outputs"][0]["text"] == ["20\n", "21\n"]
    assert all("execution" not in cell["metadata"] for cell in cells)


def test_a_stale_output_is_replaced(write):
    path = write("6 * 7")
    run_notebooks.refresh(path)
    path.write_text(path.read_text().replace("42", "41"))
    assert run_notebooks.refresh(path)
    assert "42" in path.read_text()


PLOT = """import matplotlib.pyplot as plt
from xentlib.teaching import figures
figures.use_book_style()
plt.plot([0, 1], [1, 3])
plt.show()"""


def test_a_figure_is_stored_as_a_picture_and_beside_the_notebook_as_a_drawing(write):
    path = write(PLOT)
    assert run_notebooks.refresh(path)
    (drawing,) = (path.parent / "figures").iterdir()
    assert drawing.name == "chapter-1.svg"
    data = json.loads(path.read_text())["cells"][0]["outputs"][0]["data"]
    assert set(data) == {"image/png", "text/plain"}
    assert drawings.stamp(data["image/png"]) in drawing.read_text(encoding="utf-8")

    assert not run_notebooks.refresh(path)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = "1 + 1"
    nbformat.write(notebook, path)
    assert run_notebooks.refresh(path)
    assert list(drawing.parent.iterdir()) == []


def test_where_a_drawing_is_the_same_the_picture_is_not_stored_anew(write):
    path = write(PLOT)
    run_notebooks.refresh(path)
    drawing = path.parent / "figures" / "chapter-1.svg"
    data = json.loads(path.read_text())["cells"][0]["outputs"][0]["data"]
    shaded = data["image/png"].replace("A", "B", 1)  # as another processor would
    path.write_text(path.read_text().replace(json.dumps(data["image/png"]), json.dumps(shaded)))
    stamp = drawings.stamp
    drawing.write_text(drawing.read_text().replace(stamp(data["image/png"]), stamp(shaded)))
    assert not run_notebooks.refresh(path)
    drawing.write_text(drawing.read_text().replace("#b84a00", "#0b63a5"))
    assert run_notebooks.refresh(path)
    assert stamp(data["image/png"]) in drawing.read_text()


def test_a_notebook_that_fails_is_left_as_it_was(write):
    path = write("1 / 0")
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        run_notebooks.refresh(path)
    assert path.read_bytes() == before


def test_the_command_names_the_notebooks_that_failed(write, capsys):
    path = write("1 / 0")
    with pytest.raises(SystemExit, match=r"not written, because a cell failed: .*chapter\.ipynb"):
        run_notebooks.main([str(path)])
    assert "[1/1]" in capsys.readouterr().out
