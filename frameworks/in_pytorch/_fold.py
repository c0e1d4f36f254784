"""What is kept of a row of which some classes have been seen, and how the next block of classes changes it."""

from typing import NamedTuple

import torch
from torch import Tensor

from ._numbers import weigh


class Fold(NamedTuple):
    """A number of each kind for each row. The leader a is the class with the largest logit so far."""

    m: Tensor  #: its logit
    r: Tensor  #: Σ_{j≠a} e^{z_j − m}; −1 before the first class, since there is no leader's 1 to be merged
    behind: Tensor  #: Σ_j t_j (m − z_j)
    others: Tensor  #: Σ_{j≠a} t_j
    at_leader: Tensor  #: t_a
    leader: Tensor  #: a

    def add(self, z: Tensor, t: Tensor, first: int) -> "Fold":
        """Return the fold with the logits and targets of the classes from `first` on. No term is negative."""
        top, a = z.max(-1, keepdim=True)
        top = top.clamp_min(torch.finfo(z.dtype).min)  # in a block of masks alone
        rest = (z - top).exp().scatter(-1, a, 0).sum(-1)
        here, t_a, t_rest = weigh(t, top - z).sum(-1), t.gather(-1, a).squeeze(-1), t.scatter(-1, a, 0).sum(-1)
        top, a = top.squeeze(-1), first + a.squeeze(-1)
        ahead, both = ~(top <= self.m), torch.maximum(top, self.m)
        winner, loser = torch.where(ahead, rest, self.r), torch.where(ahead, self.r, rest)
        return Fold(
            both,
            winner + (1 + loser) * (-(top - self.m).abs()).exp(),
            self.behind + weigh(self.others + self.at_leader, both - self.m) + here + weigh(t_a + t_rest, both - top),
            self.others + t_rest + torch.where(ahead, self.at_leader, t_a),
            torch.where(ahead, t_a, self.at_leader),
            torch.where(ahead, a, self.leader),
        )

    def loss(self) -> Tensor:
        """Return Σ_j t_j (m − z_j) + (Σt) log1p(r), once all classes have been seen."""
        return self.behind + weigh(self.others + self.at_leader, self.r.log1p())

    def gradient(self, z: Tensor, t: Tensor, first: int) -> Tensor:
        """Return (Σt) q − t for a block of classes; of a sure leader Σ_{j≠a} t_j − (Σt) r / (1 + r)."""
        m, r, _, others, at_leader, leader = (values.unsqueeze(-1) for values in self)
        mass = others + at_leader
        leads = (leader == first + torch.arange(z.shape[-1], device=z.device)) & (r < 1)
        grad = torch.where(leads, others - mass * (r / (1 + r)), mass * ((z - m).exp() / (1 + r)) - t)
        return grad.masked_fill((z == -torch.inf) | (mass == 0), 0)


def nothing_seen(like: Tensor) -> Fold:
    """Return the fold of no classes, for rows of the shape of `like`."""
    zero = torch.zeros_like(like)
    return Fold(zero + torch.finfo(like.dtype).min, zero - 1, zero, zero, zero, zero.long())
