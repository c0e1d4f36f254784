"""Draw the picture of the README and the landing page: `python tools/draw_picture.py _static/q-minus-p.png`."""

import sys

import matplotlib

matplotlib.use("Agg")

from xentlib.teaching import figures


def draw(path):
    figures.use_book_style()
    figures.q_minus_p([1.0, 2.0, 0.5], 1)
    figures.plt.savefig(path, metadata={"Software": None})
    figures.plt.close("all")


if __name__ == "__main__":
    draw(sys.argv[1])
