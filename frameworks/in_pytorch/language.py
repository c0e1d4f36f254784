"""The loss of a language model: the logits at a position are about the token at the next.

A mean per token of a batch that is seen in parts is a sum over the parts, divided by the tokens of the whole. The mean
of the parts' means weighs a part of few tokens as much as one of many, and is another number. So count first:

    n = sum(count_targets(tokens) for tokens in micro_batches)
    for tokens in micro_batches:
        next_token_loss(model(tokens), tokens, n_counted=n).backward()

Over processes, `n` is the all-reduced sum. `DistributedDataParallel` then divides the gradients by the number of
processes: pass `n_counted=n / dist.get_world_size()`.
"""

import torch
from torch import Tensor

from ._checks import check_floats, check_number
from ._fits import check_tokens
from ._targets import make_target
from .accurate_loss import Surprisal, cross_entropy


def next_token_loss(
    logits: Tensor, tokens: Tensor, *, ignore_index: int = -100, n_counted: Tensor | float | None = None
) -> Tensor:
    """Return the mean loss per token, in nats, of logits (..., S, K) and token ids (..., S).

    `logits[..., s, :]` are about `tokens[..., s + 1]`: the labels are shifted here, and not by the caller. Padding and
    prompt tokens that are not to be learned hold `ignore_index` in `tokens`. The sum is divided by `n_counted`, or
    where that is None by the number of tokens that count in this call. No token that counts is a loss of 0.

    >>> logits = torch.tensor([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0], [9.0, 9.0, 9.0]])
    >>> next_token_loss(logits, torch.tensor([2, 1, -100]))
    tensor(0.4644)
    """
    check_floats(logits=logits)
    check_tokens(logits, tokens)
    of_next, labels = logits[..., :-1, :], tokens[..., 1:]
    if n_counted is None:
        return cross_entropy(of_next, labels, ignore_index=ignore_index)
    check_number("n_counted", n_counted, "be positive", bool(n_counted > 0))
    surprisal = Surprisal.apply(of_next)
    target = make_target(labels, surprisal, of_next.shape[-1], None, ignore_index, 0.0, "sum")
    loss = target.reduce(target.weigh(surprisal), "sum") / n_counted  # a sum in 16 bits may overflow
    return loss if torch.is_autocast_enabled(logits.device.type) else loss.to(logits.dtype)


def count_targets(tokens: Tensor, *, ignore_index: int = -100) -> Tensor:
    """Return how many tokens count: all but the first of each sequence, and those that are ignored.

    >>> count_targets(torch.tensor([[7, 8, -100], [-100, 5, 6]]))
    tensor(3)
    """
    return (tokens[..., 1:] != ignore_index).sum()
