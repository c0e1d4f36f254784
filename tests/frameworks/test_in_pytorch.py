"""The losses in frameworks/in_pytorch: against xentlib, against PyTorch's own where that is right, and by the audit."""

import os
import re
import subprocess
import sys
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: 'make frameworks' installs it")

import torch.nn.functional as F
import torch_processes as processes
from in_pytorch import variants
from in_pytorch.accurate_loss import cross_entropy
from in_pytorch.calibration import fit_temperature
from in_pytorch.gradient_check import check_gradient
from in_pytorch.language import count_targets, next_token_loss
from in_pytorch.linear_loss import linear_cross_entropy
from in_pytorch.parallel_loss import vocab_parallel_cross_entropy
from test_accuracy import KINDS, OPTIONS, rows_of, targets_of, with_weights
from test_torch import KINDS as TARGETS
from test_torch import N_CLASSES, disagreements, stored
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap
from ways import assert_contract

import xentlib
from xentlib.audit import audit

INF, NAN = float("inf"), float("nan")
Z, Y = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], dtype=torch.float64), torch.tensor([1, 2])
Z800 = torch.tensor([0.0, 800.0], dtype=torch.float64, requires_grad=True)
DTYPES = [np.float16, np.float32, np.float64]
NO_Z_LOSS = [{k: v for k, v in options.items() if k != "z_loss"} for options in OPTIONS if not options["z_loss"]]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """On arrays this small, threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tensors(options):
    weights = options.get("class_weights")
    return options if weights is None else {**options, "class_weights": torch.tensor(weights)}


def accurate(z, targets, *, reduction="none", ignore_index=None, **options):
    """Return loss and gradient by the loss of logits, as arrays."""
    leaf = torch.tensor(z, requires_grad=True)
    ignored = {} if ignore_index is None else {"ignore_index": ignore_index}
    loss = cross_entropy(leaf, torch.tensor(targets), reduction=reduction, **tensors(options), **ignored)
    loss.sum().backward()
    return loss.detach().numpy(), leaf.grad.numpy()


def linear(z, targets, block=3, **options):
    """Return loss and gradient of each row as the weight of a layer with one feature, 1. Masks are in the bias."""
    losses, grads = np.empty(len(z), z.dtype), np.empty_like(z)
    for n, row in enumerate(torch.tensor(z)):
        masked = row == -INF
        weight = row.masked_fill(masked, 0).unsqueeze(-1).requires_grad_()
        loss = linear_cross_entropy(
            torch.ones(1, dtype=row.dtype), weight, torch.tensor(targets[n]), torch.where(masked, row, 0), block=block,
            reduction="sum", **tensors(options),
        )  # fmt: skip
        loss.backward()
        losses[n], grads[n] = loss.detach(), weight.grad.squeeze(-1)
    return losses, grads


# The contract: (8 + gap) eps


@pytest.mark.parametrize("options", NO_Z_LOSS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_classes", [2, 10])
@pytest.mark.parametrize("dtype", DTYPES)
def test_loss_and_gradient_keep_their_digits(dtype, n_classes, kind, options):
    rng = np.random.default_rng(0)
    z, targets = targets_of(kind, rows_of(dtype, n_classes), rng)
    some = slice(None, None, 3)
    assert_contract(accurate, z[some], targets[some], **with_weights(options, n_classes, rng))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_layer_in_blocks_keeps_its_digits(dtype):
    for kind in KINDS:
        for options in NO_Z_LOSS[::3]:
            rng = np.random.default_rng(0)
            z, targets = targets_of(kind, rows_of(dtype, 10), rng)
            some = slice(None, None, 17)
            assert_contract(linear, z[some], targets[some], **with_weights(options, 10, rng))


@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_a_thousand_blocks_do_not_add_up_their_roundings(dtype):
    """Where they are added in turn, these classes cost more than twice what the contract allows."""
    z = ((11 * np.arange(2051) + 3) % 101 / 8).astype(dtype)[np.newaxis]
    assert_contract(partial(linear, block=2), z, np.array([17]), label_smoothing=0.1)


def test_the_contract_is_one_that_pytorchs_own_loss_breaks():
    def own(z, targets):
        leaf = torch.tensor(z, requires_grad=True)
        loss = F.cross_entropy(leaf, torch.tensor(targets), reduction="none")
        loss.sum().backward()
        return loss.detach().numpy(), leaf.grad.numpy()

    sure = np.array([[0.0, 40.0]])
    assert_contract(accurate, sure, np.array([1]))
    with pytest.raises(AssertionError, match="loss at"):
        assert_contract(own, sure, np.array([1]))


# PyTorch's own answers, and xentlib's


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_loss_and_gradient_are_those_of_pytorch_in_every_setting(n_classes, kind):
    def ours(setting, reduction):
        return accurate(setting.logits, setting.targets, reduction=reduction, **setting.options)

    assert disagreements(ours, stored(n_classes, kind)[::2]) == []


@pytest.mark.parametrize("block", [1, 3, 7, 100])
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_in_blocks_is_xentlibs_and_pytorchs(block, bias):
    torch.manual_seed(0)
    x, w, b = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((2, 5, 3), (7, 3), (7,)))
    b, leaves = (b, (x, w, b)) if bias else (None, (x, w))
    y, p = torch.tensor([[0, 1, -100, 3, 6], [1, 2, 3, 4, 5]]), torch.rand(2, 5, 7, dtype=torch.float64)
    for targets in (y, p):
        for options in ({}, {"label_smoothing": 0.1}, {"class_weights": p[0, 0], "label_smoothing": 0.3}):
            loss = linear_cross_entropy(x, w, targets, b, block=block, **options)
            grads = torch.autograd.grad(loss, leaves)
            z = F.linear(x, w, b)
            weight = {"weight" if name == "class_weights" else name: value for name, value in options.items()}
            own = F.cross_entropy(z.flatten(0, 1), targets.flatten(0, 1), **weight)
            for got, wanted in zip(grads, torch.autograd.grad(own, leaves), strict=True):
                torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-15)
            arrays = [None if each is None else each.detach().numpy() for each in (x, w, targets, b)]
            ignored = {"ignore_index": -100} if targets is y else {}
            options = {k: v.numpy() if k == "class_weights" else v for k, v in options.items()}
            value, found = xentlib.linear_cross_entropy_with_grad(*arrays, **ignored, **options)
            assert loss.item() == pytest.approx(value, rel=1e-12)
            for got, wanted in zip(grads, found, strict=False):
                np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", [cross_entropy, partial(linear_cross_entropy, torch.eye(3, dtype=torch.float64))])
def test_where_pytorch_says_nan_the_contract_says_what(loss):
    """A mean over nothing, and a mask that a target rules out."""
    nothing = torch.full((3,), -100)
    z = torch.eye(3, dtype=torch.float64).requires_grad_()
    value = loss(z, nothing)
    assert (value.item(), torch.autograd.grad(value, z)[0].abs().max().item()) == (0, 0)
    assert F.cross_entropy(z, nothing).isnan()
    z = torch.tensor([[1.0, -INF, 0.5]], dtype=torch.float64, requires_grad=True)
    p = torch.tensor([[0.25, 0.0, 0.75]], dtype=torch.float64)
    without, _ = xentlib.softmax_cross_entropy_with_grad([1.0, 0.5], [0.25, 0.75])
    assert cross_entropy(z, p).item() == pytest.approx(without, rel=1e-15)
    assert torch.autograd.grad(cross_entropy(z, p), z)[0][0, 1] == 0
    assert F.cross_entropy(z, p).isnan()


def test_an_ignored_row_may_hold_anything_and_nan_shows_elsewhere():
    z = torch.tensor([[1.0, 2.0, 0.5], [NAN, 0.0, 0.0], [INF, 0.0, 1.0]], requires_grad=True)
    loss = cross_entropy(z, torch.tensor([1, -100, -100]))
    (found,) = torch.autograd.grad(loss, z)
    assert f"{loss.item():.4f}" == "0.4644"
    assert (found[1:] == 0).all()
    assert cross_entropy(z, torch.tensor([1, 0, -100])).isnan()
    assert cross_entropy(z, torch.tensor([1, -100, 0])).isnan()


def test_pytorchs_own_loss_differs_where_the_readme_says_so():
    """The rows of "Differences from `F.cross_entropy`" that no other test tries."""
    sure = torch.tensor([[0.0, 40.0]], dtype=torch.float64, requires_grad=True)
    loss = F.cross_entropy(sure, torch.tensor([1]))
    loss.backward()
    assert loss == 0
    assert sure.grad[0, 1] == 0
    assert f"{cross_entropy(sure, torch.tensor([1])).item():.4g}" == "4.248e-18"
    half = torch.tensor([[0.0, 6.0]], dtype=torch.bfloat16)
    assert f"{cross_entropy(half, torch.tensor([1])).item():.3g}" == "0.00247"
    weights = {"label_smoothing": 0.1, "reduction": "mean"}
    nothing = torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64)
    assert F.cross_entropy(Z[:1], torch.tensor([0]), weight=nothing, **weights).isnan()
    assert cross_entropy(Z[:1], torch.tensor([0]), class_weights=nothing, **weights) == 0
    with pytest.raises(IndexError, match="3"):
        F.cross_entropy(Z, torch.tensor([0, 3]))
    assert F.cross_entropy(Z, Y, weight=-torch.ones(3, dtype=torch.float64), reduction="sum") < 0
    for bad in (NAN, INF):
        z = torch.tensor([[0.0, bad]])
        assert F.cross_entropy(z, torch.tensor([0])).isnan()
        assert not cross_entropy(z, torch.tensor([0])).isfinite()


# Derivatives of every kind


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_all_derivatives_are_right(reduction, smoothing):
    torch.manual_seed(0)
    z = torch.cat([torch.randn(3, 4), torch.tensor([[0.0, 9.0, 1.0, 2.0]])]).double().requires_grad_()
    w, y = torch.rand(4, dtype=torch.float64), torch.tensor([0, -100, 3, 1])
    options = {"class_weights": w, "label_smoothing": smoothing, "reduction": reduction}
    of_labels = partial(lambda z, targets: cross_entropy(z, targets, **options), targets=y)
    gradcheck(of_labels, z, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True)
    gradgradcheck(of_labels, z, check_fwd_over_rev=True, check_rev_over_rev=True)
    p = torch.rand(4, 4, dtype=torch.float64, requires_grad=True)  # and by the distribution, as in F.cross_entropy
    gradcheck(partial(cross_entropy, **options), (z, p), check_forward_ad=True)
    gradgradcheck(partial(cross_entropy, **options), (z, p), check_fwd_over_rev=True)


def test_hessian_and_forward_mode_keep_the_digits_of_a_sure_class():
    sure, step = torch.tensor([0.0, 40.0], dtype=torch.float64), torch.tensor([1.0, 0.0], dtype=torch.float64)

    def loss(z):
        return cross_entropy(z, torch.tensor(1))

    wanted = xentlib.softmax_cross_entropy_hessian(sure.numpy())
    for twice in (hessian(loss), jacrev(jacrev(loss)), jacrev(jacfwd(loss))):
        np.testing.assert_allclose(twice(sure), wanted, rtol=1e-14)
    slope = xentlib.softmax_cross_entropy_with_grad(sure.numpy(), 1)[1]
    assert jvp(loss, (sure,), (step,))[1].item() == pytest.approx(slope[0], rel=1e-14)
    np.testing.assert_allclose(jacfwd(loss)(sure), slope, rtol=1e-14)
    own = jacfwd(lambda z: F.cross_entropy(z, torch.tensor(1)))(sure)
    assert own[1] == 0  # PyTorch's own


@pytest.mark.xfail(strict=True, reason="PyTorch issue 197867: two forward modes, nested, give 0 through any Function")
def test_two_forward_modes_nested():
    twice = jacfwd(jacfwd(lambda z: cross_entropy(z, torch.tensor(1))))
    assert twice(Z[0]).abs().max() > 0


def test_vmap_is_a_loop():
    np.testing.assert_allclose(vmap(cross_entropy)(Z, Y), [cross_entropy(z, y) for z, y in zip(Z, Y, strict=True)])
    per_sample = vmap(grad(cross_entropy))(Z, Y)
    for got, z, y in zip(per_sample, Z, Y, strict=True):
        np.testing.assert_allclose(got, grad(cross_entropy)(z, y))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's own
def test_it_compiles_without_a_break():
    compiled = torch.compile(cross_entropy, backend="aot_eager", fullgraph=True)
    assert compiled(Z, Y) == cross_entropy(Z, Y)


def test_a_second_derivative_of_the_layer_is_refused_and_not_wrong():
    w = torch.randn(3, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="no second derivative; got create_graph=True: use accurate_loss"):
        torch.autograd.grad(linear_cross_entropy(torch.eye(2), w, Y), w, create_graph=True)


# Sixteen bits


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bits_are_computed_in_32_and_rounded_once(dtype):
    torch.manual_seed(0)
    stored_z = (4 * torch.randn(50, 1000)).to(dtype)
    y = torch.randint(1000, (50,))
    for loss in (cross_entropy, lambda z, y: linear_cross_entropy(torch.eye(50, dtype=z.dtype), z.mT, y, block=300)):
        values, grads = [], []
        for z in (stored_z.clone().requires_grad_(), stored_z.float().requires_grad_()):
            values.append(loss(z, y))
            values[-1].backward()
            grads.append(z.grad)
        assert (values[0].dtype, grads[0].dtype) == (dtype, dtype)
        assert values[0] == values[1].to(dtype)
        torch.testing.assert_close(grads[0], grads[1].to(dtype), rtol=torch.finfo(dtype).eps, atol=1e-7)


def test_chapter_11s_gap_of_six_is_not_0_in_bfloat16():
    pair = torch.tensor([[0.0, 6.0]], dtype=torch.bfloat16)
    assert F.cross_entropy(pair, torch.tensor([1])) == 0
    assert cross_entropy(pair, torch.tensor([1])).item() == pytest.approx(np.log1p(np.exp(-6)), rel=2**-8)


def test_autocast_is_float32_and_keeps_the_layers_logits_from_16_bits():
    torch.manual_seed(0)
    x, w, y = torch.randn(20, 8), 3 * torch.randn(30, 8), torch.randint(30, (20,))
    exact = F.cross_entropy(x.double() @ w.double().mT, y).item()
    with torch.autocast("cpu", torch.bfloat16):
        logits = F.linear(x, w)
        assert logits.dtype == torch.bfloat16
        of_logits, of_layer = cross_entropy(logits, y), linear_cross_entropy(x, w.requires_grad_(), y)
        of_layer.backward()
    assert of_logits.dtype == of_layer.dtype == w.grad.dtype == torch.float32
    assert of_layer.item() == pytest.approx(exact, rel=1e-6)
    assert of_logits.item() != pytest.approx(exact, rel=1e-5)
    assert of_logits == cross_entropy(logits.float(), y)


# The audit


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.1}, {"class_weights": [1.0, 2.0, 0.5]}, {"ignore_index": 1}], ids=str
)
def test_the_audit_finds_nothing(dtype, options):
    report = audit(cross_entropy, dtype=dtype, framework="torch", time_limit=100, **options)
    assert report.ok, report

    def layer(logits, targets, **options):
        """Of which the features are the logits, if none is masked, and W the identity."""
        if logits.isinf().any():
            return cross_entropy(logits, targets, **options)
        n_classes = logits.shape[1]  # in up to 32 blocks: a thousand take seconds, and more than the limit under load
        weight = torch.eye(n_classes, dtype=logits.dtype)
        return linear_cross_entropy(logits, weight, targets, block=max(2, n_classes // 32), **options)

    report = audit(layer, dtype=dtype, framework="torch", time_limit=100, **options)
    assert report.ok, report


# Errors


ONES = torch.ones(3, 2)


def of_layer(weight=ONES, targets=Y, bias=None, **options):
    return linear_cross_entropy(torch.eye(2), weight, targets, bias, **options)


LABELS = "targets must lie in [0, 3) or be ignore_index, -100; got "
SHAPES = "targets must be of shape (2,) as class indices, or of shape (2, 3) as distributions of floats; got "
DETACHED = "targets must not require a gradient, which nobody computes; got some that do: detach them"
SHIFTED = (
    "tokens must have one token for each position, and not be shifted yet; got shape (1,) for logits of shape (2, 3)"
)
UPSIDE_DOWN = "logits must be higher for true classes than on average; got 0.667 lower: T = ∞ is best"
NO_MEAN = "logits must be finite at the labels, and there must be some; got a mean of "
ERRORS = [
    (lambda: cross_entropy(Z, torch.tensor([0, 3])), LABELS + "3 at index (1,)"),
    (lambda: cross_entropy(Z, torch.tensor([-1, 0])), LABELS + "-1 at index (0,)"),
    (lambda: cross_entropy(Z[0], torch.tensor(7)), LABELS + "7"),
    (lambda: cross_entropy(Z, Y[:1]), SHAPES + "torch.int64 of shape (1,)"),
    (lambda: cross_entropy(Z, torch.ones(2, 3).long()), SHAPES + "torch.int64 of shape (2, 3)"),
    (lambda: cross_entropy(Z, Y.double()), SHAPES + "torch.float64 of shape (2,)"),
    (lambda: cross_entropy(Z, -torch.ones(2, 3)), "targets must be non-negative and finite; got -1.0 at index (0, 0)"),
    (lambda: cross_entropy(Z, Y == 1), "targets must be a tensor of integers or floats; got torch.bool"),
    (lambda: cross_entropy(Z, [1, 2]), "targets must be a tensor of integers or floats; got <class 'list'>"),
    (lambda: cross_entropy(Z.long(), Y), "logits must be a tensor of real numbers; got torch.int64"),
    (lambda: cross_entropy(Z.numpy(), Y), "logits must be a tensor of real numbers; got float64"),
    (lambda: cross_entropy(Z[:, :0], Y), "logits must have a last axis that is not empty; got shape (2, 0)"),
    (lambda: cross_entropy(Z[0, 0], Y), "logits must have a last axis that is not empty; got shape ()"),
    (lambda: cross_entropy(Z, Y, class_weights=Z[0, :2]), "class_weights must be of shape (3,); got (2,)"),
    (
        lambda: cross_entropy(Z, Y, class_weights=Z[1]),
        "class_weights must be non-negative and finite; got -1.0 at index (1,)",
    ),
    (lambda: cross_entropy(Z, Y, label_smoothing=1.1), "label_smoothing must lie in [0, 1]; got 1.1"),
    (lambda: cross_entropy(Z, Y, label_smoothing=NAN), "label_smoothing must lie in [0, 1]; got nan"),
    (lambda: cross_entropy(Z, Y, reduction="average"), "reduction must be one of 'none', 'sum', 'mean'; got 'average'"),
    (lambda: of_layer(torch.ones(3, 4)), "weight must be of shape (K, 2); got (3, 4)"),
    (lambda: of_layer(ONES.double()), "weight must be torch.float32 like the features; got torch.float64"),
    (lambda: of_layer(bias=torch.ones(2)), "bias must be of shape (3,); got (2,)"),
    (lambda: of_layer(block=0), "block must be at least 1; got 0"),
    (lambda: of_layer(targets=ONES.mT.clone().requires_grad_()), DETACHED),
    (lambda: vocab_parallel_cross_entropy(Z, Y, -1), "first_class must be at least 0; got -1"),
    (lambda: vocab_parallel_cross_entropy(Z, Z, 0), "targets must be class indices here; got torch.float64"),
    (lambda: next_token_loss(Z, Y[1:]), SHIFTED),
    (lambda: next_token_loss(Z[0], Y), "tokens must be integers, for logits (..., S, K); got torch.int64"),
    (lambda: next_token_loss(Z, Y, n_counted=0), "n_counted must be positive; got 0"),
    (lambda: variants.focal_loss(Z, Y, gamma=-1), "gamma must be at least 0; got -1"),
    (lambda: variants.focal_loss(Z, Z.exp()), "targets must be class indices here; got torch.float64"),
    (lambda: variants.distillation_loss(Z, Z, temperature=0), "temperature must be positive; got 0"),
    (lambda: variants.z_loss(Z, Y, strength=-1), "strength must be at least 0; got -1"),
    (lambda: variants.soft_cap(Z, 0), "cap must be positive; got 0"),
    (lambda: fit_temperature(Z, Y), "labels must include one whose class does not lead, else T = 0 is best; got none"),
    (lambda: fit_temperature(Z[:1], Y[1:]), UPSIDE_DOWN),
    (lambda: fit_temperature(torch.tensor([[0.0, -INF]]), Y[:1]), NO_MEAN + "-inf"),
    (lambda: fit_temperature(Z[:0], Y[:0]), NO_MEAN + "nan"),
    (lambda: check_gradient(lambda z: z, Z[0]), "loss must return one number; got shape (3,): use its sum or mean"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[message[:60] for _, message in ERRORS])
def test_an_error_names_the_argument_the_requirement_and_the_value(call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{re.escape(message)}$"):
        call()


def test_an_empty_batch_works():
    assert cross_entropy(Z[:0], Y[:0]) == 0
    assert linear_cross_entropy(torch.ones(0, 2), torch.ones(3, 2), Y[:0]) == 0


# Many processes


@cache
def answers():
    return processes.run()


def assert_same_in_pieces(n_processes, job, part=slice(None), cases=processes.CASES):
    """Hold what the processes have, put together, against the loss of the whole layer."""
    found = answers()[n_processes]
    for dtype, within in ((torch.float64, 1e-12), (torch.bfloat16, 0.05)):
        for name, options in cases.items():
            leaves, targets = processes.inputs(dtype, masked="label_smoothing" not in options)
            of_each = [answer[job][dtype, name] for answer in found]
            wanted = processes.in_one_piece(cross_entropy, *leaves, targets, **options)
            pieces = [torch.cat([each[n] for each in of_each]) for n in (2, 3)]
            for answer in of_each:
                for got, right in list(zip([*answer[:2], *pieces], wanted, strict=True))[part]:
                    torch.testing.assert_close(
                        got, right, rtol=within, atol=within / 20, msg=lambda m, n=name: f"{n}: {m}"
                    )


@pytest.mark.parametrize("n_processes", [2, 3])
def test_pieces_have_the_loss_and_the_gradients_of_the_whole(n_processes):
    assert_same_in_pieces(n_processes, "pieces")


@pytest.mark.parametrize("n_processes", [2, 3])
def test_a_smoothing_that_counts_the_classes_that_are_here_is_found(n_processes):
    assert_same_in_pieces(n_processes, "slip", slice(1), {"plain": {}})
    with pytest.raises(AssertionError, match="smoothed"):
        assert_same_in_pieces(n_processes, "slip", slice(1), processes.SLIP)


def test_features_that_are_not_summed_over_the_pieces_are_found():
    assert_same_in_pieces(2, "alone", slice(1), processes.SLIP)
    with pytest.raises(AssertionError, match="plain"):
        assert_same_in_pieces(2, "alone", slice(2), processes.SLIP)


@pytest.fixture
def alone():
    """Let this process be a group."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_piece_keeps_the_digits_of_a_sure_row(alone, smoothing):
    z = torch.tensor([[0.0, 40.0, 1.0], [1.0, 2.0, 0.5]], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([1, 2])
    found = vocab_parallel_cross_entropy(z, y, 0, label_smoothing=smoothing, reduction="none")
    right = xentlib.softmax_cross_entropy_with_grad(
        z.detach().numpy(), y.numpy(), label_smoothing=smoothing, reduction="none"
    )
    np.testing.assert_allclose(found.detach(), right[0], rtol=1e-14)
    (slopes,) = torch.autograd.grad(found.sum(), z)
    np.testing.assert_allclose(slopes, right[1], rtol=1e-12, atol=0)


def test_two_all_reduces_make_the_loss_none_its_gradient_and_one_that_of_the_features():
    assert [answer["counts"] for n in (2, 3) for answer in answers()[n]] == 5 * [[2, 0, 1]]


def test_pieces_that_overlap_and_labels_that_are_no_class_are_refused_by_all():
    for n in (2, 3):
        wanted = [
            "first_class must make each piece begin where another ends; "
            f"got pieces of {3 * n} classes in all, the last of which ends at 3",
            f"targets must lie in [0, {3 * n}) or be ignore_index, -100; got 99 at index (0,)",
        ]
        assert [answer["messages"] for answer in answers()[n]] == n * [wanted]


# A language model


def test_next_token_loss_is_that_of_xentlib_on_shifted_labels():
    rng = np.random.default_rng(0)
    logits, tokens = rng.normal(size=(2, 5, 7)), rng.integers(7, size=(2, 5))
    tokens[0, 3:] = -100
    loss = next_token_loss(torch.tensor(logits), torch.tensor(tokens))
    wanted = xentlib.softmax_cross_entropy(logits[:, :-1], tokens[:, 1:], ignore_index=-100)
    assert loss.item() == pytest.approx(wanted, rel=1e-12)
    unshifted = xentlib.softmax_cross_entropy(logits, tokens, ignore_index=-100)
    assert loss.item() != pytest.approx(unshifted, rel=1e-3)


def test_a_sum_that_16_bits_do_not_hold_is_divided_before_it_is_rounded():
    logits, tokens = torch.zeros(1, 100_001, 3, dtype=torch.float16), torch.zeros(1, 100_001, dtype=torch.long)
    assert next_token_loss(logits, tokens, n_counted=count_targets(tokens)) == torch.tensor(3.0).log().half()


def gradients(loss, model):
    return torch.autograd.grad(loss, tuple(model.parameters()))


def test_many_small_batches_are_one_big_one():
    model, tokens, labels = processes.text()
    whole = gradients(next_token_loss(model(tokens), labels), model)
    n = sum(count_targets(part) for part in labels.split(1))
    parts = [
        gradients(next_token_loss(model(t), y, n_counted=n), model)
        for t, y in zip(tokens.split(1), labels.split(1), strict=True)
    ]
    for got, wanted in zip(map(sum, zip(*parts, strict=True)), whole, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-15)
    means = [next_token_loss(model(t), y) for t, y in zip(tokens.split(2), labels.split(2), strict=True)]
    forgotten = gradients(sum(means) / 2, model)  # the mean of means
    assert not torch.allclose(forgotten[0], whole[0], rtol=1e-2)


def test_processes_that_share_a_batch_have_the_gradient_of_the_whole():
    model, tokens, labels = processes.text()
    whole = gradients(next_token_loss(model(tokens), labels), model)
    for answer in answers()[2]:
        for got, wanted, halved in zip(answer["trained"], whole, answer["forgotten"], strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-15)
            torch.testing.assert_close(2 * halved, wanted, rtol=1e-12, atol=1e-15)  # n_counted without the processes


# Calibration, variants, the gradient check


def test_the_temperature_is_the_best_one():
    rng = np.random.default_rng(0)
    z, y = 4 * rng.normal(size=(500, 5)), rng.integers(5, size=500)
    z[np.arange(500), y] += 3
    z[:, 4] = np.where(y == 4, z[:, 4], -np.inf)  # masks are no obstacle
    best = fit_temperature(torch.tensor(z), torch.tensor(y))

    def loss(temperature):
        return xentlib.softmax_cross_entropy(z / temperature, y)

    assert 1.1 < best < 10
    assert max(loss(best * 1.001), loss(best / 1.001)) > loss(best)
    assert min(loss(best * 1.001), loss(best / 1.001)) > loss(best)
    once_more = fit_temperature(torch.tensor(z / best), torch.tensor(y))
    assert once_more == pytest.approx(1, rel=1e-12)
    ignored = np.append(z, np.full((1, 5), NAN), axis=0), np.append(y, -100)
    assert fit_temperature(*map(torch.tensor, ignored)) == pytest.approx(best, rel=1e-12)
    assert fit_temperature(torch.tensor(z) * 1e-6 + 1e3, torch.tensor(y)) == pytest.approx(1e-6 * best, rel=1e-5)


def test_z_loss_is_xentlibs():
    z, y = torch.randn(6, 4, dtype=torch.float64), torch.tensor([0, 1, -100, 2, 3, 3])
    for reduction in ("none", "sum", "mean"):
        leaf = z.clone().requires_grad_()
        loss = variants.z_loss(leaf, y, strength=0.1, reduction=reduction)
        wanted = xentlib.softmax_cross_entropy_with_grad(
            z.numpy(), y.numpy(), z_loss=0.1, ignore_index=-100, reduction=reduction
        )
        np.testing.assert_allclose(loss.detach(), wanted[0], rtol=1e-12)
        np.testing.assert_allclose(torch.autograd.grad(loss.sum(), leaf)[0], wanted[1], rtol=1e-12, atol=1e-15)
    broken = torch.tensor([[NAN, 1.0]], requires_grad=True)
    assert (torch.autograd.grad(variants.z_loss(broken, torch.tensor([-100])), broken)[0] == 0).all()


def test_focal_loss_is_the_formula_and_chapter_12s_gradient():
    dog = Z[0].clone().requires_grad_()
    loss = variants.focal_loss(dog, torch.tensor(1))
    q_y = xentlib.softmax(Z[0].numpy())[1]
    assert loss.item() == pytest.approx(-((1 - q_y) ** 2) * np.log(q_y), rel=1e-14)
    assert torch.autograd.grad(loss, dog)[0].tolist() == pytest.approx([0.082, -0.132, 0.05], abs=5e-4)
    assert variants.focal_loss(Z, Y, gamma=0) == cross_entropy(Z, Y)
    sure = variants.focal_loss(torch.tensor([0.0, 40.0], dtype=torch.float64), torch.tensor(1))
    assert sure.item() == pytest.approx(np.exp(-40) ** 3, rel=1e-14)
    for gamma in (0.0, 0.5, 2.0):  # of a true class that is masked, with loss inf, the others have the gradient q
        masked = torch.tensor([1.0, -INF, 2.0], dtype=torch.float64, requires_grad=True)
        (found,) = torch.autograd.grad(variants.focal_loss(masked, torch.tensor(1), gamma=gamma), masked)
        np.testing.assert_allclose(found, xentlib.softmax(masked.detach().numpy()), rtol=1e-14)
        (found,) = torch.autograd.grad(variants.focal_loss(Z800, torch.tensor(1), gamma=gamma), Z800)
        assert found.isfinite().all()
    ignored = variants.focal_loss(Z, torch.tensor([1, -100]))
    assert ignored.item() == pytest.approx(loss.item(), rel=1e-15)


def test_distillation_has_the_gradient_of_kl_div_and_its_t_squared():
    student, teacher = Z[:1].clone().requires_grad_(), torch.tensor([[0.0, 3.0, 1.5]], dtype=torch.float64)
    for temperature in (1.0, 4.0, 256.0):
        loss = variants.distillation_loss(student, teacher, temperature=temperature)
        soft = (teacher / temperature).softmax(-1)
        wanted = xentlib.softmax_cross_entropy(Z[:1].numpy() / temperature, soft.numpy()) * temperature**2
        assert loss.item() == pytest.approx(wanted, rel=1e-12)
        kl = F.kl_div((student / temperature).log_softmax(-1), soft, reduction="batchmean") * temperature**2
        for got, right in zip(gradients(loss, Parameters(student)), gradients(kl, Parameters(student)), strict=True):
            torch.testing.assert_close(got, right, rtol=1e-9, atol=1e-12)
    (limit,) = gradients(variants.distillation_loss(student, teacher, temperature=256.0), Parameters(student))
    assert limit[0].tolist() == pytest.approx([0.444, -0.222, -0.222], abs=2e-3)


class Parameters:
    """A model of a single tensor."""

    def __init__(self, tensor):
        self.tensor = tensor

    def parameters(self):
        return [self.tensor]


def test_soft_cap_has_chapter_12s_slopes():
    dog = Z[0].clone().requires_grad_()
    loss = cross_entropy(variants.soft_cap(dog, 4.0), torch.tensor(1))
    assert torch.autograd.grad(loss, dog)[0].tolist() == pytest.approx([0.235, -0.318, 0.152], abs=5e-4)


@pytest.mark.parametrize(
    "loss",
    [
        partial(cross_entropy, targets=Y, label_smoothing=0.1),
        partial(variants.z_loss, targets=Y, strength=0.1),
        partial(variants.focal_loss, targets=Y),
        partial(variants.distillation_loss, teacher_logits=Z.flip(0), temperature=2.0),
        lambda z: cross_entropy(variants.soft_cap(z, 2.0), Y),
        lambda z: next_token_loss(z.expand(2, -1, -1), torch.stack([Y, Y]), n_counted=3),
    ],
    ids=["loss", "z_loss", "focal", "distillation", "soft_cap", "next_token"],
)
def test_the_gradient_check_passes_what_is_right(loss):
    assert check_gradient(loss, Z) < 1e-8


class Wrong(torch.autograd.Function):
    """The square of the logits, summed, with a backward pass that is handed over."""

    @staticmethod
    def forward(ctx, z, slopes):
        ctx.save_for_backward(slopes(z))
        return (z**2).sum()

    @staticmethod
    def backward(ctx, scale):
        return scale * ctx.saved_tensors[0], None


@pytest.mark.parametrize(
    ("slopes", "message"),
    [
        (lambda z: -2 * z, "is 6, and differences of the loss say -6: every entry is -1 times what it should be"),
        (lambda z: z, "is 3, and differences of the loss say 6: every entry is 0.5 times what it should be"),
        (lambda z: 2 * z + (z == 3), "is 7, and differences of the loss say 6; 1 of 6 entries are wrong"),
        (lambda z: 2 * z, "the gradient is right, but not the forward mode: .*jvp"),
    ],
    ids=["sign", "factor", "entry", "forward mode"],
)
def test_the_gradient_check_says_what_is_wrong(slopes, message):
    z = -Z if "-6" in message else Z
    with pytest.raises(AssertionError, match=message):
        check_gradient(lambda z: Wrong.apply(z, slopes), z)


# Memory


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc/self/status here")
def test_a_vocabulary_of_128_000_takes_a_fraction_of_the_memory():
    """Of 128 rows here; frameworks/README.md has the numbers of 512."""
    script, frameworks = Path(__file__).with_name("torch_memory.py"), Path(__file__).parents[2] / "frameworks"
    environment = {**os.environ, "PYTHONPATH": str(frameworks)}
    peaks = []
    for way in ("plain", "blocks"):
        command = [sys.executable, script, way, "128", "16", "128000"]
        peaks.append(int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout))
    print(f"plain {peaks[0] / 1e6:.0f} MB, in blocks {peaks[1] / 1e6:.0f} MB")
    assert peaks[0] > 3 * 4 * 128 * 128_000
    assert peaks[1] < 4 * 128 * 128_000 / 2
