"""A page of the published book leads to where it comes from, and to whoever can mend it."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from tools.pages import published

ROOT = Path(__file__).parents[2]
BOOK = """\
from tools.pages import published

extensions = ["sphinx_book_theme"]
html_theme = "sphinx_book_theme"
templates_path = [{templates!r}]


def setup(app):
    published.setup(app)
    app.connect("html-page-context", lambda app, name, template, context, doctree: published.add_report(context, name))
"""


@pytest.mark.parametrize(
    ("source", "link"),
    [("", ""), ("someone/book@0123abc", '<a href="https://github.com/someone/book">The source on GitHub</a>')],
)
def test_the_landing_page_leads_to_the_repository_where_there_is_one(monkeypatch, source, link):
    monkeypatch.setenv("BOOK_SOURCE", source)
    assert published.with_source(f"<p>{published.PLACE}</p>") == f'<p><span id="source">{link}</span></p>'


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Return a function from what BOOK_SOURCE says to the folder of a small book in the theme of this one."""

    def build(source):
        monkeypatch.setenv("BOOK_SOURCE", source)
        monkeypatch.delenv("BOOK_URL", raising=False)
        (tmp_path / "conf.py").write_text(BOOK.format(templates=str(ROOT / "tools/pages/templates")), encoding="utf-8")
        (tmp_path / "index.rst").write_text("Why\n===\n\n.. toctree::\n\n   chapters/05_a\n", encoding="utf-8")
        (tmp_path / "chapters").mkdir()
        (tmp_path / "chapters" / "05_a.rst").write_text("A < B & *C*\n===========\n\nText.\n", encoding="utf-8")
        html = tmp_path / "html"
        with docutils_namespace():
            Sphinx(tmp_path, tmp_path, html, tmp_path / "doctrees", "html", status=None).build()
        return html

    return build


def test_each_page_has_a_link_to_the_form_for_an_error_with_its_place_filled_in(build):
    html = build("someone/book@0123abc")
    for name, title in {"index": "Why", "chapters/05_a": "A < B & C", "404": "Page not found"}.items():
        page = BeautifulSoup((html / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        (link,) = page.select(".report a")
        address = urlsplit(link["href"])
        assert (address.netloc, address.path) == ("github.com", "/someone/book/issues/new")
        assert parse_qs(address.query) == {
            "template": ["chapter.yml"], "title": [f"Error in “{title}”"], "where": [f"{name} (commit 0123abc)"],
        }  # fmt: skip


def test_no_page_has_that_link_where_the_repository_is_not_known(build):
    html = build("")
    assert [path for path in html.rglob("*.html") if 'class="report"' in path.read_text(encoding="utf-8")] == []


def test_the_form_has_each_field_that_is_filled_in():
    query = urlsplit(published.report("someone/book", "0123abc", "index", "Why")).query
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / published.FORM).read_text(encoding="utf-8"))
    fields = {field["id"] for field in form["body"] if field["type"] in ("input", "textarea")}
    assert parse_qs(query).keys() - {"template", "title"} <= fields  # GitHub passes over one that is not there
