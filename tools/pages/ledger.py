"""Show below each numbered equation what is known of it, and all of that on the page *Ledger*.

Each badge leads to its row of the ledger; the row leads back, and to the cells that prove, check or measure the
equation. An equation without a status is a warning, which ends the build. sphinx-needs has a status, and tables of it,
for directives of its own, and not for equations.
"""

import re
from collections import Counter
from functools import cache
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

from tools import ledger

PAGE = "ledger"
COUNT = re.compile(r"<!-- how many: (.+?) -->")
TABLES = "<!-- all equations -->"
HEAD = "| no. | about | status | by |\n| :--- | :--- | :--- | :--- |"
LOGGER = logging.getLogger(__name__)


@cache
def equations(folder):
    return ledger.book(Path(folder, "chapters"))


# The page, in Markdown


def fill(app, docname, source):
    if docname == PAGE:
        for path in Path(app.srcdir, "chapters").glob("*.ipynb"):
            app.env.note_dependency(str(path))
        source[0] = filled(source[0], equations(app.srcdir).values())


def filled(text, found):
    """Return the page with what is counted, and a table for each chapter."""
    counts = Counter(equation.status for equation in found)
    chapters = groupby(found, lambda equation: equation.chapter)
    tables = "\n\n".join(table(title, list(of_chapter)) for title, of_chapter in chapters)
    return COUNT.sub(lambda match: str(counts[match[1]]), text).replace(TABLES, tables)


def table(title, found):
    chapter, point, _ = found[0].number.partition(".")
    return "\n".join([f"## {chapter}. {title}\n" if point else f"## {title}\n", HEAD, *map(row, found)])


def row(equation):
    about = equation.section.replace("|", r"\|")
    return f"| {{eq}}`{equation.label}` | {about} | {equation.status} | {by(equation)} |"


def by(equation):
    """Return whose word it is, in Markdown: that of cells, of works, of the text or of another equation.

    >>> by(ledger.Equation("eq-a", "A", "B", "on paper", "bahumi, good1952", []))
    '{cite:t}`bahumi,good1952`'
    >>> by(ledger.Equation("eq-a", "A", "B", "by another chapter", "eq-b", []))
    '{eq}`eq-b`'
    """
    role = "eq" if equation.status == "by another chapter" else "cite:t"
    noted = f"{{{role}}}`{equation.note.replace(' ', '')}`" if equation.note else ""
    named = {"{cite:t}`here`": "the text"}.get(noted, noted)
    cells = [cell(claim, equation) for claim in equation.claims]
    return ", ".join(dict.fromkeys(filter(None, [named, *cells])))


def cell(claim, equation):
    """Return a link to a cell, and what it does where the status does not say that."""
    count = claim.cell.execution_count
    does = "" if claim.verb == ledger.STATUSES.get(equation.status) else f"{claim.verb.removesuffix('s')}ed in "
    return f"{does}[cell {count}](chapters/{equation.page}.ipynb#cell-{count})"


# What it needs: names for its rows and for the cells


def name_places(app, doctree):
    docname = app.env.docname
    if docname == PAGE:
        for link in doctree.findall(lambda node: isinstance(node, addnodes.pending_xref) and node["reftype"] == "eq"):
            name_row(link)
    targets = app.env.metadata[docname].setdefault("myst_slugs", {})
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") == "cell_code" and cell["exec_count"]:
            name = f"cell-{cell['exec_count']}"
            cell["ids"].append(name)
            targets[name] = (cell.line, name, name)


def name_row(link):
    """Give a row the name of the equation in its first place, and its section a class that the search leaves out."""
    ancestors = []
    node = link
    while (node := node.parent) is not None:
        ancestors.append(node)
    (row,) = (node for node in ancestors if isinstance(node, nodes.row))
    if not row["ids"]:
        row["ids"].append(link["reftarget"])
    section = next(node for node in ancestors if isinstance(node, nodes.section))
    section["classes"] = ["equations"]


# The badges


def add_badges(app, doctree, docname):
    for comment in list(doctree.findall(nodes.raw)):
        if comment.astext().startswith("<!-- status:"):
            comment.parent.remove(comment)
    for formula in list(doctree.findall(nodes.math_block)):
        if label := formula.get("label"):
            equation = equations(app.srcdir).get(label)
            if equation is None or not equation.status:
                LOGGER.warning("equation %s has no status", label, location=formula)
            else:
                ledger_page = app.builder.get_relative_uri(docname, PAGE)
                formula.parent.insert(formula.parent.index(formula) + 1, badge(equation, ledger_page))


def badge(equation, ledger_page):
    title = f"Equation ({equation.number}) in the ledger"
    link = nodes.reference("", equation.status, refuri=f"{ledger_page}#{equation.label}", reftitle=title)
    return nodes.paragraph("", "", link, classes=["equation-status", equation.status.split()[0]])


def setup(app):
    app.connect("source-read", fill)
    app.connect("doctree-read", name_places)
    app.connect("doctree-resolved", add_badges)
