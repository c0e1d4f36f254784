"""The links at the top of a chapter, to where it runs."""

import re
from types import SimpleNamespace

import pytest
from reference import exactly
from sphinx.errors import ExtensionError

from tools.pages import run_chapter

COMMIT = "0123456789abcdef"


@pytest.fixture
def top(tmp_path, monkeypatch):
    """Return a function from the source of a page to what stands at its top; there is nothing to run it with yet."""
    monkeypatch.setattr(run_chapter, "SITE", tmp_path / "site")
    monkeypatch.delenv("BOOK_SOURCE", raising=False)

    def top(source):
        app = SimpleNamespace(env=SimpleNamespace(doc2path=lambda page: source))
        context = {"pathto": lambda path, resource: f"../{path}"}
        return run_chapter.with_links("<h1>Loss</h1><p>", app, "chapters/a", context, doctree=object())

    return top


@pytest.mark.parametrize(
    ("source", "built", "expected"), [("a.ipynb", True, 1), ("a.md", True, 0), ("a.ipynb", False, 0)]
)
def test_a_notebook_runs_in_the_browser_if_there_is_what_it_runs_in(top, tmp_path, source, built, expected):
    if built:
        (tmp_path / "site").mkdir()
    assert top(source).count('href="../lite/notebooks/index.html?path=a.ipynb"') == expected


def test_a_notebook_opens_elsewhere_if_it_is_known_where_it_lies(top, monkeypatch):
    assert "href" not in top("a.ipynb")
    monkeypatch.setenv("BOOK_SOURCE", f"owner/name@{COMMIT}")
    assert "href" not in top("a.md")
    assert re.findall(r'href="([^"]+)"', top("a.ipynb")) == [
        "https://colab.research.google.com/github/owner/name/blob/colab/a.ipynb",
        f"https://mybinder.org/v2/gh/owner/name/{COMMIT}?labpath=chapters%2Fa.ipynb",
    ]


@pytest.mark.parametrize("wrong", ["owner/name", f"name@{COMMIT}", "owner/name@main", f"owner/name@{COMMIT}/x"])
def test_a_source_that_names_no_commit_of_a_repository_stops_the_build(monkeypatch, wrong):
    monkeypatch.setenv("BOOK_SOURCE", wrong)
    message = f"BOOK_SOURCE: the source of the book must be given as owner/name@commit; got {wrong!r}"
    with pytest.raises(ExtensionError, match=exactly(message)):
        run_chapter.source()
