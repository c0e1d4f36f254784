"""Make of the chapters standalone notebooks, which know no other one and no bibliography.

Each place that shows them wants other links. sphinx-tojupyter is a builder of Sphinx, so that each place would take a
build of the book; jupytext leaves the Markdown of cells as it is, with the book's roles and labels.
"""

import posixpath
import re
from itertools import count
from pathlib import Path

import nbformat
import pybtex.database

from tools import at_work

ROOT = Path(__file__).parents[1]
CHAPTERS = ROOT / "chapters"
LINK = re.compile(r"\[([^]]+)\]\(([\w./]+)\.(ipynb|md)(#[^)]*)?\)")
LABEL = re.compile(r"\n\$\$ *\((eq-[\w-]+)\)")  # what ends a displayed formula, and labels it


def notebooks_in(chapters):
    """Return the paths of all chapters in a folder, and of their solutions."""
    return [*sorted(chapters.glob("*.ipynb")), *sorted(chapters.glob("solutions/*.ipynb"))]


def name_of(path):
    """Return what a notebook is called as seen from the folder of the chapters, such as solutions/04_loss.ipynb."""
    return f"solutions/{path.name}" if path.parent.name == "solutions" else path.name


def with_links(text, here, lead):
    """Return Markdown with each link to a notebook or a page, from the notebook `here`, as `lead` has it.

    It gets the words, the target as seen from the top folder, its kind (ipynb or md) and what comes after it.

    >>> with_links("See [it](../04_loss.ipynb#gap).", "solutions/04_loss.ipynb", lambda *link: str(link))
    "See ('it', 'chapters/04_loss', 'ipynb', '#gap')."
    """

    def replaced(link):
        words, target, kind, place = link.groups(default="")
        return lead(words, posixpath.normpath(posixpath.join("chapters", posixpath.dirname(here), target)), kind, place)

    return LINK.sub(replaced, text)


def standalone(paths, lead):
    """Return the notebook at each path, with equations numbered as in the book, and its links as `lead` has them."""
    notebooks = {path: nbformat.read(path, as_version=4) for path in paths}
    equations = numbered(notebooks)
    works = pybtex.database.parse_file(ROOT / "references.bib").entries
    for path, notebook in notebooks.items():
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                text = resolved(at_work.put_in(cell.source), path.name, equations, works)
                cell.source = with_links(text, name_of(path), lead)
    return notebooks


def numbered(notebooks):
    """Return for each label of an equation the name of its notebook, and its number in the book, such as 5.1.

    The pages without a number of their own count on from one another, as Sphinx does it.
    """
    found, unnumbered = {}, count(1)
    for path, notebook in notebooks.items():
        chapter = path.name[:2].lstrip("0") if path.name[0].isdigit() else ""
        numbers = (f"{chapter}.{number}" for number in count(1)) if chapter else map(str, unnumbered)
        for label in LABEL.findall("\n".join(cell.source for cell in notebook.cells)):
            found[label] = path.name, next(numbers)
    return found


def resolved(text, here, equations, works):
    """Return Markdown of the notebook `here` without references, roles and labels."""

    def equation(match):
        there, number = equations[match[1]]
        return f"({number})" if there == here else f"[({number})]({there})"

    def citation(match):
        named = ", ".join(cited(works[key.strip()]) for key in match[2].split(","))
        return named if match[1] else f"({named})"

    text = LABEL.sub(lambda match: f" \\tag{{{equations[match[1]][1]}}}\n$$", text)
    text = re.sub(r"\{eq\}`([^`]+)`", equation, text)
    return re.sub(r"\{cite(:t)?\}`([^`]+)`", citation, text)


def cited(entry):
    """Return what stands for a work in the text, such as `Bahumi 2018`."""
    people = [" ".join(person.last_names) for person in entry.persons.get("author", [])]
    names = " and ".join(people) if len(people) < 3 else f"{people[0]} et al."
    return f"{names or entry.fields['title']} {entry.fields.get('year', '')}".strip()
