"""A page of the published book leads to where it comes from."""

import pytest

from tools.pages import published


@pytest.mark.parametrize(
    ("source", "link"),
    [("", ""), ("someone/book@0123abc", '<a href="https://github.com/someone/book">The source on GitHub</a>')],
)
def test_the_landing_page_leads_to_the_repository_where_there_is_one(monkeypatch, source, link):
    monkeypatch.setenv("BOOK_SOURCE", source)
    assert published.with_source(f"<p>{published.PLACE}</p>") == f'<p><span id="source">{link}</span></p>'
