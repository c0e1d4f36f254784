"""Where a chapter runs beside the reader's own machine: the links at its top, and what Colab and Binder get."""

import os
import re
import subprocess
import sys
import tarfile
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from reference import exactly
from sphinx.errors import ExtensionError

from tools import alone, at_work, colab, run_chapter
from tools.lite.fetch import MYST

PATHS = alone.notebooks_in(alone.CHAPTERS)
COMMIT = "0123456789abcdef"


# Links


@pytest.fixture
def top(tmp_path, monkeypatch):
    """Return a function from the source of a page to what stands at its top; there is nothing to run it with yet."""
    monkeypatch.setattr(run_chapter, "SITE", tmp_path / "site")
    monkeypatch.delenv("BOOK_SOURCE", raising=False)
    (tmp_path / "megabytes.json").write_text("46")

    def top(source):
        app = SimpleNamespace(env=SimpleNamespace(doc2path=lambda page: source))
        context = {"body": "<h1>Loss</h1><p>", "pathto": lambda path, resource: f"../{path}"}
        run_chapter.add_links(app, "chapters/a", "page.html", context, doctree=object())
        return context["body"]

    return top


@pytest.mark.parametrize(
    ("source", "built", "expected"), [("a.ipynb", True, 1), ("a.md", True, 0), ("a.ipynb", False, 0)]
)
def test_a_notebook_runs_in_the_browser_if_there_is_what_it_runs_in(top, tmp_path, source, built, expected):
    if built:
        (tmp_path / "site").mkdir()
    assert top(source).count('href="../lite/notebooks/index.html?path=a.ipynb"') == expected


def test_a_notebook_opens_elsewhere_if_it_is_known_where_it_lies(top, monkeypatch):
    assert "href" not in top("a.ipynb")
    monkeypatch.setenv("BOOK_SOURCE", f"owner/name@{COMMIT}")
    assert "href" not in top("a.md")
    assert re.findall(r'href="([^"]+)"', top("a.ipynb")) == [
        "https://colab.research.google.com/github/owner/name/blob/colab/a.ipynb",
        f"https://mybinder.org/v2/gh/owner/name/{COMMIT}?labpath=chapters%2Fa.ipynb",
    ]


@pytest.mark.parametrize("wrong", ["owner/name", f"name@{COMMIT}", "owner/name@main", f"owner/name@{COMMIT}/x"])
def test_a_source_that_names_no_commit_of_a_repository_stops_the_build(monkeypatch, wrong):
    monkeypatch.setenv("BOOK_SOURCE", wrong)
    message = f"BOOK_SOURCE: the source of the book must be given as owner/name@commit; got {wrong!r}"
    with pytest.raises(ExtensionError, match=exactly(message)):
        run_chapter.refuse_a_wrong_source(None)


# Colab


@pytest.fixture(scope="module")
def notebooks():
    """Return for each chapter the notebook as the book has it, and as Colab gets it."""
    theirs = colab.for_colab(PATHS, "owner/name", COMMIT)
    return [(nbformat.read(path, as_version=4), theirs[path]) for path in PATHS]


def code(notebook):
    return [(cell.source, cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]


def text(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_colab_gets_all_code_with_its_outputs_and_one_cell_before(notebooks):
    for ours, theirs in notebooks:
        assert code(theirs)[1:] == code(ours)
        assert f"https://github.com/owner/name/archive/{COMMIT}.tar.gz" in code(theirs)[0][0]
        nbformat.validate(theirs)


def markup_of_the_book(text):
    """Return what Colab would show as it is written: roles, fences of directives, labels, links to pages."""
    return re.findall(
        r"\{(?:eq|cite)[^}]*\}`.*?`|^`{3,}\{.*|^`{4,}|\$\$ *\(.*|\]\(\.\./.*|\]\([\w/]+\.ipynb.*", text, re.M
    )


def test_nothing_is_left_that_only_the_book_can_read(notebooks):
    for ours, theirs in notebooks:
        assert markup_of_the_book(text(theirs)) == []
        assert markup_of_the_book(text(ours)) != []
        assert text(theirs).count(r"\tag{") == text(ours).count("$$ (eq-")


BOOK = r"""$$
a = b
$$ (eq-here)

By {eq}`eq-here` and {eq}`eq-there`, see {cite}`bahumi`, [`f`](../api/a.md#f) and [chapter 2](02_b.ipynb#more).

[Solution](solutions/01_a.ipynb#Exercise-1.1)"""
ADDRESS = "https://colab.research.google.com/github/owner/name/blob/colab/02_b.ipynb"


def test_what_becomes_of_each_kind_of_markup(tmp_path):
    (tmp_path / "solutions").mkdir()
    texts = {"01_a": BOOK, "02_b": "$$\nc\n$$ (eq-there)", "solutions/01_a": "By [(2.1)](../02_b.ipynb#eq-there)."}
    paths = [tmp_path / f"{name}.ipynb" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        nbformat.write(new_notebook(cells=[new_code_cell("1"), new_markdown_cell(text)]), path)
    book, _, solution = (
        notebook.cells[-1].source for notebook in colab.for_colab(paths, "owner/name", COMMIT).values()
    )
    assert book.split("\n\n") == [
        "$$\na = b \\tag{1.1}\n$$",
        f"By (1.1) and [(2.1)]({ADDRESS}), see (Bahumi 2019), `f` and [chapter 2]({ADDRESS}#more).",
        f"[Solution]({ADDRESS.replace('02_b', 'solutions/01_a')}#Exercise-1.1)",
    ]
    assert solution == f"By [(2.1)]({ADDRESS}#eq-there)."


@pytest.mark.skipif(os.name == "nt", reason="Colab runs Linux, and the cell calls its commands")
def test_the_cell_for_colab_brings_the_book_and_can_run_again(tmp_path):
    """With an archive of this tree in the place of what curl would fetch, and all that pip does but the installing."""
    with tarfile.open(tmp_path / "book.tar.gz", "w:gz") as archive:
        for name in ("pyproject.toml", "README.md", "LICENSE", "xentlib", "chapters"):
            archive.add(alone.ROOT / name, f"name-{COMMIT}/{name}")
    curl = tmp_path / "bin" / "curl"
    curl.parent.mkdir()
    curl.write_text(f'#!/bin/sh\ncat "{tmp_path}/book.tar.gz"\n')
    curl.chmod(0o755)
    cell = colab.SET_UP.format(repository="owner/name", commit=COMMIT)
    (tmp_path / "cell.ipy").write_text(f"{cell}\n{cell}\nprint(Path.cwd(), len(list(Path().glob('*.ipynb'))))")
    dry = {"PIP_DRY_RUN": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "IPython", tmp_path / "cell.ipy"],
        cwd=tmp_path,
        env=os.environ | dry | {"PATH": f"{curl.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (
        done.stdout.splitlines()[-1] == f"{tmp_path / 'book' / 'chapters'} {len(list(alone.CHAPTERS.glob('*.ipynb')))}"
    ), done
    assert done.stderr == ""


# What the book includes


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """Return a function from the text of a file to what a notebook elsewhere has in the place of the way to it."""
    monkeypatch.setattr(at_work, "FOLDER", tmp_path)

    def shown(text):
        (tmp_path / "04_loss.md").write_text(text, encoding="utf-8")
        return at_work.put_in(at_work.cell("04_loss"))

    return shown


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("By hand.\n", "By hand."),
        ("```python\n>>> 1\n1\n\n```\n", "```python\n>>> 1\n1\n```"),
        (
            "[One](/chapters/04_loss.ipynb#gap), [two](/api/loss.md).",
            "[One](04_loss.ipynb#gap), [two](../api/loss.md).",
        ),
        ("[There](https://a.b/c)", "[There](https://a.b/c)"),
    ],
)
def test_a_notebook_elsewhere_has_what_the_book_includes(shown, text, there):
    assert shown(text) == f"## At work\n\n{there}"


@pytest.mark.parametrize("place", ["/tools/alone.py", "../tools/alone.py"])
def test_a_part_of_a_file_of_code_is_put_in_as_the_book_shows_it(shown, place):
    part = "```{literalinclude} " + place + "\n:start-at: def notebooks_in\n:end-before: def name_of\n```"
    _, _, fence, signature, *_, end = shown(part).splitlines()
    assert (fence, signature, end) == ("```python", "def notebooks_in(chapters):", "```")


def test_what_is_put_in_is_taken_out_again_and_nothing_else(shown):
    there = shown("By hand.")
    for source in (there, at_work.cell("04_loss")):
        assert at_work.taken_out(source) == at_work.cell("04_loss")
    for source in (f"{there} And more.", "## At work", "By hand."):
        assert at_work.taken_out(source) == at_work.put_in(source) == source


# Binder


def test_binder_installs_the_pinned_versions_of_what_the_chapters_import():
    lines = (alone.ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "--constraint ../requirements.txt",
        ".[chapters]",
        MYST,
    ]
    runtime = (alone.ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip()
    pyproject = (alone.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert runtime.replace("python-", "Python :: ") in pyproject
