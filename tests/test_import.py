import inspect
import re
import subprocess
import sys

import pytest

import xentlib


def test_the_numerics_import_numpy_and_nothing_else():
    script = """
import sys
import numpy
before = set(sys.modules)
import xentlib
new = {name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names
print(*sorted(new), *sorted({"sympy", "matplotlib", "ipywidgets", "mpmath", "scipy"} & set(sys.modules)))
print(*(name for name in sys.modules if name.startswith("xentlib.teaching")))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "xentlib\n\n"


def test_all_names_what_is_there_and_nothing_twice():
    public = {name for name, value in vars(xentlib).items() if inspect.isfunction(value)}
    assert sorted(xentlib.__all__) == sorted(public)


@pytest.mark.parametrize("name", xentlib.__all__)
def test_the_docstring_has_every_section_and_every_parameter(name):
    function = getattr(xentlib, name)
    doc = inspect.getdoc(function)
    sections = re.findall(r"^(\w+)\n-+$", doc, re.M)
    assert [section for section in sections if section != "Notes"] == ["Parameters", "Returns", "Raises", "Examples"]
    assert re.match(r"\S.+\.\n\n", doc)
    described = re.search(r"^Parameters\n-+\n(.+?)\n\n\w+\n-+$", doc, re.M | re.S)[1]
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^(\w+, )*{parameter}(, \w+)*( :|$)", described, re.M), parameter
    assert ">>> " in doc.partition("Examples\n")[2]
