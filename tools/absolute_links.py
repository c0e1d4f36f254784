"""Let the README's links lead to GitHub: `python tools/absolute_links.py owner/name@commit README.md`.

CI does so before it builds the package: PyPI shows the README, and has none of the files beside it.
"""

import re
import sys
from pathlib import Path

LINK = re.compile(r"(!?)\[([^]]*)\]\((?!https?:|#)([^)]+)\)")


def absolute(text, source):
    """Return Markdown whose links name files at a commit on GitHub.

    >>> absolute("[Chapter 1](chapters/01.ipynb#h), [there](https://a.b)", "me/book@1a2b")
    '[Chapter 1](https://github.com/me/book/blob/1a2b/chapters/01.ipynb#h), [there](https://a.b)'
    >>> absolute("![q](_static/q.png)", "me/book@1a2b")
    '![q](https://raw.githubusercontent.com/me/book/1a2b/_static/q.png)'
    """
    repository, _, commit = source.partition("@")

    def lead(link):
        image, words, path = link.groups()
        place = f"raw.githubusercontent.com/{repository}" if image else f"github.com/{repository}/blob"
        return f"{image}[{words}](https://{place}/{commit}/{path})"

    return LINK.sub(lead, text)


if __name__ == "__main__":
    source, readme = sys.argv[1], Path(sys.argv[2])
    readme.write_text(absolute(readme.read_text(encoding="utf-8"), source), encoding="utf-8")
