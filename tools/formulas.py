"""Say how much room each formula will take, so that the text around it does not jump: a Sphinx extension.

The style sheet keeps that room until MathJax has set the formula. How wide a sign is stands in MathJax's fonts.
"""

import re
from functools import cache
from html import unescape
from importlib.resources import files

from fontTools.ttLib import TTFont

FONTS = files("mathjax") / "static/mathjax/es5/output/chtml/fonts/woff-v2"
DISPLAYED = re.compile(r'(<div class="math\b[^>]*)>(.*?)</div>', re.S)
INLINE = re.compile(r'(<span class="math\b[^>]*)>\\\((.*?)\\\)</span>', re.S)
ROW = r"\\"
TALL = re.compile(r"(?<!\\textstyle)\\(d?frac|sum|prod)(?![a-z])")  # what makes a row as high as two
TOKEN = re.compile(r"\\(?:[a-zA-Z]+|.)|\S", re.S)
# Widths are in em, of the formula's own letters: MathJax draws them as high as those of the text, and so wider.
SCALE = 1.27
SCRIPT = 0.71
THIN, MEDIUM, THICK = 0.17, 0.22, 0.28  # the spaces of TeX
NAME = re.compile(r"\\(log|ln|exp|max|min|det|Pr|arg|sin|cos|tanh|sinh|sup|inf)")
RELATION = re.compile(r"[=<>]|\\(in|to|leftarrow|le|ge|ne|approx|sim|mapsto|iff|ll|gg|propto|mid|equiv)")
BINARY = re.compile(r"[+-]|\\(cdot|times|pm|oplus|circ)")
FRACTION = re.compile(r"\\[td]?frac")
UPRIGHT = re.compile(r"\\(operatorname|text|mathrm)")
UNSEEN = re.compile(r"\\(left|right|[bB]igg?[lr]|bar|hat|widehat|mathbb|mathsf|!)")
OTHERS = {
    r"\,": THIN, r"\ ": 0.25, r"\;": THICK, r"\sum": 1.06 + THIN, r"\infty": 1, r"\nabla": 0.83, r"\dots": 1.3,
    r"\cdot": 0.28, r"\mid": 0.28, r"\to": 1, r"\leftarrow": 1, r"\top": 0.78, ",": 0.28 + THIN, ";": 0.28 + THIN,
}  # fmt: skip
OPERATOR, GREEK = 0.78, 0.53  # what is not named is one of these


def reserve(app, pagename, templatename, context, doctree):
    context["body"] = with_sizes(context.get("body", ""))


def with_sizes(body):
    r"""Write on each formula about how large it will be.

    >>> with_sizes(r'<div class="math" id="eq">a = b \\ = c</div>')
    '<div class="math" id="eq" style="--rows: 2">a = b \\\\ = c</div>'
    >>> with_sizes(r'<span class="math">\(q_i\)</span>')
    '<span class="math" style="--width: 0.9">\\(q_i\\)</span>'
    """
    body = DISPLAYED.sub(lambda match: f'{match[1]} style="--rows: {rows(match[2])}">{match[2]}</div>', body)
    return INLINE.sub(
        lambda match: rf'{match[1]} style="--width: {width(unescape(match[2])):.1f}">\({match[2]}\)</span>', body
    )


def rows(tex):
    r"""Return about how high a displayed formula is, in rows of plain signs.

    >>> rows(r"L = -\log q_y \\ = -z_y + \log \sum_j e^{z_j}")
    3
    """
    return sum(2 if TALL.search(row) else 1 for row in tex.split(ROW))


def width(tex):
    r"""Return about how wide an inline formula is, in em: for the book's 1,500, wrong by 0.1 on average.

    >>> round(width(r"\log q_y < 0"), 1)
    5.2
    """
    return SCALE * _all(iter(TOKEN.findall(tex)), 1, font("Math-Italic"))


def _all(tokens, space, letters):
    """Return the width of tokens up to the end of their group. A script is set without space around its signs."""
    total, operand = 0, False
    for token in tokens:
        if token == "}":
            break
        total += _next(token, tokens, space, letters)
        is_binary = BINARY.fullmatch(token)
        if is_binary and operand:  # else it is a sign, as in −1
            total += 2 * MEDIUM * space
        operand = not (is_binary or RELATION.fullmatch(token) or token in ("(", "[", ",", r"\,"))
    return total


def _next(token, tokens, space, letters):
    """Return the width of a token, and of those after it that are its own."""

    def argument(space=space, letters=letters):
        return _next(next(tokens), tokens, space, letters)

    upright = font("Main-Regular")
    if token == "{":
        return _all(tokens, space, letters)
    if token in ("^", "_"):
        return SCRIPT * argument(0) + 0.04
    if FRACTION.fullmatch(token):
        return SCRIPT * max(argument(0), argument(0)) + 0.24
    if token == r"\sqrt":
        return 0.83 + argument()
    if UPRIGHT.fullmatch(token):
        return argument(letters=upright)
    if NAME.fullmatch(token):
        return sum(upright[letter] for letter in token[1:]) + THIN
    if RELATION.fullmatch(token):
        return OTHERS.get(token, OPERATOR) + 2 * THICK * space
    if BINARY.fullmatch(token):
        return OTHERS.get(token, OPERATOR)
    if UNSEEN.fullmatch(token):
        return 0
    return OTHERS.get(token) or (letters if token.isalpha() else upright).get(token, GREEK)


@cache
def font(name):
    """Return how wide each sign of one of MathJax's fonts is."""
    loaded = TTFont(FONTS / f"MathJax_{name}.woff")
    em = loaded["head"].unitsPerEm
    return {chr(code): loaded["hmtx"][glyph][0] / em for code, glyph in loaded.getBestCmap().items()}


def setup(app):
    app.connect("html-page-context", reserve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
