"""Make pages of docstrings, and links between them and the chapters: autodoc knows no plain text.

A docstring is plain text for a terminal. Its page gets what only a page can have: each mention of a chapter becomes
a link there, each `name` of something public a link to its documentation, z_i and e^{z_i} get true indices. The way
back is a Markdown link in the chapter, such as [`softmax`](../api/normalization.md#xentlib.softmax).
"""

import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

import xentlib

CHAPTERS = Path(__file__).parents[2] / "chapters"
INDENTED = re.compile(r"((?:^    .*\n?)+)", re.M)
EXAMPLE = re.compile(r"(^ *>>> .*\n(?: *\S.*\n?)*)", re.M)
INDEX = re.compile(r"(?<![^\W\d_])(max|[^\W\d_])([_^])(\{[^{}]*\}|[A-Za-z0-9]{1,2}(?![A-Za-z0-9_]))")


def link_docstring(app, what, name, obj, options, lines):
    """Rewrite the lines of a docstring in place, as reStructuredText."""
    text = "\n".join(lines)
    if what == "module":
        text = with_literal_blocks(text)
    else:
        parts = EXAMPLE.split(text)
        parts[::2] = map(as_restructured_text, parts[::2])  # the others are examples, which stay as they are
        text = "".join(parts)
    lines[:] = text.split("\n")


def with_literal_blocks(text):
    r"""Return the docstring of a module, in which all that is indented stays as it is.

    >>> print(with_literal_blocks("The grammar, * and |:\n\n    term   a * b | c\n\nWith `exp`."))
    The grammar, \* and \|:
    <BLANKLINE>
    .. code-block:: text
    <BLANKLINE>
        term   a * b | c
    <BLANKLINE>
    With ``exp``.
    """
    parts = INDENTED.split(text)
    parts[::2] = [as_restructured_text(part.replace("*", r"\*")) for part in parts[::2]]
    parts[1::2] = [
        part if part.lstrip().startswith(">>>") else f".. code-block:: text\n\n{part}" for part in parts[1::2]
    ]
    return "".join(parts)


def as_restructured_text(text):
    r"""Return plain text with links, and with its signs kept from meaning something else.

    >>> print(as_restructured_text('max |g|, by `softmax` of `z` for "mean" (chapter 2)'))
    max \|g\|, by :obj:`~xentlib.softmax` of ``z`` for ``"mean"`` (:doc:`chapter 2 </chapters/02_softmax>`)
    """
    text = text.replace("|", r"\|")
    text = re.sub(r"`([^`]+)`", link_code, text)
    text = re.sub(r'"(\w+)"', r'``"\1"``', text)
    return re.sub(r"\b([Cc]hapter\s+(\d+))", link_chapter, text)


def link_code(match):
    code = match[1]
    return f":obj:`~xentlib.{code}`" if code in xentlib.__all__ else f"``{code}``"


def link_chapter(match):
    (path,) = CHAPTERS.glob(f"{int(match[2]):02d}_*.ipynb")
    return f":doc:`{match[1]} </chapters/{path.stem}>`"


def finish_page(app, doctree):
    """Lower and raise the indices in what docstrings say, and let Markdown links point at what they document.

    They may point at an equation, too: a link is all that a notebook elsewhere understands.
    """
    for content in doctree.findall(is_docstring):
        for text in [text for text in content.findall(nodes.Text) if not is_code(text)]:
            text.parent.replace(text, list(with_indices(text.astext())))
    targets = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for signature in doctree.findall(addnodes.desc_signature):
        targets.update({name: (signature.line, name, name) for name in signature["ids"]})
    for formula in doctree.findall(nodes.math_block):
        if label := formula.get("label"):
            targets[label] = (formula.line, f"equation-{label}", label)


def is_docstring(node):
    """Tell whether a node holds what a docstring says; that of a module has no place of its own but a container."""
    return isinstance(node, addnodes.desc_content) or "docstring" in getattr(node, "attributes", {}).get("classes", ())


def slug(heading):
    """Return what comes after the # of a link to a heading: the same as in JupyterLab."""
    return heading.replace(" ", "-")


def is_code(text):
    node = text
    while (node := node.parent) is not None:
        if isinstance(node, nodes.literal | nodes.literal_block | nodes.doctest_block | addnodes.desc_signature):
            return True
    return False


def with_indices(text):
    """Yield nodes for a formula in plain text.

    >>> for node in with_indices("Σ_j e^{z_j − m} W_kd², an array_like"):
    ...     print(*node.pformat().split())
    Σ
    <subscript> j
    e
    <superscript> z <subscript> j − m
    W
    <subscript> kd
    ², an array_like
    """
    start = 0
    for match in INDEX.finditer(text):
        yield nodes.Text(text[start : match.end(1)])
        kind = nodes.subscript if match[2] == "_" else nodes.superscript
        yield kind("", "", *with_indices(match[3].strip("{}")))
        start = match.end()
    yield nodes.Text(text[start:])


def setup(app):
    app.connect("autodoc-process-docstring", link_docstring, priority=400)  # before napoleon
    app.connect("doctree-read", finish_page)
