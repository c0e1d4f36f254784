"""Read from the notebooks what is known of each numbered equation, and which cells say so.

The status is an HTML comment below the equation, which shows nowhere until `tools.pages.ledger` makes a badge of it. A
cell names the equations that it proves, checks or measures in a comment above the call: that is this book's own
notation, which `ast` and nbformat read.
"""

import ast
import re
from typing import NamedTuple

import nbformat

from tools import standalone

# And what a cell must do for each, if any.
STATUSES = {
    "definition": None,
    "proved for every K": "proves",
    "checked at points": "checks",
    "measured": "measures",
    "on paper": None,
    "by another chapter": None,
}
BY_OTHERS = ("on paper", "by another chapter")  # have in parentheses whose word it is
STATUS = re.compile(r"\n\n<!-- status: ([^()\n]+?)(?: \(([^()\n]+)\))? -->(?=\n\n|\n*\Z)")
PLACE = re.compile(rf"^(#+) (.+)|{standalone.LABEL.pattern}", re.M)  # a heading, or the end of a numbered equation
CLAIM = re.compile(r"^ *# (proves|checks|measures) (eq-[^:\n]*)", re.M)  # after a colon, which part of it


class Claim(NamedTuple):
    """What a comment in a cell says that the code below does for an equation."""

    verb: str
    label: str
    cell: nbformat.NotebookNode
    calls: set[str]  #: the functions that this code calls, and `assert` and `compare` if it does


class Equation(NamedTuple):
    """A numbered equation, and what is known of it."""

    label: str
    chapter: str  #: its title, in Markdown
    section: str  #: the heading above the equation
    status: str  #: empty where there is none
    note: str  #: what the status has in parentheses: works, another equation, or "here"
    claims: list[Claim]
    page: str = ""  #: the name of its notebook, such as 05_gradient
    number: str = ""  #: in the book, such as 5.1


def book(folder):
    """Return all numbered equations of the chapters in a folder by their labels, in the order of the book."""
    notebooks = {path: nbformat.read(path, as_version=4) for path in standalone.notebooks_in(folder)}
    numbers = standalone.numbered(notebooks)
    return {
        equation.label: equation._replace(page=path.stem, number=numbers[equation.label][1])
        for path, notebook in notebooks.items()
        for equation in equations(notebook)
    }


def equations(notebook):
    """Yield the numbered equations of a notebook, which does not know its number."""
    found, chapter, section = claims(notebook), "", ""
    for cell in notebook.cells:
        for place in PLACE.finditer(cell.source if cell.cell_type == "markdown" else ""):
            level, heading, label = place.groups()
            section = heading or section
            chapter = heading if level == "#" else chapter
            if label:
                status = STATUS.match(cell.source, place.end())
                known = status.groups(default="") if status else ("", "")
                own = [claim for claim in found if claim.label == label]
                yield Equation(label, chapter, section, *known, own)


def claims(notebook):
    """Return what the comments in the cells of a notebook say that their code does."""
    return [
        Claim(verb, label, cell, calls)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for verb, labels, calls in _claimed(cell.source)
        for label in re.split(", *", labels)
    ]


def is_true(claim):
    """Tell whether the code of a claim does what it says, and did so when it ran."""
    outputs = claim.cell.outputs
    if any(output.output_type == "error" for output in outputs):
        return False
    if claim.verb == "proves":
        return "assert_identity" in claim.calls
    compares = any(name.startswith(("assert", "compare", "spot_check")) for name in claim.calls)
    return compares or (claim.verb == "measures" and bool(outputs))


def _claimed(source):
    r"""Yield verb, labels and calls of each comment; its code goes on to the next comment with this verb.

    >>> for claim in _claimed("# checks eq-a, eq-b: the sums\nassert f(1)\n# checks eq-c"):
    ...     print(*claim[:2], sorted(claim[2]))
    checks eq-a, eq-b ['assert', 'f']
    checks eq-c []
    """
    found = [(source.count("\n", 0, match.start()), *match.groups()) for match in CLAIM.finditer(source)]
    for line, verb, labels in found:
        ends = [other for other, same, _ in found if other > line and same == verb]
        yield verb, labels, _called(source, line, min(ends, default=len(source)))


def _called(source, first, end):
    nodes = [node for node in ast.walk(ast.parse(source)) if first < getattr(node, "lineno", 0) <= end]
    names = {type(node).__name__.lower() for node in nodes if isinstance(node, ast.Assert | ast.Compare)}
    return names | {ast.unparse(node.func).split(".")[-1] for node in nodes if isinstance(node, ast.Call)}
