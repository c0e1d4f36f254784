"""What a row weighs its classes with: t_i = w_i ((1 − ε) p_i + ε/K), whole or a block of classes at a time."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ._checks import check_options, check_targets, check_weights
from ._numbers import weigh


@dataclass(frozen=True)
class Target:
    """Targets of any kind, with the options of the loss."""

    targets: Tensor  #: class indices, or distributions
    counted: Tensor  #: 1 for each row that counts, and 0 for one that is ignored
    weights: Tensor  #: w, for all K classes
    smoothing: float  #: ε

    @property
    def by_index(self) -> bool:
        """Whether the targets are class indices."""
        return not self.targets.is_floating_point()

    def true_class(self) -> Tensor:
        """Return y with an axis of length 1; 0 for a row that is ignored."""
        return torch.where(self.counted > 0, self.targets, 0).long().unsqueeze(-1)

    def row_weight(self) -> Tensor:
        """Return what a mean divides by, row by row: w_y, or 1 for a distribution."""
        if not self.by_index:
            return self.counted
        return self.counted * self.weights.gather(0, self.true_class().reshape(-1)).reshape(self.counted.shape)

    def block(self, first: int, last: int) -> Tensor:
        """Return t for the classes from `first` to before `last`, or to the end."""
        weights, even = self.weights[first:last], self.smoothing / len(self.weights)
        classes = first + torch.arange(len(weights), device=weights.device)
        p = self.true_class() == classes if self.by_index else self.targets[..., first:last]
        return self.counted.unsqueeze(-1) * weights * ((1 - self.smoothing) * p.to(weights.dtype) + even)

    def totals(self) -> tuple[Tensor, Tensor]:
        """Return Σ_j t_j and Σ_{j≠y} t_j for class indices."""
        true, even = self.row_weight(), self.smoothing / len(self.weights)
        others = even * (self.counted * self.weights.sum() - true)
        return others + (1 - self.smoothing + even) * true, others

    def weigh(self, surprisal: Tensor) -> Tensor:
        """Return Σ_i t_i (−log q_i) for each row, from −log q of all classes."""
        if not self.by_index or self.smoothing:
            return weigh(self.block(0, len(self.weights)), surprisal).sum(-1)
        return weigh(self.row_weight(), surprisal.gather(-1, self.true_class()).squeeze(-1))

    def reduce(self, losses: Tensor, reduction: str) -> Tensor:
        """Return the losses, their sum, or their mean: over the weights of what counts, and 0 over nothing."""
        if reduction != "mean":
            return losses if reduction == "none" else losses.sum()
        total = self.row_weight().sum()
        return torch.where(total > 0, losses.sum() / torch.where(total > 0, total, 1), 0)


def make_target(
    targets: Tensor,
    like: Tensor,
    n_classes: int,
    class_weights: Tensor | None,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> Target:
    """Check targets and options. `like` has a row for each target, and the dtype to compute in."""
    check_options(label_smoothing, reduction)
    check_weights(class_weights, n_classes)
    by_index = check_targets(targets, like.shape, ignore_index, n_classes=n_classes)
    counted = (targets != ignore_index if by_index else torch.ones_like(like[..., 0])).to(like.dtype)
    weights = like.new_ones(n_classes) if class_weights is None else class_weights.to(like.dtype)
    return Target(targets, counted, weights, label_smoothing)
