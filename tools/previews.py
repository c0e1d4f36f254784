"""Let a reference to an equation show it when it is pointed at or focused: a Sphinx extension.

sphinx-tippy loads its scripts from elsewhere, and shows formulas that MathJax has yet to set in the page;
sphinx-hoverxref needs the servers of Read the Docs. A browser's own popover does it, with the equation from its page.
"""

import shutil
from pathlib import Path

SCRIPT = Path(__file__).with_suffix(".js")


def add_script(app, pagename, templatename, context, doctree):
    if "#equation-" in context.get("body", ""):
        app.add_js_file(SCRIPT.name, loading_method="defer")


def write_script(app, exception):
    if exception is None and app.builder.format == "html":
        shutil.copy(SCRIPT, Path(app.outdir) / "_static")


def setup(app):
    app.connect("html-page-context", add_script)
    app.connect("build-finished", write_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
