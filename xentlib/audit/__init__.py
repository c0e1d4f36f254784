"""Is my cross-entropy right? Try it on inputs whose answers are known, and name the mistake.

>>> from xentlib import softmax_cross_entropy_with_grad
>>> from xentlib.audit import audit
>>> audit(softmax_cross_entropy_with_grad).ok
True
"""

from __future__ import annotations

from typing import Literal, Unpack

from xentlib._validate import check_choice
from xentlib.audit.calling import Caller, Loss, adapter_of
from xentlib.audit.combinations import try_combinations
from xentlib.audit.report import Report, report_on
from xentlib.audit.vectors import Options

__all__ = ["Report", "audit"]


def audit(
    loss: Loss,
    *,
    dtype: Literal["float64", "float32", "float16", "bfloat16"] = "float64",
    framework: Literal["torch", "jax"] | None = None,
    time_limit: float = 10.0,
    **options: Unpack[Options],
) -> Report:
    """Try a softmax cross-entropy, L = −z_y + log Σ_j e^{z_j}, on inputs whose answers are known.

    Parameters
    ----------
    loss : callable
        `loss(logits, targets, **options)` for logits of shape (N, K) and class indices of shape (N,). It returns the
        mean loss, in nats, or the loss and its gradient, of shape (N, K).
    dtype : {"float64", "float32", "float16", "bfloat16"}
        Of the logits. Tolerances follow it.
    framework : {"torch", "jax"}, optional
        Whose tensors are handed over. A gradient that the loss does not return is then taken by autograd. Without it
        the loss gets NumPy arrays, which have no bfloat16.
    time_limit : float
        Seconds for a single call, 10 by default. A loss that takes longer is not called again.
    label_smoothing, ignore_index, class_weights, reduction
        Passed on to the loss, if given: each alone, in pairs, and all together. They mean what they mean in PyTorch. K
        is the length of `class_weights`.

    Returns
    -------
    Report
        `report.ok` is False if anything is wrong; `print(report)` says what, and which known mistake gives these
        numbers.

    Raises
    ------
    TypeError
        If the loss cannot be called, or an option has another name.
    ValueError
        If there is no such dtype, framework or reduction, or an option is out of its range.
    ImportError
        If the framework is not installed.

    Notes
    -----
    Each finding has a severity. **wrong** is another function, or a call that raises, hangs, changes its input or
    returns what nobody asked for. **range** is a result that is not finite though the right one is, or the reverse.
    **accuracy** is digits lost beyond what a careful program loses; it is a note, and leaves the report ok. Chapter 15
    has the mistakes.

    The loss runs in this process, in a thread. It gets copies, and whatever it raises is caught, but it is not
    locked in: a crash, or C code that keeps Python's lock for ever, ends the audit too.

    Examples
    --------
    >>> import numpy as np
    >>> def wrong(logits, targets):
    ...     q = np.exp(logits - logits.max(axis=0))
    ...     q /= q.sum(axis=0)
    ...     return -np.log(q[np.arange(len(q)), targets]).mean()
    >>> report = audit(wrong)
    >>> report.ok, [mistake.name for mistake in report.mistakes]
    (False, ['softmax over the batch'])
    """
    if not callable(loss):
        raise TypeError(f"loss must be callable; got {loss!r}")
    _check_options(options)
    if not time_limit > 0:
        raise ValueError(f"time_limit must be positive; got {time_limit!r}")
    caller = Caller(loss, adapter_of(framework, dtype), options, time_limit)
    trials = try_combinations(caller, dtype)
    caller.close()
    name = getattr(loss, "__name__", type(loss).__name__)
    return report_on(name, dtype, trials, by_autograd=framework is not None, hung=caller.hung)


def _check_options(options: Options) -> None:
    unknown = set(options) - set(Options.__annotations__)
    if unknown:
        raise TypeError(f"options are {', '.join(Options.__annotations__)}; got {', '.join(sorted(unknown))}")
    if "reduction" in options:
        check_choice("reduction", options["reduction"], ("none", "sum", "mean"))
    if not 0 <= options.get("label_smoothing", 0.0) <= 1:
        raise ValueError(f"label_smoothing must lie in [0, 1]; got {options['label_smoothing']!r}")
    weights = options.get("class_weights")
    if weights is not None and (len(weights) < 2 or not all(0 < w < float("inf") for w in weights)):
        raise ValueError(f"class_weights must be at least 2 positive numbers; got {weights!r}")
