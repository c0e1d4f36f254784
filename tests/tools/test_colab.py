"""What Colab and Binder get of the chapters."""

import os
import re
import subprocess
import sys
import tarfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import colab, standalone
from tools.lite.fetch import MYST

PATHS = standalone.notebooks_in(standalone.CHAPTERS)
COMMIT = "0123456789abcdef"


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
            archive.add(standalone.ROOT / name, f"name-{COMMIT}/{name}")
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
        done.stdout.splitlines()[-1]
        == f"{tmp_path / 'book' / 'chapters'} {len(list(standalone.CHAPTERS.glob('*.ipynb')))}"
    ), done
    assert done.stderr == ""


# Binder


def test_binder_installs_the_pinned_versions_of_what_the_chapters_import():
    lines = (standalone.ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "--constraint ../requirements.txt",
        ".[chapters]",
        MYST,
    ]
    runtime = (standalone.ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip()
    pyproject = (standalone.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert runtime.replace("python-", "Python :: ") in pyproject
