"""What the losses refuse since it does not fit another argument: parts of a layer, pieces of a vocabulary, tokens."""

import torch
from torch import Tensor

from ._checks import check_floats, check_number


def check_layer(features: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, block: int) -> None:
    """Refuse parts of a linear layer that do not fit together, and a block of no classes."""
    check_floats(features=features, weight=weight, bias=bias)
    if weight.ndim != 2 or weight.shape[1] != features.shape[-1] or len(weight) == 0:
        raise ValueError(f"weight must be of shape (K, {features.shape[-1]}); got {tuple(weight.shape)}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias must be of shape ({len(weight)},); got {tuple(bias.shape)}")
    for name, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and (tensor.dtype == torch.float64) != (features.dtype == torch.float64):
            raise TypeError(f"{name} must be {features.dtype} like the features; got {tensor.dtype}")
    if getattr(targets, "requires_grad", False):
        raise ValueError("targets must not require a gradient, which nobody computes; got some that do: detach them")
    if block < 1:
        raise ValueError(f"block must be at least 1; got {block}")


def check_pieces(targets: Tensor, first_class: int) -> None:
    """Refuse targets that are no class indices, and a piece that begins nowhere."""
    check_indices(targets)
    check_number("first_class", first_class, "be at least 0", first_class >= 0)


def check_cover(n_held: int, n_classes: int) -> None:
    """Refuse pieces that overlap, or leave a gap."""
    if n_held != n_classes:
        raise ValueError(
            f"first_class must make each piece begin where another ends; got pieces of {n_held} classes in all, "
            f"the last of which ends at {n_classes}"
        )


def check_indices(targets: Tensor) -> None:
    """Refuse targets that are no class indices."""
    if not isinstance(targets, Tensor) or targets.is_floating_point():
        raise TypeError(f"targets must be class indices here; got {getattr(targets, 'dtype', type(targets))}")


def check_tokens(logits: Tensor, tokens: Tensor) -> None:
    """Refuse tokens without a place for each of the logits, as those that were shifted before."""
    if not isinstance(tokens, Tensor) or tokens.is_floating_point() or logits.ndim < 2:
        raise TypeError(
            f"tokens must be integers, for logits (..., S, K); got {getattr(tokens, 'dtype', type(tokens))}"
        )
    if tokens.shape != logits.shape[:-1]:
        shapes = f"{tuple(tokens.shape)} for logits of shape {tuple(logits.shape)}"
        raise ValueError(f"tokens must have one token for each position, and not be shifted yet; got shape {shapes}")
