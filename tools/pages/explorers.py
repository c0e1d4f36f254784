"""Put the explorers to work on the pages that hold one.

A page without explorers loads nothing of this. The scripts are plain ones, so that they also run where the book is
opened as files, without a server. What MyST-NB does for widgets loads RequireJS and a widget manager from elsewhere.
"""

import re
import shutil

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from xentlib.teaching import explorers
from xentlib.teaching.explorers.explorer import HERE, script

FOLDER = "explorers"


class ExplorerDirective(SphinxDirective):
    """Put an explorer onto a page that is no notebook, in the place of what is there where no script runs."""

    required_arguments = 1
    has_content = True

    def run(self):
        """Return the content within the explorer's place."""
        (kind,) = (kind for kind in explorers.ALL if kind.name == self.arguments[0])
        before, after = kind().on_page("\n").split("\n")
        raw = [nodes.raw("", html, format="html") for html in (before, after)]
        return [raw[0], *self.parse_content_to_nodes(), raw[1]]


def add_scripts(app, raw):
    """Add to a page with this raw HTML what its explorers need, once each."""
    names = sorted(set(re.findall(r'data-explorer="(\w+)"', raw)))
    if not names:
        return
    app.add_css_file(f"../{FOLDER}/explorers.css")
    for name in names:
        app.add_js_file(f"../{FOLDER}/{name}.js", loading_method="defer")
    app.add_js_file(f"../{FOLDER}/page.js", loading_method="defer")


def write_scripts(folder):
    folder.mkdir()
    for explorer in explorers.ALL:
        (folder / f"{explorer.name}.js").write_text(script(explorer.name), encoding="utf-8")
    for file in ("page.js", "explorers.css"):
        shutil.copy(HERE / file, folder)


def setup(app):
    app.add_directive("explorer", ExplorerDirective)
