"""The tools that make the environment and the notebooks' outputs."""

import doctest
import importlib.util
import json
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from packaging.requirements import Requirement

TOOLS = Path(__file__).parents[1] / "tools"


def load(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLES = [
    ("absolute_links", 2), ("accessible", 3), ("alone", 1), ("drawings_on_pages", 3), ("drawings", 7), ("formulas", 5),
    ("light", 10), ("published", 4), ("release_notes", 1), ("unbroken", 4),
]  # fmt: skip


@pytest.mark.parametrize(("name", "examples"), EXAMPLES)
def test_the_examples_of_what_mends_pages_hold(name, examples):
    assert doctest.testmod(load(name)) == (0, examples)


@pytest.fixture
def write(tmp_path):
    def write(*sources):
        path = tmp_path / "chapter.ipynb"
        nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
        return path

    return write


def test_a_notebook_is_executed_once_and_unchanged_from_then_on(write):
    refresh = load("run_notebooks").refresh
    path = write("x = 20", "print(x, flush=True)\nprint(x + 1)", "x + 2")
    assert refresh(path)
    first = path.read_bytes()
    assert not refresh(path)
    assert path.read_bytes() == first
    cells = json.loads(first)["cells"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3]
    assert cells[1]["outputs"][0]["text"] == ["20\n", "21\n"]
    assert all("execution" not in cell["metadata"] for cell in cells)


def test_a_stale_output_is_replaced(write):
    refresh = load("run_notebooks").refresh
    path = write("6 * 7")
    refresh(path)
    path.write_text(path.read_text().replace("42", "41"))
    assert refresh(path)
    assert "42" in path.read_text()


PLOT = """import matplotlib.pyplot as plt
from xentlib.teaching import figures
figures.use_book_style()
plt.plot([0, 1], [1, 3])
plt.show()"""


def test_a_figure_is_stored_as_a_picture_and_beside_the_notebook_as_a_drawing(write):
    refresh = load("run_notebooks").refresh
    path = write(PLOT)
    assert refresh(path)
    (drawing,) = (path.parent / "figures").iterdir()
    assert drawing.name == "chapter-1.svg"
    data = json.loads(path.read_text())["cells"][0]["outputs"][0]["data"]
    assert set(data) == {"image/png", "text/plain"}
    assert load("drawings").stamp(data["image/png"]) in drawing.read_text(encoding="utf-8")

    assert not refresh(path)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = "1 + 1"
    nbformat.write(notebook, path)
    assert refresh(path)
    assert list(drawing.parent.iterdir()) == []


def test_where_a_drawing_is_the_same_the_picture_is_not_stored_anew(write):
    refresh = load("run_notebooks").refresh
    path = write(PLOT)
    refresh(path)
    drawing = path.parent / "figures" / "chapter-1.svg"
    data = json.loads(path.read_text())["cells"][0]["outputs"][0]["data"]
    shaded = data["image/png"].replace("A", "B", 1)  # as another processor would
    path.write_text(path.read_text().replace(json.dumps(data["image/png"]), json.dumps(shaded)))
    stamp = load("drawings").stamp
    drawing.write_text(drawing.read_text().replace(stamp(data["image/png"]), stamp(shaded)))
    assert not refresh(path)
    drawing.write_text(drawing.read_text().replace("#b84a00", "#0b63a5"))
    assert refresh(path)
    assert stamp(data["image/png"]) in drawing.read_text()


def test_a_notebook_that_fails_is_left_as_it_was(write):
    path = write("1 / 0")
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        load("run_notebooks").refresh(path)
    assert path.read_bytes() == before


def test_the_command_names_the_notebooks_that_failed(write, capsys):
    path = write("1 / 0")
    with pytest.raises(SystemExit, match=r"not written, because a cell failed: .*chapter\.ipynb"):
        load("run_notebooks").main([str(path)])
    assert "[1/1]" in capsys.readouterr().out


def test_jupyterlab_comes_with_the_versions_that_are_tested():
    ours, labs = pins(TOOLS.parent), pins(TOOLS / "lab")
    assert [name for name in labs if labs[name] != ours.get(name, labs[name])] == []


def pins(folder):
    """Return the versions of each package: there may be several, for several Pythons."""
    lines = [line.partition("#")[0] for line in (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()]
    found = {}
    for requirement in map(Requirement, filter(str.strip, lines)):
        found.setdefault(requirement.name, set()).add(str(requirement.specifier))
    return found


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 15, 0)])
def test_a_python_that_the_pins_do_not_know_is_refused_in_one_line(version, monkeypatch, tmp_path):
    setup = load("setup_venv")
    monkeypatch.setattr(setup.sys, "version_info", version)
    with pytest.raises(SystemExit) as refusal:
        setup.main(str(tmp_path / "venv"), "requirements.txt")
    assert "needs Python 3.11 to 3.14" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "venv").exists()


def test_the_set_up_takes_each_python_that_is_promised():
    setup = load("setup_venv")
    classifiers = tomllib.loads((TOOLS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    promised = [name.rpartition(".")[2] for name in classifiers if re.search(r":: 3\.\d+$", name)]
    assert promised == [str(minor) for minor in range(setup.OLDEST[1], setup.NEWEST[1] + 1)]


RELEASED = "## Unreleased\n\n## 1.1.0 - 2027-01-02\n\n**Readers**\n\n- New.\n\n## 1.0.0 - 2026-12-01\n\n- Old.\n"


def notes(tag="v1.1.0", changelog=RELEASED, package="1.1.0", citation="1.1.0"):
    return load("release_notes").notes(
        tag, changelog, f'__version__ = "{package}"  # x', f"a: b\nversion: {citation}\n"
    )


def test_a_release_is_told_by_its_section_of_the_changelog():
    assert notes() == "**Readers**\n\n- New."
    assert notes("v1.0.0", package="1.0.0", citation="1.0.0") == "- Old."


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"package": "1.0.9"}, r"xentlib.__version__ must be that of the tag, 1\.1\.0; got 1\.0\.9"),
        ({"citation": "1.0.9"}, "CITATION.cff must be that of the tag"),
        ({"changelog": "## Unreleased\n\n- New.\n"}, r"must have a section '## 1\.1\.0 - YYYY-MM-DD'"),
        ({"changelog": "## 1.1.0\n\n- New.\n"}, "must have a section"),
    ],
)
def test_a_tag_that_the_texts_do_not_know_is_refused(given, complaint):
    with pytest.raises(ValueError, match=complaint):
        notes(**given)


def test_no_link_of_the_published_readme_is_relative():
    links = load("absolute_links")
    readme = (TOOLS.parent / "README.md").read_text(encoding="utf-8")
    assert links.LINK.search(readme)
    text = links.absolute(readme, "me/book@1a2b")
    assert not links.LINK.search(text)
    assert "](https://raw.githubusercontent.com/me/book/1a2b/_static/q-minus-p.png)" in text
    assert all((TOOLS.parent / link[3].partition("#")[0]).exists() for link in links.LINK.finditer(readme))
