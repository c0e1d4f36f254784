"""A page that is open in the browser, with all that happened while it loaded."""

import re
from functools import cache
from html import unescape
from urllib.parse import unquote, urldefrag, urlsplit

from tools.make_pdf import contents

NAMED = re.compile(r'<(?:[a-z][^<>]*?\sid|a\s[^<>]*?name)="([^"]*)"')

# Pages of a kind are made alike: in haste one or two stand for their kind.
KINDS = [
    "index", "exercises", "ledger", "notation", "search", "audits/index", "api/loss", "api/frameworks",
    "chapters/05_gradient", "chapters/solutions/12_variants",
]  # fmt: skip


def pages_of_the_book():
    """Return the names of all pages: those of the table of contents, and those that Sphinx adds."""
    return [*(name for _, names in contents() for name in names), "genindex", "search"]


def without_formulas(html):
    """Return a page with a letter for each set formula: formulas are most of it, and slow to parse."""
    return re.sub("(?s)<mjx-container.*?</mjx-container>", "q", html)


def lightened(html):
    """Return a page without its formulas and drawings, for tests of something else: it takes half as long to load."""
    return re.sub('(?s)<svg class="drawing.*?</svg>', "", without_formulas(html))


def with_nothing_but_its_explorers(html):
    """Return a page of which the article has the explorers alone, with some screens of nothing above and below them."""
    html = re.sub('(?s)<nav id="pst-page-toc-nav".*?</nav>', "", html)  # the theme looks for all that it names
    before, article, after = re.split("(?s)(<article.*?</article>)", html)
    explorers = "".join(re.findall('(?s)<div id="explorer-.*?</section></div>', article))
    output = f'<div class="cell_output docutils container"><div class="output text_html">{explorers}</div></div>'
    cell = f'<div class="cell docutils container">{output}</div>'
    nothing = '<div style="height: 2000px"></div>'
    return f'{before}<article class="bd-article"><section>{nothing}{cell}{nothing}</section></article>{after}'


def change_pages(page, site, book, change):
    """Let the pages of the book be shown as some function changes their HTML."""

    def changed(route):
        path = book / urlsplit(route.request.url).path.removeprefix(urlsplit(site).path)
        route.fulfill(body=change(path.read_text(encoding="utf-8")), content_type="text/html")

    page.route(re.compile(f"{re.escape(site)}.*[.]html"), changed)


def without_marks(html):
    """Return a page without the colours in its code, each of which is an element to parse."""
    return re.sub('<span class="[a-z0-9]{1,3}">([^<]*)</span>', r"\1", html)


class Visit:
    """One page of a site, as loaded."""

    def __init__(self, page, site, folder, name, query=""):
        self.page, self.site, self.folder = page, site, folder
        self.requests, self.failures, self.errors = [], [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", lambda request: self.failures.append(f"{request.failure} {request.url}"))
        # 304: the browser has the file from another page, and asked whether it is still the same
        page.on(
            "response", lambda answer: answer.status >= 400 and self.failures.append(f"{answer.status} {answer.url}")
        )
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{site}{name}.html{query}")

    def file_of(self, url):
        """Return the file that a link leads to, or None where it leads out of the site."""
        if not url.startswith(self.site):
            return None
        path = self.folder / unquote(urlsplit(url).path.removeprefix(urlsplit(self.site).path))
        return path / "index.html" if path.is_dir() else path

    def links(self):
        """Return each address that the page links to, in full, and the fragment after it."""
        return [urldefrag(url) for url in self.page.eval_on_selector_all("a[href]", "links => links.map(a => a.href)")]


@cache
def anchors(path):
    """Return all that a link to a file can name after its #.

    By an expression: a parser takes a second for a page with many formulas, and each process reads all of them.
    """
    return {"", "top", *map(unescape, NAMED.findall(path.read_text(encoding="utf-8")))}
