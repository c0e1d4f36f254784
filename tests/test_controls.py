"""A reader's function under controls: the figure is stored, and the widget is alive."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from tools import run_notebooks

DRAW = """
import matplotlib.pyplot as plt
from xentlib.teaching.controls import interact

@interact(height=(0, 9))
def draw(height=3):
    print("height", height)
    plt.plot([0, height])
    plt.show()
"""
MOVE = """
def shown():
    *_, out = draw.widget.children
    return [each.get("text") or sorted(each["data"]) for each in out.outputs]
print(shown())
draw.widget.children[0].value = 5
print(draw.widget.kwargs)
"""
BROKEN = "@interact(height=(0, 9))\ndef broken(height=3):\n    return 1 / 0"


@pytest.fixture(scope="module")
def executed():
    """The cells as they are right after a run, widgets included."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in (DRAW, MOVE, BROKEN)])
    client = NotebookClient(notebook, kernel_name="python3", allow_errors=True)
    client.execute()
    return notebook.cells, client.widget_state


def test_the_cell_has_one_output_which_is_a_figure_and_a_widget(executed):
    (draw, *_), _ = executed
    (output,) = draw.outputs
    assert set(output.data) == {run_notebooks.WIDGET, "image/png", "text/plain"}
    assert output.data["text/plain"].startswith("<Figure")


def test_the_widget_begins_with_what_was_drawn_and_printed_and_follows_its_control(executed):
    (_, move, _), widgets = executed
    assert (
        "".join(output.text for output in move.outputs)
        == "['height 3\\n', ['image/png', 'text/plain']]\n{'height': 5}\n"
    )
    (drawn,) = (state for state in widgets.values() if len(state.get("outputs", ())) == 2)
    assert drawn["outputs"][0]["text"] == "height 5\n"  # what it showed before is cleared


def test_an_error_of_the_readers_own_is_raised(executed):
    (*_, broken), _ = executed
    assert [output.ename for output in broken.outputs] == ["ZeroDivisionError"]


def test_a_second_run_stores_the_same(tmp_path):
    path = tmp_path / "drawing.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(DRAW)]), path)
    assert run_notebooks.refresh(path)
    assert not run_notebooks.refresh(path)
    (cell,) = nbformat.read(path, as_version=4).cells
    assert [set(output.data) for output in cell.outputs] == [{"image/png", "text/plain"}]
