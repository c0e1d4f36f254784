"""The temperature that makes a classifier's confidence honest, fitted on data that the classifier has not seen."""

import torch
from torch import Tensor

from ._checks import check_floats, check_targets
from ._fits import check_indices

IGNORED = -100  #: the label of a row that does not count


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the T > 0 for which the mean loss of logits / T is least, for logits (..., K) and class indices (...).

    A row with the label −100 does not count. Newton's method on β = 1/T, in which the loss is convex: its slope is the
    mean of Σ_j q_j z_j − z_y, its curvature the mean variance of z under q. A bracket that shrinks keeps it from
    leaping. In float64, whatever the dtype. Chapter 10 derives it. It is an error if no T is best: where the true class
    leads everywhere the best T is 0, and where the scores of the true classes are no better than the average ones, T is
    ∞.

    >>> sure = torch.tensor([[3.0, 0.0], [3.0, 0.0], [3.0, 0.0], [0.0, 3.0]])  # and right in three cases of four
    >>> round(fit_temperature(sure, torch.tensor([0, 0, 0, 0])), 6)  # 3 / log 3
    2.730718
    """
    check_floats(logits=logits)
    check_targets(labels, logits.shape, IGNORED, n_classes=logits.shape[-1])
    check_indices(labels)
    with torch.no_grad():
        z, y = logits[labels != IGNORED].double(), labels[labels != IGNORED].long()
        z = z - z.amax(-1, keepdim=True)
        z_y = z.gather(-1, y.unsqueeze(-1)).mean()
        check_temperature(z, z_y)
        low, high = 0.0, 1.0
        while slope_and_curvature(z, z_y, high)[0] < 0:
            low, high = high, 2 * high
        beta = high
        for _ in range(200):
            slope, curvature = slope_and_curvature(z, z_y, beta)
            low, high = (beta, high) if slope < 0 else (low, beta)
            newton = beta - slope / curvature if curvature > 0 else low
            step = (newton if low < newton < high else (low + high) / 2) - beta
            beta += step
            if abs(step) <= 1e-15 * beta:
                break
    return 1 / beta


def slope_and_curvature(z: Tensor, z_y: Tensor, beta: float) -> tuple[float, float]:
    """Return the first two derivatives of the mean loss by β."""
    q = (beta * z).softmax(-1)
    known = z.masked_fill(z == -torch.inf, 0)  # a masked class has q = 0
    mean = (q * known).sum(-1, keepdim=True)
    variance = (q * (known - mean) ** 2).sum(-1).mean()
    return float(mean.mean() - z_y), float(variance)


def check_temperature(z: Tensor, z_y: Tensor) -> None:
    """Refuse logits, less the largest of their row, whose loss has no least value at a finite T above 0."""
    if not bool(z_y.isfinite()):
        raise ValueError(f"logits must be finite at the labels, and there must be some; got a mean of {z_y.item()}")
    if z_y == 0:
        raise ValueError("labels must include one whose class does not lead, else T = 0 is best; got none")
    slope, _ = slope_and_curvature(z, z_y, 0.0)
    if slope >= 0:
        raise ValueError(
            f"logits must be higher for true classes than on average; got {slope:.3g} lower: T = ∞ is best"
        )
