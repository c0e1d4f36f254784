"""Loss and gradient are PyTorch's, under every setting that PyTorch accepts; where they are not, this says why.

The answers in tests/data/torch_vectors.npz need no PyTorch. Where it is installed, it is asked again, live.
"""

import math
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from torch_cases import PACKED, REDUCTIONS, Inputs, Setting, ask_torch, random_inputs, settings, unpack

from xentlib import logsumexp, softmax, softmax_cross_entropy, softmax_cross_entropy_with_grad

with np.load(Path(__file__).parent / "data" / "torch_vectors.npz") as file:
    VECTORS = dict(file)
N_CLASSES = sorted({int(name.partition("/")[0]) for name in VECTORS if "/" in name})
KINDS = ("indices", "distributions")
WITHIN = {  # of the number itself, and beside 1, where PyTorch rounds q − 1 and log q
    np.float64: {"rtol": 1e-10, "atol": 1e-13},
    np.float32: {"rtol": 1e-5, "atol": 2e-5},
}


@cache
def stored(n_classes, kind):
    """Return pairs of a setting and PyTorch's answer to it."""
    inputs = Inputs(*(VECTORS[f"{n_classes}/{name}"] for name in Inputs._fields))
    questions = settings(inputs, kind)
    packed = {name: VECTORS[f"{n_classes}/{kind}/{name}"] for name in PACKED}
    return list(zip(questions, unpack(packed, questions), strict=True))


def wanted_loss(setting, answer, reduction):
    """Return PyTorch's loss, but for two things that the contract of xentlib settles.

    A mean over nothing is 0, where PyTorch divides by 0. A masked class costs ∞ where its target is positive and
    nothing where that is 0, and there PyTorch has 0 · ∞ = NaN.
    """
    if reduction == "mean" and setting.divisor() == 0:
        return np.float64(0)
    infinite = ((setting.logits == -np.inf) & (setting.smoothed_target() > 0)).any(-1)
    infinite = infinite if reduction == "none" else infinite.any()
    wanted = np.where(infinite, np.inf, answer.losses_far_below[reduction])
    said = answer.losses[reduction]
    assert np.allclose(np.where(np.isnan(said), wanted, said), wanted, rtol=1e-6, atol=0), setting.name
    return wanted


def wanted_gradient(setting, answer, reduction):
    """Return PyTorch's gradient, but 0 for a mean over nothing, and for a masked class, where PyTorch has −t_i."""
    if reduction == "mean" and setting.divisor() == 0:
        return np.zeros(setting.logits.shape)
    return np.where(setting.logits == -np.inf, 0, answer.gradient(reduction))


def wanted(pairs):
    """Return, for each setting and reduction, the wanted loss and gradient."""
    return [
        (setting, reduction, wanted_loss(setting, answer, reduction), wanted_gradient(setting, answer, reduction))
        for setting, answer in pairs
        for reduction in REDUCTIONS
    ]


@cache
def wanted_of(n_classes, kind):
    return wanted(stored(n_classes, kind))


def disagreements(function, questions, dtype=np.float64):
    """Return the reductions and settings for which a function's loss or gradient is not the wanted one."""
    found = []
    for setting, reduction, wanted_loss, wanted_gradient in questions:
        loss, grad = function(setting, reduction)
        if not (agrees(loss, wanted_loss, dtype) and agrees(grad, wanted_gradient, dtype)):
            found.append(f"{reduction} of {setting.name}")
    return found


def agrees(got, wanted, dtype):
    return np.shape(got) == np.shape(wanted) and got.dtype == dtype and np.allclose(got, wanted, **WITHIN[dtype])


def by_xentlib(setting, reduction):
    return softmax_cross_entropy_with_grad(setting.logits, setting.targets, **setting.options, reduction=reduction)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_loss_and_gradient_are_those_that_pytorch_gave(n_classes, kind):
    """And the loss alone is that beside the gradient."""

    def both_alike(setting, reduction):
        loss, grad = by_xentlib(setting, reduction)
        alone = softmax_cross_entropy(setting.logits, setting.targets, **setting.options, reduction=reduction)
        assert np.array_equal(alone, loss), f"{reduction} of {setting.name}"
        return loss, grad

    assert disagreements(both_alike, wanted_of(n_classes, kind)) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n_samples", "n_classes"), [(50_000, 3), (5_000, 40)])
def test_each_sample_of_a_large_batch_has_the_answer_that_it_has_alone(n_samples, n_classes, kind):
    """Large enough for several blocks and threads, whose seams the six samples of a setting cannot show."""
    drawn = np.random.default_rng(0).integers(6, size=n_samples)
    for setting, answer in stored(n_classes, kind):
        if setting.logits.ndim < 3 or setting.options["label_smoothing"] != 0.1:
            continue
        logits, targets, grad = (
            values.reshape(6, *values.shape[2:])[drawn] for values in (setting.logits, setting.targets, answer.grad)
        )
        losses = wanted_loss(setting, answer, "none").reshape(6)[drawn]
        large = Setting(f"large, {setting.name}", logits, targets, setting.options)
        got = by_xentlib(large, "none")
        assert agrees(got[0], losses, np.float64), large.name
        assert agrees(got[1], np.where(logits == -np.inf, 0, grad), np.float64), large.name
        assert np.isclose(by_xentlib(large, "sum")[0], losses.sum(), rtol=1e-10), large.name


@pytest.mark.parametrize("kind", KINDS)
def test_pytorch_differs_from_the_contract_only_at_masks_and_in_means_over_nothing(kind):
    pairs = stored(3, kind)
    answers = {setting.name: answer for setting, answer in pairs}

    def by_pytorch(setting, reduction):
        answer = answers[setting.name]
        return answer.losses[reduction], answer.gradient(reduction)

    over_nothing = {f"mean of {setting.name}" for setting, _ in pairs if setting.divisor() == 0}
    different = set(disagreements(by_pytorch, wanted_of(3, kind)))
    assert [name for name in different - over_nothing if "no mask" in name] == []
    assert different - over_nothing
    assert bool(different & over_nothing) == (kind == "indices")


# Answers that are nearly right


def textbook(
    target=Setting.smoothed_target, divisor=Setting.divisor, gradient=lambda t, q: t.sum(-1, keepdims=True) * q - t
):
    """Return the loss as it is defined, of logits without masks, with pieces that may be exchanged for wrong ones."""

    def loss_and_grad(setting, reduction):
        t = target(setting)
        losses = -(t * (setting.logits - logsumexp(setting.logits)[..., np.newaxis])).sum(-1)
        grads = gradient(t, softmax(setting.logits))
        if reduction == "none":
            return losses, grads
        factor = 1.0 if reduction == "sum" else divisor(setting) and 1 / divisor(setting)
        return losses.sum() * factor, grads * factor

    return loss_and_grad


def smoothed_over_the_other_classes(setting):
    """Give ε/(K − 1) to every class but the true one."""
    smoothing, p = setting.options["label_smoothing"], setting.probabilities()
    n_classes = p.shape[-1]
    t = setting.weights() * ((1 - smoothing) * p + smoothing / (n_classes - 1) * (1 - p))
    return np.where(setting.ignored()[..., np.newaxis], 0, t)


def smoothed_without_weights(setting):
    smoothing, p = setting.options["label_smoothing"], setting.probabilities()
    t = (1 - smoothing) * setting.weights() * p + smoothing / p.shape[-1]
    return np.where(setting.ignored()[..., np.newaxis], 0, t)


def weighted_by_the_true_class(setting):
    """Weigh a row with w_y, as if class weights were sample weights."""
    weight = (setting.weights() * setting.probabilities()).sum(-1, keepdims=True)
    return weight * setting._replace(options={**setting.options, "class_weights": None}).smoothed_target()


def with_options(**options):
    return lambda setting: setting._replace(options={**setting.options, **options}).smoothed_target()


def number_of_samples(setting):
    return math.prod(setting.logits.shape[:-1])


def number_of_counted_samples(setting):
    return (~setting.ignored()).sum()


def weights_of_all_samples(setting):
    """Leave the class that is ignored in the denominator."""
    if not setting.has_indices() or setting.options["ignore_index"] not in range(setting.logits.shape[-1]):
        return setting.divisor()
    return setting._replace(options={**setting.options, "ignore_index": None}).divisor()


SMOOTHED, WEIGHTED, IGNORING, MEAN = (
    r"smoothing (0\.1|1\.0)",
    "no mask, (weights|a weight)",
    "(some|class) ignored",
    "^mean",
)
"""What the name of a setting says where a mistake shows: nowhere else."""

MISTAKES = {
    "smoothing ε/(K − 1)": ({"target": smoothed_over_the_other_classes}, KINDS, [SMOOTHED]),
    "smoothing without weights": ({"target": smoothed_without_weights}, KINDS, [SMOOTHED, WEIGHTED]),
    "smoothing weighted by w_y": ({"target": weighted_by_the_true_class}, ["indices"], [SMOOTHED, WEIGHTED]),
    "no smoothing": ({"target": with_options(label_smoothing=0.0)}, KINDS, [SMOOTHED]),
    "no weights": ({"target": with_options(class_weights=None)}, KINDS, [WEIGHTED]),
    "mean over N": ({"divisor": number_of_samples}, ["indices"], [MEAN, f"{WEIGHTED}|{IGNORING}"]),
    "mean over what is counted": ({"divisor": number_of_counted_samples}, ["indices"], [MEAN, WEIGHTED]),
    "ignored class in the denominator": ({"divisor": weights_of_all_samples}, ["indices"], [MEAN, IGNORING]),
    "q − p": ({"gradient": lambda t, q: q - t}, KINDS, []),
    "p − q": ({"gradient": lambda t, q: t - t.sum(-1, keepdims=True) * q}, KINDS, []),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_classes", [3, 40])
def test_the_textbook_agrees_with_pytorch(n_classes, kind):
    assert disagreements(textbook(), without_masks(n_classes, kind)) == []


@pytest.mark.parametrize(
    ("pieces", "kind", "n_classes", "shows"),
    [
        pytest.param(pieces, kind, n_classes, shows, id=f"{name}, {kind}, K = {n_classes}")
        for name, (pieces, kinds, shows) in MISTAKES.items()
        for kind in kinds
        for n_classes in (3, 40)
    ],
)
def test_a_mistake_is_found_and_only_where_it_shows(pieces, kind, n_classes, shows):
    found = disagreements(textbook(**pieces), without_masks(n_classes, kind))
    assert found
    assert [name for name in found if not all(re.search(pattern, name) for pattern in shows)] == []


def without_masks(n_classes, kind):
    return [question for question in wanted_of(n_classes, kind) if np.isfinite(question[0].logits).all()]


def test_vectors_made_for_other_settings_are_refused():
    questions = settings(random_inputs(3, np.random.default_rng(0)), "indices")
    packed = {name: VECTORS[f"3/distributions/{name}"] for name in PACKED}
    with pytest.raises(ValueError, match=r"made for other settings: run tests/data/make_torch_vectors\.py again"):
        unpack(packed, questions)


# PyTorch itself, where it is installed


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # on arrays this small, threads only wait for each other
    yield torch
    torch.set_num_threads(before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_classes", [2, 5, 33, 100])
@pytest.mark.parametrize("dtype", WITHIN)
def test_loss_and_gradient_are_those_that_pytorch_gives(torch, dtype, n_classes, kind):
    inputs = random_inputs(n_classes, np.random.default_rng(n_classes + 1000))
    questions = settings(inputs._replace(logits=inputs.logits.astype(dtype)), kind)
    pairs = [(setting, ask_torch(setting)) for setting in questions]
    assert disagreements(by_xentlib, wanted(pairs), dtype) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n_samples", "n_classes"), [(30_000, 7), (3_000, 50)])
def test_a_batch_of_many_blocks_is_pytorchs_as_well(torch, n_samples, n_classes, kind):
    rng = np.random.default_rng(n_classes)
    y = rng.integers(n_classes, size=n_samples)
    options = {"class_weights": rng.uniform(0, 2, n_classes), "ignore_index": None, "label_smoothing": 0.1}
    if kind == "indices":
        options["ignore_index"] = 1
    targets = y if kind == "indices" else rng.uniform(0, 1, (n_samples, n_classes))
    setting = Setting(f"large, {kind}", 3 * rng.normal(size=(n_samples, n_classes)), targets, options)
    assert disagreements(by_xentlib, wanted([(setting, ask_torch(setting))])) == []
