"""What papers add to the loss: a z-loss, a focal weight, a teacher, a soft cap. Chapter 12 derives the gradients."""

import torch
from torch import Tensor

from ._checks import check_floats, check_number
from ._fits import check_indices
from ._numbers import widened
from ._targets import make_target
from .accurate_loss import Surprisal, cross_entropy


def z_loss(logits: Tensor, targets: Tensor, *, strength: float = 1e-4, ignore_index: int = -100,
           reduction: str = "mean") -> Tensor:  # fmt: skip
    """Return the mean of L + λ (log Σ_j e^{z_j})², the loss with a pull of log-sum-exp towards 0, in nats.

    >>> z_loss(torch.tensor([1.0, 2.0, 0.5]), torch.tensor(1), strength=0.1)
    tensor(1.0717)
    """
    check_floats(logits=logits)
    check_number("strength", strength, "be at least 0", strength >= 0)
    surprisal = Surprisal.apply(logits)
    target = make_target(targets, surprisal, logits.shape[-1], None, ignore_index, 0.0, reduction)
    lse = widened(logits).masked_fill((target.counted == 0).unsqueeze(-1), 0).logsumexp(-1)
    losses = target.weigh(surprisal) + target.counted * strength * lse**2
    return target.reduce(losses, reduction).to(logits.dtype)


def focal_loss(logits: Tensor, targets: Tensor, *, gamma: float = 2.0, ignore_index: int = -100,
               reduction: str = "mean") -> Tensor:  # fmt: skip
    """Return −(1 − q_y)^γ log q_y, in nats, for class indices; 1 − q_y is −expm1(log q_y), and keeps its digits.

    It is not proper: the q of least loss is no longer the probability. A true class that is masked has loss inf.

    >>> focal_loss(torch.tensor([1.0, 2.0, 0.5]), torch.tensor(1))
    tensor(0.0641)
    """
    check_floats(logits=logits)
    check_indices(targets)
    check_number("gamma", gamma, "be at least 0", gamma >= 0)
    surprisal = Surprisal.apply(logits)
    target = make_target(targets, surprisal, logits.shape[-1], None, ignore_index, 0.0, reduction)
    loss = target.weigh(surprisal)
    finite = loss.masked_fill(loss == torch.inf, 1)  # ∞ has the factor 1, whose slope, 0, times ∞ would be NaN
    missing = (-(-finite).expm1()).clamp_min(torch.finfo(loss.dtype).tiny)  # a power of 0 may have no derivative
    losses = torch.where(loss == torch.inf, loss, missing**gamma * finite)
    return target.reduce(losses, reduction).to(logits.dtype)


def distillation_loss(logits: Tensor, teacher_logits: Tensor, *, temperature: float,
                      reduction: str = "mean") -> Tensor:  # fmt: skip
    """Return T² times the cross-entropy of softmax(z/T) against the teacher's softmax(v/T), in nats.

    T² keeps the gradient's size when T is varied. The KL divergence, `F.kl_div`, is less by T² times the teacher's
    entropy, and has the same gradient. The teacher gets none.

    >>> distillation_loss(torch.tensor([1.0, 2.0, 0.5]), torch.tensor([0.0, 3.0, 1.5]), temperature=4.0)
    tensor(17.2265)
    """
    check_floats(logits=logits, teacher_logits=teacher_logits)
    check_number("temperature", temperature, "be positive", temperature > 0)
    soft = (widened(teacher_logits.detach()) / temperature).softmax(-1)
    loss = cross_entropy(widened(logits) / temperature, soft, reduction=reduction)
    return (temperature**2 * loss).to(logits.dtype)


def soft_cap(logits: Tensor, cap: float) -> Tensor:
    """Return c tanh(z / c), logits within (−c, c), to be handed to the loss. Mask classes afterwards: −∞ becomes −c.

    >>> soft_cap(torch.tensor([1.0, 2.0, 100.0]), 4.0)
    tensor([0.9797, 1.8485, 4.0000])
    """
    check_floats(logits=logits)
    check_number("cap", cap, "be positive", cap > 0)
    return cap * (logits / cap).tanh()
