"""The losses that are audited, each as `loss(logits, targets, **options)`, with what its library promises.

A loader imports its library only when it is called. Where a library returns a loss for each sample, its own mean makes
one of them. A library that the audit has no adapter for takes NumPy's arrays; bfloat16, which NumPy lacks, comes to it
as PyTorch's.
"""

import os
from collections.abc import Callable
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np

import xentlib

ALL = ("float64", "float32", "float16", "bfloat16")
NUMPY = ALL[:3]
OPTIONS = ("label_smoothing", "ignore_index", "class_weights", "reduction")
KERAS = "https://keras.io/api/losses/probabilistic_losses/"
SKLEARN = "https://scikit-learn.org/stable/modules/generated/sklearn.metrics.log_loss.html"
SCIPY = "https://docs.scipy.org/doc/scipy/reference/generated/scipy.special."


class Audited(NamedTuple):
    """A loss, and what may be expected of it."""

    name: str
    package: str  #: its name on PyPI, whose version is shown
    load: Callable[[], Callable[..., Any]]
    promise: str  #: what its documentation says, in Markdown, with the address
    dtypes: tuple = ALL
    options: tuple = ()  #: those of the audit that it has
    framework: str | None = None  #: whose tensors it takes
    conventions: str = ""  #: what is meant to be so, though the audit minds it
    seen: str = ""  #: what it comes from otherwise, as far as we looked

    @property
    def version(self):
        return metadata.version(self.package) if self.package != "xentlib" else xentlib.__version__

    def framework_for(self, dtype):
        return self.framework or ("torch" if dtype == "bfloat16" else None)


def exact(logits):
    """Return logits in float64, where each dtype fits, and the name of their dtype."""
    if hasattr(logits, "detach"):
        return logits.detach().double().numpy(), str(logits.dtype).rpartition(".")[2]
    return logits.astype(np.float64), logits.dtype.name


def _reduced(losses, reduction):
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def _xentlib():
    return xentlib.softmax_cross_entropy_with_grad


def _torch():
    import torch

    def cross_entropy(logits, targets, class_weights=None, **options):
        return torch.nn.functional.cross_entropy(logits, targets, weight=class_weights, **options)

    return cross_entropy


def _torch_nll():
    import torch

    def nll_of_log_softmax(logits, targets, class_weights=None, **options):
        log_q = torch.nn.functional.log_softmax(logits, dim=1)
        return torch.nn.functional.nll_loss(log_q, targets, weight=class_weights, **options)

    return nll_of_log_softmax


def _transformers():
    from transformers.loss.loss_utils import ForCausalLMLoss

    def for_causal_lm(logits, targets, ignore_index=-100):
        return ForCausalLMLoss(logits, None, logits.shape[1], shift_labels=targets, ignore_index=ignore_index)

    return for_causal_lm


def _keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    return keras


def _keras_logits(from_logits=True):
    keras = _keras()
    names = {"mean": "sum_over_batch_size", "sum": "sum", "none": "none"}

    def sparse_categorical(logits, targets, ignore_index=None, reduction="mean"):
        given = logits if from_logits else keras.ops.softmax(logits)
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=from_logits, ignore_class=ignore_index, reduction=names[reduction], dtype=exact(logits)[1]
        )
        return loss(targets, given)

    return sparse_categorical


def _keras_probabilities():
    return _keras_logits(from_logits=False)


def _compiled(loss):
    """Return loss and gradient, compiled, as in training: else each step is compiled for each shape, minutes in all."""
    import jax

    names = ("label_smoothing", "ignore_index", "reduction")

    def total(logits, targets, **options):
        value = loss(logits, targets, **options)
        return value.sum(), value

    graded = jax.jit(jax.grad(total, has_aux=True), static_argnames=names)

    def loss_and_grad(logits, targets, **options):
        grad, value = graded(logits, targets, **options)
        return value, grad

    return loss_and_grad


def _jax():
    import jax

    def log_softmax(logits, targets, reduction="mean"):
        return _reduced(-jax.nn.log_softmax(logits)[jax.numpy.arange(len(targets)), targets], reduction)

    return _compiled(log_softmax)


def _optax():
    import optax

    def integer_labels(logits, targets, ignore_index=None, reduction="mean"):
        if ignore_index is None:
            return _reduced(optax.softmax_cross_entropy_with_integer_labels(logits, targets), reduction)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, targets, where=targets != ignore_index)
        return losses.sum() / (targets != ignore_index).sum()

    return _compiled(integer_labels)


def _optax_one_hot(name="softmax_cross_entropy"):
    import jax
    import optax

    def one_hot(logits, targets, label_smoothing=0.0, reduction="mean"):
        target = jax.nn.one_hot(targets, logits.shape[1], dtype=logits.dtype)
        target = optax.smooth_labels(target, label_smoothing) if label_smoothing else target
        return _reduced(getattr(optax, name)(logits, target), reduction)

    return one_hot  # as it is: the compiler takes the product 0 · (−inf) out, but in bfloat16 leaves it


def _optax_safe():
    return _optax_one_hot("safe_softmax_cross_entropy")


def _tensorflow():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    def sparse_with_logits(logits, targets, reduction="mean"):
        values, dtype = exact(logits)
        z = tf.cast(tf.constant(values), dtype)
        with tf.GradientTape() as tape:
            tape.watch(z)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=np.asarray(targets), logits=z)
            loss = {"none": tf.identity, "sum": tf.reduce_sum, "mean": tf.reduce_mean}[reduction](losses)
        grad = tape.gradient(loss, z)
        return _narrow(loss.numpy(), dtype), _narrow(grad.numpy(), dtype)

    return sparse_with_logits


def _narrow(values, dtype):
    """Return values that came back in bfloat16 in the float32 that NumPy has; others as they are."""
    return values.astype(np.float32) if dtype == "bfloat16" else values


def _paddle():
    import paddle

    def cross_entropy(logits, targets, class_weights=None, **options):
        values, dtype = exact(logits)
        z = paddle.to_tensor(values).astype(dtype)
        z.stop_gradient = False
        if class_weights is not None:
            options["weight"] = paddle.to_tensor(exact(class_weights)[0]).astype(dtype)
        loss = paddle.nn.functional.cross_entropy(z, paddle.to_tensor(np.asarray(targets)), **options)
        (grad,) = paddle.grad(loss.sum(), z)
        return tuple(_paddle_array(each, dtype) for each in (loss, grad))

    return cross_entropy


def _paddle_array(tensor, dtype):
    return (tensor.astype("float32") if dtype == "bfloat16" else tensor).numpy()


def _mlx():
    import mlx.core as mx
    from mlx import nn

    def cross_entropy(logits, targets, reduction="mean", **options):
        values, dtype = exact(logits)
        y = mx.array(np.asarray(targets))

        def loss(z):
            return nn.losses.cross_entropy(z, y, reduction=reduction, **options)

        z = mx.array(values, dtype=getattr(mx, dtype))
        grad = mx.grad(lambda z: loss(z).sum())(z)
        return tuple(_mlx_array(each, dtype, mx) for each in (loss(z), grad))

    return cross_entropy


def _mlx_array(array, dtype, mx):
    return np.array(array.astype(mx.float32) if dtype == "bfloat16" else array)


def _thinc():
    from thinc.api import CategoricalCrossentropy, NumpyOps

    def categorical(logits, targets, ignore_index=None, label_smoothing=0.0, reduction="mean"):
        loss = CategoricalCrossentropy(
            normalize=reduction == "mean", missing_value=ignore_index, label_smoothing=label_smoothing
        )
        grad, value = loss(NumpyOps().softmax(logits), targets)
        return value, grad

    return categorical


def _sklearn_log_loss():
    from scipy.special import softmax
    from sklearn.metrics import log_loss

    def log_loss_of_softmax(logits, targets, reduction="mean"):
        every = np.arange(logits.shape[1])
        return log_loss(targets, softmax(logits, axis=1), labels=every, normalize=reduction == "mean")

    return log_loss_of_softmax


def _sklearn_half():
    from sklearn._loss import HalfMultinomialLoss

    def half_multinomial(logits, targets, reduction="mean"):
        loss, grad = HalfMultinomialLoss(n_classes=logits.shape[1]).loss_gradient(
            y_true=targets.astype(logits.dtype), raw_prediction=logits
        )
        return _reduced(loss, reduction), grad / len(grad) if reduction == "mean" else grad

    return half_multinomial


def _scipy_log_softmax():
    from scipy.special import log_softmax

    def of_log_softmax(logits, targets, reduction="mean"):
        return _reduced(-log_softmax(logits, axis=1)[np.arange(len(targets)), targets], reduction)

    return of_log_softmax


def _scipy_logsumexp():
    from scipy.special import logsumexp

    def of_logsumexp(logits, targets, reduction="mean"):
        return _reduced(logsumexp(logits, axis=1) - logits[np.arange(len(targets)), targets], reduction)

    return of_logsumexp


def _scipy_softmax():
    from scipy.special import softmax

    def of_softmax(logits, targets, reduction="mean"):
        return _reduced(-np.log(softmax(logits, axis=1)[np.arange(len(targets)), targets]), reduction)

    return of_softmax


PYTORCH = "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional."
OPTAX = "https://optax.readthedocs.io/en/latest/api/losses.html"
NOTHING = "A mean over nothing is NaN; the manual says so."
LOSSES = (
    Audited(
        "xentlib: softmax_cross_entropy_with_grad", "xentlib", _xentlib,
        "loss and gradient within a few eps of their own size, at any offset and any lead ([Loss](../api/loss.md))",
        NUMPY, OPTIONS,
    ),
    Audited(
        "PyTorch: F.cross_entropy", "torch", _torch,
        f"cross-entropy of logits, with the options of the audit ([manual]({PYTORCH}cross_entropy.html))",
        ALL, OPTIONS, "torch",
    ),
    Audited(
        "PyTorch: F.nll_loss of F.log_softmax", "torch", _torch_nll,
        "log_softmax is \"mathematically equivalent to log(softmax(x))\", and computed otherwise because \"doing these "
        f"two operations separately is slower and numerically unstable\" ([manual]({PYTORCH}log_softmax.html))",
        ALL, ("ignore_index", "class_weights", "reduction"), "torch",
    ),
    Audited(
        "Transformers: ForCausalLMLoss", "transformers", _transformers,
        "PyTorch's loss, with logits turned into float32 \"to avoid potential precision issues\" (a comment in "
        "[its source](https://github.com/huggingface/transformers/blob/main/src/transformers/loss/loss_utils.py))",
        ALL, ("ignore_index",), "torch",
        "It computes in float32 always. For float64, which language models do not use, that is fewer digits.",
    ),
    Audited(
        "Keras: SparseCategoricalCrossentropy(from_logits=True)", "keras", _keras_logits,
        f"cross-entropy of logits; a reduction; `ignore_class`; a dtype ([manual]({KERAS})); on its backend PyTorch",
        ALL, ("ignore_index", "reduction"), "torch",
        seen="Told `dtype=\"float64\"`, its mean has seven digits: it goes through `ops.divide_no_nan`, which returns "
        "float32 all the same. Without a reduction the losses are float64.",
    ),
    Audited(
        "Keras: SparseCategoricalCrossentropy()", "keras", _keras_probabilities,
        f"cross-entropy of probabilities, which is its default ([manual]({KERAS})); here those of `keras.ops.softmax`",
        ALL, ("ignore_index", "reduction"), "torch",
        "Probabilities are clipped at `keras.config.epsilon()`, 1e-7 unless it is set, so no loss is above 16.118. "
        "It is an old convention: [exhibit 2](../chapters/15_break_it.ipynb) of chapter 15.",
    ),
    Audited(
        "JAX: jax.nn.log_softmax", "jax", _jax,
        "the logarithm of softmax, \"which rescales elements to the range [−∞, 0)\" "
        "([manual](https://docs.jax.dev/en/latest/_autosummary/jax.nn.log_softmax.html)); JAX itself has no loss",
        ALL, (), "jax",
    ),
    Audited(
        "Optax: softmax_cross_entropy_with_integer_labels", "optax", _optax,
        f"cross-entropy of logits and labels between 0 and K − 1; `where` leaves samples out ([manual]({OPTAX}))",
        ALL, ("ignore_index",), "jax",
        "Labels outside of 0 to K − 1 are not promised: it takes −100 only where `where` hides the NaN.",
    ),
    Audited(
        "Optax: softmax_cross_entropy", "optax", _optax_one_hot,
        f"cross-entropy of logits and distributions ([manual]({OPTAX})); labels are smoothed with `smooth_labels`",
        ("float32", "bfloat16"), (), "jax",
        "A logit of −∞ whose target is 0 gives NaN, which is why `safe_softmax_cross_entropy` exists.",
        "Here it runs uncompiled. Under `jax.jit` the NaN was gone in all dtypes but bfloat16.",
    ),
    Audited(
        "Optax: safe_softmax_cross_entropy", "optax", _optax_safe,
        f"the same, where −∞ times a target of 0 is 0 ([manual]({OPTAX}))",
        ALL, ("label_smoothing",), "jax",
    ),
    Audited(
        "TensorFlow: tf.nn.sparse_softmax_cross_entropy_with_logits", "tensorflow_cpu", _tensorflow,
        "cross-entropy of logits in float16, 32 and 64 "
        "([manual](https://www.tensorflow.org/api_docs/python/tf/nn/sparse_softmax_cross_entropy_with_logits)); "
        "the mean is `tf.reduce_mean`",
        NUMPY, (),
    ),
    Audited(
        "Paddle: F.cross_entropy", "paddlepaddle", _paddle,
        "softmax and cross-entropy combined \"to provide a more numerically stable computing\", of float32 or float64 "
        "([manual](https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/functional/cross_entropy_en.html))",
        ("float64", "float32"), OPTIONS,
        seen="A logit that lies more than 64 below the largest counts as 64 below: no sample has a loss much above 64, "
        "and −∞ is no mask. We found no word on it in the manual. Smoothing turns labels into distributions, for "
        "which the manual gives another weighted mean.",
    ),
    Audited(
        "MLX: nn.losses.cross_entropy", "mlx", _mlx,
        "cross-entropy of logits, smoothed and reduced ([manual](https://ml-explore.github.io/mlx/build/html/python/nn/"
        "_autosummary_functions/mlx.nn.losses.cross_entropy.html)); on a CPU \"in the dtype of the logits\"",
        ALL, ("label_smoothing", "reduction"),
        seen="Its float64 has seven digits here: `mx.exp` of 2 comes out as 7.3890557, and 7.3890561 is right.",
    ),
    Audited(
        "Thinc: CategoricalCrossentropy", "thinc", _thinc,
        "categorical cross-entropy of probabilities, with the gradient for the input of the "
        "softmax ([manual](https://thinc.ai/docs/api-loss))",
        ("float32",), ("ignore_index", "label_smoothing"),
        conventions="Its gradient is meant for the layer below a softmax, and is right there.",
        seen="What it returns as the loss is the sum of the squares of that gradient, and no cross-entropy. Training "
        "does not use it; who reads it may be misled.",
    ),
    Audited(
        "SciPy: log_softmax", "scipy", _scipy_log_softmax,
        f"\"more accurate than np.log(softmax(x))\" ([manual]({SCIPY}log_softmax.html)); SciPy itself has no loss",
        NUMPY, (),
    ),
    Audited(
        "SciPy: logsumexp less the score", "scipy", _scipy_logsumexp,
        f"\"the log of the sum of exponentials\" ([manual]({SCIPY}logsumexp.html)); the subtraction is ours, and usual",
        NUMPY, (),
    ),
    Audited(
        "SciPy: log of softmax", "scipy", _scipy_softmax,
        f"softmax alone ([manual]({SCIPY}softmax.html)); the logarithm is ours, and the manual of log_softmax warns "
        "of it",
        NUMPY, (), conventions="Listed because it is often written.",
    ),
    Audited(
        "scikit-learn: HalfMultinomialLoss", "scikit-learn", _sklearn_half,
        "\"categorical cross-entropy loss\" of raw predictions, in float64 and float32; private, and what "
        "LogisticRegression minimises ([source](https://github.com/scikit-learn/scikit-learn/blob/main/sklearn/_loss/loss.py))",
        ("float64", "float32"), (),
    ),
    Audited(
        "scikit-learn: log_loss", "scikit-learn", _sklearn_log_loss,
        f"a metric of probabilities, \"clipped to [eps, 1-eps]\" ([manual]({SKLEARN})); here those of SciPy's softmax",
        ("float64", "float32"),
        conventions="The clipping is documented: in float64 no sample counts for more than 36.04, in float32 for more "
        "than 15.94.",
    ),
)  # fmt: skip
