"""Real processes for the tests of losses in pieces: each runs a job of this file under gloo, and leaves its answer."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.distributed as dist
import torch.nn.functional as F
from in_pytorch.language import count_targets, next_token_loss
from in_pytorch.parallel_loss import features_of_all_pieces, vocab_parallel_cross_entropy

CUTS = {2: (0, 3, 11), 3: (0, 4, 5, 11)}  #: where the pieces of 11 classes begin and end: uneven on purpose
WEIGHTS = torch.linspace(0, 2, 11, dtype=torch.float64)
CASES = {
    "plain": {},
    "smoothed": {"label_smoothing": 0.3},
    "weighted": {"class_weights": WEIGHTS},
    "both, sum": {"class_weights": WEIGHTS, "label_smoothing": 0.3, "reduction": "sum"},
    "both, none": {"class_weights": WEIGHTS, "label_smoothing": 0.3, "reduction": "none"},
    "all smooth": {"label_smoothing": 1.0},
}

SLIP = {name: CASES[name] for name in ("plain", "smoothed")}


def run():
    """Return by number of processes, 2 and 3, what each of them found; three are started, of which two are a group."""
    with TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(_enter, (folder,), nprocs=3)
        found = [torch.load(Path(folder) / f"{rank}.pt", weights_only=False) for rank in range(3)]
    return {n: [found[rank][n] for rank in range(n)] for n in (2, 3)}


def _enter(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=3)
    answers = {}
    for n in (2, 3):
        group = dist.new_group(list(range(n)))
        if rank < n:
            answers[n] = {name: job(rank, n, group) for name, job in JOBS.items() if name not in FOR_TWO or n == 2}
    torch.save(answers, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


def inputs(dtype=torch.float64, *, masked=False):
    """Return features, weight, bias and targets: an ignored row, a mask, a sure row, and one with a tie."""
    torch.manual_seed(0)
    x, weight, bias = torch.randn(2, 5, 4), 2 * torch.randn(11, 4), torch.randn(11)
    if masked:
        bias[4] = -torch.inf  # all of the second piece of three
    targets = torch.tensor([[0, 3, 10, -100, 5], [5, 2, 7, 9, 10]])
    x[1, 1] = 12 * weight[2] / weight[2].norm()
    x[1, 2] = 0
    return [each.to(dtype).requires_grad_() for each in (x, weight, bias)], targets


def in_one_piece(loss, x, weight, bias, targets, **options):
    """Return a loss of the whole layer, and its gradients."""
    value = loss(F.linear(x, weight, bias), targets, **options)
    return [value.detach(), *torch.autograd.grad(value.sum(), (x, weight, bias))]


def in_pieces(rank, n_processes, group, loss=vocab_parallel_cross_entropy, shared=features_of_all_pieces, cases=CASES):
    """Return for each case the loss and the gradients that a process has: of x, and of its rows of W and b."""
    answers = {}
    for dtype in (torch.float64, torch.bfloat16):
        first, last = CUTS[n_processes][rank : rank + 2]
        for name, options in cases.items():
            (x, weight, bias), targets = inputs(dtype, masked="label_smoothing" not in options)
            piece = weight[first:last].detach().requires_grad_(), bias[first:last].detach().requires_grad_()
            value = loss(F.linear(shared(x, group), *piece), targets, first, group, **options)
            grads = torch.autograd.grad(value.sum(), (x, *piece))
            answers[dtype, name] = [value.detach(), *grads]
    return answers


def smoothed_locally(logits, targets, first, group, *, label_smoothing=0.0, **options):
    """Smooth over the classes that are here: the slip of Megatron-LM's issues 737 and 7464."""
    losses = vocab_parallel_cross_entropy(logits, targets, first, group, reduction="none", **options)
    if not label_smoothing:
        return losses.sum() / (targets != -100).sum()
    total = logits.detach().exp().sum(-1)
    dist.all_reduce(total, group=group)
    mean_here = (total.log().unsqueeze(-1) - logits).mean(-1) * (targets != -100)
    return ((1 - label_smoothing) * losses + label_smoothing * mean_here).sum() / (targets != -100).sum()


def count_all_reduces(rank, n_processes, group):
    """Return how many all-reduces the loss takes, its gradient by the logits, and that by the features."""
    (x, weight, _), targets = inputs()
    first, last = CUTS[n_processes][rank : rank + 2]
    counts, whole = [0], dist.all_reduce

    def counted(*args, **options):
        counts[-1] += 1
        return whole(*args, **options)

    dist.all_reduce = counted
    logits = F.linear(features_of_all_pieces(x, group), weight[first:last])
    loss = vocab_parallel_cross_entropy(logits, targets, first, group, label_smoothing=0.1)
    counts.append(0)
    (of_logits,) = torch.autograd.grad(loss, logits, retain_graph=True)
    counts.append(0)
    torch.autograd.grad((logits * of_logits).sum(), x)
    dist.all_reduce = whole
    return counts


def messages(rank, n_processes, group):
    """Return what is said to pieces that all begin at class 0, and to a label that is no class."""
    found = []
    for first, label in ((0, 0), (3 * rank, 99)):
        try:
            vocab_parallel_cross_entropy(torch.zeros(1, 3), torch.tensor([label]), first, group)
        except ValueError as error:
            found.append(str(error))
    return found


def text():
    """Return a model, and four sequences of which each process has two, with very different numbers of tokens."""
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Embedding(7, 4), torch.nn.Linear(4, 7)).double()
    tokens = torch.randint(7, (4, 6))
    labels = tokens.clone()
    labels[0, :5] = -100
    labels[1] = -100
    return model, tokens, labels


def trained(rank, n_processes, group, counts=lambda n, world: n / world):
    """Return the gradients that data-parallel processes agree on."""
    model, tokens, labels = text()
    model = torch.nn.parallel.DistributedDataParallel(model, process_group=group)
    mine = slice(2 * rank, 2 * rank + 2)
    n = count_targets(labels[mine])
    dist.all_reduce(n, group=group)
    next_token_loss(model(tokens[mine]), labels[mine], n_counted=counts(n, n_processes)).backward()
    return [parameter.grad for parameter in model.parameters()]


JOBS = {
    "pieces": in_pieces,
    "slip": partial(in_pieces, loss=smoothed_locally, cases=SLIP),
    "alone": partial(in_pieces, shared=lambda x, group: x, cases=SLIP),
    "counts": count_all_reduces,
    "messages": messages,
    "trained": trained,
    "forgotten": partial(trained, counts=lambda n, world: n),
}
FOR_TWO = ("trained", "forgotten")  # DistributedDataParallel takes seconds to load
