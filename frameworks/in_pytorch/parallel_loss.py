"""The loss where each process of a group has the logits of some of the classes, and all have the same rows and targets.

The loss takes two all-reduces: of each row the largest logit, then three sums. Its gradient by the piece takes none.
That by the features is a sum over the pieces, which `features_of_all_pieces` makes on the way back. So the layer reads

    logits_piece = F.linear(features_of_all_pieces(features, group), weight_piece, bias_piece)
    vocab_parallel_cross_entropy(logits_piece, targets, first_class, group).backward()  # in every process
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from ._checks import check_floats
from ._fits import check_pieces
from ._numbers import refuse_second_derivative, widened
from ._pieces import PieceSurprisal
from ._targets import make_target


def vocab_parallel_cross_entropy(
    logits_piece: Tensor,
    targets: Tensor,
    first_class: int,
    group: Any = None,
    *,
    class_weights: Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """Return the loss in nats, the same in each process, of logits (..., K_piece) and class indices (...) in [0, K).

    The piece holds the classes from `first_class` on; pieces may be uneven. `targets`, and `class_weights` (K,), are
    about all K classes, and so is the smoothing, ε/K. `group=None` is the group of all processes. All options are as
    for `accurate_loss.cross_entropy`. Every process has to call it: one that raises leaves the others waiting.
    """
    check_floats(logits_piece=logits_piece)
    check_pieces(targets, first_class)
    top = widened(logits_piece.detach()).amax(-1)
    last = first_class + logits_piece.shape[-1]
    packed = torch.cat([top.flatten(), top.new_tensor([last])])
    dist.all_reduce(packed, dist.ReduceOp.MAX, group=group)
    m, n_classes = packed[:-1].reshape(top.shape), int(packed[-1])  # K is where the last piece ends
    target = make_target(targets, m.unsqueeze(-1), n_classes, class_weights, ignore_index, label_smoothing, reduction)
    loss = target.reduce(PieceSurprisal.apply(logits_piece, m, target, first_class, group), reduction)
    return loss if torch.is_autocast_enabled(logits_piece.device.type) else loss.to(logits_piece.dtype)


class SharedFeatures(torch.autograd.Function):
    """x as it is; on the way back the sum of what all pieces say of it."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, group: Any) -> Tensor:
        """Return x, and remember the group."""
        ctx.group = group
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Return the sum over the pieces, added up in float32 at least."""
        refuse_second_derivative()
        total = widened(grad).clone()
        dist.all_reduce(total, group=ctx.group)
        return total.to(grad.dtype), None


def features_of_all_pieces(features: Tensor, group: Any = None) -> Tensor:
    """Return the features; ∂L/∂x = Σ_pieces W_pieceᵀ G_piece is summed over the group on the way back."""
    return SharedFeatures.apply(features, group)
