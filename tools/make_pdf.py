"""Print the built book as one PDF, with the solutions after the chapters: `python -m tools.make_pdf _build/html`.

The pages are put together into one, which headless Chromium sets and prints. Jupyter Book's `pdfhtml` would build them
a second time, without what `tools.pages` makes of them, and print with a Chromium that Playwright downloads. A link to
the PDF then appears on the landing page: a book without it has none that leads nowhere.
"""

import posixpath
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import urldefrag

import yaml
from bs4 import BeautifulSoup

from tools import browser as tools_browser
from tools.build_book import replaced, stop_at_once

ROOT = Path(__file__).parents[1]
NAME = "why-q-minus-p.pdf"
PLACE = '<span id="pdf"></span>'
LINK = f'<span id="pdf"><a href="{NAME}">The book as a PDF</a></span>'
ON_SCREEN_ONLY = (
    ".headerlink, script, iframe, .toggle-button, .copybtn, details.hide, .start, "
    ".answer-controls, .answer-elsewhere, .xentlib-answer li input, .xentlib-exercises"
)
# A mark in the colour of all code would be an entry in the PDF. As text: half of all elements are marks, slow to parse.
LIKE_ITS_TEXT = re.compile('<span class="(?:n|nn|nx|p|pm|w)">([^<]*)</span>')
FOOTER = (
    '<div style="width: 100%; text-align: center; font: 9px sans-serif; color: #555">'
    '<span class="pageNumber"></span></div>'
)
MARGINS = {"top": "18mm", "bottom": "20mm", "left": "20mm", "right": "20mm"}
STYLE = """
@page { size: A4; }
html { font-size: 10.5pt; scroll-padding: 0; }
body { display: block; color: #000; background: #fff; }
.bd-article { padding: 0; max-width: none; }
h1.part { margin-top: 40%; text-align: center; border: 0; }
.chapter, h1.part { break-before: page; }
h2, h3, h4, h5, .admonition-title { break-after: avoid; }
div.cell_output, .equation-status { break-before: avoid; }
figure, .drawing, tr, mjx-container[display] { break-inside: avoid; }
.drawing { max-width: 100% !important; max-height: 220mm; }
pre { white-space: pre-wrap !important; overflow-wrap: anywhere; font-size: 8.5pt; line-height: 1.35; }
pre, .math { overflow: visible !important; }
pre, .pst-scrollable-table-container { background: none !important; } /* four pictures each; nothing scrolls */
.math > .tex { display: none; }
div.cell { margin-block: 0.75rem; }
.pst-scrollable-table-container { overflow: visible; }
table { font-size: 8.5pt; }
p { orphans: 3; widows: 3; }
"""


def main(folder):
    if tools_browser.find_chromium() is None:
        sys.exit(f"The PDF needs a browser. {tools_browser.NONE_FOUND}")
    with tools_browser.chromium() as browser, replaced(Path(folder)) as new:
        shutil.copytree(folder, new)
        print_book(new, browser)
    print(f"The PDF is at {folder}/{NAME}.")


def print_book(folder, browser):
    """Write the PDF into the folder of the built book, and a link to it onto its landing page."""
    page = folder / "in-one-page.html"
    try:
        page.write_text(assemble(folder, contents()), encoding="utf-8")
        pdf = print_page(folder, page.name, browser)
    finally:
        page.unlink(missing_ok=True)
    landing = folder / "index.html"
    landing.write_text(landing.read_text(encoding="utf-8").replace(PLACE, LINK), encoding="utf-8")
    (folder / NAME).write_bytes(pdf)


def contents():
    """Return the parts of the table of contents: pairs of a caption and the names of its pages."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [
        (
            part["caption"],
            [page["file"] for chapter in part["chapters"] for page in (chapter, *chapter.get("sections", ()))],
        )
        for part in toc["parts"]
    ]
    return [("", [toc["root"]]), *parts]


def assemble(folder, parts):
    """Return one page with all pages of the parts, each link between them made one within it."""
    names = [name for _, pages in parts for name in pages]
    head = parse((folder / f"{names[0]}.html").read_text(encoding="utf-8")).head
    sheets = "".join(map(str, head.select('link[rel="stylesheet"], link[href$=".css"]')))
    body = []
    for caption, pages in parts:
        body.append(f'<h1 class="part">{caption}</h1>' if caption else "")
        for name in pages:
            article = read_article(folder, name, names)
            body.append(f'<section class="chapter" id="{anchor(name)}">{article.decode_contents()}</section>')
    head = f'<meta charset="utf-8">{head.title}{sheets}<style>{STYLE}</style>'
    body = f'<article class="bd-article">{"".join(body)}</article>'
    return f'<!doctype html><html lang="en" data-theme="light"><head>{head}</head><body>{body}</body></html>'


def anchor(name, fragment=""):
    """Return the one name, among all of the book, of a place on a page.

    >>> anchor("chapters/04_loss", "summary")
    'chapters-04_loss--summary'
    """
    return f"{name.replace('/', '-')}--{fragment}"


def read_article(folder, name, names):
    """Return what a page has of its own, with headings one level lower, to be put beside that of other pages."""
    html = (folder / f"{name}.html").read_text(encoding="utf-8")
    article = parse(LIKE_ITS_TEXT.sub(r"\1", html)).select_one("article")
    for element in article.select(ON_SCREEN_ONLY):
        element.decompose()
    for heading in article.find_all(re.compile("^h[1-5]$")):
        heading.name = f"h{int(heading.name[1]) + 1}"
    for element in article.find_all(id=True):
        if not element.find_parent(class_="drawing"):  # whose names are its own in the whole book
            element["id"] = anchor(name, element["id"])
    for link in article.find_all("a", href=True):
        redirect(link, name, names)
    return article


def beside(name, address):
    """Return an address on a page as seen from the top folder.

    >>> beside("chapters/04_loss", "../api/loss.html")
    'api/loss.html'
    """
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), address))


def redirect(link, name, names):
    """Let a link to a page of the book lead to its place in the whole, and one to another file of the book nowhere."""
    path, fragment = urldefrag(link["href"])
    if re.match(r"[a-z]+:", path):
        return
    page = beside(name, path).removesuffix(".html") if path else name
    if page in names:
        link["href"] = f"#{anchor(page, fragment)}"
    else:
        del link["href"]


def parse(html):
    return BeautifulSoup(html, "html.parser")


def print_page(folder, name, browser):
    """Return the page as a PDF."""
    with tools_browser.serve(folder) as url, browser.new_context() as context:
        page = context.new_page()
        page.goto(url + name)
        return page.pdf(
            format="A4", margin=MARGINS, print_background=True, outline=True, tagged=True,
            display_header_footer=True, header_template="<span></span>", footer_template=FOOTER,
        )  # fmt: skip


if __name__ == "__main__":
    stop_at_once("The printing")
    main(sys.argv[1])
