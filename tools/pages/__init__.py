"""What the pages need beyond Jupyter Book and its theme: a Sphinx extension, whose parts say why they are here.

Some parts change what Sphinx reads, and have a `setup` of their own. What is done to a finished page, and to all of
them, comes in the order of the two functions below.
"""

import shutil
from pathlib import Path

from docutils import nodes

from tools import at_work
from tools.pages import (
    answers,
    api,
    body,
    drawings,
    explorers,
    formulas,
    ledger,
    published,
    run_chapter,
    search,
    trim_theme,
)  # fmt: skip

# sphinx-tippy loads scripts from elsewhere, and sphinx-hoverxref needs Read the Docs: a browser's own popover does it.
PREVIEWS = Path(__file__).with_name("previews.js")


def finish_page(app, pagename, templatename, context, doctree):
    raw = "" if doctree is None else "".join(node.astext() for node in doctree.findall(nodes.raw))
    explorers.add_scripts(app, raw)
    answers.add_scripts(app, raw)
    html = body.mend(context.get("body", ""))
    html = drawings.draw(html, app.drawings, pagename)
    html = run_chapter.with_links(html, app, pagename, context, doctree)
    if "#equation-" in html:
        app.add_js_file(PREVIEWS.name, loading_method="defer")
    context["body"] = published.with_source(html)
    published.add_report(context, pagename)


def finish_book(app, exception):
    if exception is not None:
        return
    folder = Path(app.outdir)
    explorers.write_scripts(folder / explorers.FOLDER)
    answers.write_files(folder / answers.FOLDER)
    shutil.copy(PREVIEWS, folder / "_static")
    drawings.remove_pictures(folder, app.drawings)
    pages = {path: trim_theme.trim(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    trim_theme.trim_icons(folder / "_static", "".join(pages.values()))
    search.write_search(folder, {name: pages[folder / f"{name}.html"] for name in sorted(app.env.found_docs)})
    for path, page in formulas.set_all(pages, folder / "_static" / "formulas").items():
        path.write_text(page, encoding="utf-8")
    run_chapter.copy_site(folder)


def setup(app):
    for part in (api, at_work, explorers, answers, drawings, ledger, published, search, formulas):
        part.setup(app)
    app.connect("html-page-context", finish_page)
    app.connect("build-finished", finish_book)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
