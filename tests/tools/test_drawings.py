"""Drawings: one for each figure of the notebooks, small, without a colour or a name that a page could not take in."""

import re
from collections import Counter
from io import StringIO
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from test_figures import contrast

from tools import drawings
from tools.pages import drawings as drawings_on_pages
from xentlib.teaching import figures

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted([*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("chapters/solutions/*.ipynb")])
FILES = sorted(path for name in drawings_on_pages.WHERE for path in ROOT.glob(name))
STORED = {path.stem: path.read_text(encoding="utf-8") for path in FILES}
PIXELS, SHADES = "it shows pictures of pixels", "its shades are heights"
# Those that do not follow the theme, and why not.
CARDS = dict.fromkeys([f"03_classifier-{n}" for n in (2, 3, 4, 5, 6, 7)], PIXELS) | {
    "06_jacobian-2": PIXELS, "07_backprop-2": PIXELS, "11_stability-2": PIXELS, "16_one_family-2": SHADES,
}  # fmt: skip


def stamps(path):
    return [drawings.stamp(data["image/png"]) for data in drawings.figures(nbformat.read(path, as_version=4))]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_figure_has_its_drawing_and_no_drawing_is_left_over(path):
    files = sorted((path.parent / "figures").glob(f"{path.stem}-*.svg"))
    assert [drawings.of(file.read_text(encoding="utf-8")) for file in files] == stamps(path)


def test_only_the_figures_with_a_reason_keep_their_colours():
    assert len(STORED) > 60
    kept = [name for name, text in STORED.items() if not drawings_on_pages.has_only_the_palette(text)]
    assert kept == sorted(CARDS)


def test_a_page_has_no_colour_of_a_drawing_that_follows_its_theme():
    for name in STORED.keys() - CARDS.keys():
        drawn = drawings_on_pages.for_page(STORED[name], "words")
        assert re.findall("#[0-9a-f]{6}|rgb|font-family", drawn) == []
        assert "var(--drawn-ink)" in drawn
        assert 'class="drawing"' in drawn


def test_no_two_things_drawn_have_the_same_name_and_each_name_is_used():
    names = Counter(name for text in STORED.values() for name in re.findall(r'\bid="([^"]+)"', text))
    used = {name for text in STORED.values() for name in re.findall(r'(?:href="#|url\(#)([^")]+)', text)}
    assert set(names.values()) == {1}
    assert names.keys() == used


def test_drawings_are_light():
    sizes = {name: len(text.encode()) for name, text in STORED.items()}
    assert max(sizes.values()) < 200_000
    assert sum(sizes.values()) < 1_000_000


# How one is made


def drawn(*styles, **options):
    with mpl.rc_context():
        figures.use_book_style()
        for style in styles:
            mpl.rcParams.update(style)
        fig, ax = plt.subplots()
        ax.plot([0, 1, 2], [1e-3, 10, 30], color=figures.DOG)
        ax.set(yscale="log", title="a title", **options)
        file = StringIO()
        fig.savefig(file, format="svg")
        plt.close(fig)
    return drawings.drawing(file.getvalue(), "name", "4f6a")


@pytest.fixture(autouse=True)
def without_a_screen():
    plt.switch_backend("Agg")


def test_a_drawing_is_the_same_each_time_and_where_results_are_an_ulp_off():
    assert drawn() == drawn()
    assert drawn(xlim=(0, 2)) == drawn(xlim=(0, 2 + 1e-9))
    assert drawn(xlim=(0, 2)) != drawn(xlim=(0, 2.1))


def test_a_drawing_has_text_and_no_font_date_or_sheet():
    drawing = drawn()
    assert ">a title</text>" in drawing
    assert not re.search("font-family|metadata|Matplotlib|#ffffff|<!|<style", drawing)
    assert re.search(r'text-anchor:end"><tspan [^>]*>10</tspan><tspan [^>]*>−2</tspan></text>', drawing)
    assert "<path" in drawn({"svg.fonttype": "path"})
    assert ">a title<" not in drawn({"svg.fonttype": "path"})


def test_what_is_drawn_from_elsewhere_stays_where_it_is():
    """A mark is defined once, unseen, and used in many places."""
    assert drawn().count("<defs>") == drawn().count("</defs>") > 0
    assert re.search(r'<defs>\s*<path d="M0 0l0 3.5"', drawn())


@pytest.mark.parametrize(("n", "color"), [(600, figures.MUTED), (600, "#5d667580"), (100, figures.MUTED)])
def test_many_dots_are_one_line_of_points_and_few_or_pale_ones_are_marks(n, color):
    fig, ax = plt.subplots()
    ax.plot([0, 1, 2] * (n // 3), [0, 1, 0.5] * (n // 3), ".", ms=3, color=color)
    file = StringIO()
    fig.savefig(file, format="svg")
    plt.close(fig)
    text = drawings.drawing(file.getvalue(), "one", "0" * 64)
    cloud = re.search(r"stroke-width:2.5;stroke-linecap:round[^>]*>\s*<path d=\"((?:m[^\"]*?h0)*)\"/></g>", text)
    assert bool(cloud) == ((n, color) == (600, figures.MUTED))
    assert (text.count("<use") < n) == bool(cloud)
    if cloud:  # those in the same place once: from the left, as far apart as the axes say
        steps = [[float(x) for x in re.findall(r"-?\d*\.?\d+", step)] for step in cloud[1].split("h0")[:-1]]
        width, height = (72 / fig.dpi / 1.1 * size for size in ax.get_window_extent().size)  # of the data
        assert np.ravel(steps[1:]) == pytest.approx([width / 2, -height, width / 2, height / 2], abs=0.11)


def test_a_picture_without_a_drawing_is_said(caplog):
    known = {"0" * 64: drawn()}
    there, missing = (f'<img alt="A line that rises" src="../_images/{n * 64}.png" />' for n in "01")
    shown = drawings_on_pages.draw(there, known, "chapters/one")
    assert shown.startswith('<svg class="drawing" role="img" aria-label="A line that rises" width="')
    assert drawings_on_pages.draw(missing, known, "chapters/one") == missing
    assert "run make notebooks ONLY=chapters/one.ipynb" in caplog.text


# Its colours on a page

BOOK = (ROOT / "_static" / "book.css").read_text(encoding="utf-8")
EXPLORERS = (ROOT / "xentlib" / "teaching" / "explorers" / "explorers.css").read_text(encoding="utf-8")
SERIES = ("cat", "dog", "bird", "p", "q")
PAPER = {"light": "#ffffff", "dark": "#14181e"}


def colours(css, prefix):
    """Return the colours of the classes, p and q: the light ones stand before the dark ones."""
    found = [re.findall(rf"--{prefix}-{name}: (#[0-9a-f]+);", css) for name in SERIES]
    return dict(zip(("light", "dark"), zip(*found, strict=True), strict=True))


def test_a_class_has_the_colour_that_it_has_in_explorers_and_notebooks():
    assert colours(BOOK, "drawn") == colours(EXPLORERS, "x")
    assert colours(BOOK, "drawn")["light"] == (*figures.CLASS_COLORS, figures.P_COLOR, figures.Q_COLOR)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_stand_out_from_the_page(theme):
    for color in colours(BOOK, "drawn")[theme]:
        assert contrast(to_rgb(color), to_rgb(PAPER[theme])) >= 4.5
    assert contrast(to_rgb(figures.CAT), to_rgb(PAPER["dark"])) < 4.5  # the light one would not do


INK = re.compile(r"\b[Bb]lack (?:line|road|dot|curve|bar|arrow|point|path)s?\b")


def test_no_text_calls_black_what_is_light_in_the_dark():
    cells = [cell for path in CHAPTERS for cell in nbformat.read(path, as_version=4).cells]
    alts = [cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "") for cell in cells]
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert [found for text in texts + alts for found in INK.findall(text)] == []
