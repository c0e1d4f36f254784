"""Print by how many bytes the loss of a linear layer and its gradients raise the peak of this process's memory.

python tests/frameworks/torch_memory.py blocks|plain N D K, with `frameworks` on the path. On Linux.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from in_pytorch.linear_loss import linear_cross_entropy

WAYS = {"blocks": linear_cross_entropy, "plain": lambda x, w, y, b: F.cross_entropy(F.linear(x, w, b), y)}


def peak():
    """Return the largest resident size so far, in bytes; unlike `getrusage`'s it begins anew with the program."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main(way, n_samples, n_features, n_classes):
    """Warm up on a small layer, and then measure."""
    torch.set_num_threads(1)
    before = 0
    for n, k in ((16, 50), (n_samples, n_classes)):
        x, w, b = (torch.randn(*shape, requires_grad=True) for shape in ((n, n_features), (k, n_features), (k,)))
        y = torch.randint(k, (n,))
        before = peak()
        WAYS[way](x, w, y, b).backward()
    print(peak() - before)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
