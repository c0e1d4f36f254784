"""Let readers search the book with Pagefind.

Pagefind gets one record for each section, exercise, equation and function of the built pages. The list of all words
lets the search page mend a wrong letter, which Pagefind does not. What Sphinx and the theme have for a search of their
own, such as an index in the head of every page, is left out.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from html import escape
from pathlib import Path

from tools.pages.search.records import records

HERE = Path(__file__).parent
NOT_USED = ("*-ui.*", "pagefind-highlight.js", "wasm.unknown.pagefind")  # of what Pagefind writes
# A record as Pagefind reads it. The kind is the name of the title, so that search.js can weigh titles by kind.
PAGE = """<html lang="en"><body>
<p data-pagefind-meta="{0.kind}" data-pagefind-ignore>{0.title}</p>
<p data-pagefind-meta="page" data-pagefind-ignore>{0.page}</p>
<p data-pagefind-meta="terms" data-pagefind-ignore>{0.terms}</p>
<p data-pagefind-weight="{1}">{0.text}</p>
"""
# An equation's text stands in its section too, and what is cited matters less than what the book says.
WEIGHTS = {"Equation": 0.5, "Work": 0.2}


def leave_out_index(app):
    app.builder.search = False


def write_search(folder, pages):
    """Write into the built book what a search of its pages, by their names, needs."""
    target = folder / "pagefind"
    found = [
        record
        for name, html in pages.items()
        if "/solutions/" not in name  # which a reader gets to from the exercise
        for record in records(name, html)
    ]
    write_index(found, target)
    (target / "words.json").write_text(json.dumps(words(found), ensure_ascii=False), encoding="utf-8")
    for file in ("search.css", "search.js"):
        shutil.copy(HERE / file, target / file)
    for file in ("searchtools.js", "language_data.js"):
        (folder / "_static" / file).unlink(missing_ok=True)


def write_index(found, folder):
    """Let Pagefind write its index and its scripts."""
    with tempfile.TemporaryDirectory() as site:
        for record in found:
            path = Path(site, f"{record.url}.html")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page(record), encoding="utf-8")
        command = [sys.executable, "-m", "pagefind", "--quiet", "--site", site, "--output-path", str(folder)]
        subprocess.run(command, check=True)
    for path in [path for pattern in NOT_USED for path in folder.glob(pattern)]:
        path.unlink()


def page(record):
    if record.kind == "Function":  # in its words: a name in one piece would count twice, as a whole and in its parts
        record = record._replace(title=re.sub(r"[._]|(?<=[a-z])(?=[A-Z])", " ", record.title))
    return PAGE.format(record._make(map(escape, record)), WEIGHTS.get(record.kind, 1))


def words(found):
    """Return all words, as Pagefind takes them from a text, those that are in most records first.

    >>> from tools.pages.search.records import Record
    >>> words([Record("", "", "Softmax", "", "", "The slope"), Record("", "", "A z-loss", "", "", "its slope, a loss")])
    ['slope', 'a', 'its', 'loss', 'softmax', 'the', 'z', 'zloss']
    """
    counts = Counter(word for record in found for word in {*words_of(f"{record.title} {record.terms} {record.text}")})
    return sorted(counts, key=lambda word: (-counts[word], word))


def words_of(text):
    """Yield each word of a text, and the parts of one that has a hyphen or the like."""
    for word in text.lower().split():
        parts = [part for part in re.split(r"[\W_]+", word) if part]
        yield from {*parts, "".join(parts)} - {""}


def setup(app):
    app.connect("builder-inited", leave_out_index)
