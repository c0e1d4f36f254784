"""The pages of the appendix: every public name is on one, and finds its chapter, which finds it back."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

import xentlib
from xentlib import audit, sharded


def is_own_function(name, value):
    return inspect.isfunction(value) and value.__module__ == sharded.__name__ and not name.startswith("_")


ROOT = Path(__file__).parents[2]
PAGES = {path.stem: path.read_text() for path in ROOT.glob("api/*.md")}
CHAPTERS = {
    int(path.stem[:2]): "\n".join(
        cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
    )
    for path in ROOT.glob("chapters/[0-9]*.ipynb")
}
PUBLIC = {name: getattr(xentlib, name) for name in xentlib.__all__}
PUBLIC |= {"audit.audit": audit.audit}
PUBLIC |= {f"sharded.{name}": value for name, value in vars(sharded).items() if is_own_function(name, value)}
DOCSTRINGS = {name: inspect.getdoc(value) for name, value in PUBLIC.items()}
LONGEST_EXAMPLE = 75  # fits the text column of a desktop page, indented as it is there


def documented(pages):
    """Return the page of each name that is documented under its public name."""
    found = [
        (name, page)
        for page, text in pages.items()
        for name in re.findall(r"^\.\. auto\w+:: xentlib\.([\w.]+)$", text, re.M)
    ]
    assert len(dict(found)) == len(found), f"documented twice, of {found}"
    return dict(found)


def unlinked(docstrings, chapters):
    """Yield each name whose docstring names no chapter, or only such as do not link to it."""
    for name, doc in docstrings.items():
        named = [int(number) for number in re.findall(r"\b[Cc]hapter\s+(\d+)", doc)]
        if not any(re.search(rf"\]\(\.\./api/\w+\.md#xentlib\.{name}\)", chapters.get(number, "")) for number in named):
            yield name


def wide(docstrings):
    return [
        line for doc in docstrings.values() for line in re.findall(rf"^>>> .{{{LONGEST_EXAMPLE - 3},}}$", doc, re.M)
    ]


def test_each_public_name_is_documented_on_the_page_of_its_module():
    assert documented(PAGES) == {name: value.__module__.removeprefix("xentlib.") for name, value in PUBLIC.items()}


def test_every_page_is_in_the_table_of_contents():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = {chapter["file"] for part in contents["parts"] for chapter in part["chapters"]}
    assert {f"api/{page}" for page in PAGES} <= listed


def test_each_name_finds_the_chapter_that_derives_it_and_is_found_from_there():
    assert list(unlinked(DOCSTRINGS, CHAPTERS)) == []


def test_examples_fit_the_page():
    assert wide(DOCSTRINGS) == []


def test_what_is_missing_is_found():
    with pytest.raises(AssertionError, match="twice"):
        documented({**PAGES, "more": ".. autofunction:: xentlib.softmax"})
    assert "softmax" not in documented({**PAGES, "normalization": "Softmax, and nothing else"})
    assert list(unlinked({"softmax": "Return q."}, CHAPTERS)) == ["softmax"]
    assert list(unlinked({"softmax": "Chapter 1."}, CHAPTERS)) == ["softmax"]
    assert list(unlinked({"softmax": "Chapter\n2."}, {2: "`softmax`, in (../api/normalization.md)"})) == ["softmax"]
    assert list(unlinked({"softmax": "See chapters 1 and 5, and\nchapter 2."}, CHAPTERS)) == []
    assert wide({"f": ">>> f()\n>>> " + "1" * LONGEST_EXAMPLE}) == [">>> " + "1" * LONGEST_EXAMPLE]


# A book of two pages

SOFTMAX = "```{eval-rst}\n.. autofunction:: xentlib.softmax\n```"
LINK = "[`softmax`](../api/normalization.md#xentlib.softmax)"


def build(folder, chapter, page):
    (folder / "chapters").mkdir()
    (folder / "api").mkdir()
    ours = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]
    theme = {"extensions", "html_additional_pages", "html_theme_options", "html_sidebars", "templates_path"}
    (folder / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'tools.pages.api']\n"
        f"globals().update({ {name: value for name, value in ours.items() if name not in theme}!r})\n"
    )
    (folder / "index.md").write_text("# Book\n\n```{toctree}\nchapters/02_softmax\napi/normalization\n```\n")
    (folder / "chapters" / "02_softmax.md").write_text(f"# Softmax\n\n{chapter}\n")
    (folder / "api" / "normalization.md").write_text(f"# Normalization\n\n{page}\n")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html", ".", "html"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_links_lead_from_the_chapter_to_the_function_and_back(tmp_path):
    result = build(tmp_path, LINK, SOFTMAX)
    assert result.returncode == 0, result.stderr
    chapter = (tmp_path / "html" / "chapters" / "02_softmax.html").read_text()
    assert 'href="../api/normalization.html#xentlib.softmax"' in chapter
    page = (tmp_path / "html" / "api" / "normalization.html").read_text()
    assert 'id="xentlib.softmax"' in page
    assert re.search(r'href="../chapters/02_softmax.html">\s*<span class="doc">chapter 2</span>', page)
    assert "Σ<sub>j</sub> e<sup>z<sub>j</sub>/T</sup>" in page


def test_each_link_that_leads_nowhere_is_a_warning_and_fails_the_build(tmp_path):
    chapter = f"{LINK}\n\n{LINK.replace('softmax)', 'sotfmax)')}"
    page = "\n\n".join([SOFTMAX, SOFTMAX.replace("softmax", "sfotmax"), "{func}`xentlib.softmxa`"])
    result = build(tmp_path, chapter, page)
    assert result.returncode != 0
    warnings = [line.partition("WARNING: ")[2] for line in result.stderr.splitlines() if "WARNING: " in line]
    for complaint in (
        "local id not found in doc 'api/normalization': 'xentlib.sotfmax'",
        "failed to import function 'sfotmax' from module 'xentlib'",
        "py:func reference target not found: xentlib.softmxa",
    ):
        assert [warning for warning in warnings if complaint in warning], result.stderr
