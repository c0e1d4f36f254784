"""Write the chapters for Google Colab: `python -m tools.colab owner/name@commit FOLDER`.

Colab opens a notebook that lies on GitHub, has no xentlib, and reads no MyST. So each chapter gets a cell that fetches
the book at that commit and installs what the chapters import, and Markdown as Colab shows it.
"""

import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from tools import standalone
from tools.pages.run_chapter import COLAB, parse

SET_UP = """\
# Once a session, half a minute: the book with its data, and what the chapters import.
from pathlib import Path

if not Path("data/digits.npz").exists():
    !mkdir -p book
    !curl -sL https://github.com/{repository}/archive/{commit}.tar.gz | tar xz -C book --strip-components 1
    %pip install --quiet "./book[chapters]"
    %cd -q book/chapters"""


def main(source, folder):
    for path, notebook in for_colab(standalone.notebooks_in(standalone.CHAPTERS), *parse(source)).items():
        target = folder / standalone.name_of(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)


def for_colab(paths, repository, commit):
    """Return for each path the notebook that Colab is to open."""

    def lead(words, target, kind, place):
        """Leave a link to a notebook; of one to a page of the book its words."""
        address = COLAB.format(repository, target.removeprefix("chapters/"))
        return f"[{words}]({address}{place})" if kind == "ipynb" else words

    notebooks = standalone.standalone(paths, lead)
    for notebook in notebooks.values():
        first = next(n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code")
        notebook.cells.insert(first, new_code_cell(SET_UP.format(repository=repository, commit=commit)))
        for cell in notebook.cells:
            cell.metadata["id"] = cell.id  # where Colab looks for it
    return notebooks


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
