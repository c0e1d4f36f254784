"""Send readers no more than they use: a Sphinx extension, for what the theme brings.

It draws its icons twice, by a font and by a script of half a megabyte; the font does. Of the font, the pages use some
twenty signs of two thousand. And a page says how much room its formulas will take, so that its text does not jump.
"""

import re
from html import unescape
from pathlib import Path

from fontTools import subset

SCRIPT = re.compile(r'\s*<script [^>]*src="[^"]*/fontawesome\.js[^"]*"></script>')
NAMED = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"([^"]*)"\}')
SIGN = re.compile(r"\\([0-9a-f]{2,4})|([\ue000-\uf8ff])")  # escaped, or as it is
DISPLAYED = re.compile(r'(<div class="math\b[^>]*)>(.*?)</div>', re.S)
INLINE = re.compile(r'(<span class="math\b[^>]*)>\\\((.*?)\\\)</span>', re.S)
ROW = r"\\"
NAME = re.compile(r"\\(log|ln|exp|max|min|det|Pr|arg|sin|cos|sup|inf)(?![a-zA-Z])")
RELATION = re.compile(
    r"\\(in|to|leq?|geq?|neq?|approx|oplus|sim|mapsto|iff|ll|gg|propto|pm|times|mid|equiv)(?![a-zA-Z])|[<>+-]"
)
NO_SIGN = re.compile(r"\\(left|right|[bB]igg?[lr]?|math[a-z]+|operatorname|text|[td]?frac|sqrt)(?![a-zA-Z])|\\[,;!: ]")
SOURCE = re.compile(r"src:url\((\S+?/fa-\w+-\d+)\.woff2\)[^;}]*")


def reserve(app, pagename, templatename, context, doctree):
    context["body"] = with_sizes(context.get("body", ""))


def with_sizes(body):
    r"""Write on each formula about how large it will be, so that a style can keep that room until it is set.

    >>> with_sizes(r'<div class="math" id="eq">a = b \\ = c</div>')
    '<div class="math" id="eq" style="--rows: 2">a = b \\\\ = c</div>'
    >>> with_sizes(r'<span class="math">\(q_i\)</span>')
    '<span class="math" style="--width: 1.3">\\(q_i\\)</span>'
    """
    body = DISPLAYED.sub(lambda match: f'{match[1]} style="--rows: {match[2].count(ROW) + 1}">{match[2]}</div>', body)
    return INLINE.sub(
        lambda match: rf'{match[1]} style="--width: {width(unescape(match[2])):.1f}">\({match[2]}\)</span>', body
    )


def width(tex):
    r"""Return about how wide an inline formula is, in em: for the book's 1,200, wrong by 0.3 on average.

    >>> round(width(r"\log q_y < 0"), 2)
    5.35
    """
    signs = NO_SIGN.sub("", RELATION.sub("=", NAME.sub(r"\1", tex)))
    signs = re.sub(r"\\([a-zA-Z]+|.)", "x", signs)
    return sum(1.45 if sign == "=" else 0.65 for sign in signs if sign not in " {}_^")


def lighten(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    for page in folder.rglob("*.html"):
        page.write_text(SCRIPT.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")
    static = folder / "_static"
    for path in (static / "scripts").glob("fontawesome.js*"):
        path.unlink()
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    css = sheet.read_text(encoding="utf-8")
    named = "".join(read_all([*folder.rglob("*.html"), *static.glob("scripts/*.js")]))
    others = "".join(read_all(path for path in static.rglob("*.css") if path != sheet))
    signs = icons(css, set(re.findall(r"\bfa-[\w-]+", named))) | icons(others)
    for font in static.rglob("fa-*.ttf"):
        keep(signs, font)
    for font in [*static.rglob("fa-*.ttf"), *static.rglob("fa-*.woff2")]:
        font.unlink()
    sheet.write_text(SOURCE.sub(r'src:url(\1.woff) format("woff")', css), encoding="utf-8")


def read_all(paths):
    return [path.read_text(encoding="utf-8") for path in paths]


def icons(css, names=()):
    r"""Return the signs that a style sheet has for classes of these names, and those that it shows by itself.

    >>> css = r'.fa-bars:before,.fa-nav:before{content:"\f0c9"}.fa-no:before{content:"\f000"}a:after{content:"\f107"}'
    >>> sorted(map(ascii, icons(css, {"fa-nav"})))
    ["'\\uf0c9'", "'\\uf107'"]
    """
    used = [sign for rule, sign in NAMED.findall(css) if set(re.findall(r"fa-[\w-]+", rule)) & set(names)]
    found = SIGN.findall("".join([*used, NAMED.sub("", css)]))
    return {literal or chr(int(code, 16)) for code, literal in found}


def keep(signs, font):
    """Write a font beside another, with no more than some of its signs."""
    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=True)
    loaded = subset.load_font(font, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(signs))
    subsetter.subset(loaded)
    subset.save_font(loaded, font.with_suffix(".woff"), options)


def setup(app):
    app.connect("html-page-context", reserve)
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
