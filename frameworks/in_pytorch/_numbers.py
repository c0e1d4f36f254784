"""What infinities, 16 bits and second derivatives need."""

import torch
from torch import Tensor


def weigh(t: Tensor, surprisal: Tensor) -> Tensor:
    """Return t · surprisal; 0 where t is 0, since a masked class has the surprisal ∞."""
    return t * surprisal.masked_fill((t == 0) & ~surprisal.isfinite(), 0)


def widened(tensor: Tensor) -> Tensor:
    """Return 16 bits as float32; float32 and float64 as they are."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def refuse_second_derivative() -> None:
    """End a backward pass whose own derivative will be asked for: `once_differentiable` may call it constant."""
    if torch.is_grad_enabled():
        raise RuntimeError("this loss has no second derivative; got create_graph=True: use accurate_loss.cross_entropy")
