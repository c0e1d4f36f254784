"""The settings under which xentlib is compared with PyTorch, and how PyTorch is asked.

The script that stores PyTorch's answers and the tests that compare with them both walk through `settings`, so that an
answer always meets its own question.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

REDUCTIONS = ("none", "sum", "mean")
SMOOTHINGS = (0.0, 0.1, 1.0)
WEIGHTS = ("no weights", "weights", "a weight of 0")
IGNORED = ("none ignored", "some ignored", "a class ignored", "all ignored")
MASKS = ("no mask", "mask", "mask on the true class")
ROWS = ((0, 0), (0,), ())  #: what of the (2, 3) samples is taken: logits of shape (K,), (3, K) and (2, 3, K)
NOT_A_CLASS = -100
FAR_BELOW = -1e4  #: a finite logit whose exponential is 0


class Inputs(NamedTuple):
    """What all settings of one number of classes share: arrays of shape (2, 3) or (2, 3, K), and weights (K,)."""

    logits: np.ndarray
    indices: np.ndarray
    distributions: np.ndarray
    weights: np.ndarray


class Setting(NamedTuple):
    """A question: the arguments of the loss, all but the reduction."""

    name: str
    logits: np.ndarray
    targets: np.ndarray
    options: dict

    def has_indices(self):
        return self.targets.ndim < self.logits.ndim

    def ignored(self):
        """Return which rows do not count."""
        ignore_index = self.options["ignore_index"]
        return np.zeros(self.logits.shape[:-1], bool) if ignore_index is None else self.targets == ignore_index

    def probabilities(self):
        """Return p, one-hot for class indices; 0 in a row that is ignored."""
        if not self.has_indices():
            return self.targets
        kept = ~self.ignored()
        return np.eye(self.logits.shape[-1])[np.where(kept, self.targets, 0)] * kept[..., np.newaxis]

    def weights(self):
        weights = self.options["class_weights"]
        return np.ones(self.logits.shape[-1]) if weights is None else weights

    def smoothed_target(self):
        """Return t_i = w_i ((1 − ε) p_i + ε/K): what each row weighs its classes with."""
        smoothing = self.options["label_smoothing"]
        t = self.weights() * ((1 - smoothing) * self.probabilities() + smoothing / self.logits.shape[-1])
        return np.where(self.ignored()[..., np.newaxis], 0, t)

    def divisor(self):
        """Return what a mean divides by: the sum of the weights of the true classes that count, or N."""
        n_samples = math.prod(self.logits.shape[:-1])
        return (self.weights() * self.probabilities()).sum() if self.has_indices() else n_samples


class Answer(NamedTuple):
    """What PyTorch said: one loss a reduction, and the gradients."""

    losses: dict
    losses_far_below: dict  #: with `FAR_BELOW` in the place of −∞
    grad: np.ndarray  #: of the sum of the losses, which is that of "none" as well
    mean_factor: float  #: the gradient of the mean is so many times that of the sum

    def gradient(self, reduction):
        return self.grad * self.mean_factor if reduction == "mean" else self.grad


def random_inputs(n_classes, rng):
    """Draw inputs for `settings`: three decimals, as a reader would write them."""
    indices = rng.integers(n_classes, size=(2, 3))
    indices[0, 0] = 0  # the class whose weight may be 0
    distributions = rng.uniform(0, 1, (2, 3, n_classes)).round(3)  # PyTorch does not ask that they sum to 1
    distributions[0, 1] = np.eye(n_classes)[indices[0, 1]]
    logits = (3 * rng.normal(size=(2, 3, n_classes))).round(3)
    logits[0, 2, :2] = logits[0, 2].max()  # ties
    logits[1, 2] = logits[1, 2, 0]
    return Inputs(logits, indices, distributions, rng.uniform(0.2, 2, n_classes).round(3))


def settings(inputs, kind):
    """Return every setting that PyTorch accepts for targets of one `kind`, "indices" or "distributions"."""
    masks = MASKS if inputs.logits.shape[-1] > 1 else MASKS[:1]
    ignored = IGNORED if kind == "indices" else IGNORED[:1]
    return [_setting(inputs, kind, *choice) for choice in itertools.product(masks, WEIGHTS, SMOOTHINGS, ignored, ROWS)]


def _setting(inputs, kind, mask, weights, smoothing, ignored, rows):
    logits, targets = _masked(inputs, kind, mask)
    ignore_index = None
    if kind == "indices":
        targets, ignore_index = _with_ignored(targets, ignored, logits.shape[-1])
    options = {
        "class_weights": _weights(inputs.weights, weights),
        "ignore_index": ignore_index,
        "label_smoothing": smoothing,
    }
    logits, targets = logits[rows], np.asarray(targets[rows])
    name = f"{kind}, {mask}, {weights}, smoothing {smoothing}, {ignored}, logits of shape {logits.shape}"
    return Setting(name, logits, targets, options)


def _masked(inputs, kind, mask):
    """Return logits, with one class of a row at −∞ or none, and targets of one kind."""
    logits, indices, distributions = inputs.logits.copy(), inputs.indices, inputs.distributions.copy()
    if mask == "mask":  # in every row a class that its target rules out as well
        at = (indices + 1)[..., np.newaxis] % logits.shape[-1]
        np.put_along_axis(distributions, at, 0, -1)
        np.put_along_axis(logits, at, -np.inf, -1)
    elif mask == "mask on the true class":
        for row in ((0, 0), (1, 1)):
            logits[(*row, indices[row])] = -np.inf
            distributions[(*row, indices[row])] = 0.5
    return logits, indices if kind == "indices" else distributions


def _with_ignored(indices, ignored, n_classes):
    indices = indices.copy()
    if ignored == "none ignored":
        return indices, None
    if ignored == "a class ignored":
        indices[[0, 1], [2, 0]] = n_classes - 1
        return indices, n_classes - 1
    indices[([0, 1], [1, 2]) if ignored == "some ignored" else ...] = NOT_A_CLASS
    return indices, NOT_A_CLASS


def _weights(weights, choice):
    if choice == "no weights":
        return None
    return np.where(np.arange(weights.size) == 0, 0, weights) if choice == "a weight of 0" else weights


def ask_torch(setting):
    """Return PyTorch's `Answer`."""
    far_below = setting._replace(logits=np.where(setting.logits == -np.inf, FAR_BELOW, setting.logits))
    losses, grads = _torch_losses_and_gradients(setting)
    losses_far_below, _ = _torch_losses_and_gradients(far_below)
    np.testing.assert_array_equal(grads["none"], grads["sum"])
    return Answer(losses, losses_far_below, grads["sum"], _factor(grads["mean"], grads["sum"]))


def _torch_losses_and_gradients(setting):
    answers = {reduction: torch_loss_and_grad(setting, reduction) for reduction in REDUCTIONS}
    return {name: loss for name, (loss, _) in answers.items()}, {name: grad for name, (_, grad) in answers.items()}


def torch_loss_and_grad(setting, reduction):
    """Return PyTorch's loss, and the gradient of its sum. PyTorch wants the class axis second."""
    import torch

    z = torch.tensor(setting.logits, requires_grad=True)
    targets = torch.tensor(setting.targets)
    if targets.ndim == z.ndim:
        targets = _class_axis_second(targets.to(z.dtype))
    options = dict(setting.options)
    weights, ignore_index = options.pop("class_weights"), options.pop("ignore_index")
    loss = torch.nn.functional.cross_entropy(
        _class_axis_second(z),
        targets,
        weight=None if weights is None else torch.tensor(weights, dtype=z.dtype),
        reduction=reduction,
        **options,
        **({} if ignore_index is None else {"ignore_index": ignore_index}),
    )
    loss.sum().backward()
    return loss.detach().numpy(), z.grad.numpy()


def _class_axis_second(tensor):
    return tensor if tensor.ndim == 1 else tensor.movedim(-1, 1)


def pack(answers):
    """Return the answers to `settings` as flat arrays, one after the other; `unpack` takes them apart again."""
    return {
        "losses": _joined(loss for answer in answers for loss in answer.losses.values()),
        "losses_far_below": _joined(loss for answer in answers for loss in answer.losses_far_below.values()),
        "grad": _joined(answer.grad for answer in answers),
        "mean_factor": np.array([answer.mean_factor for answer in answers]),
    }


def _joined(arrays):
    return np.concatenate([np.ravel(array) for array in arrays])


PACKED = ("losses", "losses_far_below", "grad", "mean_factor")


def unpack(packed, questions):
    """Return the `Answer` to each of the settings that were asked."""
    shapes = [setting.logits.shape for setting in questions]
    of_losses = [shape for rows in shapes for shape in (rows[:-1], (), ())]
    losses, losses_far_below = (_reductions(packed[name], of_losses) for name in ("losses", "losses_far_below"))
    grads = _apart(packed["grad"], shapes)
    return [Answer(*parts) for parts in zip(losses, losses_far_below, grads, packed["mean_factor"], strict=True)]


def _reductions(flat, shapes):
    losses = _apart(flat, shapes)
    return [dict(zip(REDUCTIONS, losses[n : n + 3], strict=True)) for n in range(0, len(losses), 3)]


def _apart(flat, shapes):
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    if flat.size != ends[-1]:
        raise ValueError("the vectors were made for other settings: run tests/data/make_torch_vectors.py again")
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]


def _factor(grad, of_sum):
    """Return the number that `of_sum` must be multiplied with to give `grad`; NaN where PyTorch divided by 0."""
    if not np.isfinite(grad).all():
        return np.nan
    if not of_sum.any():
        assert not grad.any()
        return 0.0
    factor = np.vdot(grad, of_sum) / np.vdot(of_sum, of_sum)
    np.testing.assert_allclose(grad, factor * of_sum, rtol=0, atol=16 * np.finfo(grad.dtype).eps * np.abs(grad).max())
    return float(factor)
