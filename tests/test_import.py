import inspect
import re
import subprocess
import sys
from operator import attrgetter

import pytest

import xentlib


def test_the_numerics_import_numpy_and_nothing_else():
    script = """
import sys
import numpy
before = set(sys.modules)
import xentlib
new = {name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names - {"numpy"}
print(*sorted(new), *sorted({"sympy", "matplotlib", "ipywidgets", "mpmath", "scipy"} & set(sys.modules)))
print(*(name for name in sys.modules if name.startswith("xentlib.teaching")))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "xentlib\n\n"


def test_all_names_what_is_there_and_nothing_twice():
    public = {name for name, value in vars(xentlib).items() if inspect.isfunction(value) or inspect.isclass(value)}
    assert sorted(xentlib.__all__) == sorted(public)


METHODS = [
    f"{name}.{method}"
    for name in xentlib.__all__
    if inspect.isclass(vars(xentlib)[name])
    for method in vars(vars(xentlib)[name])
    if not method.startswith("_")
]


@pytest.mark.parametrize("name", [*xentlib.__all__, *METHODS])
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
