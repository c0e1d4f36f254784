"""Send readers no more than they use: a Sphinx extension, for what the theme brings.

It draws its icons twice, by a font and by a script of half a megabyte; the font does. Of the font, the pages use some
twenty signs of two thousand. And it colours a page only once a late script has run, which is seen, and moves its text.
Pictures load when they are scrolled to, and their room is kept until then; Sphinx can do neither. Nor does text wait
for a script, or for a style sheet that only another one names.
"""

import re
from pathlib import Path

from fontTools import subset
from PIL import Image

SCRIPT = re.compile(r'\s*<script [^>]*src="[^"]*/fontawesome\.js[^"]*"></script>')
NAMED = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"([^"]*)"\}')
SIGN = re.compile(r"\\([0-9a-f]{2,4})|([\ue000-\uf8ff])")  # escaped, or as it is
HURRIED = re.compile(r'<link rel="preload" as="script"[^>]*>\s*')
WAITED_FOR = re.compile(r"<script (?=src=)")
UNUSED = re.compile(r"\s*<script>DOCUMENTATION_OPTIONS\.\w+ = .*?</script>")  # for a switch of versions, and a search
NAMES_ANOTHER = re.compile(r"styles/theme\.css\?digest=\w+")
PREFERRED = '(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")'
PICTURE = re.compile(r'<img (?=[^>]*src="[^"]*_images/([^"/]+)")')
FIRST_SCREEN = 1500  # characters of HTML in the article
SOURCE = re.compile(r"src:url\((\S+?/fa-\w+-\d+)\.woff2\)[^;}]*")


def settle_theme(page):
    """Let a page have the colours that its reader prefers from the start, and the light ones if no script runs.

    >>> settle_theme('<html data-theme="auto">')
    '<html data-theme="light">'
    >>> settle_theme('theme = localStorage.getItem("theme") || "auto";')
    'theme = localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");'
    """
    page = page.replace('data-theme="auto"', 'data-theme="light"')
    return page.replace('getItem("theme") || "auto"', f'getItem("theme") || {PREFERRED}')


def wait_for_nothing(page):
    """Let the scripts come after all that is seen, and run in their order; fetch basic.css with the other style sheets.

    >>> wait_for_nothing('<script src="doctools.js"></script>')
    '<script defer src="doctools.js"></script>'
    >>> wait_for_nothing('<link rel="preload" as="script" href="bootstrap.js" />')
    ''
    >>> wait_for_nothing("<script>DOCUMENTATION_OPTIONS.pagename = 'index';</script>")
    ''
    >>> wait_for_nothing('<link href="_static/styles/theme.css?digest=55c2" rel="stylesheet" />')
    '<link href="_static/basic.css" rel="stylesheet" />'
    """
    page = WAITED_FOR.sub("<script defer ", HURRIED.sub("", UNUSED.sub("", page)))
    return NAMES_ANOTHER.sub("basic.css", page)


def load_late(body, size):
    """Return the page with the size of each picture, by its file name, and those below the first screen loaded late.

    >>> load_late("-" * 2000 + '<img alt="A" src="../_images/a.png" />', {"a.png": (640, 480)}.get).lstrip("-")
    '<img loading="lazy" width="640" height="480" alt="A" src="../_images/a.png" />'
    >>> load_late('<img alt="A" src="_images/a.png" />', {"a.png": (640, 480)}.get)
    '<img width="640" height="480" alt="A" src="_images/a.png" />'
    """

    def sized(match):
        width, height = size(match[1])
        late = 'loading="lazy" ' if match.start() > FIRST_SCREEN else ""
        return f'<img {late}width="{width}" height="{height}" '

    return PICTURE.sub(sized, body)


def load_pictures_late(app, pagename, templatename, context, doctree):
    sources = {
        name: Path(app.srcdir, source) for source, name in app.builder.images.items()
    }  # which are not copied yet

    def size(name):
        with Image.open(sources[name]) as picture:
            return picture.size

    context["body"] = load_late(context.get("body", ""), size)


def lighten(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    for page in folder.rglob("*.html"):
        html = SCRIPT.sub("", page.read_text(encoding="utf-8"))
        page.write_text(wait_for_nothing(settle_theme(html)), encoding="utf-8")
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
    options.drop_tables += ["FFTM"]  # the times at which FontForge wrote it
    with subset.load_font(font, options) as loaded:
        subsetter = subset.Subsetter(options)
        subsetter.populate(text="".join(signs))
        subsetter.subset(loaded)
        subset.save_font(loaded, font.with_suffix(".woff"), options)


def setup(app):
    app.connect("html-page-context", load_pictures_late)
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
