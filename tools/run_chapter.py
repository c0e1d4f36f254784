"""Put JupyterLite beside the pages, and a link to it at the top of each chapter: a Sphinx extension.

`_build/lite` holds it, if `tools/lite/fetch.py` could fetch what it takes. Else the pages are built without the links.
"""

import json
import os
import shutil
from pathlib import Path

SITE = Path(__file__).parents[1] / "_build" / "lite" / "site"
BUTTON = """
<p class="run-chapter">
<a href="{address}">Run this chapter</a>
<small>in your browser: change a cell, run it again. Python comes with it, {size} MB the first time, and starts in about
half a minute.</small>
</p>
"""


def add_button(app, pagename, templatename, context, doctree):
    if not (doctree and SITE.exists() and app.env.doc2path(pagename).endswith(".ipynb")):
        return
    address = context["pathto"]("lite/notebooks/index.html", True) + f"?path={Path(pagename).name}.ipynb"
    button = BUTTON.format(address=address, size=megabytes())
    context["body"] = context["body"].replace("</h1>", f"</h1>{button}", 1)


def megabytes():
    """Return what a first visit loads."""
    return json.loads((SITE.parent / "megabytes.json").read_text())


def copy_site(app, exception):
    if exception is None and app.builder.format == "html" and SITE.exists():
        target = Path(app.outdir) / "lite"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(SITE, target, copy_function=os.link)


def setup(app):
    app.connect("html-page-context", add_button)
    app.connect("build-finished", copy_site)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
