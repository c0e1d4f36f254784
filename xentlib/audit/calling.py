"""Call a loss that nobody vouches for: on copies, within a time limit, catching whatever it does.

An adapter hands arrays over as its framework has them, and brings loss and gradient back as float64.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import numpy as np

from xentlib.audit.vectors import FORMATS, Options, Table, round_to

Loss = Callable[..., Any]


@dataclass(frozen=True)
class Answer:
    """What one call brought: loss and gradient in float64, or a problem in words."""

    loss: Table | None = None
    grad: Table | None = None
    problem: str = ""  #: what it raised, or what is wrong with the shape or the kind of the result
    note: str = ""  #: what is odd about it, but does no harm
    changed: bool = False  #: whether the call changed its input
    kept: Any = None  #: the gradient as the loss returned it, which later calls must not change


class BadResultError(Exception):
    """What the loss returned cannot be read as a loss, or as a loss and its gradient."""


class Adapter(Protocol):
    """How a framework's loss is called."""

    label_types: tuple[str, ...]  #: which its losses may be expected to accept, apart from int64
    has_layouts: bool  #: whether its arrays may be in column order

    def call(self, loss: Loss, logits: Table, labels: Any, options: Options) -> Answer:
        """Return what the loss makes of logits, labels and options."""


def adapter_of(framework: str | None, dtype: str) -> Adapter:
    """Return the adapter of a framework, which is imported only now."""
    if dtype not in FORMATS:
        raise ValueError(f"dtype must be one of {', '.join(FORMATS)}; got {dtype!r}")
    if framework is None:
        if dtype == "bfloat16":
            raise ValueError("dtype bfloat16 needs a framework that has it, torch or jax; NumPy does not")
        return NumPyAdapter(dtype)
    if framework not in ADAPTERS:
        raise ValueError(f"framework must be None, 'torch' or 'jax'; got {framework!r}")
    return ADAPTERS[framework](dtype)


class NumPyAdapter:
    """NumPy arrays; the gradient is there only if the loss returns it."""

    label_types: tuple[str, ...] = ("int32", "uint8")
    has_layouts = True

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def call(self, loss: Loss, logits: Table, labels: Any, options: Options) -> Answer:
        z, y = round_to(self.dtype, logits), labels.copy()
        weights = options.get("class_weights")
        given: dict[str, Any] = dict(options)
        if weights is not None:
            given["class_weights"] = round_to(self.dtype, np.array(weights, float))
        result = loss(z, y, **given)
        changed = z.tobytes() != round_to(self.dtype, logits).tobytes() or y.tobytes() != labels.tobytes()
        changed |= weights is not None and not np.array_equal(
            given["class_weights"], round_to(self.dtype, np.array(weights, float))
        )
        found, grad = _pair(result, options)
        return _answer(found, grad, logits, options, changed, self.dtype, self.dtype)


class TorchAdapter:
    """Tensors; a gradient that the loss does not return is taken by autograd."""

    label_types: tuple[str, ...] = ()  # PyTorch's own loss requires int64
    has_layouts = True

    def __init__(self, dtype: str) -> None:
        self.torch = importlib.import_module("torch")
        self.dtype = dtype

    def call(self, loss: Loss, logits: Table, labels: Any, options: Options) -> Answer:
        torch = self.torch
        kind = getattr(torch, self.dtype)
        in_columns = logits.flags.f_contiguous and not logits.flags.c_contiguous
        leaf = torch.tensor((logits.T if in_columns else logits).tolist(), dtype=kind, requires_grad=True)
        z, y = (leaf.t() if in_columns else leaf).clone(), torch.tensor(labels.tolist())
        given: dict[str, Any] = dict(options)
        if "class_weights" in options:
            given["class_weights"] = torch.tensor(np.asarray(options["class_weights"]).tolist(), dtype=kind)
            weights = given["class_weights"].tolist()
        value, grad = _pair(loss(z, y, **given), options)
        changed = not np.array_equal(z.tolist(), logits, equal_nan=True) or y.tolist() != labels.tolist()
        changed |= "class_weights" in options and given["class_weights"].tolist() != weights
        if grad is None:
            if not getattr(value, "requires_grad", False):
                raise BadResultError("autograd finds no way from the loss back to the logits")
            factors = incoming(np.shape(value.tolist()))
            (grad,) = torch.autograd.grad((value * torch.tensor(factors.tolist(), dtype=value.dtype)).sum(), leaf)
            grad = (np.array((grad.t() if in_columns else grad).tolist()) / _in_rows(factors)).tolist()
        return _answer(value, grad, logits, options, changed, self.dtype)


class JaxAdapter:
    """Arrays of JAX, which cannot be changed; a gradient that the loss does not return is taken by `jax.grad`."""

    label_types: tuple[str, ...] = ("int32", "uint8")
    has_layouts = False

    def __init__(self, dtype: str) -> None:
        self.jax = importlib.import_module("jax")
        self.dtype = dtype
        start = self.jax.nn.log_softmax  # JAX takes seconds to start, which must not count for a call of the loss
        self.jax.grad(lambda z: start(z).sum())(self.jax.numpy.zeros(2))

    def call(self, loss: Loss, logits: Table, labels: Any, options: Options) -> Answer:
        jax, jnp = self.jax, self.jax.numpy
        with _wide(jax) if self.dtype == "float64" else contextlib.nullcontext():
            z, y = jnp.asarray(logits.tolist(), dtype=self.dtype), jnp.asarray(labels)
            given: dict[str, Any] = dict(options)
            if "class_weights" in options:
                given["class_weights"] = jnp.asarray(np.asarray(options["class_weights"]).tolist(), dtype=self.dtype)
            value, grad = _pair(loss(z, y, **given), options)
            if grad is None:
                factors = incoming(np.shape(value))
                scale = jnp.asarray(factors, dtype=getattr(value, "dtype", self.dtype))
                grad = jax.grad(lambda logits: jnp.sum(loss(logits, y, **given) * scale))(z)
                grad = (np.asarray(grad).astype(np.float64) / _in_rows(factors)).tolist()
            return _answer(value, grad, logits, options, False, self.dtype)


ADAPTERS: dict[str, Callable[[str], Adapter]] = {"torch": TorchAdapter, "jax": JaxAdapter}


def _wide(jax: Any) -> Any:
    """Return the context in which JAX has float64; newer versions have it under a shorter name."""
    return (jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64)(True)


def incoming(shape: tuple[int, ...]) -> Table:
    """Return what comes in from the rest of a network: powers of 2, no two neighbours the same.

    Autograd is asked for the gradient of the loss times these factors: with a factor of 1, a backward pass that forgets
    them would seem right.
    """
    return np.full(shape, 2.0) if not shape else np.where(np.arange(np.prod(shape)) % 2, 0.5, 2.0).reshape(shape)


def _in_rows(factors: Table) -> Table:
    return factors[:, np.newaxis] if factors.ndim == 1 else factors


def _pair(result: Any, options: Options) -> tuple[Any, Any]:
    """Return loss and gradient, or the loss and None; under reduction="none" the loss may itself be a list."""
    if not isinstance(result, (tuple, list)):
        return result, None
    if options.get("reduction") == "none" and isinstance(result, list) and all(np.ndim(each) == 0 for each in result):
        return np.array(result), None
    if len(result) != 2:
        raise BadResultError(f"returned {len(result)} results, where a loss or (loss, gradient) was asked for")
    return result[0], result[1]


def _answer(
    loss: Any, grad: Any, logits: Table, options: Options, changed: bool, dtype: str, rounded_to: str = "float64"
) -> Answer:
    shape = logits.shape[:1] if options.get("reduction") == "none" else ()
    notes = [_odd(name, each, dtype) for name, each in (("loss", loss), ("gradient", grad)) if each is not None]
    return Answer(
        _real("loss", loss, shape, rounded_to),
        None if grad is None else _real("gradient", grad, logits.shape, rounded_to),
        note="; ".join(filter(None, notes)),
        changed=changed,
        kept=grad,
    )


def _odd(name: str, value: Any, dtype: str) -> str:
    found = str(getattr(value, "dtype", dtype)).removeprefix("torch.")
    return f"the {name} is {found}, for logits of {dtype}" if found != dtype else ""


def _real(name: str, value: Any, shape: tuple[int, ...], rounded_to: str) -> Table:
    """Return a result as the dtype has it."""
    if value is None:
        raise BadResultError(f"the {name} is None")
    array = np.asarray(value.tolist() if hasattr(value, "tolist") else value)
    if array.dtype.kind not in "iuf":
        raise BadResultError(f"the {name} is not real, but of dtype {array.dtype}")
    if array.shape != shape:
        raise BadResultError(f"the {name} has shape {array.shape}, where {shape} was asked for")
    return round_to(rounded_to, array).astype(np.float64)


class Caller:
    """Calls one loss with its options, and survives whatever it does.

    The calls run in a thread. Python cannot end one that hangs, but a daemon thread does not keep the process alive.
    """

    def __init__(self, loss: Loss, adapter: Adapter, options: Options, time_limit: float) -> None:
        self.loss, self.adapter, self.options, self.time_limit = loss, adapter, options, time_limit
        self.hung = False
        self._asked: SimpleQueue[tuple[Table, Any, Options] | None] = SimpleQueue()
        self._answered: SimpleQueue[Answer] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def __call__(self, logits: Table, labels: Any) -> Answer:
        """Return the answer to a call, whose problem says what went wrong, if anything did."""
        if self.hung:
            return Answer(problem="not called: an earlier call did not return")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._asked.put((logits, labels, self.options))
            try:
                return self._answered.get(timeout=self.time_limit)
            except Empty:
                self.hung = True
                return Answer(problem=f"did not return within {self.time_limit:g} s")

    def close(self) -> None:
        """End the thread, if the loss allows it."""
        self._asked.put(None)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            self._answered.put(call_caught(self.loss, self.adapter, *asked))


def call_caught(loss: Loss, adapter: Adapter, logits: Table, labels: Any, options: Options) -> Answer:
    """Return the answer to a call; what it raises becomes a problem in words."""
    try:
        with np.errstate(all="ignore"):
            return adapter.call(loss, logits, labels, options)
    except BadResultError as error:
        return Answer(problem=str(error))
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: they are the loss's own
        return Answer(problem=f"raised {type(error).__name__}: {str(error)[:200]}")
