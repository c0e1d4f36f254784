"""Find on a built page what a reader may look for: sections, exercises, equations, functions and cited works."""

import re
import textwrap
from typing import NamedTuple

from bs4 import BeautifulSoup
from docutils.utils.math import tex2unichar

ARTICLE = re.compile(r"<article.*</article>", re.S)
CODE = re.compile(r"<pre>.*?</pre>|<script\b.*?</script>", re.S)  # most of a page, and nothing that is looked for
NOT_PROSE = (
    ".headerlink, .run-chapter, .equation-status, .equations, .doctest, .toctree-wrapper, .label, .field-list > dt, "
    ".answer-controls, .answer-elsewhere, .xentlib-exercises"
)
HEADINGS = "h1, h2, h3, h4"
PIECES = f"section:has({HEADINGS}), .math[id], dl.py > dt[id], .citation"
ONE_RECORD = "<!-- search: the title alone -->"  # in a page whose sections all say the same words
LEFT_OUT = "…"
SIGNS = {
    name: sign
    for table in ("mathalpha", "mathbin", "mathop", "mathopen", "mathclose", "mathord", "mathrel", "space")
    for name, sign in getattr(tex2unichar, table).items()
} | {name: name for name in ("argmax", "det", "exp", "log", "max", "min", "tanh")}
# From TeX to text. What still has a backslash or a brace after that is a formula that only a page can show.
READABLE = (
    (r"\\[bB]igg?[lr]?(?![a-z])|\\[,;:! ]", " "),
    (r"\\(?:text|mathrm|operatorname)\{([^{}\\]*)\}", r"\1"),
    (r"\\([A-Za-z]+)", lambda name: SIGNS.get(name[1], name[0])),
    (r"(?<=[_^])\{(\w+)\}", r"\1"),
    (r"(?<=[_^])\{([^{}\\]*)\}", r"(\1)"),
    (r"-", "−"),
)


class Record(NamedTuple):
    """What one result of a search stands for."""

    url: str  #: from the top folder of the book
    kind: str  #: Chapter, Section, Exercise, Equation, Function, Work or Page
    title: str
    page: str  #: the title of its page
    terms: str  #: what else it is called, and what it says in bold: the terms that it introduces
    text: str  #: its prose


def records(name, html):
    """Return the records of a page of the book, in its order."""
    article = BeautifulSoup(CODE.sub("", ARTICLE.search(html)[0]), "html.parser")
    for element in article.select(NOT_PROSE):
        element.decompose()
    for row in article.select("tr"):
        if any("(" in code.text for code in row.select("td code")):
            row.decompose()  # a call is code as well
    for cell in article.select(".cell"):
        cell.replace_with(f" {LEFT_OUT} ")
    for entry in article.select("th, td"):
        entry.append("; ")
    for index in article.select("sub"):
        index.insert(0, "_")
    for power in article.select("sup"):
        power.string = f"^({power.text})" if len(power.text) > 1 else f"^{power.text}"
    for formula in article.select(".math"):
        source = formula.find(string=re.compile(r"^\s*\\[(\[]"))
        source.replace_with(readable(source.strip()[2:-2]))
    page = text_of(article.h1)
    # The last piece first: what a piece holds is gone by then, into records of its own.
    found = [record(piece, name, page) for piece in reversed(article.select(PIECES))][::-1]
    return found[:1] if ONE_RECORD in html else found


def record(piece, name, page):
    """Return the record of a piece, and take the piece out of its page."""
    url = f"{name}.html#{piece['id']}"
    kind, title, terms, text = described(piece)
    piece.replace_with(f" {LEFT_OUT} " if kind == "Equation" else "")
    return Record(url, kind, title, page, "; ".join(terms), text)


def described(piece):
    """Return of which kind a piece is, its title, its terms and its prose."""
    if piece.name == "dt":
        name = "".join(part.text for part in piece.select(".sig-prename, .sig-name"))
        return "Function", name.removeprefix("xentlib."), ["xentlib"], taken(piece.find_next_sibling("dd"))
    if "math" in piece.get("class", ()):
        title = f"Equation {taken(piece.select_one('.eqno'))}"
        return "Equation", title, [], f"{text_of(piece.find_previous('p'))} {text_of(piece)}"
    if "citation" in piece.get("class", ()):
        return "Work", textwrap.shorten(text_of(piece), 80, placeholder=LEFT_OUT), [], text_of(piece)
    return section(piece)


def section(piece):
    """Return the same for what has a heading above its text.

    >>> html = "<section><h2>5.1. Nudge it</h2><p><strong>A slope</strong> is a price.</p></section>"
    >>> section(BeautifulSoup(html, "html.parser").section)
    ('Section', '5.1. Nudge it', ['Section 5.1', 'A slope'], 'A slope is a price.')
    """
    heading = piece.select_one(HEADINGS)
    is_page, title = heading.name == "h1", taken(heading)
    number = re.match(r"(\d[\d.]*)\. ", title)
    kind = "Exercise" if re.match(r"Exercise \d", title) else "Section"
    if is_page:
        kind = "Chapter" if number else "Page"
    terms = [f"{kind} {number[1]}"] if number else []
    if number and not is_page:
        terms += map(text_of, piece.select("p > strong"))
    return kind, title, terms, text_of(piece)


def taken(element):
    """Return the text of an element, and take the element out of its page."""
    text = text_of(element)
    element.decompose()
    return text


def text_of(element):
    """Return the text of an element on one line, with one sign for all that is left out in one place."""
    return re.sub(rf"{LEFT_OUT}( {LEFT_OUT})+", LEFT_OUT, " ".join(element.text.split()))


def readable(tex):
    r"""Return a formula as plain text, or … where that would be no help.

    >>> readable(r"\log q_y \le -1"), readable(r"e^{z_j - m}"), readable(r"\frac{a}{b}")
    ('log q_y ≤ −1', 'e^(z_j − m)', '…')
    """
    for theirs, ours in READABLE:
        tex = re.sub(theirs, ours, tex)
    return LEFT_OUT if re.search(r"[\\{}]", tex) else tex.strip()
