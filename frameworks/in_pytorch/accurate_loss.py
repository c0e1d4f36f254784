"""Softmax cross-entropy with all its digits: L = (m − z_y) + log1p(Σ_{j≠a} e^{z_j − m}), m = z_a the largest logit.

>>> cross_entropy(torch.tensor([[0.0, 40.0]]), torch.tensor([1]))  # F.cross_entropy: 0
tensor(4.2484e-18)
"""

from typing import Any

import torch
from torch import Tensor

from ._checks import check_floats
from ._numbers import widened
from ._targets import make_target


class Surprisal(torch.autograd.Function):
    """−log q of each class, q = softmax(z). Nowhere is a 1 added to a small number, or taken from one near 1."""

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor) -> Tensor:
        """Return (m − z_i) + log1p(r), neither of which is negative. Sixteen bits are computed in 32."""
        z = widened(logits)
        m, a = z.max(-1, keepdim=True)
        return (m - z) + (z - m).exp().scatter(-1, a, 0).sum(-1, keepdim=True).log1p()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Keep the logits, from which all derivatives are made."""
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, t: Tensor) -> Tensor:
        """Return (Σt) q − t for a loss Σ_i t_i (−log q_i): of a sure class a as Σ_{j≠a} t_j − (Σt) Σ_{j≠a} q_j."""
        (logits,) = ctx.saved_tensors
        q = widened(logits).softmax(-1)
        q = q.masked_fill(q.isnan() & (t == 0).all(-1, keepdim=True), 0)  # an ignored row, whatever it holds
        q_a, a = q.max(-1, keepdim=True)
        mass, rivals = t.sum(-1, keepdim=True), q.scatter(-1, a, 0).sum(-1, keepdim=True)
        sure = t.scatter(-1, a, 0).sum(-1, keepdim=True) - mass * rivals
        grad = mass * q - t
        grad = grad.scatter(-1, a, torch.where(q_a > 0.5, sure, grad.gather(-1, a)))
        return grad.masked_fill(logits == -torch.inf, 0).to(logits.dtype)

    @staticmethod
    def jvp(ctx: Any, v: Tensor) -> Tensor:
        """Return Σ_j q_j v_j − v_i, v counted from the largest logit's. Nested `jacfwd` gives 0 (pytorch#197867)."""
        (logits,) = ctx.saved_tensors
        lead = widened(v) - widened(v).gather(-1, logits.argmax(-1, keepdim=True))
        return (widened(logits).softmax(-1) * lead).sum(-1, keepdim=True) - lead


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """Return the loss in nats of logits (..., K) and class indices (...) or distributions (..., K).

    The options mean what they mean to `F.cross_entropy`, whose classes are axis 1: here they are the last. The result
    has the dtype of the logits, under autocast float32. -inf masks a class, and a mean over nothing is 0. Shapes,
    labels and options that are wrong are errors; NaN and +inf among the logits make the loss NaN or inf.

    >>> cross_entropy(torch.tensor([1.0, 2.0, 0.5]), torch.tensor(1))
    tensor(0.4644)
    """
    check_floats(logits=logits)
    surprisal = Surprisal.apply(logits)
    target = make_target(targets, surprisal, logits.shape[-1], class_weights, ignore_index, label_smoothing, reduction)
    loss = target.reduce(target.weigh(surprisal), reduction)
    return loss if torch.is_autocast_enabled(logits.device.type) else loss.to(logits.dtype)
