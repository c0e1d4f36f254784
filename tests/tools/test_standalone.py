"""Chapters as notebooks that know no other one, and no bibliography."""

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from tools import standalone


@pytest.fixture
def resolved(tmp_path):
    """Return a function from Markdown to what a chapter 2 with it says on its own, and to how its formula ends."""

    def resolved(text):
        first = new_notebook(cells=[new_markdown_cell("$$\na\n$$ (eq-one)\n\n$$\nb\n$$ (eq-two)")])
        second = new_notebook(cells=[new_markdown_cell(f"{text}\n\n$$\nc\n$$ (eq-here)")])
        paths = [tmp_path / "01_first.ipynb", tmp_path / "02_second.ipynb"]
        for path, notebook in zip(paths, (first, second), strict=True):
            nbformat.write(notebook, path)
        return standalone.standalone(paths, as_it_was)[paths[1]].cells[0].source.split("\n\n$$\n")

    return resolved


def as_it_was(words, target, kind, place):
    folder = "" if target.startswith("chapters/") else "../"
    return f"[{words}]({folder}{target.removeprefix('chapters/')}.{kind}{place})"


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("by {eq}`eq-two`", "by [(1.2)](01_first.ipynb)"),
        ("by {eq}`eq-here`", "by (2.1)"),
        ("see {cite}`bahumi`", "see (Bahumi 2019)"),
        ("{cite:t}`bahumi` says", "Bahumi 2019 says"),
        ("[`softmax`](../api/normalization.md#xentlib.softmax) of z",) * 2,
        ("[chapter 1](01_first.ipynb)", "[chapter 1](01_first.ipynb)"),
    ],
)
def test_what_only_the_book_can_resolve_is_resolved(resolved, text, there):
    assert resolved(text) == [there, r"c \tag{2.1}" "\n$$"]
