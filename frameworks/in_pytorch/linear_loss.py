"""The loss of a linear layer, in blocks of the vocabulary: its logits are made twice, and their table is never held."""

from typing import Any

import torch
from torch import Tensor

from ._fits import check_layer
from ._fold import Fold, fold_of
from ._numbers import refuse_second_derivative, widened
from ._targets import Target, make_target


class LinearSurprisal(torch.autograd.Function):
    """Σ_i t_i (−log q_i) of each row, and the gradients of x, W and b."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None,
                target: Target, block: int) -> Tensor:  # fmt: skip
        """Fold the blocks; keep a few numbers of each row."""

        def fold_at(first: int) -> Fold:
            """Return the fold of a block."""
            z = logits(x, weight, bias, first, block)
            return Fold.of(z, target.block(first, first + block), first)

        ctx.target, ctx.block = target, block
        fold = fold_of(map(fold_at, range(0, len(weight), block)))
        ctx.save_for_backward(x, weight, bias, *fold)
        return fold.loss()

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor | None, ...]:
        """Return ∂L/∂x = Σ_blocks G W, ∂L/∂W = Gᵀ x and ∂L/∂b, where G = (Σt) q − t."""
        refuse_second_derivative()
        x, weight, bias, *fold = ctx.saved_tensors
        for_x, for_weight = torch.zeros_like(widened(x)), torch.empty_like(weight)
        for_bias = None if bias is None else torch.empty_like(bias)
        for first in range(0, len(weight), ctx.block):
            part = slice(first, first + ctx.block)
            z = logits(x, weight, bias, first, ctx.block)
            g = Fold(*fold).gradient(z, ctx.target.block(first, part.stop), first)
            g = g * scale.unsqueeze(-1)
            for_x, rows = for_x + product(g, weight[part]), g.reshape(-1, z.shape[-1])
            for_weight[part] = product(rows.mT, x.reshape(-1, x.shape[-1]))
            if for_bias is not None:
                for_bias[part] = rows.sum(0)
        return for_x.to(x.dtype), for_weight, for_bias, None, None


def product(a: Tensor, b: Tensor) -> Tensor:
    """Return a b in float32 at least, under autocast too: 16 bits are for storing."""
    with torch.autocast(a.device.type, enabled=False):
        return widened(a) @ widened(b)


def logits(x: Tensor, weight: Tensor, bias: Tensor | None, first: int, block: int) -> Tensor:
    """Return the logits of a block of classes."""
    z = product(x, weight[first : first + block].mT)
    return z if bias is None else z + bias[first : first + block]


def linear_cross_entropy(features: Tensor, weight: Tensor, targets: Tensor, bias: Tensor | None = None, *,
                         block: int = 1024, class_weights: Tensor | None = None, ignore_index: int = -100,
                         label_smoothing: float = 0.0, reduction: str = "mean") -> Tensor:  # fmt: skip
    """Return the loss in nats of features (..., D), weight (K, D), bias (K,) and class indices or distributions.

    `block` is how many classes are worked out at a time; all else is as for `accurate_loss.cross_entropy`.

    >>> linear_cross_entropy(torch.eye(2), torch.tensor([[1.0, 0.0], [2.0, 0.5], [0.5, 1.0]]), torch.tensor([1, 2]))
    tensor(0.5723)
    """
    check_layer(features, weight, bias, targets, block)
    rows = widened(features[..., :1])
    target = make_target(targets, rows, len(weight), class_weights, ignore_index, label_smoothing, reduction)
    loss = target.reduce(LinearSurprisal.apply(features, weight, bias, target, block), reduction)
    return loss if torch.is_autocast_enabled(features.device.type) else loss.to(features.dtype)
