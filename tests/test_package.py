"""What is published, the wheel that is made of the sdist: each check is also shown a source tree that breaks it."""

import ast
import shutil
import subprocess
import sys
import tarfile
import tomllib
from contextlib import chdir
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import nbformat
import pytest
from flit_core import buildapi
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "xentlib"
CHAPTERS = {"anywidget", "dask", "ipython", "ipywidgets", "matplotlib", "mpmath", "sympy", "traitlets"}
SPHINX = {"sphinx-notfound-page", "sphinx-sitemap", "sphinxext-opengraph"}
PAGES = {"django-static-mathjax", "jupyter-book", "mini-racer", "pagefind"} | SPHINX
EXTRAS = {"chapters": CHAPTERS, "book": CHAPTERS | PAGES | {"nbformat"}, "sharded": {"dask", "distributed"}}
COMPILED = (".pyc", ".pyd", ".so")


@pytest.fixture
def tree(tmp_path):
    """A copy of all that could get into the wheel, to be built, or broken first."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("xentlib", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def build(tree):
    """Return the wheel that `pip install .` makes of a tree."""
    with chdir(tree):
        return tree / buildapi.build_wheel(".")


def unpacked(tree):
    """Return the unpacked sdist of a tree."""
    with chdir(tree), tarfile.open(buildapi.build_sdist(".")) as archive:
        archive.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)  # 3.11.3 and older have none
        archive.extractall("unpacked")
    (folder,) = (tree / "unpacked").iterdir()
    return folder


def publish(tree):
    """Return the wheel that is published: as `python -m build` does, it is made of the sdist."""
    return build(unpacked(tree))


def contents(wheel):
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def dist_info(files, name):
    (content,) = (content for path, content in files.items() if path.endswith(f".dist-info/{name}"))
    return content


def metadata(files):
    return message_from_bytes(dist_info(files, "METADATA"))


def required(files, extra=""):
    """Return what is required with an extra, and with those that it names, or without any."""
    all_of_them = map(Requirement, metadata(files).get_all("Requires-Dist", []))
    if not extra:
        return [each for each in all_of_them if each.marker is None]
    asked = [each for each in all_of_them if each.marker is not None and each.marker.evaluate({"extra": extra})]
    others = [each for one in asked for name in one.extras if one.name == "xentlib" for each in required(files, name)]
    return [each for each in asked if each.name != "xentlib"] + others


def top_level_imports(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


# The checks, each a function from the wheel's files to what is wrong with them


def of_the_package():
    paths = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in paths}


def holds_the_numerics_and_nothing_else(files):
    numerics = {name for name in of_the_package() if not name.startswith("xentlib/teaching/")}
    found = {name for name in files if ".dist-info/" not in name}
    yield from (f"missing: {name}" for name in sorted(numerics - found))
    yield from (f"not of the numerics: {name}" for name in sorted(found - numerics))


def holds_no_answers(files):
    yield from (name for name, content in files.items() if "teaching/" in name or b"exercise.Exercise" in content)


def is_typed(files):
    yield from {"xentlib/py.typed"} - set(files)


def holds_no_tests(files):
    yield from (name for name in files if "test" in Path(name).stem or "tests/" in name)


def is_pure(files):
    wheel = message_from_bytes(dist_info(files, "WHEEL"))
    if wheel["Root-Is-Purelib"] != "true" or wheel.get_all("Tag") != ["py3-none-any"]:
        yield f"for {wheel.get_all('Tag')}, pure: {wheel['Root-Is-Purelib']}"
    yield from (name for name in files if name.endswith(COMPILED))


def needs_numpy_alone(files):
    if [each.name for each in required(files)] != ["numpy"]:
        yield f"needs {[str(each) for each in required(files)]}"


def has_its_extras(files):
    found = {
        extra: {each.name for each in required(files, extra)} for extra in metadata(files).get_all("Provides-Extra", [])
    }
    if found != EXTRAS:
        yield f"extras {found}"


def imported(sources):
    """Return what must be installed for some sources: its name agrees with the module's, but for capitals."""
    names = {name for source in sources for name in top_level_imports(source)} - sys.stdlib_module_names
    return {name.lower() for name in names} - {"xentlib", "numpy"}


def the_chapters_find_what_they_import(files):
    chapters = [nbformat.read(path, as_version=4) for path in ROOT.glob("chapters/**/*.ipynb")]
    sources = [cell.source for chapter in chapters for cell in chapter.cells if cell.cell_type == "code"]
    yield from imported(sources + teaching(writes_pages=False)) - {each.name for each in required(files, "chapters")}


def teaching(writes_pages):
    """Return the sources of `xentlib.teaching`, or of the part of it that writes down its exercises."""
    paths = PACKAGE.glob("teaching/**/*.py")
    return [path.read_text() for path in paths if writes_pages == (path.name == "pages.py")]


def the_book_has_all_that_writes_its_exercises(files):
    yield from imported(teaching(writes_pages=True)) - {each.name for each in required(files, "book")}


def allows_what_is_tested(files):
    """The pins, with which everything is tested, lie within the bounds."""
    pins = [Requirement(line.partition("#")[0]) for line in (ROOT / "requirements.txt").read_text().splitlines()]
    versions = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins}
    for each in required(files) + required(files, "book"):
        if not each.specifier or each.name not in versions or not each.specifier.contains(versions[each.name]):
            yield f"{each}, and tested is {versions.get(each.name, 'none')}"


def has_complete_metadata(files):
    found = metadata(files)
    for field in ("Name", "Version", "Summary", "Author", "Keywords", "Requires-Python", "License-Expression"):
        if not found[field]:
            yield f"no {field}"
    if not found.get_payload().startswith("# ") or found["Description-Content-Type"] != "text/markdown":
        yield "no README"
    if dist_info(files, "licenses/LICENSE") != (ROOT / "LICENSE").read_bytes():
        yield "another licence"
    oldest = found["Requires-Python"] and found["Requires-Python"].removeprefix(">=")
    for classifier in (f"Programming Language :: Python :: {oldest}", "Typing :: Typed"):
        if classifier not in found.get_all("Classifier", []):
            yield f"no {classifier}"


CHECKS = (
    holds_the_numerics_and_nothing_else,
    holds_no_answers,
    is_typed,
    holds_no_tests,
    is_pure,
    needs_numpy_alone,
    has_its_extras,
    the_chapters_find_what_they_import,
    the_book_has_all_that_writes_its_exercises,
    allows_what_is_tested,
    has_complete_metadata,
)


def test_the_wheel_passes_every_check(tree):
    files = contents(publish(tree))
    assert {check.__name__: list(check(files)) for check in CHECKS} == {check.__name__: [] for check in CHECKS}


# Ways to break them


def lose(name):
    return lambda tree: (tree / name).unlink()


def add(name, text=""):
    def breach(tree):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text)

    return breach


def change(old, new, name="pyproject.toml"):
    def breach(tree):
        text = (tree / name).read_text()
        assert old in text
        (tree / name).write_text(text.replace(old, new))

    return breach


BREACHES = [
    (holds_the_numerics_and_nothing_else, lose("xentlib/curvature.py")),
    (holds_the_numerics_and_nothing_else, add("xentlib/stray.csv")),
    (holds_no_answers, change('exclude = ["xentlib/teaching/"]', "exclude = []")),
    (is_typed, lose("xentlib/py.typed")),
    (holds_no_tests, add("xentlib/test_loss.py")),
    (holds_no_tests, add("xentlib/tests/cases.py")),
    (is_pure, add("xentlib/_kernel.so")),
    (needs_numpy_alone, change('"numpy>=2.0"', '"numpy>=2.0", "scipy"')),
    (needs_numpy_alone, change('"numpy>=2.0"', "")),
    (has_its_extras, change("sharded = ", "shared = ")),
    (has_its_extras, change('"distributed>=2025.1"', "")),
    (the_chapters_find_what_they_import, change('"sympy>=1.13", ', "")),
    (the_chapters_find_what_they_import, change('"anywidget>=0.9", ', "")),
    (the_chapters_find_what_they_import, change('"ipywidgets>=8", ', "")),
    (the_book_has_all_that_writes_its_exercises, change('"nbformat>=5.9",', "")),
    (allows_what_is_tested, change("numpy>=2.0", "numpy>=99")),
    (allows_what_is_tested, change("sympy>=1.13", "sympy>=99")),
    (allows_what_is_tested, change("matplotlib>=3.9", "matplotlib")),
    (has_complete_metadata, change('readme = "README.md"\n', "")),
    (has_complete_metadata, change('requires-python = ">=3.11"\n', "")),
    (has_complete_metadata, change('license = "BSD-3-Clause"\n', "")),
    (has_complete_metadata, change("BSD", "GPL", "LICENSE")),
    (has_complete_metadata, change('    "Typing :: Typed",\n', "")),
    (has_complete_metadata, change("Python :: 3.11", "Python :: 3.10")),
]


@pytest.mark.parametrize(
    ("check", "breach"), BREACHES, ids=[f"{check.__name__}-{n}" for n, (check, _) in enumerate(BREACHES)]
)
def test_the_check_refuses_a_broken_tree(tree, check, breach):
    breach(tree)
    assert list(check(contents(publish(tree)))) != []


def test_every_check_is_shown_to_fail():
    assert {check for check, _ in BREACHES} == set(CHECKS)


def test_a_clone_installs_the_chapters_code_as_well(tree):
    """From which Colab, Binder, JupyterLite and graders have it."""
    assert {name for name in contents(build(tree)) if ".dist-info/" not in name} == of_the_package()


def test_the_sdist_has_the_tests_that_need_little(tree):
    """CI runs them with pytest, Hypothesis and mpmath alone: here it is seen that none imports anything else."""
    folder = unpacked(tree)
    sources = {path.stem: path.read_text(encoding="utf-8") for path in (folder / "tests").glob("*.py")}
    at_once = [ast.unparse([node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)])
               for source in sources.values()]  # fmt: skip
    assert len(sources) > 10
    assert imported(at_once) - set(sources) == {"hypothesis", "mpmath", "pytest"}
    assert not (folder / "pytest.ini").exists()
    assert "pytest" not in tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["tool"]


def test_what_is_unpacked_works_on_its_own(tree, tmp_path):
    site = tmp_path / "site"
    with ZipFile(build(tree)) as archive:
        archive.extractall(site)
    script = f"""
import sys
sys.path.insert(0, {str(site)!r})
import xentlib
from xentlib.teaching import figures
figures.use_book_style()
print(xentlib.__file__, xentlib.softmax_cross_entropy([1.0, 2.0, 0.5], 1).round(5))
"""
    result = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == [str(site / "xentlib" / "__init__.py"), "0.46437"]
