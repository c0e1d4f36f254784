"""One thread for BLAS, the same examples from Hypothesis on every run, and the order of the tests."""

import os

# The matrices here are small: on a busy machine BLAS threads wait for each other far longer than they work. Set
# before NumPy is imported; the kernels of the notebooks inherit it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import settings

# A script that asks PyTorch, which need not be here; and this, which has no examples to run.
collect_ignore = ["data", "conftest.py"]

settings.register_profile("repeatable", derandomize=True, max_examples=40, deadline=None, database=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items):
    """Begin with the slow ones, so that at the end no process is left alone with one of them."""
    items.sort(key=lambda item: item.path.parent.name not in ("browser", "tools"))


def pytest_terminal_summary(terminalreporter):
    """Say in one line that the pages were not tested, and why."""
    reasons = {report.longrepr[2] for report in terminalreporter.getreports("skipped") if "browser/" in report.nodeid}
    for reason in (reason for reason in reasons if "make thorough" not in reason):
        terminalreporter.write_line(f"The pages were not tested. {reason.removeprefix('Skipped: ')}", yellow=True)
