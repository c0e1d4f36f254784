"""The losses of a framework that is not installed are left out, and pytest says so in one line."""

from importlib.util import find_spec

import pytest

FOLDERS = {"in_pytorch": "torch", "in_jax": "jax"}
MISSING = {folder: package for folder, package in FOLDERS.items() if find_spec(package) is None}
collect_ignore = ["conftest.py", *MISSING]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was not tested, why, and the remedy."""
    if MISSING:
        folders = " and ".join(f"frameworks/{folder}" for folder in MISSING)
        packages = " and ".join(MISSING.values())
        terminalreporter.write_line(
            f"{folders}: not tested, for lack of {packages}. 'make frameworks' installs what they need.", yellow=True
        )
