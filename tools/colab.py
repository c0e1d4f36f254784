"""Write the chapters for Google Colab: `python -m tools.colab owner/name@commit FOLDER`.

Colab opens a notebook that lies on GitHub, has no xentlib, and reads no MyST. So each chapter gets a cell that fetches
the book at that commit and installs what the chapters import, and Markdown as Colab shows it. Solutions stay folded.
"""

import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from tools import alone
from tools.run_chapter import COLAB, parse
from xentlib.teaching.exercises.student import without_links_out

SET_UP = """\
# Once a session, half a minute: the book with its data, and what the chapters import.
from pathlib import Path

if not Path("data/digits.npz").exists():
    !mkdir -p book
    !curl -sL https://github.com/{repository}/archive/{commit}.tar.gz | tar xz -C book --strip-components 1
    %pip install --quiet "./book[chapters]"
    %cd -q book/chapters"""
DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,})\{(?P<name>(?:exercise|solution)[a-z-]*)\} ?(?P<argument>.*)\n"
    r"(?::label: *(?P<label>.*)\n)?(?::.*\n)*(?P<body>(?s:.*?))^(?P=fence)$",
    re.MULTILINE,
)
FOLDED = "#### Solution"


def main(source, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for path, notebook in for_colab(sorted(alone.CHAPTERS.glob("*.ipynb")), *parse(source)).items():
        nbformat.write(notebook, folder / path.name)


def for_colab(paths, repository, commit):
    """Return for each path the notebook that Colab is to open."""
    notebooks = alone.resolved(paths)
    for notebook in notebooks.values():
        titles = {}
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                text = without_links_out(without_directives(cell.source, titles))
                cell.source = re.sub(r"\]\((\w+)\.ipynb", lambda link: f"]({COLAB.format(repository, link[1])}", text)
        first = next(n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code")
        notebook.cells.insert(first, new_code_cell(SET_UP.format(repository=repository, commit=commit)))
        for cell in notebook.cells:
            cell.metadata["id"] = cell.id  # where Colab looks for it
        folded = [cell.id for cell in notebook.cells if cell.source.startswith(FOLDED)]
        notebook.metadata["colab"] = {"collapsed_sections": folded}
    return notebooks


def without_directives(text, titles):
    """Return Markdown in which exercises and solutions are headings. `titles` collects those of the exercises."""

    def heading(match):
        if match["name"] in ("exercise", "exercise-start"):
            titles[match["label"]] = match["argument"]
            return f"### Exercise: {match['argument']}\n{match['body']}".rstrip()
        return f"{FOLDED} of “{titles[match['argument']]}”" if match["name"] == "solution-start" else ""

    return DIRECTIVE.sub(heading, text).strip()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
