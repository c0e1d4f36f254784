"""The losses of a framework that is not installed are left out, and pytest says so in one line."""

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain

import numpy as np
import pytest

FOLDERS = {"in_pytorch": ["torch"], "in_jax": ["jax"], "at_work": ["torch", "jax", "optax"]}
MISSING = {
    folder: missing
    for folder, packages in FOLDERS.items()
    if (missing := [package for package in packages if find_spec(package) is None])
}
collect_ignore = ["conftest.py", *MISSING]


@pytest.fixture(autouse=True)
def printed_as_usual() -> Iterator[None]:
    """Keep the options for printing that a file sets to itself."""
    with np.printoptions():
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was not tested, why, and the remedy."""
    if MISSING:
        folders = ", ".join(f"frameworks/{folder}" for folder in MISSING)
        packages = ", ".join(dict.fromkeys(chain(*MISSING.values())))
        terminalreporter.write_line(
            f"{folders}: not tested, for lack of {packages}. 'make frameworks' installs what they need.", yellow=True
        )
