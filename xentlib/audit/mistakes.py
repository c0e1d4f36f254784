"""Known mistakes, each a small function that makes it.

They come from the exhibits of chapter 15, from what learners write in the exercises, and from public reports. A mistake
takes logits (in the dtype of the audit, or float32 for bfloat16), labels and the options of the loss, and returns loss
and gradient. Those about mathematics start from the right parts, `Parts`, in float64, and spoil one; those about
rounding compute in the dtype that they are given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentlib.audit.calling import incoming
from xentlib.audit.vectors import FORMATS, Options

Array = NDArray[Any]
Result = tuple[Any, Any]
EVERY_DTYPE = tuple(FORMATS)


@dataclass(frozen=True, eq=False)
class KnownMistake:
    """A mistake, what to do about it, and where the book shows it."""

    name: str
    remedy: str
    exhibit: str
    function: Callable[..., Result]
    options: Options = field(default_factory=lambda: Options())  #: under which it shows
    dtypes: tuple[str, ...] = EVERY_DTYPE  #: in which it shows: others are too coarse, or wide enough
    by_autograd: bool = False  #: whether a framework must take the gradient


KNOWN: list[KnownMistake] = []


def known(
    remedy: str,
    exhibit: str,
    options: Options | None = None,
    dtypes: tuple[str, ...] = EVERY_DTYPE,
    by_autograd: bool = False,
    name: str = "",
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Add a mistake to the known ones, under the name of its function unless another is given."""

    def add(function: Callable[..., Result]) -> Callable[..., Result]:
        KNOWN.append(
            KnownMistake(
                name or function.__name__.replace("_", " "),
                remedy,
                exhibit,
                function,
                options or Options(),
                dtypes,
                by_autograd,
            )
        )
        return function

    return add


# The right loss in parts


class Parts:
    """Everything that the right loss is made of, in float64."""

    def __init__(self, logits: Array, labels: Array, options: Options) -> None:
        self.z, self.y = np.asarray(logits, np.float64), labels
        self.n_rows, self.n_classes = self.z.shape
        self.reduction = options.get("reduction", "mean")
        self.smoothing = options.get("label_smoothing", 0.0)
        self.counted = labels != options.get("ignore_index", None)
        self.label = np.where(self.counted, labels, 0)
        self.onehot = (np.arange(self.n_classes) == self.label[:, np.newaxis]).astype(float)
        weights = options.get("class_weights")
        self.weights = np.ones(self.n_classes) if weights is None else np.asarray(weights, np.float64)
        self.log_q, self.q = _softmax_of(self.z.tobytes(), self.z.shape)
        self.target = self.weights * ((1 - self.smoothing) * self.onehot + self.smoothing / self.n_classes)
        self.count = (self.weights[self.label] * self.counted).sum()

    def losses(self, target: Array | None = None, log_q: Array | None = None) -> Array:
        """Return −Σ t log q of each sample, 0 of those that do not count."""
        target, log_q = self.target if target is None else target, self.log_q if log_q is None else log_q
        return np.where(self.counted, -np.where(target == 0, 0, target * log_q).sum(axis=1), 0)

    def slopes(self, target: Array | None = None, q: Array | None = None) -> Array:
        """Return (Σt) q − t of each sample, 0 of those that do not count."""
        target = self.target if target is None else target
        slopes = target.sum(axis=1, keepdims=True) * (self.q if q is None else q) - target
        if q is None:  # the rows sum to 0, and q − 1 would lose the digits of the largest target
            top = target.argmax(axis=1)[:, np.newaxis]
            np.put_along_axis(slopes, top, 0, axis=1)
            np.put_along_axis(slopes, top, -slopes.sum(axis=1, keepdims=True), axis=1)
        return self.counted[:, np.newaxis] * slopes

    def reduce(self, losses: Array, slopes: Array, count: Any = None, grad_count: Any = None) -> Result:
        """Return loss and gradient of the reduction; a mean divides by `count`, the gradient by its own if given."""
        if self.reduction == "none":
            return losses, slopes
        if self.reduction == "sum":
            return losses.sum(), slopes
        count = self.count if count is None else count
        if not self.counted.any():
            return 0.0, 0 * slopes
        return losses.sum() / count, slopes / (count if grad_count is None else grad_count)

    def with_target(self, target: Array) -> Result:
        """Return the right loss for another target."""
        return self.reduce(self.losses(target), self.slopes(target))


def log_softmax(z: Array) -> Array:
    """Return log-softmax of each row, with the largest class kept out of the sum, which keeps small losses."""
    top = z.argmax(axis=1)[:, np.newaxis]
    moved = z - np.take_along_axis(z, top, axis=1)
    powers = np.exp(moved)
    np.put_along_axis(powers, top, 0, axis=1)
    return moved - np.log1p(powers.sum(axis=1, keepdims=True))


@lru_cache(maxsize=100)
def _softmax_of(logits: bytes, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return log-softmax and softmax, cached, since every mistake asks for them."""
    log_q = log_softmax(np.frombuffer(logits).reshape(shape))
    return log_q, np.exp(log_q)


def right(logits: Array, labels: Array, **options: Any) -> Result:
    """Return the right loss and gradient."""
    parts = Parts(logits, labels, options)  # type: ignore[arg-type]
    return parts.reduce(parts.losses(), parts.slopes())


def pick(table: Array, labels: Array) -> Array:
    """Return the entry of each row that its label names."""
    return table[np.arange(len(labels)), labels]


def _simple(function: Callable[[Parts], Result]) -> Callable[..., Result]:
    """Turn a function of the parts into one of logits, labels and options."""

    def mistake(logits: Array, labels: Array, **options: Any) -> Result:
        return function(Parts(logits, labels, options))  # type: ignore[arg-type]

    mistake.__name__ = getattr(function, "__name__", "mistake")
    return mistake


def of_parts(
    remedy: str, exhibit: str, options: Options | None = None, dtypes: tuple[str, ...] = EVERY_DTYPE
) -> Callable[[Callable[[Parts], Result]], Callable[..., Result]]:
    """Add a mistake that is a function of the parts."""
    return lambda function: known(remedy, exhibit, options, dtypes)(_simple(function))


# The wrong function


@of_parts("Delete a softmax: the loss takes logits.", "exhibit 1")
def softmax_twice(p: Parts) -> Result:
    outer = log_softmax(p.q)
    slopes = p.slopes(q=np.exp(outer))
    back = p.q * (slopes - (p.q * slopes).sum(axis=1, keepdims=True))
    return p.reduce(p.losses(log_q=outer), back)


def _with_epsilon(p: Parts, epsilon: float) -> Result:
    with_grad = p.target * p.q / (p.q + epsilon)
    return p.reduce(p.losses(log_q=np.log(p.q + epsilon)), p.slopes(with_grad))


for _epsilon in ("1e-7", "1e-8", "1e-12"):
    known("Compute from logits: log-softmax needs no ε.", "exhibit 2", name=f"epsilon of {_epsilon} in the log")(
        _simple(partial(_with_epsilon, epsilon=float(_epsilon)))
    )


def _clipped(p: Parts, epsilon: float) -> Result:
    inside = (p.q >= epsilon) & (p.q <= 1 - epsilon)
    return p.reduce(p.losses(log_q=np.log(np.clip(p.q, epsilon, 1 - epsilon))), p.slopes(p.target * inside))


for _epsilon in ("1e-7", "1e-15"):
    known("Compute from logits: log-softmax needs no clip.", "exhibit 2", name=f"probabilities clipped at {_epsilon}")(
        _simple(partial(_clipped, epsilon=float(_epsilon)))
    )


@of_parts("Do not clamp: log-softmax is finite for finite logits.", "exhibit 2")
def log_clamped_at_minus_100(p: Parts) -> Result:
    log_q = np.maximum(p.log_q, -100)
    return p.reduce(p.losses(log_q=log_q), p.slopes(p.target * (p.log_q >= -100)))


@of_parts("The Jacobian of softmax is diag(q) − q qᵀ, and the gradient q − p.", "exhibit 4")
def diagonal_jacobian(p: Parts) -> Result:
    return p.reduce(p.losses(), -(1 - p.q) * p.target)


@of_parts("Use the natural logarithm throughout.", "exhibit 5")
def loss_in_bits(p: Parts) -> Result:
    loss, grad = p.reduce(p.losses(), p.slopes())
    return loss / np.log(2), grad


@of_parts("Use the natural logarithm, or say that you count in bits.", "exhibit 5")
def loss_and_gradient_in_bits(p: Parts) -> Result:
    return p.reduce(p.losses() / np.log(2), p.slopes() / np.log(2))


@of_parts("`log10` is not `log`: use the natural logarithm.", "chapter 2")
def loss_in_decimal_digits(p: Parts) -> Result:
    loss, grad = p.reduce(p.losses(), p.slopes())
    return loss / np.log(10), grad


@of_parts("The loss is minus the logarithm: turn the sign of the loss.", "chapter 4")
def sign_of_the_loss_forgotten(p: Parts) -> Result:
    return p.reduce(-p.losses(), p.slopes())


@of_parts("The gradient is q − p, the way up: turn its sign.", "chapter 5")
def gradient_points_downhill(p: Parts) -> Result:
    return p.reduce(p.losses(), -p.slopes())


@of_parts("Subtract the target: the gradient is q − p.", "chapter 5")
def gradient_without_the_target(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes() + p.counted[:, np.newaxis] * p.target)


@of_parts("This is ∂L/∂q. Go on to the logits: ∂L/∂z = q − p.", "chapter 6")
def gradient_of_the_probabilities(p: Parts) -> Result:
    return p.reduce(p.losses(), np.where(p.target == 0, 0, -p.target / p.q))


@of_parts("`nll_loss` takes log-probabilities: apply log-softmax first.", "chapter 4")
def logits_taken_for_log_probabilities(p: Parts) -> Result:
    return p.reduce(p.losses(log_q=p.z), -p.target * p.counted[:, np.newaxis])


@of_parts("Subtract the logit of the true class.", "chapter 4")
def log_sum_exp_without_the_score(p: Parts) -> Result:
    lse = (p.z - p.log_q).max(axis=1, initial=-np.inf, where=np.isfinite(p.z))
    return p.reduce(lse * p.counted, p.q * p.counted[:, np.newaxis])


@of_parts("The sum in log-sum-exp runs over all classes, the true one too.", "chapter 4")
def true_class_left_out_of_the_sum(p: Parts) -> Result:
    rivals = np.where(p.onehot == 1, -np.inf, p.z)
    top = rivals.max(axis=1)
    lse = top + np.log(np.exp(rivals - top[:, np.newaxis]).sum(axis=1))
    q = np.exp(rivals - lse[:, np.newaxis])
    return p.reduce((lse - pick(p.z, p.label)) * p.counted, (q - p.onehot) * p.counted[:, np.newaxis])


@of_parts("Use log-sum-exp, not the maximum: all rivals count.", "chapter 15, Break the probes")
def maximum_for_log_sum_exp(p: Parts) -> Result:
    top = p.z.max(axis=1, keepdims=True)
    winner = (p.z == top) / (p.z == top).sum(axis=1, keepdims=True)
    return p.reduce(p.losses(log_q=p.z - top), p.slopes(q=winner))


@of_parts("Every rival counts with its own logit.", "chapter 15, Break the probes")
def strongest_rival_counts_for_all(p: Parts) -> Result:
    true = p.onehot == 1
    best = np.where(true, -np.inf, p.z).max(axis=1, keepdims=True)
    log_q = log_softmax(np.where(true, p.z, best))
    grad = p.slopes(q=np.exp(log_q))
    blamed = ~true & (p.z == best)
    blame = -pick(grad, p.label)[:, np.newaxis] / np.maximum(blamed.sum(axis=1, keepdims=True), 1)
    return p.reduce(p.losses(log_q=log_q), np.where(true, grad, blamed * blame))


@of_parts("The classes exclude each other: softmax, not a sigmoid for each.", "chapter 4")
def sigmoid_for_each_class(p: Parts) -> Result:
    losses = np.logaddexp(0, np.where(p.onehot == 1, -p.z, p.z)).sum(axis=1)
    return p.reduce(losses * p.counted, (1 / (1 + np.exp(-p.z)) - p.onehot) * p.counted[:, np.newaxis])


@of_parts("This is the mean squared error of probabilities. Take −log q_y.", "chapter 10")
def squared_error_of_probabilities(p: Parts) -> Result:
    off = p.q - p.target
    back = p.q * (2 * off - (p.q * 2 * off).sum(axis=1, keepdims=True))
    return p.reduce((off**2).sum(axis=1) * p.counted, back * p.counted[:, np.newaxis])


@of_parts("Average the logarithms, not the probabilities.", "chapter 4")
def logarithm_of_the_mean_probability(p: Parts) -> Result:
    q_y = np.where(p.counted, pick(p.q, p.label), 0)
    slopes = p.slopes() * (q_y / q_y.sum() * p.counted.sum())[:, np.newaxis]
    loss = -np.log(q_y.sum() / max(p.counted.sum(), 1))
    return loss, p.reduce(p.losses(), slopes)[1]


@of_parts("Perplexity is e to the loss. Return the mean loss, in nats.", "exhibit 5")
def perplexity_for_the_loss(p: Parts) -> Result:
    loss, grad = p.reduce(p.losses(), p.slopes())
    return np.exp(loss), grad


@of_parts("The true distribution weighs the logarithms: −Σ p log q, not −Σ q log p.", "exhibit 26")
def truth_and_estimate_exchanged(p: Parts) -> Result:
    log_p = np.log(np.clip(p.target, 1e-7, 1))
    losses = -(p.q * log_p).sum(axis=1)
    return p.reduce(losses * p.counted, -p.q * (log_p + losses[:, np.newaxis]) * p.counted[:, np.newaxis])


@of_parts("Focal loss weighs the samples by (1 − q_y)². Say so, or set γ to 0.", "chapter 12")
def focal_loss_with_gamma_of_2(p: Parts) -> Result:
    q_y, log_q = pick(p.q, p.label), pick(p.log_q, p.label)
    factor = (1 - q_y) ** 2 - 2 * q_y * (1 - q_y) * np.where(q_y > 0, log_q, 0)
    return p.reduce(-((1 - q_y) ** 2) * log_q * p.counted, p.slopes() * factor[:, np.newaxis])


def _divided(p: Parts, temperature: float) -> tuple[Array, Array]:
    log_q = log_softmax(p.z / temperature)
    return p.losses(log_q=log_q), p.slopes(q=np.exp(log_q))


@of_parts("The logits were divided by a temperature of 2 that nobody asked for.", "exercise 15.5")
def logits_divided_by_2(p: Parts) -> Result:
    losses, slopes = _divided(p, 2)
    return p.reduce(losses, slopes / 2)


@of_parts("By the chain rule a temperature T divides the gradient too.", "chapter 12")
def temperature_of_2_forgotten_in_the_gradient(p: Parts) -> Result:
    return p.reduce(*_divided(p, 2))


def _z_loss(p: Parts) -> Array:
    lse = (p.z - p.log_q).max(axis=1, initial=-np.inf, where=np.isfinite(p.z))
    return lse * p.counted


@of_parts("The gradient of λ lse² is 2 λ lse q: add it, or leave the z-loss out.", "chapter 12")
def z_loss_forgotten_in_the_gradient(p: Parts) -> Result:
    return p.reduce(p.losses() + 1e-4 * _z_loss(p) ** 2, p.slopes())


@of_parts("A z-loss of 1e-4 is added that nobody asked for.", "chapter 12")
def z_loss_by_default(p: Parts) -> Result:
    lse = _z_loss(p)
    return p.reduce(p.losses() + 1e-4 * lse**2, p.slopes() + 2e-4 * lse[:, np.newaxis] * p.q)


@of_parts("A smoothing of 0.1 is on that nobody asked for.", "chapter 12")
def label_smoothing_by_default(p: Parts) -> Result:
    return p.with_target(0.9 * p.target + 0.1 / p.n_classes)


# The wrong numbers


def _numerically(
    logits: Array, labels: Array, losses: Array, q: Array, options: Any, exact_grad: bool = True
) -> Result:
    """Combine losses and probabilities that were computed in the dtype."""
    p = Parts(logits, labels, options)
    with np.errstate(all="ignore"):
        slopes = p.slopes() if exact_grad else p.slopes(q=q)
        return p.reduce(np.where(p.counted, losses, 0), slopes)


@known("Subtract the maximum of each row before the exponential.", "chapter 11")
def no_shift(logits: Array, labels: Array, **options: Any) -> Result:
    p = Parts(logits, labels, options)  # type: ignore[arg-type]
    powers = np.exp(logits)
    q = powers / powers.sum(axis=1, keepdims=True)
    return _numerically(logits, labels, p.losses(log_q=np.log(q)), q, options, exact_grad=False)


@known("Take the maximum of each row, with its axis: `z.max(axis=-1, keepdims=True)`.", "chapter 11")
def shift_by_the_maximum_of_the_batch(logits: Array, labels: Array, **options: Any) -> Result:
    p = Parts(logits, labels, options)  # type: ignore[arg-type]
    powers = np.exp(logits - logits.max())
    total = powers.sum(axis=1, keepdims=True)
    log_q = logits - logits.max() - np.log(total)
    return _numerically(logits, labels, p.losses(log_q=log_q), powers / total, options, exact_grad=False)


@known("Take the maximum of each row, not the mean: a logit far above the mean overflows.", "chapter 2")
def shift_by_the_mean(logits: Array, labels: Array, **options: Any) -> Result:
    p = Parts(logits, labels, options)  # type: ignore[arg-type]
    powers = np.exp(logits - logits.mean(axis=1, keepdims=True))
    q = powers / powers.sum(axis=1, keepdims=True)
    return _numerically(logits, labels, p.losses(log_q=np.log(q)), q, options, exact_grad=False)


@known("Take the logarithm on paper: log-softmax, not the logarithm of softmax.", "exhibit 6")
def log_of_softmax(logits: Array, labels: Array, **options: Any) -> Result:
    p = Parts(logits, labels, options)  # type: ignore[arg-type]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    q = powers / powers.sum(axis=1, keepdims=True)
    return _numerically(logits, labels, p.losses(log_q=np.log(q)), q, options)


@known("Keep the true class out of the sum: log1p(Σ e^(z_j − z_y)).", "exhibit 7", dtypes=("float64", "float32"))
def log_sum_exp_less_the_score(logits: Array, labels: Array, **options: Any) -> Result:
    p = Parts(logits, labels, options)  # type: ignore[arg-type]
    top = logits.max(axis=1, keepdims=True)
    lse = top + np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return _numerically(logits, labels, p.losses(log_q=logits - lse), p.q, options)


@known("Keep the true class out of the sum: log1p(Σ e^(z_j − z_y)), and minus the sum of the others for its slope.",
       "chapter 11")  # fmt: skip
def shift_of_the_textbook(logits: Array, labels: Array, **options: Any) -> Result:
    p = Parts(logits, labels, options)  # type: ignore[arg-type]
    moved = logits - logits.max(axis=1, keepdims=True)
    log_q = moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))
    return _numerically(logits, labels, p.losses(log_q=log_q), np.exp(log_q), options, exact_grad=False)


@known("Of the true class the slope is minus the sum of the others: q − 1 rounds to 0.", "exhibit 8")
def q_minus_one(logits: Array, labels: Array, **options: Any) -> Result:
    p = Parts(logits, labels, options)  # type: ignore[arg-type]
    q = p.q.astype(logits.dtype)
    return _numerically(logits, labels, p.losses(), q, options, exact_grad=False)


@of_parts("Sum in float32, and narrow the result.", "exhibit 9")
def sum_in_half_precision(p: Parts) -> Result:
    losses, slopes = p.losses().astype(np.float16), p.slopes()
    return p.reduce(np.cumsum(losses, dtype=np.float16)[-1:], slopes) if p.reduction != "none" else (losses, slopes)


@of_parts("The losses were rounded to 8 bits. Keep them in float32.", "exhibit 9", dtypes=("float64", "float32"))
def losses_rounded_to_bfloat16(p: Parts) -> Result:
    mantissa, exponent = np.frexp(p.losses())
    return p.reduce(np.ldexp(np.round(mantissa * 256) / 256, exponent), p.slopes())


@of_parts("The losses were rounded to hundredths. Round what is shown, not what is returned.", "chapter 4",
          dtypes=("float64", "float32"))  # fmt: skip
def losses_rounded_to_hundredths(p: Parts) -> Result:
    return p.reduce(np.round(p.losses(), 2), p.slopes())


@of_parts("Where the target is 0 the product is 0: leave these terms out.", "exhibit 10")
def masked_class_gives_nan(p: Parts) -> Result:
    return p.reduce(-(p.target * p.log_q).sum(axis=1) * p.counted, p.slopes())


@of_parts("Mask with −∞: −10,000 is finite, and the loss of a masked class is not.", "chapter 11")
def mask_is_a_finite_number(p: Parts) -> Result:
    z = np.where(np.isfinite(p.z), p.z, -1e4)
    log_q = log_softmax(z)
    return p.reduce(p.losses(log_q=log_q), p.slopes(q=np.exp(log_q)))


@of_parts("Mask with −∞: a logit of 0 takes part.", "exhibit 27")
def mask_multiplies_the_logit(p: Parts) -> Result:
    log_q = log_softmax(np.where(np.isfinite(p.z), p.z, 0))
    return p.reduce(p.losses(log_q=log_q), p.slopes(q=np.exp(log_q)))


@known("Write `z = z - …`, not `z -= …`: the caller still holds the array.", "exhibit 12")
def input_shifted_in_place(logits: Array, labels: Array, **options: Any) -> Result:
    result = right(logits, labels, **options)
    logits -= logits.max(axis=1, keepdims=True)
    return result


# The wrong reduction


@of_parts("The gradient of a mean carries the 1/N.", "exhibit 13")
def gradient_without_N(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes(), grad_count=1)


@of_parts("Divide the gradient by N once.", "chapter 3")
def gradient_divided_by_N_twice(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes(), grad_count=p.count**2)


@of_parts("Divide by the number of samples, or ask for reduction='sum'.", "exhibit 13")
def sum_for_a_mean(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes(), count=1)


@of_parts("The classes are terms of one loss: add them, and average over the samples.", "exhibit 14")
def mean_over_classes(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes(), count=p.count * p.n_classes)


@of_parts("The classes are terms of one loss: add them. The gradient is right.", "exhibit 14")
def mean_over_classes_in_the_loss(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes(), count=p.count * p.n_classes, grad_count=p.count)


@of_parts("Divide by the number of samples, N, not of classes, K.", "chapter 3")
def divided_by_K_for_N(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes(), count=p.n_classes)


@of_parts("The unbiased variance has N − 1; a mean has N.", "chapter 4")
def divided_by_N_minus_1(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes(), count=p.count - 1)


def _in_parts(p: Parts, size: int, divide: bool) -> Result:
    """Cut the batch into parts, take the mean of each, and add them or average them."""
    cuts = [slice(start, start + size) for start in range(0, p.n_rows, size)]
    counts = [(p.weights[p.label] * p.counted)[cut].sum() for cut in cuts]
    losses, slopes = p.losses(), p.slopes()
    loss, grad = 0.0, np.zeros_like(slopes)
    for cut, count in zip(cuts, counts, strict=True):
        share = (count or 1.0) * (len(cuts) if divide else 1)
        loss += losses[cut].sum() / share
        grad[cut] = slopes[cut] / share
    return loss, grad


@of_parts("Weigh the mean of each part by the number that counts in it.", "exhibit 18; exercise 15.3")
def mean_of_the_means_of_pairs(p: Parts) -> Result:
    return _in_parts(p, 2, divide=True)


@of_parts("Divide by the number of all samples before you accumulate the gradient.", "exercise 15.3")
def means_of_pairs_added_up(p: Parts) -> Result:
    return _in_parts(p, 2, divide=False)


@of_parts("Pass the reduction on: a mean came where a sum was asked for.", "exhibit 13", Options(reduction="sum"))
def mean_for_a_sum(p: Parts) -> Result:
    p.reduction = "mean"
    return p.reduce(p.losses(), p.slopes())


# Seen in cuDNN's CTC loss: https://github.com/pytorch/pytorch/issues/21961
@known(
    "Multiply by the gradient that comes in: the loss may be scaled, or one of several.", "chapter 5", by_autograd=True
)
def incoming_gradient_ignored(logits: Array, labels: Array, **options: Any) -> Result:
    loss, grad = right(logits, labels, **options)
    factors = incoming(np.shape(loss))
    return loss, grad / (factors[:, np.newaxis] if factors.ndim else factors)


# The wrong axis or label


@of_parts("Softmax runs over the classes, the last axis: `axis=-1`.", "exhibit 19")
def softmax_over_the_batch(p: Parts) -> Result:
    top = p.z.max(axis=0)
    log_q = p.z - top - np.log(np.exp(p.z - top).sum(axis=0))
    return p.reduce(p.losses(log_q=log_q), p.onehot.sum(axis=0) * np.exp(log_q) - p.onehot)


@of_parts("Softmax runs over the classes alone: give the sum its axis.", "chapter 2")
def softmax_over_everything(p: Parts) -> Result:
    log_q = log_softmax(p.z.reshape(1, -1)).reshape(p.z.shape)
    return p.reduce(p.losses(log_q=log_q), p.counted.sum() * np.exp(log_q) - p.onehot)


@of_parts("Labels count from 0 already: do not subtract 1.", "exhibit 20")
def label_less_1(p: Parts) -> Result:
    return p.with_target(p.weights * np.roll(p.onehot, -1, axis=1))


@of_parts("Labels count from 0: do not add 1.", "exhibit 20")
def label_plus_1(p: Parts) -> Result:
    return p.with_target(p.weights * np.roll(p.onehot, 1, axis=1))


@of_parts("Nothing shifts the labels but the loader: they were moved by a sample.", "exhibit 28")
def labels_shifted_by_a_sample(p: Parts) -> Result:
    return p.with_target(np.roll(p.target, -1, axis=0))


@of_parts("Labels must have the shape (N,): a column broadcasts to N × N.", "exhibit 21")
def labels_in_a_column(p: Parts) -> Result:
    return p.with_target(np.tile(p.target.mean(axis=0), (p.n_rows, 1)))


@of_parts("The label is what was observed, not the class that leads.", "chapter 4")
def leading_class_for_the_label(p: Parts) -> Result:
    return p.with_target(np.eye(p.n_classes)[p.z.argmax(axis=1)])


# Options

SMOOTH = Options(label_smoothing=0.125)
IGNORE = Options(ignore_index=1)
WEIGHTED = Options(class_weights=[1.0, 2.0, 0.5])
SMOOTH_WEIGHTED = Options(label_smoothing=0.125, class_weights=[1.0, 2.0, 0.5])
SMOOTH_IGNORE = Options(label_smoothing=0.125, ignore_index=1)


@of_parts("Pass label_smoothing on.", "exhibit 24", SMOOTH)
def smoothing_forgotten(p: Parts) -> Result:
    return p.with_target(p.weights * p.onehot)


@of_parts("Smooth the target of the gradient too: q − p with the smoothed p.", "exhibit 24", SMOOTH)
def smoothing_forgotten_in_the_gradient(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes(p.weights * p.onehot))


@of_parts("ε is spread over all K classes, the true one too: 1 − ε + ε/K for it.", "exhibit 24", SMOOTH)
def smoothing_over_the_others(p: Parts) -> Result:
    others = p.smoothing / (p.n_classes - 1)
    return p.with_target(p.weights * np.where(p.onehot == 1, 1 - p.smoothing, others))


@of_parts("Add ε/K, not ε/(K − 1): the target must sum to 1.", "exhibits 23 and 24", SMOOTH)
def smoothed_target_does_not_sum_to_1(p: Parts) -> Result:
    return p.with_target(p.weights * ((1 - p.smoothing) * p.onehot + p.smoothing / (p.n_classes - 1)))


@of_parts("Divide by K: ε is the sum of what is spread, not the part of one class.", "exhibit 24", SMOOTH)
def smoothing_of_epsilon_for_each_class(p: Parts) -> Result:
    return p.with_target(p.weights * ((1 - p.smoothing) * p.onehot + p.smoothing))


@of_parts("The true class keeps 1 − ε of the target: multiply by it.", "exhibit 23", SMOOTH)
def smoothing_added_on_top(p: Parts) -> Result:
    return p.with_target(p.weights * (p.onehot + p.smoothing / p.n_classes))


@of_parts("Merge the mean of the log-probabilities over all shards.", "exhibit 25", SMOOTH)
def smoothing_over_one_shard(p: Parts) -> Result:
    first = np.arange(p.n_classes) < (p.n_classes + 1) // 2
    return p.with_target(p.weights * ((1 - p.smoothing) * p.onehot + p.smoothing * first / first.sum()))


@of_parts("In PyTorch each class of a smoothed target has its own weight, not that of the label.", "chapter 12",
          SMOOTH_WEIGHTED)  # fmt: skip
def smoothing_weighted_by_the_label(p: Parts) -> Result:
    unweighted = (1 - p.smoothing) * p.onehot + p.smoothing / p.n_classes
    return p.with_target(p.weights[p.label][:, np.newaxis] * unweighted)


@of_parts("Weigh the smoothed part too.", "chapter 12", SMOOTH_WEIGHTED)
def smoothed_part_without_weights(p: Parts) -> Result:
    return p.with_target((1 - p.smoothing) * p.weights * p.onehot + p.smoothing / p.n_classes)


@of_parts("Leave ignored samples out of the smoothed part as well.", "chapter 12", SMOOTH_IGNORE)
def smoothing_counts_ignored_samples(p: Parts) -> Result:
    part = p.smoothing / p.n_classes
    hidden = ~p.counted
    extra = -part * p.log_q.sum(axis=1) if part else 0
    losses = np.where(hidden, extra, p.losses())
    slopes = np.where(hidden[:, np.newaxis], p.smoothing * p.q - part, p.slopes())
    return p.reduce(losses, slopes)


@of_parts("Pass ignore_index on: the ignored samples were counted.", "exhibit 29", IGNORE)
def ignored_samples_counted(p: Parts) -> Result:
    everyone = np.ones(p.n_rows, bool)
    label = np.where(p.y < 0, -1, p.y)  # as Python's own index −1 would
    p.onehot, p.counted = np.eye(p.n_classes)[label], everyone
    p.target = p.weights * ((1 - p.smoothing) * p.onehot + p.smoothing / p.n_classes)
    p.count = p.weights[label].sum()
    return p.reduce(p.losses(), p.slopes())


@of_parts("Divide by the number of samples that count, not by N.", "exhibit 15", IGNORE)
def mean_counts_ignored_samples(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes(), count=p.n_rows)


@of_parts("Divide the gradient by the number that counts, as the loss.", "exhibit 15", IGNORE)
def gradient_counts_ignored_samples(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes(), grad_count=p.n_rows)


@of_parts("Set the gradient of ignored samples to 0.", "exhibit 27", IGNORE)
def ignored_samples_keep_their_gradient(p: Parts) -> Result:
    return p.reduce(p.losses(), np.where(p.counted[:, np.newaxis], p.slopes(), p.q))


@of_parts("ignore_index skips samples. To remove a class, mask its logit.", "exhibit 27", IGNORE)
def ignored_class_masked(p: Parts) -> Result:
    z = p.z.copy()
    if np.any(~p.counted):
        z[:, p.y[~p.counted][0]] = -np.inf
    log_q = log_softmax(z)
    return p.reduce(p.losses(log_q=log_q), p.slopes(q=np.exp(log_q)))


@of_parts("Divide by at least 1: 0/0 spoils all weights at the next step.", "exhibit 16", IGNORE)
def nan_where_nothing_counts(p: Parts) -> Result:
    if not p.counted.any():
        return np.nan, np.full_like(p.z, np.nan)
    return p.reduce(p.losses(), p.slopes())


@of_parts("Pass class_weights on.", "exhibit 17", WEIGHTED)
def class_weights_forgotten(p: Parts) -> Result:
    p.count = p.counted.sum()
    return p.with_target((1 - p.smoothing) * p.onehot + p.smoothing / p.n_classes)


@of_parts("With index labels a mean divides by the sum of the weights, not by N.", "exhibit 17", WEIGHTED)
def weighted_mean_divides_by_N(p: Parts) -> Result:
    return p.reduce(p.losses(), p.slopes(), count=p.counted.sum())


@of_parts("Weigh the gradient too: it is w_y (q − p).", "exhibit 17", WEIGHTED)
def class_weights_forgotten_in_the_gradient(p: Parts) -> Result:
    unweighted = (1 - p.smoothing) * p.onehot + p.smoothing / p.n_classes
    return p.reduce(p.losses(), p.slopes(unweighted), grad_count=p.counted.sum())


@of_parts("Weights multiply the losses, not the logits.", "chapter 12", WEIGHTED)
def class_weights_multiply_the_logits(p: Parts) -> Result:
    log_q = log_softmax(p.weights * p.z)
    target = p.onehot
    p.count = p.counted.sum()
    return p.reduce(p.losses(target, log_q), p.weights * p.slopes(target, np.exp(log_q)))


@of_parts("The gradient is w_y (q − p) in all classes: w_i belongs to no column.", "chapter 12", WEIGHTED)
def class_weights_multiply_the_columns_of_the_gradient(p: Parts) -> Result:
    return p.reduce(p.losses(), p.weights * p.slopes((1 - p.smoothing) * p.onehot + p.smoothing / p.n_classes))
