"""The README that PyPI shows leads to files on GitHub."""

from pathlib import Path

from tools import absolute_links

ROOT = Path(__file__).parents[2]


def test_no_link_of_the_published_readme_is_relative():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert absolute_links.LINK.search(readme)
    text = absolute_links.absolute(readme, "me/book@1a2b")
    assert not absolute_links.LINK.search(text)
    assert "](https://raw.githubusercontent.com/me/book/1a2b/_static/q-minus-p.png)" in text
    assert all((ROOT / link[3].partition("#")[0]).exists() for link in absolute_links.LINK.finditer(readme))
