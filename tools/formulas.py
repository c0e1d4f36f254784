"""Say how much room each formula will take, so that the text around it does not jump: a Sphinx extension.

The style sheet keeps that room until MathJax has set the formula. Matplotlib, which sets TeX in the same letters, knows
how wide it will be.
"""

import re
from functools import cache
from html import unescape

from matplotlib import rc_context
from matplotlib.mathtext import MathTextParser

DISPLAYED = re.compile(r'(<div class="math\b[^>]*)>(.*?)</div>', re.S)
INLINE = re.compile(r'(<span class="math\b[^>]*)>\\\((.*?)\\\)</span>', re.S)
ROW = r"\\"
TALL = re.compile(r"(?<!\\textstyle)\\(d?frac|sum|prod)(?![a-z])")  # what makes a row as high as two
SCALE = 1.27  # MathJax draws a formula's letters as high as those of the text, and so wider
AFTER_SCRIPT = 0.06  # a space that only Matplotlib leaves
# What Matplotlib does not read, and what is as wide.
SPELLINGS = (
    (r"\\[td]?frac *([^{\s\\])", r"\\frac{\1}"),
    (r"(\\frac\{[^{}]*\}) *([^{\s])", r"\1{\2}"),
    (r"\\[td]frac", r"\\frac"),
    (r"\\sqrt *([^{\s\\])", r"\\sqrt{\1}"),
    (r"\\[bB]igg?[lr]?(?![a-z])", ""),
    (r"\\[lr]vert", "|"),
    (r"\\[lr]Vert", r"\\|"),
    (r"\\(le|ge)(?![a-z])", r"\\\1q"),
    (r"\\sum(?![a-z])", r"{\\sum}"),  # or the scripts would be set below it
    (r"(?<=[_^]\{)[^{}]+", lambda script: re.sub(r"[-+=]", r"{\g<0>}", script[0])),  # TeX puts no space around these
    (r"(\\frac\{[^{}]*\}\{[^{}]*\})", r"\1\\,"),
    (r"'+", lambda primes: f"^{{{'.' * len(primes[0])}}}"),
)


# Until a font is there, a formula is set in another and its line is higher. MathJax asks for its fonts when it sets the
# first formula; this does with the page.
FONTS = """<script>
  for (const [family, file] of [["MJXZERO", "Zero"], ["MJXTEX", "Main-Regular"], ["MJXTEX-I", "Math-Italic"]]) {{
    const font = new FontFace(family, `url({}MathJax_${{file}}.woff)`);
    document.fonts.add(font);
    font.load().catch(() => {{}}); // then MathJax asks for it again
  }}
</script>
"""


def reserve(app, pagename, templatename, context, doctree):
    context["body"] = with_sizes(context.get("body", ""))
    if 'class="math ' in context["body"]:
        context["metatags"] += FONTS.format(context["pathto"]("mathjax/output/chtml/fonts/woff-v2/", True))


def with_sizes(body):
    r"""Write on each formula about how large it will be.

    >>> with_sizes(r'<div class="math" id="eq">a = b \\ = c</div>')
    '<div class="math" id="eq" style="--rows: 2">a = b \\\\ = c</div>'
    >>> with_sizes(r'<span class="math">\(q_i\)</span>')
    '<span class="math" style="--width: 1.0">\\(q_i\\)</span>'
    """
    body = DISPLAYED.sub(lambda match: f'{match[1]} style="--rows: {rows(match[2])}">{match[2]}</div>', body)
    return INLINE.sub(_with_width, body)


def _with_width(match):
    try:
        size = f' style="--width: {width(unescape(match[2])):.1f}"'
    except ValueError:  # Matplotlib cannot read it, and a test says so
        size = ""
    return rf"{match[1]}{size}>\({match[2]}\)</span>"


def rows(tex):
    r"""Return about how high a displayed formula is, in rows of plain signs.

    >>> rows(r"L = -\log q_y \\ = -z_y + \log \sum_j e^{z_j}")
    3
    """
    return sum(2 if TALL.search(row) else 1 for row in tex.split(ROW))


@cache
def width(tex):
    r"""Return about how wide an inline formula is, in em of the text.

    >>> round(float(width(r"\log q_y < 0")), 1)
    5.0
    """
    for theirs, read in SPELLINGS:
        tex = re.sub(theirs, read, tex)
    with rc_context({"mathtext.fontset": "cm"}):
        size = MathTextParser("path").parse(f"${tex}$", dpi=72).width / 10
    return SCALE * size - AFTER_SCRIPT * len(re.findall("[_^]", tex))


def setup(app):
    app.connect("html-page-context", reserve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
