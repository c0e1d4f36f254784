"""Write the chapters as notebooks without solutions, and with the data that they load.

The folded solutions are gone, text and cells. What each option of an "explain" exercise unfolds to is gone too, and the
options are a list. Of a link to a page of the book that is no chapter its words are left. Nothing else changes: outputs
stay, and those of the reader's own cells say that they are unsolved.
"""

import re
import shutil
from copy import deepcopy
from pathlib import Path

import nbformat

_BOUNDARY = re.compile(r"^(?P<fence>`{3,})\{solution-(?P<what>start|end)\}(?s:.*?)^(?P=fence)[ \t]*$", re.MULTILINE)
_OPTION = re.compile(
    r'<details class="option"><summary>(?P<text>.*?)</summary>.*?</details>(\n+(?=<details class="option">))?',
    re.DOTALL,
)


def without_solutions(notebook, name="the notebook"):
    """Return a copy of a notebook from which the solutions are gone, and the feedback on options."""
    notebook = deepcopy(notebook)
    kept, opened = [], None  # opened: the number of the cell in which a solution has begun that has not ended yet
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            text, opened = _outside(cell.source, opened, f"{name}, cell {number} ({cell.get('id', 'no id')})")
            if text != cell.source:
                cell.source = text.strip()
                kept += [cell] if cell.source else []
                continue
        kept += [] if opened else [cell]
    if opened:
        raise ValueError(f"{opened}: a solution begins that does not end")
    notebook.cells = kept
    return notebook


def _outside(text, opened, here):
    """Return the part of a cell's text that is in no solution, and where one is open at its end."""
    pieces, end = [], 0
    for match in _BOUNDARY.finditer(text):
        if (match["what"] == "start") == bool(opened):
            raise ValueError(f"{here}: " + (f"a solution begins inside of another, that of {opened}" if opened else
                                            "a solution ends that has not begun"))  # fmt: skip
        pieces += [] if opened else [text[end : match.start()]]
        opened, end = (None if opened else here), match.end()
    pieces += [] if opened else [text[end:]]
    return without_links_out(_OPTION.sub(_as_item, "".join(pieces))), opened


def without_links_out(text):
    """Return Markdown in which only the words are left of a link to a page that is no chapter."""
    return re.sub(r"\[([^]]+)\]\(\.\./[^)]+\)", r"\1", text)


def _as_item(option):
    text = re.sub(r"[*`\\]", r"\\\g<0>", option["text"])  # as HTML it was no Markdown, and shall not become some
    return f"- {text}" + ("\n" if option[2] else "")


def write(chapters, folder):
    """Write all chapters into a folder, data included, and return the paths of the notebooks.

    Nothing is written unless all chapters could be read, and never over a chapter.
    """
    sources = sorted(Path(chapters).glob("*.ipynb"))
    if not sources:
        raise ValueError(f"chapters has to be a folder with notebooks, got {str(chapters)!r}")
    _refuse_the_book(Path(chapters), folder)
    texts = {}
    for source in sources:
        notebook = nbformat.read(source, as_version=nbformat.NO_CONVERT)
        texts[folder / source.name] = nbformat.writes(without_solutions(notebook, source.name)) + "\n"
    shutil.copytree(Path(chapters) / "data", folder / "data", dirs_exist_ok=True)
    for path, text in texts.items():
        path.unlink(missing_ok=True)  # were it a link, what it leads to would be written over
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _refuse_the_book(chapters, folder):
    places = [chapters.resolve(), (chapters / "data").resolve()]
    if folder.resolve() in places or (folder / "data").resolve() in places:
        raise ValueError(f"folder has to be another one than that of the chapters, got {str(folder)!r}")
