r"""Set the formulas of the book while it is built, by MathJax in V8: sphinxcontrib-katex needs Node for that.

A page arrives with its mathematics in it: to be looked at, as MathML to be listened to, and as TeX to be copied. It
needs no script for that, and nothing moves when it is read. Its fonts have no more than the signs that they show.
"""

import json
import re
import shutil
from base64 import b64encode
from collections import defaultdict
from contextlib import closing
from functools import cache
from html import escape, unescape
from importlib.resources import files
from pathlib import Path

from py_mini_racer import JSEvalException, MiniRacer
from sphinx.errors import ExtensionError
from sphinx.ext.mathjax import html_visit_displaymath, html_visit_math

from tools.pages.trim_theme import keep

HOME = Path(str(files("mathjax"))) / "static" / "mathjax" / "es5"
FONTS = "output/chtml/fonts"
PARTS = (
    "startup", "core", "adaptors/liteDOM", "input/tex", "output/chtml", f"{FONTS}/tex", "a11y/assistive-mml",
)  # fmt: skip
SETTER = """
var console = {log() {}, warn() {}, error() {}}, MathJax = {loader: {load: []}, startup: {typeset: false}};
%s
var {mathjax, handlers, a11y, adaptors, input, output} = MathJax._;
var adaptor = adaptors.liteAdaptor.liteAdaptor();
mathjax.mathjax.handlers.register(
  a11y["assistive-mml"].AssistiveMmlHandler(new handlers.html.HTMLHandler.HTMLHandler(adaptor)));
var font = new output.chtml.fonts.tex_ts.TeXFont({fontURL: "fonts"});
var chtml = new output.chtml_ts.CHTML({font});
var page = mathjax.mathjax.document("", {
  InputJax: new input.tex_ts.TeX({packages: ["base", "ams"], formatError(tex, error) { throw Error(error.message); }}),
  OutputJax: chtml,
});
var set = (tex, display) => adaptor.outerHTML(page.convert(tex, {display, em: 16, ex: 8}));
var style = () => adaptor.textContent(chtml.styleSheet(page));
"""
FORMULA = re.compile(
    r'(<(span|div) class="[^"]*\bmath\b[^>]*>\s*(?:<span class="eqno">.*?</span>)?)(\\[(\[].*?\\[)\]])</\2>', re.S
)
MARKED = re.compile(r' (data-mjx-\w+|xmlns|unselectable)="[^"]*"')  # what no style and no reader asks for
STYLES = re.compile(r"(?=<link [^>]*stylesheet)")
SHEET = re.compile(r'href="([^"]*)formulas\.css')
FONT = re.compile(r'@font-face [^{]*{\s*font-family: MJX(ZERO|TEX[\w-]*);\s*src: url\("?fonts/([\w-]+\.woff)[^}]*}')
SIGN = re.compile(r'([^{}]*)::before \{[^}]*?content: "([^"]+)"')
SMALL = 4000  # bytes of a font
STRETCHING = ("TEX-S1", "TEX-S4", "TEX", "TEX-A")  # the fonts of what grows, such as brackets
# A browser asks for fonts when it has laid out the page; this does at once. From a folder it may not.
EARLY = """<script>
if (location.protocol !== "file:")
  for (const href of %s)
    document.head.append(
      Object.assign(document.createElement("link"), {rel: "preload", as: "font", crossOrigin: "", href}));
</script>
"""


class MathJax:
    """MathJax, to be closed after use: Python does not end while V8 runs."""

    def __init__(self):
        self.v8 = MiniRacer()
        self.v8.eval(SETTER % "\n".join((HOME / f"{part}.js").read_text(encoding="utf-8") for part in PARTS))
        self.set = cache(self.set)

    def set(self, tex):
        r"""Return the HTML of a formula, which stands between \( and \), or between \[ and \] to be displayed.

        >>> with closing(MathJax()) as mathjax:
        ...     mathjax.set(r"\(\nosuch\)")
        Traceback (most recent call last):
        ...
        sphinx.errors.ExtensionError: MathJax cannot set \(\nosuch\): Undefined control sequence \nosuch
        """
        try:
            html = self.v8.call("set", tex[2:-2], tex.startswith(r"\["))
        except JSEvalException as error:
            reason = str(error).splitlines()[0].rpartition("Error: ")[2]
            raise ExtensionError(f"MathJax cannot set {tex}: {reason}") from None
        return f'<span class="tex" aria-hidden="true">{escape(tex)}</span>{MARKED.sub("", html)}'

    def set_all(self, html):
        r"""Return a page with all its formulas set.

        >>> with closing(MathJax()) as mathjax:
        ...     mathjax.set_all(r'<span class="math">\(q\)</span>, <pre>\(q\)</pre>').count("<mjx-container")
        1
        """
        return FORMULA.sub(lambda match: f"{match[1]}{self.set(unescape(match[3]))}</{match[2]}>", html)

    def write_style(self, folder):
        """Write the style sheet of all that was set, and its fonts with the signs that each shows; return the former.

        Small fonts are inside it: a slow line waits longer for one more file than for their few bytes. Heights depend
        on the smallest one.
        """
        style = self.v8.call("style")
        used = signs(style)
        (folder / "fonts").mkdir()

        def face(found):
            name, file = found.groups()
            if name not in used | {"ZERO": ""}:
                return ""
            font = Path(shutil.copy(HOME / FONTS / "woff-v2" / file, folder / "fonts"))
            if name in used:
                keep(used[name], font)
            if font.stat().st_size > SMALL:
                return found[0]
            data = b64encode(font.read_bytes()).decode()
            font.unlink()
            return found[0].replace(f"fonts/{file}", f"data:font/woff;base64,{data}")

        style = FONT.sub(face, style)
        (folder / "formulas.css").write_text(style, encoding="utf-8")
        return style

    def close(self):
        self.v8.close()


def signs(style):
    r"""Return the characters that a style sheet of MathJax shows in each of its fonts.

    >>> shown = signs(r'mjx-c2211.TEX-S1::before {content: "\2211"} mjx-c71::before {content: "q"}')
    >>> {font: sorted(shown[font]) for font in shown}
    {'TEX-S1': ['∑'], 'TEX': ['q']}

    Of a bracket that grows, each piece is in one of four fonts, and the style sheet does not say in which.

    >>> shown = signs(r'mjx-stretchy-v.mjx-c28 mjx-beg mjx-c::before {content: "\239B"}')
    >>> {font: sorted(shown[font]) for font in shown}
    {'TEX-S1': ['⎛'], 'TEX-S4': ['⎛'], 'TEX': ['⎛'], 'TEX-A': ['⎛']}
    """
    shown = defaultdict(set)
    for selector, codes in SIGN.findall(style):
        text = re.sub(r"\\([0-9A-F]+) ?", lambda code: chr(int(code[1], 16)), codes)
        for font in STRETCHING if "mjx-stretchy" in selector else re.findall(r"TEX-\w+", selector) or ["TEX"]:
            shown[font].update(text)
    return shown


def hurry(page, files):
    """Return a page that asks for the fonts of its formulas, whose files are given by name, before all else.

    >>> page = '<link href="a/formulas.css" rel="stylesheet"><mjx-c class="mjx-c2211 TEX-S2">'
    >>> print(hurry(page, {"TEX": "Main.woff", "TEX-S1": "Size1.woff", "TEX-S2": "Size2.woff"}).splitlines()[2])
      for (const href of ["a/fonts/Main.woff", "a/fonts/Size2.woff"])
    """
    folder = SHEET.search(page)[1]
    names = sorted({"TEX", *re.findall(r"TEX-\w+", page)} & files.keys())
    fonts = [f"{folder}fonts/{files[name]}" for name in names]
    return STYLES.sub(lambda _: EARLY % json.dumps(fonts), page, count=1)


def set_all(pages, folder):
    """Return pages, by their paths, with all formulas set, and write the style sheet and its fonts into a folder."""
    folder.mkdir()
    with closing(MathJax()) as mathjax:
        pages = {path: mathjax.set_all(page) for path, page in pages.items()}
        files = dict(FONT.findall(mathjax.write_style(folder)))
    return {path: hurry(page, files) if "<mjx-container" in page else page for path, page in pages.items()}


def setup(app):
    # As for MathJax in the page, and without the script that the other one of this kind puts there.
    app.add_html_math_renderer("set later", (html_visit_math, None), (html_visit_displaymath, None))
    app.add_css_file("formulas/formulas.css")
