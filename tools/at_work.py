"""Show in each chapter the lines that an engineer types in PyTorch and JAX: a Sphinx extension, and for notebooks.

They are in `frameworks/at_work/`, a file for each chapter, where doctest runs them. The chapter has one cell that
includes its file. Only the book resolves that (jupyterlab-myst does not yet: its issues 83 and 189). So a sentence
above it leads to the file, which the book leaves out, and notebooks that are shown elsewhere get the text of the file.
"""

import posixpath
import re
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "frameworks" / "at_work"
TITLE = "## At work\n\n"
CELL = f"""{TITLE}[Open this file](../frameworks/at_work/NAME.md) to see what an engineer types in PyTorch and in JAX.

```{{include}} ../frameworks/at_work/NAME.md
```"""
NAME = re.compile(r"\{include\} \.\./frameworks/at_work/(\w+)\.md")
END = re.compile(r"\n\n```$", re.MULTILINE)  # doctest would take a fence for the last line of what is printed
PART = re.compile(r"```\{literalinclude\} (\S+)\n((?::.*\n)*)```")
LINK = re.compile(r"\]\(/([^)]+)\)")  # from the top folder: the book and GitHub read it like that


def cell(name):
    """Return the source of the cell in the chapter of this name, such as 04_loss."""
    return CELL.replace("NAME", name)


def put_in(source):
    """Return the source of a cell of a chapter: of this one, with the text of the file instead of the way to it."""
    found = NAME.search(source)
    if found and source == cell(found[1]):
        return TITLE + on_its_own((FOLDER / f"{found[1]}.md").read_text(encoding="utf-8").strip())
    return source


def taken_out(source):
    """Return the source of a cell as it was before `put_in`."""
    if source.startswith(TITLE):
        for path in FOLDER.glob("*.md"):
            if source == put_in(cell(path.stem)):
                return cell(path.stem)
    return source


def on_its_own(text):
    r"""Return the text of a file for a notebook in the folder of the chapters.

    >>> on_its_own("See [there](/chapters/04_loss.ipynb) and [here](/api/loss.md).")
    'See [there](04_loss.ipynb) and [here](../api/loss.md).'
    """
    text = PART.sub(lambda match: f"```python\n{part(match[1], match[2])}```", close_fences(text))
    return LINK.sub(lambda match: f"]({posixpath.relpath(match[1], 'chapters')})", text)


def part(place, options):
    """Return the part of a file of code that Sphinx would show."""
    from sphinx.directives.code import LiteralIncludeReader  # takes a while, and few files have such a part

    path = ROOT / place.lstrip("/") if place.startswith("/") else ROOT / "chapters" / place
    named = dict(re.findall(r":([\w-]+): *(.*)", options))
    if "dedent" in named:
        named["dedent"] = int(named["dedent"]) if named["dedent"] else None
    reader = LiteralIncludeReader(str(path), named, SimpleNamespace(source_encoding="utf-8"))
    return reader.read()[0]


def close_fences(text):
    r"""Return Markdown without the empty line that doctest needs at the end of what is printed.

    >>> close_fences("```python\n>>> 1 + 1\n2\n\n```")
    '```python\n>>> 1 + 1\n2\n```'
    """
    return END.sub("\n```", text)


def include(app, path, parent, texts):
    if path.parent == FOLDER.relative_to(ROOT):
        texts[0] = close_fences(texts[0])


def leave_out_the_way(app, doctree):
    from sphinx import addnodes

    folder = FOLDER.relative_to(ROOT).as_posix()
    for link in list(doctree.findall(addnodes.pending_xref)):
        if link["reftarget"].startswith(folder):
            link.parent.parent.remove(link.parent)


def setup(app):
    app.connect("include-read", include)
    app.connect("doctree-read", leave_out_the_way)
