import inspect
import re
import subprocess
import sys
import tomllib
from operator import attrgetter
from pathlib import Path

import pytest
from flit_core.common import Module, make_metadata
from flit_core.config import read_flit_config

import xentlib

ROOT = Path(__file__).parents[1]


def test_the_numerics_import_numpy_and_nothing_else():
    script = """
import sys
import numpy
SLOW = {"sympy", "matplotlib", "ipywidgets", "mpmath", "scipy", "importlib.metadata", "numpy.ma"}
before = set(sys.modules)
import xentlib
new = {name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names - {"numpy"}
print(*sorted(new), *sorted(SLOW & set(sys.modules)))
print(*(name for name in sys.modules if name.startswith("xentlib.teaching")))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "xentlib\n\n"


def test_the_version_of_the_package_is_the_one_that_it_says():
    """Asked of flit, since the metadata of an installed checkout may be older than the checkout."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" not in project
    assert make_metadata(Module("xentlib", ROOT), read_flit_config(ROOT / "pyproject.toml")).version == (
        xentlib.__version__
    )


def test_all_names_what_is_there_and_nothing_twice():
    public = {name for name, value in vars(xentlib).items() if inspect.isfunction(value) or inspect.isclass(value)}
    assert sorted(xentlib.__all__) == sorted(public)


RESULTS = [name for name in xentlib.__all__ if hasattr(vars(xentlib)[name], "_fields")]
CALLED = [name for name in xentlib.__all__ if name not in RESULTS]
METHODS = [
    f"{name}.{method}"
    for name in CALLED
    if inspect.isclass(vars(xentlib)[name])
    for method in vars(vars(xentlib)[name])
    if not method.startswith("_")
]


@pytest.mark.parametrize("name", RESULTS)
def test_the_docstring_of_a_result_has_every_field(name):
    result = vars(xentlib)[name]
    described = inspect.getdoc(result).partition("Attributes\n----------\n")[2]
    assert tuple(re.findall(r"^(\w+) : ", described, re.M)) == result._fields


@pytest.mark.parametrize("name", [*CALLED, *METHODS])
def test_the_docstring_has_every_section_and_every_parameter(name):
    documented = attrgetter(name)(xentlib)
    doc = inspect.getdoc(documented)
    sections = re.findall(r"^(\w+)\n-+$", doc, re.M)
    wanted = ["Parameters", "Attributes" if inspect.isclass(documented) else "Returns", "Raises"]
    if name in xentlib.__all__:
        wanted.append("Examples")
    assert [section for section in sections if section not in ("Notes", "Warns")] == wanted
    assert re.match(r"\S.+\.\n\n", doc)
    described = re.search(r"^Parameters\n-+\n(.+?)\n\n\w+\n-+$", doc, re.M | re.S)[1]
    for parameter in inspect.signature(documented).parameters:
        assert re.search(rf"^(\w+, )*{parameter}(, \w+)*( :|$)", described, re.M) or parameter == "self", parameter
    assert ("Examples" in wanted) == (">>> " in doc.partition("Examples\n")[2])
