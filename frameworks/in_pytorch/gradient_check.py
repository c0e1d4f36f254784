"""Is the gradient that of the loss? Where `torch.autograd.gradcheck` says no, this says where, and by how much."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck


def check_gradient(loss: Callable[[Tensor], Tensor], logits: Tensor, *, second: bool = True) -> float:
    """Return the largest difference between the gradient of a loss of logits and its central differences.

    `loss` takes the logits alone: close over the targets. They are checked in float64, in reverse and in forward mode,
    and with `second` the second derivatives too. An `AssertionError` says which of them is wrong, and where.

    >>> check_gradient(lambda z: z.logsumexp(-1) - z[1], torch.tensor([1.0, 2.0, 0.5])) < 1e-8
    True
    """
    z = logits.detach().double().requires_grad_()
    value = loss(z)
    if value.ndim:
        raise ValueError(f"loss must return one number; got shape {tuple(value.shape)}: use its sum or mean")
    (found,) = torch.autograd.grad(value, z)
    wanted = differences(lambda at: loss(at).item(), z.detach())
    off = (found - wanted).abs()
    if not bool((off <= 1e-7 + 1e-5 * wanted.abs()).all()):
        raise AssertionError(describe(found, wanted))
    checks: list[tuple[str, Callable[[], bool]]] = [("forward mode", lambda: gradcheck(loss, z, check_forward_ad=True))]
    if second:
        checks.append(("second derivative", lambda: gradgradcheck(loss, z)))
    for name, check in checks:
        try:
            check()
        except RuntimeError as error:  # GradcheckError is one
            raise AssertionError(f"the gradient is right, but not the {name}: {error}") from error
    return float(off.max())


def differences(loss: Callable[[Tensor], float], z: Tensor, step: float = 1e-5) -> Tensor:
    """Return (L(z + h e_i) − L(z − h e_i)) / 2h for each logit i."""
    slopes = torch.empty_like(z)
    for i in range(z.numel()):
        move = torch.zeros_like(z)
        move.view(-1)[i] = step
        slopes.view(-1)[i] = (loss(z + move) - loss(z - move)) / (2 * step)
    return slopes


def describe(found: Tensor, wanted: Tensor) -> str:
    """Say where the gradient is most wrong, and by which factor where it is the same everywhere."""
    at = int((found - wanted).abs().nan_to_num(torch.inf).argmax())
    index = tuple(int(i) for i in torch.unravel_index(torch.tensor(at), found.shape))
    said, right = found.flatten()[at].item(), wanted.flatten()[at].item()
    factor = float((found * wanted).sum() / (wanted * wanted).sum())
    message = f"the gradient at index {index} is {said:.6g}, and differences of the loss say {right:.6g}"
    if torch.allclose(found, factor * wanted, rtol=1e-4, atol=1e-7):
        return f"{message}: every entry is {factor:.6g} times what it should be"
    wrong = int(((found - wanted).abs() > 1e-7 + 1e-5 * wanted.abs()).sum())
    return f"{message}; {wrong} of {found.numel()} entries are wrong, and they sum to {found.sum().item():.3g}"
