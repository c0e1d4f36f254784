"""Tell search engines, and those to whom a link is sent, what a page of the published book is.

BOOK_URL is the address that it is published at, and BOOK_SOURCE the repository that it is made of, as
owner/name@commit. A book that is built without them has no address of its own, and says none. sphinxext-opengraph,
sphinx-sitemap and sphinx-notfound-page do most of it. The theme's own *open issue* knows no form, and no commit.
"""

import os
import re
from html import unescape
from urllib.parse import urlencode, urlsplit

from tools.pages.run_chapter import source

PLACE = '<span id="source"></span>'  # on the landing page
FORM = "chapter.yml"  # in .github/ISSUE_TEMPLATE


def settings(url, repository):
    """Return the options of Sphinx, and those of the theme.

    >>> options, theme = settings("https://example.org/book", "someone/book")
    >>> options["html_baseurl"], options["notfound_urls_prefix"]
    ('https://example.org/book/', '/book/')
    >>> theme["repository_url"], settings("", "")[1]
    ('https://github.com/someone/book', {})
    """
    options, theme = {}, {}
    if url:
        url = url.rstrip("/") + "/"
        options = {
            "html_baseurl": url,
            "ogp_site_url": url,
            "notfound_urls_prefix": urlsplit(url).path,
            "sitemap_url_scheme": "{link}",
        }
    if repository:
        theme = {
            "repository_url": f"https://github.com/{repository}",
            "use_repository_button": True,
            "article_footer_items": ["report", "prev-next"],
        }
    return options, theme


def report(repository, commit, name, title):
    r"""Return the address of the form for an error, with the page and the commit filled in.

    GitHub fills each field whose id is in the address: github.com/github/docs, creating-an-issue.md. A `body` would
    take the place of the form's questions.

    >>> print(report("someone/book", "0123abc", "chapters/05_gradient", "5. The gradient").replace("&", "\n"))
    https://github.com/someone/book/issues/new?template=chapter.yml
    title=Error+in+%E2%80%9C5.+The+gradient%E2%80%9D
    where=chapters%2F05_gradient+%28commit+0123abc%29
    """
    filled = {"template": FORM, "title": f"Error in “{title}”", "where": f"{name} (commit {commit})"}
    return f"https://github.com/{repository}/issues/new?{urlencode(filled)}"


def add_report(context, pagename):
    if found := source():
        title = unescape(re.sub("<[^>]+>", "", context.get("title", pagename)))
        context["report_url"] = report(*found, pagename, title)


def configure(app, config):
    repository, _ = source() or ("", "")
    options, theme = settings(os.environ.get("BOOK_URL", ""), repository)
    for name, value in options.items():
        config[name] = value
    config.html_theme_options = {**config.html_theme_options, **theme}


def with_source(html):
    """Let the landing page lead to the repository that the book is made of, where that is known."""
    if found := source():
        link = f'<a href="https://github.com/{found[0]}">The source on GitHub</a>'
        html = html.replace(PLACE, PLACE.replace("></", f">{link}</"))
    return html


def setup(app):
    app.connect("config-inited", configure, priority=1)
    app.setup_extension("sphinxext.opengraph")
    app.setup_extension("notfound.extension")
    if os.environ.get("BOOK_URL"):
        app.setup_extension("sphinx_sitemap")
