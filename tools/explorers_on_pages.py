"""Put the explorers to work on the pages that hold one: a Sphinx extension.

A page without explorers loads nothing of this. The scripts are plain ones, so that they also run where the book is
opened as files, without a server.
"""

import re
from pathlib import Path

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


def add_scripts(app, pagename, templatename, context, doctree):
    """Add to a page what its explorers need, once each."""
    raw = "" if doctree is None else "".join(node.astext() for node in doctree.findall(nodes.raw))
    names = sorted(set(re.findall(r'data-explorer="(\w+)"', raw)))
    if not names:
        return
    app.add_css_file(f"../{FOLDER}/explorers.css")
    for name in names:
        app.add_js_file(f"../{FOLDER}/{name}.js", loading_method="defer")
    app.add_js_file(f"../{FOLDER}/page.js", loading_method="defer")


def write_scripts(app, exception):
    """Write the scripts into the built book."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    for explorer in explorers.ALL:
        (folder / f"{explorer.name}.js").write_text(script(explorer.name), encoding="utf-8")
    for file in ("page.js", "explorers.css"):
        (folder / file).write_text((HERE / file).read_text(encoding="utf-8"), encoding="utf-8")


def setup(app):
    """Connect all to the build."""
    app.add_directive("explorer", ExplorerDirective)
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", write_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
