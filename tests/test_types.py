"""What a type checker, and a reader of a signature, learns about xentlib's public functions."""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import typing
from operator import attrgetter
from pathlib import Path

import pytest

import xentlib
from xentlib import teaching

ROOT = Path(__file__).parents[1]
FUNCTIONS = [
    f"{name}.{method}".removesuffix(".")
    for name in xentlib.__all__
    if not hasattr(getattr(xentlib, name), "_fields")  # a tuple of results is not called
    for method in ([""] if inspect.isfunction(getattr(xentlib, name)) else vars(getattr(xentlib, name)))
    if method == "__init__" or not method.startswith("_")
]
MODULES = [
    module.name
    for module in pkgutil.walk_packages(teaching.__path__, "xentlib.teaching.")
    if not re.search(r"chapter_|explorers\.(?!explorer|text)", module.name)  # what a reader is shown stays short
]
SNIPPET = """\
from typing import Literal, assert_type

import numpy as np
from numpy.typing import NDArray

import xentlib


def square(x: NDArray[np.float64]) -> float:
    return float((x**2).sum())


z = np.zeros((2, 3), np.float32)
loss, grad = xentlib.softmax_cross_entropy_with_grad(z, [0, 1], class_weights=(1, 2, 3), ignore_index=0, z_loss=1e-4)
assert_type(loss, np.float32)
assert_type(grad, NDArray[np.float32])
assert_type(xentlib.softmax([[1, 2], [3, 4]], axis=0, temperature=2), NDArray[np.floating])
assert_type(xentlib.check_grad(square, lambda x: 2 * x, [1.0, 2.0], method="complex"), float)
assert_type(xentlib.softmax_cross_entropy_hessian_diagonal(z, upper=True), NDArray[np.floating])
xentlib.softmax_cross_entropy(xentlib.log_softmax(z), xentlib.softmax(z), label_smoothing=1)
xentlib.kl_divergence(xentlib.softmax(z), [0.2, 0.3, 0.5], base=2)
model = xentlib.SoftmaxRegression(l2=0, solver="gd").fit(z, ["cat", "dog"], sample_weight=[1, 2])
assert_type(model.predict_proba(z), NDArray[np.floating])

# What comes out has the dtype of what goes in. A float64 is a float, a float32 is none.
double = z.astype(np.float64)
total: float = xentlib.softmax_cross_entropy(double, [0, 1], reduction="sum")
mean: float = xentlib.softmax_cross_entropy(double, [0, 1])
of_lists: float = xentlib.softmax_cross_entropy([[1, 2]], [0])
assert_type(xentlib.softmax_cross_entropy(double, [0, 1]), np.float64)
xentlib.softmax_cross_entropy(double, [0, 1]).dtype
per_row = xentlib.softmax_cross_entropy(z, [0, 1], reduction="none")
assert_type(per_row, NDArray[np.float32])
per_row[0]
xentlib.softmax_cross_entropy([[1, 2]], [0], reduction="none")[0].dtype
per_row, grad = xentlib.softmax_cross_entropy_with_grad(z, [0, 1], reduction="none", label_smoothing=0.1)
layer: float = xentlib.linear_cross_entropy(double, double, [0, 1], block_bytes=1 << 20)
layer, parts = xentlib.linear_cross_entropy_with_grad(double, double, [0, 1], [0, 0], z_loss=1e-4)
assert_type(parts, xentlib.LinearGrad)
xentlib.linear_cross_entropy(z, double, [0, 1], reduction="none")[0].dtype


def passed_on(reduction: Literal["none", "sum", "mean"]) -> np.float32 | NDArray[np.float32]:
    return xentlib.softmax_cross_entropy(z, [0, 1], reduction=reduction)


single: float = xentlib.softmax_cross_entropy(z, [0, 1])  # assignment
xentlib.softmax_cross_entropy(z, [0, 1])[0]  # index
xentlib.softmax_cross_entropy(z, [0, 1], reduction=3)  # call-overload
xentlib.softmax_cross_entropy(z, [0, 1], reduction="average")  # call-overload
xentlib.softmax_cross_entropy_with_grad(z, [0, 1], reduction=None)  # call-overload
xentlib.softmax_cross_entropy(z, [0, 1], ignore_index="pad")  # call-overload
xentlib.softmax_cross_entropy(z, [0, 1], weight=[1, 2, 3])  # call-overload
xentlib.softmax_cross_entropy(z, [0, 1], [1, 2, 3])  # call-overload
xentlib.softmax_cross_entropy(z)  # call-overload
xentlib.linear_cross_entropy(z, z, [0, 1], block_bytes="1 MB")  # call-overload
xentlib.softmax(z, axis="last")  # arg-type
xentlib.softmax(z, axis=None)  # arg-type
xentlib.logsumexp({1: 2})  # arg-type
xentlib.entropy(z, base="two")  # arg-type
xentlib.check_grad(square, [2.0, 4.0], [1.0, 2.0])  # arg-type
xentlib.check_grad(square, lambda x: 2 * x, z, method="forward")  # arg-type
xentlib.SoftmaxRegression(solver="lbfgs")  # arg-type
xentlib.SoftmaxRegression(1e-3)  # call-arg
model.fit(z)  # call-arg
xentlib.softmax_jacobian(z).requires_grad  # attr-defined
"""


def test_the_checker_accepts_right_calls_and_rejects_wrong_ones(tmp_path):
    """From a folder of its own, so that xentlib is found as installed: without py.typed no call would be checked."""
    (tmp_path / "snippet.py").write_text(SNIPPET)
    config, cache = ROOT / "pyproject.toml", ROOT / ".mypy_cache"
    command = [sys.executable, "-m", "mypy", "--config-file", config, "--cache-dir", cache, "snippet.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    found = re.findall(r"^snippet\.py:(\d+): error: .*\[([\w-]+)\]$", result.stdout, re.M)
    wrong = [
        (str(number), line.split("  # ")[1]) for number, line in enumerate(SNIPPET.splitlines(), 1) if "  # " in line
    ]
    assert list(dict.fromkeys(found)) == wrong, result.stdout + result.stderr


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_and_result_has_a_hint(name):
    function = attrgetter(name)(xentlib)
    assert set(typing.get_type_hints(function)) == {*inspect.signature(function).parameters, "return"} - {"self"}


@pytest.mark.parametrize("name", MODULES)
def test_the_public_functions_of_teaching_have_hints(name):
    module = importlib.import_module(name)
    own = [f for _, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == name]
    public = [f for f in own if not f.__name__.startswith("_")]
    assert [f.__name__ for f in public if set(f.__annotations__) != {*inspect.signature(f).parameters, "return"}] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_signature_is_shown_as_it_was_written(name):
    """Without `from __future__ import annotations`, help() spells ArrayLike out in five lines."""
    assert "Union" not in str(inspect.signature(attrgetter(name)(xentlib)))
