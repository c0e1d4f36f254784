"""What is kept of a row of which some classes have been seen, and how those of two blocks are put together."""

from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor

from ._numbers import weigh


class Fold(NamedTuple):
    """A number of each kind for each row. The leader a is the class with the largest logit so far."""

    m: Tensor  #: its logit
    r: Tensor  #: Σ_{j≠a} e^{z_j − m}
    behind: Tensor  #: Σ_j t_j (m − z_j)
    others: Tensor  #: Σ_{j≠a} t_j
    at_leader: Tensor  #: t_a
    leader: Tensor  #: a

    @classmethod
    def of(cls, z: Tensor, t: Tensor, first: int) -> "Fold":
        """Return the fold of a block, of the classes from `first` on."""
        m, a = z.max(-1, keepdim=True)
        m = m.clamp_min(torch.finfo(z.dtype).min)  # in a block of masks alone
        r, others = (each.scatter(-1, a, 0).sum(-1) for each in ((z - m).exp(), t))
        m, a, t_a, behind = m.squeeze(-1), a.squeeze(-1), t.gather(-1, a).squeeze(-1), weigh(t, m - z).sum(-1)
        return cls(m, r, behind, others, t_a, first + a)

    def merge(self, later: "Fold") -> "Fold":
        """Return the fold of the classes of both. No term is negative."""
        ahead, m = ~(later.m <= self.m), torch.maximum(later.m, self.m)
        winner, loser = torch.where(ahead, later.r, self.r), torch.where(ahead, self.r, later.r)
        raised = [fold.behind + weigh(fold.mass, m - fold.m) for fold in (self, later)]
        return Fold(
            m,
            winner + (1 + loser) * (-(later.m - self.m).abs()).exp(),
            raised[0] + raised[1],
            self.others + later.others + torch.where(ahead, self.at_leader, later.at_leader),
            torch.where(ahead, later.at_leader, self.at_leader),
            torch.where(ahead, later.leader, self.leader),
        )

    @property
    def mass(self) -> Tensor:
        """Σt."""
        return self.others + self.at_leader

    def loss(self) -> Tensor:
        """Return Σ_j t_j (m − z_j) + (Σt) log1p(r), once all classes have been seen."""
        return self.behind + weigh(self.mass, self.r.log1p())

    def gradient(self, z: Tensor, t: Tensor, first: int) -> Tensor:
        """Return (Σt) q − t for a block of classes; of a sure leader Σ_{j≠a} t_j − (Σt) r / (1 + r)."""
        m, r, _, others, at_leader, leader = (values.unsqueeze(-1) for values in self)
        mass = others + at_leader
        leads = (leader == first + torch.arange(z.shape[-1], device=z.device)) & (r < 1)
        grad = torch.where(leads, others - mass * (r / (1 + r)), mass * ((z - m).exp() / (1 + r)) - t)
        return grad.masked_fill((z == -torch.inf) | (mass == 0), 0)


def fold_of(blocks: Iterable[Fold]) -> Fold:
    """Merge blocks in pairs, pairs of pairs and so on: one after the other, their roundings would add up."""
    seen: list[Fold] = []
    for n, fold in enumerate(blocks):
        for _ in range((n ^ (n + 1)).bit_length() - 1):
            fold = seen.pop().merge(fold)
        seen.append(fold)
    return reduce(lambda later, earlier: earlier.merge(later), reversed(seen))
