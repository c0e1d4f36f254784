"""The examples in the docstrings of the tools hold."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
NAMES = [
    ".".join(path.relative_to(TOOLS.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(TOOLS.rglob("*.py"))
    if "\n    >>> " in path.read_text(encoding="utf-8")
]


def test_the_modules_are_found():
    assert {"tools.standalone", "tools.pages.body", "tools.pages.search"} < set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_hold(name):
    failed, tried = doctest.testmod(import_module(name))
    assert failed == 0 < tried
