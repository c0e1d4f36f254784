"""Softmax cross-entropy and its derivatives in NumPy, accurate to the last digits.

    >>> import xentlib
    >>> loss, grad = xentlib.softmax_cross_entropy_with_grad([[1.0, 2.0, 0.5]], [1])
    >>> loss.round(4), grad.round(2)
    (np.float64(0.4644), array([[ 0.23, -0.37,  0.14]]))

Class axis last, classes counted from 0, everything in nats. `xentlib.teaching` holds what the book
needs in addition to the numerics, and is not imported here.
"""

from xentlib.classifier import SoftmaxRegression
from xentlib.curvature import (
    softmax_cross_entropy_hessian,
    softmax_cross_entropy_hessian_diagonal,
    softmax_cross_entropy_hvp,
    softmax_jacobian,
)
from xentlib.gradcheck import check_grad
from xentlib.information import cross_entropy, entropy, kl_divergence
from xentlib.linear import LinearGrad, linear_cross_entropy, linear_cross_entropy_with_grad
from xentlib.loss import softmax_cross_entropy, softmax_cross_entropy_with_grad
from xentlib.normalization import log_softmax, logsumexp, softmax

__version__ = "0.1.0"  # read from here by flit; importlib.metadata would take as long to import as all of xentlib

__all__ = [
    "LinearGrad",
    "SoftmaxRegression",
    "check_grad",
    "cross_entropy",
    "entropy",
    "kl_divergence",
    "linear_cross_entropy",
    "linear_cross_entropy_with_grad",
    "log_softmax",
    "logsumexp",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_hessian",
    "softmax_cross_entropy_hessian_diagonal",
    "softmax_cross_entropy_hvp",
    "softmax_cross_entropy_with_grad",
    "softmax_jacobian",
]
