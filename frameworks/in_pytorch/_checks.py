"""What the losses refuse: an error names the argument, the requirement and the value received.

Values are looked at on the CPU alone. On an accelerator that would mean to wait for it, and a label that is no class
ends in PyTorch's own assertion. Inside `torch.vmap` and `torch.compile` there is no value to look at.
"""

import torch
from torch import Tensor


def check_options(label_smoothing: float, reduction: str) -> None:
    """Refuse what is no option."""
    check_number("label_smoothing", label_smoothing, "lie in [0, 1]", 0 <= label_smoothing <= 1)
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction must be one of 'none', 'sum', 'mean'; got {reduction!r}")


def check_number(name: str, value: float | Tensor, requirement: str, holds: bool) -> None:
    """Refuse a number that is out of its range, or NaN."""
    if not holds:
        raise ValueError(f"{name} must {requirement}; got {value}")


def check_floats(**tensors: Tensor | None) -> None:
    """Refuse what does not hold real numbers, or has no last axis."""
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            raise TypeError(f"{name} must be a tensor of real numbers; got {getattr(tensor, 'dtype', type(tensor))}")
        if tensor.ndim == 0 or tensor.shape[-1] == 0:
            raise ValueError(f"{name} must have a last axis that is not empty; got shape {tuple(tensor.shape)}")


def check_targets(targets: Tensor, shape: torch.Size, ignore_index: int, *, n_classes: int) -> bool:
    """Return whether the targets are class indices, of the shape of the rows; else they are distributions."""
    if not isinstance(targets, Tensor) or targets.is_complex() or targets.dtype == torch.bool:
        raise TypeError(
            f"targets must be a tensor of integers or floats; got {getattr(targets, 'dtype', type(targets))}"
        )
    rows, by_index = tuple(shape[:-1]), not targets.is_floating_point()
    if tuple(targets.shape) != (rows if by_index else (*rows, n_classes)):
        wanted = f"{rows} as class indices, or of shape {(*rows, n_classes)} as distributions of floats"
        raise ValueError(f"targets must be of shape {wanted}; got {targets.dtype} of shape {tuple(targets.shape)}")
    if by_index:
        bad = ((targets < 0) | (targets >= n_classes)) & (targets != ignore_index)
        refuse(bad, targets, "targets", f"lie in [0, {n_classes}) or be ignore_index, {ignore_index}")
    else:
        refuse(~((targets >= 0) & targets.isfinite()), targets, "targets", "be non-negative and finite")
    return by_index


def check_weights(class_weights: Tensor | None, n_classes: int) -> None:
    """Refuse weights that are not one non-negative number for each class."""
    if class_weights is None:
        return
    check_floats(class_weights=class_weights)
    if tuple(class_weights.shape) != (n_classes,):
        raise ValueError(f"class_weights must be of shape ({n_classes},); got {tuple(class_weights.shape)}")
    bad = ~((class_weights >= 0) & class_weights.isfinite())
    refuse(bad, class_weights, "class_weights", "be non-negative and finite")


def refuse(bad: Tensor, values: Tensor, name: str, requirement: str) -> None:
    """Name the first value that is bad, if there is one and it can be looked at."""
    if values.device.type != "cpu" or torch.compiler.is_compiling():
        return
    try:
        found = bad.detach().nonzero()
    except RuntimeError:  # inside torch.vmap, whose tensors have no values
        return
    if len(found):
        index = tuple(found[0].tolist())
        at = f" at index {index}" if index else ""
        raise ValueError(f"{name} must {requirement}; got {values[index].item()}{at}")
