"""Write a page of each chapter for the board, to be printed: `python -m tools.board _build/board`.

Its aims, its numbered equations with how they are known, and its summary: read from the chapters, so that there is
no second copy of any of it.
"""

import html
import re
import sys
from contextlib import closing
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from tools import ledger, standalone
from tools.pages import formulas

EQUATION = re.compile(rf"\$\$\n((?:(?!\$\$).)+) \\tag{{([\d.]+)}}\n\$\${ledger.STATUS.pattern}", re.S)
AIMS = re.compile(r"^\*\*You will be able to\*\* (.+?)$", re.M)
PAGE = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Why q − p: for the board</title>
<style>
@page {{ size: A4; margin: 12mm 14mm }}
body {{ font: 10pt/1.35 serif; margin: 0 auto; max-width: 182mm }}
section {{ break-after: page }}
h1 {{ font-size: 17pt; margin: 0 0 2mm }}
h2 {{ font-size: 11pt; margin: 3mm 0 1mm }}
.equations {{ columns: 2; column-gap: 6mm }}
.equation {{ break-inside: avoid; border-bottom: .3pt solid #999; padding-bottom: 1mm; font-size: 8.5pt }}
.equation p {{ margin: 0 }}
mjx-container[display="true"] {{ margin: 1mm 0 !important }}
.tex, mjx-assistive-mml {{ display: none !important }}
</style>
<link rel="stylesheet" href="formulas.css">
{sections}
</html>
"""


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    paths = standalone.notebooks_in(standalone.CHAPTERS)
    notebooks = standalone.standalone(paths, lambda words, *_: words)
    chapters = [path for path in paths if path.name[0].isdigit() and path.parent == standalone.CHAPTERS]
    sections = [section(path.name, notebooks[path]) for path in chapters]
    with closing(formulas.MathJax()) as mathjax:
        page = mathjax.set_all(PAGE.format(sections="\n".join(sections)))
        (folder / "index.html").write_text(page, encoding="utf-8")
        mathjax.write_style(folder)
    print(f"Print {folder / 'index.html'} from a browser: a page for each of {len(sections)} chapters.")


def section(name, notebook):
    """Return the page of a chapter."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    title = text.partition("\n")[0].removeprefix("# ")
    equations = "".join(_equation(*found) for found in EQUATION.findall(text))
    return (
        f"<section><h1>{int(name[:2])} {html.escape(title)}</h1>"
        f"{_markdown(f'**Aims:** {AIMS.search(text)[1]}')}"
        f'<h2>Equations</h2><div class="equations">{equations}</div>'
        f"<h2>Summary</h2>{_markdown(_summary(text))}</section>"
    )


def _equation(formula, number, status, note):
    known = f"({number}) {status}{f': {note}' * (bool(note) and note != 'here')}"
    return f'<div class="equation">{_displayed(formula)}<p>{html.escape(known)}</p></div>'


def _summary(text):
    """Return the points of the summary, without what comes after them."""
    return re.search(r"^## Summary\n\n((?:- .+\n?)+)", text, re.M)[1]


def _markdown(text):
    return MarkdownIt("commonmark").use(dollarmath_plugin, renderer=_math).render(text)


def _math(formula, options):
    return _displayed(formula) if options["display_mode"] else rf'<span class="math">\({html.escape(formula)}\)</span>'


def _displayed(formula):
    return rf'<div class="math">\[{html.escape(formula)}\]</div>'


if __name__ == "__main__":
    main(Path(sys.argv[1]))
