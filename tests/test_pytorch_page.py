"""What the page on frameworks says to those who come from PyTorch is so: its rows are read, and their claims tried.

Its calls are evaluated by tests/frameworks/test_in_your_framework.py.
"""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from reference import RUNNING_EXAMPLE

import xentlib
from xentlib import (
    check_grad,
    entropy,
    kl_divergence,
    linear_cross_entropy,
    log_softmax,
    logsumexp,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_hessian,
    softmax_cross_entropy_hvp,
    softmax_cross_entropy_with_grad,
    softmax_jacobian,
)
from xentlib._validate import PYTORCH

PAGE = (Path(__file__).parents[1] / "api" / "frameworks.md").read_text(encoding="utf-8")
INF, NAN = np.inf, np.nan
Z = np.array([RUNNING_EXAMPLE, [0.0, -1.0, 3.0]])
Y = [1, 2]


def rows(title):
    """Return the rows of the table under a heading, as lists of cells."""
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in section.splitlines()
        if re.match(r"\|.*`", line)
    ]


def keywords(cell):
    return [name.partition("=")[0] for name in re.findall(r"`([^`]+)`", cell)]


FUNCTIONS = sorted(set(re.findall(r"\[`(\w+)\([^`]+`\]\(\w+\.md#xentlib\.\1\)", PAGE)))
CALLS = [
    (foreign, native)
    for theirs, ours, _ in rows("Arguments: coming from PyTorch")
    for foreign in keywords(theirs)
    for native in keywords(ours)
]
RENAMED = [(foreign, native) for foreign, native in CALLS if foreign != native]


def test_every_function_with_a_counterpart_is_named():
    without = {"linear_cross_entropy_with_grad", "softmax_cross_entropy_hessian_diagonal"}
    called = {name for name in xentlib.__all__ if inspect.isfunction(getattr(xentlib, name))}
    assert set(FUNCTIONS) == called - without


def test_the_keywords_are_those_that_are_explained():
    assert set(RENAMED) == {(foreign, native) for foreign, natives in PYTORCH.items() for native in natives}


@pytest.mark.parametrize(("foreign", "native"), RENAMED)
def test_a_renamed_argument_is_explained_by_each_function_that_has_it(foreign, native):
    functions = [
        function
        for name in FUNCTIONS
        for function in [getattr(xentlib, name)]
        if foreign not in (parameters := inspect.signature(function).parameters) and native in parameters
    ]
    assert functions
    for function in functions:
        with pytest.raises(TypeError, match=rf"keyword argument '{foreign}'; PyTorch's {foreign} is {native} here$"):
            function(Z, **{foreign: Z})


@pytest.mark.parametrize(
    ("name", "default"),
    [row[1].strip("`").split("=") for row in rows("Arguments: coming from PyTorch") if "=" in row[1]],
)
def test_the_defaults_are_those_on_the_page(name, default):
    assert repr(inspect.signature(softmax_cross_entropy).parameters[name].default) == default.replace('"', "'")


# What differs: on the left what PyTorch computes, by its definition


def test_the_class_axis():
    of_pytorch = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    y = np.zeros((2, 4, 5), int)
    wanted = np.log(np.exp(of_pytorch).sum(1)) - of_pytorch[:, 0]
    assert softmax_cross_entropy(np.moveaxis(of_pytorch, 1, -1), y) == pytest.approx(wanted.mean(), rel=1e-14)


def test_log_probabilities_are_logits():
    log_q = log_softmax(Z)
    nll_loss = -log_q[[0, 1], Y].mean()
    assert softmax_cross_entropy(log_q, Y) == pytest.approx(nll_loss, rel=1e-14)
    assert softmax_cross_entropy(log_q + 1, Y) == pytest.approx(nll_loss, rel=1e-14)  # where nll_loss falls by 1


def test_the_linear_layer():
    x, weight, bias = np.eye(2), np.arange(6.0).reshape(3, 2), np.array([0.5, 0.0, -1.0])
    assert linear_cross_entropy(x, weight, Y, bias) == pytest.approx(softmax_cross_entropy(x @ weight.T + bias, Y))


def test_normalisations():
    for function in (softmax, log_softmax, logsumexp):
        assert (function(Z) == function(Z, axis=1)).all()
        assert not np.allclose(function(Z), function(Z, axis=0)[: len(function(Z))])
    assert softmax(Z, temperature=2) == pytest.approx(softmax(Z / 2))
    with pytest.raises(ValueError, match="only -inf"):
        logsumexp([-INF, -INF])


def test_divergence_and_entropy():
    p, q = softmax(Z)
    kl_div = (p * (np.log(p) - np.log(q))).sum(-1)  # F.kl_div(log q, p)
    assert kl_divergence(p, q) == pytest.approx(kl_div, rel=1e-14)
    assert kl_divergence(q, p) != pytest.approx(kl_div, rel=1e-3)
    assert kl_divergence(softmax(Z), q).shape == (2,)
    assert entropy(p) == pytest.approx((-p * np.log(p)).sum(), rel=1e-14)
    assert entropy([0.5, 0.5], base=2) == 1


def test_derivatives():
    loss, grad = softmax_cross_entropy_with_grad(Z, Y)
    assert loss == softmax_cross_entropy(Z, Y)
    assert grad == pytest.approx((softmax(Z) - np.eye(3)[Y]) / 2)
    v = np.arange(6.0).reshape(2, 3)
    assert (softmax_cross_entropy_hessian(Z) == softmax_jacobian(Z)).all()
    assert softmax_cross_entropy_hvp(Z, v) == pytest.approx((softmax_jacobian(Z) @ v[..., np.newaxis])[..., 0])
    assert check_grad(lambda z: softmax_cross_entropy(z, Y), lambda z: 1.001 * grad, Z) == pytest.approx(1e-3, rel=0.01)


def test_options():
    with pytest.raises(ValueError, match="got -100 at index"):
        softmax_cross_entropy(Z, [1, -100])
    assert softmax_cross_entropy(Z, [1, -100], ignore_index=-100) == softmax_cross_entropy(Z[0], 1)
    assert softmax_cross_entropy(Z, [7, 7], ignore_index=7) == 0
    assert softmax_cross_entropy(Z[:0], np.zeros(0, int)) == 0
    with pytest.raises(ValueError, match="class_weights must be non-negative"):
        softmax_cross_entropy(Z, Y, class_weights=[1, -1, 1])
    with pytest.raises(TypeError, match="axis must be an integer"):
        softmax(Z, axis=(0, 1))
    for dtype in (np.uint8, np.int64):
        by_index = softmax_cross_entropy(Z, np.array(Y, dtype))
        assert by_index == pytest.approx(softmax_cross_entropy(Z, np.eye(3)[Y]), rel=1e-15)


@pytest.mark.parametrize("row", [[NAN, 0.0], [INF, 0.0], [-INF, -INF]])
def test_logits_that_are_errors(row):
    with pytest.raises(ValueError, match=r"^logits .* at index \(1"):
        softmax_cross_entropy([[0.0, 1.0], row], [0, 0])


def test_values():
    with pytest.raises(ValueError, match=r"got 3 at index \(1,\)"):
        softmax_cross_entropy(Z, [0, 3])
    loss, grad = softmax_cross_entropy_with_grad([1.0, -INF, 0.5], [0.25, 0.0, 0.75])
    loss_without, grad_without = softmax_cross_entropy_with_grad([1.0, 0.5], [0.25, 0.75])
    assert loss == pytest.approx(loss_without)
    assert grad == pytest.approx([grad_without[0], 0, grad_without[1]])
    assert -np.log(softmax([0.0, 40.0])[1]) == 0
    assert f"{softmax_cross_entropy([0.0, 40.0], 1):.4g}" == "4.248e-18"
