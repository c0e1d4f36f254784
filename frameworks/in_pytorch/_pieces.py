"""The second round of `parallel_loss`: each process adds up over its classes, and all of them over the pieces."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from ._fits import check_cover
from ._numbers import refuse_second_derivative, weigh, widened
from ._targets import Target


class PieceSurprisal(torch.autograd.Function):
    """Σ_i t_i (m − z_i) + (Σt) log (R + P) of each row, where R = Σ_{j≠y} e^{z_j − m} and P = e^{z_y − m}."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, m: Tensor, target: Target, first: int, group: Any) -> Tensor:
        """Add up R, P and Σ_i t_i (m − z_i) over the pieces: in one all-reduce."""
        z, m = widened(logits), m.unsqueeze(-1)
        t, here = target.block(first, first + z.shape[-1]), true_here(target, z, first)
        powers = (z - m).exp()
        terms = powers.masked_fill(here, 0), powers.masked_fill(~here, 0), weigh(t, m - z)
        sums = torch.stack([each.sum(-1) for each in terms])
        packed = torch.cat([sums.flatten(), sums.new_tensor([z.shape[-1]])])
        dist.all_reduce(packed, group=group)
        check_cover(int(packed[-1]), len(target.weights))
        rivals, power, behind = packed[:-1].reshape(sums.shape)
        mass, _ = target.totals()
        ctx.save_for_backward(logits, m, rivals.unsqueeze(-1), power.unsqueeze(-1))
        ctx.target, ctx.first = target, first
        # If y is not the leader, the leader's 1 is among the rivals.
        return behind + weigh(mass, torch.where(power == 1, rivals.log1p(), (rivals + power).log()))

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor | None, ...]:
        """Return (Σt) q − t for the classes that are here; of a sure true class Σ_{j≠y} t_j − (Σt) R / (R + P)."""
        refuse_second_derivative()
        logits, m, rivals, power = ctx.saved_tensors
        z, target, total = widened(logits), ctx.target, rivals + power
        mass, others = (values.unsqueeze(-1) for values in target.totals())
        sure = true_here(target, z, ctx.first) & (power > rivals)
        grad = mass * ((z - m).exp() / total) - target.block(ctx.first, ctx.first + z.shape[-1])
        grad = torch.where(sure, others - mass * (rivals / total), grad)
        grad = grad.masked_fill((z == -torch.inf) | (mass == 0), 0) * scale.unsqueeze(-1)
        return grad.to(logits.dtype), None, None, None, None


def true_here(target: Target, z: Tensor, first: int) -> Tensor:
    """Return where the true classes of the rows are among the classes from `first` on."""
    return target.true_class() == first + torch.arange(z.shape[-1], device=z.device)
