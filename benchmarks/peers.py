"""What xentlib is measured against, each reduced to one call: logits and labels in, loss and gradient out.

What such a call needs beforehand (tensors, a compiled function) is prepared outside of it, and not timed.
"""

import os
from typing import NamedTuple

import numpy as np

import xentlib
from benchmarks import naive
from xentlib._tiles import available_cores


class Peer(NamedTuple):
    """A library, and `prepare(logits, y)`, which returns the call to measure."""

    name: str
    version: str
    prepare: object
    only_classes: tuple = ()  #: measured at these numbers of classes only; at all of them if empty


def thread_count():
    """Return how many threads xentlib will use, and each peer that lets itself be told is told to use."""
    return min(int(os.environ.get("XENTLIB_NUM_THREADS", available_cores())), available_cores())


def available():
    """Return xentlib, naive NumPy and the peers that are installed, and the names of those that are not."""
    peers, missing = [_xentlib(), _naive()], []
    for name, load in LOADERS.items():
        try:
            peers.append(Peer(name, *load()))
        except ImportError:
            missing.append(name)
    return peers, missing


def _xentlib():
    def prepare(logits, y):
        return lambda: xentlib.softmax_cross_entropy_with_grad(logits, y)

    return Peer("xentlib", "", prepare)


def _naive():
    def prepare(logits, y):
        return lambda: naive.softmax_cross_entropy_with_grad(logits, y)

    return Peer("naive NumPy", np.__version__, prepare)


def _torch():
    import torch

    torch.set_num_threads(thread_count())

    def prepare(logits, y):
        z, targets = torch.tensor(logits, requires_grad=True), torch.tensor(y)

        def call():
            z.grad = None
            loss = torch.nn.functional.cross_entropy(z, targets)
            loss.backward()
            return loss.detach(), z.grad

        return call

    return torch.__version__, prepare


def _sklearn():
    import sklearn
    from sklearn._loss import HalfMultinomialLoss

    def prepare(logits, y):
        loss, targets, threads = HalfMultinomialLoss(n_classes=logits.shape[1]), y.astype(logits.dtype), thread_count()
        return lambda: loss.loss_gradient(y_true=targets, raw_prediction=logits, n_threads=threads)

    return sklearn.__version__, prepare, (2, 10)


def _scipy():
    import scipy
    from scipy.special import log_softmax

    def prepare(logits, y):
        rows = np.arange(len(logits))

        def call():
            log_q = log_softmax(logits, axis=1)
            loss = -log_q[rows, y].mean()
            grad = np.exp(log_q, out=log_q)
            grad[rows, y] -= 1
            grad /= len(logits)
            return loss, grad

        return call

    return scipy.__version__, prepare


def _jax():
    import jax

    jax.config.update("jax_enable_x64", True)

    def mean_loss(z, y):
        return -jax.nn.log_softmax(z)[jax.numpy.arange(len(z)), y].mean()

    compiled = jax.jit(jax.value_and_grad(mean_loss))

    def prepare(logits, y):
        z, targets = jax.numpy.asarray(logits), jax.numpy.asarray(y)
        return lambda: jax.block_until_ready(compiled(z, targets))

    return jax.__version__, prepare


LOADERS = {"PyTorch": _torch, "scikit-learn": _sklearn, "SciPy": _scipy, "JAX": _jax}
