"""Let the pages answer: the forms of the exercises, and the choice from the list of them.

A page has its forms from the start, so that nothing moves. Its script is small; the checker and the chapter's answers
are files of their own, which it loads when a field is first touched.
"""

import re
import shutil
from pathlib import Path

from docutils import nodes

from tools.pages.answers import data, forms
from tools.pages.run_chapter import SITE
from xentlib.teaching import exercises
from xentlib.teaching.exercises.checking import lettered
from xentlib.teaching.exercises.pages import CHECK

FOLDER = "answers"
HERE = Path(__file__).parent
LIST = "exercises"


def add_forms(app, doctree, docname):
    """Put a form to each exercise of a chapter, and to the list of all."""
    if docname == LIST:
        (table,) = doctree.findall(nodes.table)
        _before(table, forms.filters(_titles(app.env)))
    elif docname.startswith("chapters/") and "/solutions/" not in docname:
        for block in list(doctree.findall(nodes.literal_block)):
            for id in CHECK.findall(block.astext()):
                _add_form(exercises.find(id), _cell_of(block), docname)


def _titles(env):
    """Return the titles of the numbered chapters."""
    pages = sorted(name for name in env.found_docs if re.fullmatch(r"chapters/\d\d_\w+", name))
    return {int(name.removeprefix("chapters/")[:2]): env.titles[name].astext() for name in pages}


def _add_form(exercise, cell, docname):
    section = cell.parent
    place = section[section.index(cell) - 1]  # the link to the solution
    if exercise.kind not in data.KINDS:
        name = docname.removeprefix("chapters/")
        _before(place, forms.elsewhere(f"../lite/notebooks/index.html?path={name}.ipynb" if SITE.exists() else ""))
        return
    cell["classes"].append("answered-above")
    if exercise.options:
        _add_choice(exercise, place)
    else:
        _before(place, forms.field(exercise))


def _add_choice(exercise, place):
    options = place.parent[place.parent.index(place) - 1]
    before, after = forms.choice(exercise)
    _before(options, before)
    _before(place, after)
    for (letter, _), item in zip(lettered(exercise.options), options, strict=True):
        opening, closing = forms.option(exercise, letter)
        item[0].insert(0, _raw(opening))
        item[0].append(_raw(closing))


def _cell_of(block):
    while "cell" not in block.get("classes", ()):
        block = block.parent
    return block


def _before(node, html):
    node.parent.insert(node.parent.index(node), _raw(html))


def _raw(html):
    return nodes.raw("", html, format="html")


def add_scripts(app, raw):
    """Add to a page with this raw HTML what its forms need."""
    if 'class="xentlib-' in raw and 'method="dialog"' in raw:
        app.add_css_file(f"../{FOLDER}/answers.css")
        app.add_js_file(f"../{FOLDER}/page.js", loading_method="defer")


def write_files(folder):
    """Write scripts and answers, all of them plain scripts, which also load from a disk."""
    folder.mkdir()
    for file in ("page.js", "answers.css"):
        shutil.copy(HERE / file, folder)
    (folder / "checker.js").write_text(f"(() => {{\n{data.checker()}\n}})();\n", encoding="utf-8")
    every = exercises.all_exercises()
    for chapter in dict.fromkeys(exercise.id[:2] for exercise in every):
        text = data.encoded(exercise for exercise in every if exercise.id.startswith(chapter))
        (folder / f"{chapter}.js").write_text(f'window.xentlibAnswers = "{text}";\n', encoding="utf-8")


def setup(app):
    app.connect("doctree-resolved", add_forms)
