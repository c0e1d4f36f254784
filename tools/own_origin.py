"""Keep every page on the book's own host: a Sphinx extension that serves MathJax and drops Thebe.

Sphinx and Jupyter Book would have each page fetch MathJax from a public host, and load Thebe, which the book does not
use, with the address of another. A reader who is offline, or who would rather not be counted, gets all of the page.
"""

import shutil
from importlib.resources import files
from pathlib import Path

# What MathJax loads to read TeX and to set it, with MathML for those who listen: without its menu, which is as large.
PARTS = (
    "startup.js",
    "core.js",
    "input/tex.js",
    "input/tex/extensions",
    "output/chtml.js",
    "output/chtml/fonts",
    "a11y/assistive-mml.js",
)


def copy_mathjax(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    source = Path(str(files("mathjax"))) / "static" / "mathjax" / "es5"
    target = Path(app.outdir) / "mathjax"
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / part, target / part)


def drop_thebe(app, pagename, templatename, context, doctree):
    context["script_files"] = [script for script in context["script_files"] if not _is_thebe(script)]


def _is_thebe(script):
    body = getattr(script, "attributes", {}).get("body") or ""
    return "thebe" in f"{script.filename or ''}{body}".lower()


def setup(app):
    app.connect("html-page-context", drop_thebe, priority=900)  # after those that add it
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
