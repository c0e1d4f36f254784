"""Make of a chapter what a notebook on its own can show: it knows no other chapter, and no bibliography."""

import re
from pathlib import Path

import nbformat
import pybtex.database

ROOT = Path(__file__).parents[1]
CHAPTERS = ROOT / "chapters"
LABEL = re.compile(r"\$\$ *\((eq-[\w-]+)\)")


def read(paths):
    """Return the notebook at each path."""
    return {path: nbformat.read(path, as_version=4) for path in paths}


def numbered(notebooks):
    """Return for each label of an equation the name of its notebook, and its number in the book, such as 5.1."""
    return {
        label: (path.name, f"{path.name[:2].lstrip('0')}.{number}")
        for path, notebook in notebooks.items()
        for number, label in enumerate(LABEL.findall("\n".join(cell.source for cell in notebook.cells)), start=1)
    }


def works():
    """Return what the book cites, by its keys."""
    return pybtex.database.parse_file(ROOT / "references.bib").entries


def on_its_own(text, equations, works):
    """Return Markdown whose references are resolved: to an equation in another notebook, to one here, to a work.

    `equations` gives the notebook of each, "" for this one, and its number. One that it does not name is left alone.
    """

    def equation(match):
        there, number = equations.get(match[1], ("", ""))
        return f"[({number})]({there})" if there else f"({number})" if number else match[0]

    def citation(match):
        named = ", ".join(cited(works[key.strip()]) for key in match[2].split(","))
        return named if match[1] else f"({named})"

    text = re.sub(r"\{eq\}`([^`]+)`", equation, text)
    text = re.sub(r"\{cite(:t)?\}`([^`]+)`", citation, text)
    return re.sub(r"\[([^]]+)\]\(\.\./[^)]+\)", r"\1", text)  # a link to what is no chapter


def cited(entry):
    """Return what stands for a work in the text, such as `Bahumi 2018`."""
    people = [" ".join(person.last_names) for person in entry.persons.get("author", [])]
    names = " and ".join(people) if len(people) < 3 else f"{people[0]} et al."
    return f"{names or entry.fields['title']} {entry.fields.get('year', '')}".strip()
