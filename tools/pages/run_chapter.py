"""Tell at the top of each chapter where it runs, and put JupyterLite beside the pages.

`_build/lite` holds JupyterLite, if `tools/lite/fetch.py` could fetch what it takes. Colab and Binder take a chapter
from GitHub: the links to them are there if the variable BOOK_SOURCE names the book's source, as owner/name@commit.
The theme's launch buttons take one branch for all: here Colab needs another than Binder.
"""

import os
import re
import shutil
from pathlib import Path

from sphinx.errors import ExtensionError

SITE = Path(__file__).parents[2] / "_build" / "lite" / "site"
MEGABYTES = 51  # that a first visit loads: tests/browser/test_lite.py measures them
COLAB = "https://colab.research.google.com/github/{}/blob/colab/{}.ipynb"  # the branch that publish.yml makes
BINDER = "https://mybinder.org/v2/gh/{}/{}?labpath=chapters%2F{}.ipynb"
HERE = """<a href="{address}">Run this chapter</a>
<small>in your browser: change a cell, run it again. Python comes with it, {size}&nbsp;MB the first time, and starts in
about half a minute.</small>
"""
ELSEWHERE = """<small>The chapter also opens <a href="{colab}">in Colab</a>, for those who have an account there, and
<a href="{binder}">in Binder</a>, which may take some minutes to start.</small>
"""


def parse(source):
    """Return the repository and the commit that owner/name@commit names."""
    match = re.fullmatch(r"([\w-]+/[\w.-]+)@([0-9a-f]{7,40})", source)
    if not match:
        raise ValueError(f"the source of the book must be given as owner/name@commit; got {source!r}")
    return match[1], match[2]


def source():
    """Return the repository and the commit that BOOK_SOURCE names, or None where it is not set."""
    given = os.environ.get("BOOK_SOURCE")
    try:
        return parse(given) if given else None
    except ValueError as error:
        raise ExtensionError(f"BOOK_SOURCE: {error}") from None


def with_links(html, app, pagename, context, doctree):
    """Return a page with the ways to run it below its title, if it is a chapter."""
    if doctree and app.env.doc2path(pagename).endswith(".ipynb") and "/solutions/" not in pagename:
        links = link_to_run_here(pagename, context) + links_elsewhere(Path(pagename).name)
        if links:
            top = f'</h1>\n<p class="run-chapter">\n{links}</p>'
            return html.replace("</h1>", top, 1)
    return html


def link_to_run_here(pagename, context):
    if not SITE.exists():
        return ""
    address = context["pathto"]("lite/notebooks/index.html", True) + f"?path={Path(pagename).name}.ipynb"
    return HERE.format(address=address, size=MEGABYTES)


def links_elsewhere(name):
    if source() is None:
        return ""
    repository, commit = source()
    return ELSEWHERE.format(colab=COLAB.format(repository, name), binder=BINDER.format(repository, commit, name))


def copy_site(folder):
    if SITE.exists():
        shutil.copytree(SITE, folder / "lite", copy_function=os.link)
