"""Put drawings into the pages, where notebooks have pictures; the landing page and the benchmark have theirs.

A drawing has the fonts of its page and follows its theme: what has a colour of the book's palette gets a variable of
that name, which book.css sets for light and dark. Only a drawing with other colours, of pixels or shades that mean
something, keeps them, on a white card.
"""

import re
from pathlib import Path

from sphinx.util import logging

from tools import drawings
from xentlib.teaching import figures

PICTURE = re.compile(r'<img (?=[^>]*src="[^"]*_images/([^"]+)\.\w+")[^>]*?alt="([^"]*)"[^>]*>')
WHERE = ("chapters/**/figures/*.svg", "benchmarks/results.svg", "_static/q-minus-p.svg")
SIZE = re.compile(r'<svg [^>]*?width="(\S+)" height="(\S+)"')
COLOR = re.compile(r"#[0-9a-f]{6}\b")
SCALE = 16 / 11  # by which the figures' text of 11 points is as large as that of the page
NAMES = {
    figures.CAT: "cat", figures.DOG: "dog", figures.BIRD: "bird", figures.P_COLOR: "p", figures.Q_COLOR: "q",
    figures.INK: "ink", figures.MUTED: "muted", figures.FAINT: "faint", "#ffffff": "paper", "#000000": "ink",
}  # fmt: skip
LOGGER = logging.getLogger(__name__)


def for_page(drawing, words):
    """Return a drawing as a page has it, with words for those who do not see it.

    >>> drawing = '<svg data-of="4f6a" width="11" height="22" viewBox="0 0 11 22"><path style="stroke:#b84a00"/></svg>'
    >>> for_page(drawing, "A line")  # doctest: +NORMALIZE_WHITESPACE
    '<svg class="drawing" role="img" aria-label="A line" width="16" height="32" viewBox="0 0 11 22"><path
    style="stroke:var(--drawn-cat)"/></svg>'
    >>> for_page(drawing.replace("#b84a00", "#f8f6fa"), "A line").split(" role")[0]
    '<svg class="drawing card"'
    """
    kind = "drawing card"
    if has_only_the_palette(drawing):
        kind, drawing = "drawing", COLOR.sub(lambda color: f"var(--drawn-{NAMES[color[0]]})", drawing)
    width, height = (f"{float(size) * SCALE:.0f}" for size in SIZE.search(drawing).groups())
    said = f'<svg class="{kind}" role="img" aria-label="{words}" width="{width}" height="{height}"'
    return drawing.replace(SIZE.search(drawing)[0], said, 1).rstrip("\n")


def has_only_the_palette(drawing):
    return "<image" not in drawing and set(COLOR.findall(drawing)) <= NAMES.keys()


def read_drawings(app):
    files = [file for where in WHERE for file in sorted(Path(app.srcdir).glob(where))]
    texts = [file.read_text(encoding="utf-8") for file in files]
    app.drawings = {drawings.of(text): text for text in texts}


def draw(html, known, pagename):
    """Return a page with the drawings, known by the stamps of their pictures, in the place of these."""

    def drawn(picture):
        drawing = known.get(picture[1])
        if drawing is None:
            LOGGER.warning("%s has a picture that is not drawn: run make notebooks ONLY=%s.ipynb", pagename, pagename)
            return picture[0]
        return for_page(drawing, picture[2])

    return PICTURE.sub(drawn, html)


def remove_pictures(folder, drawn):
    for path in (folder / "_images").glob("*"):
        if path.stem in drawn:
            path.unlink()


def setup(app):
    app.connect("builder-inited", read_drawings)
