"""Second-order pieces of softmax cross-entropy: the Jacobian of softmax, diag(q) − q qᵀ."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._arrays import as_float, check_axis
from xentlib.normalization import split_largest


def softmax_jacobian(z: ArrayLike) -> NDArray[np.floating]:
    """Return the Jacobian of softmax, J_ik = ∂q_i/∂z_k = q_i (δ_ik − q_k).

    Parameters
    ----------
    z : array_like of shape (..., K)
        Logits in nats. -inf masks a class, whose row and column are 0.

    Returns
    -------
    ndarray of shape (..., K, K), in the dtype of `z`
        Symmetric; each row and each column sums to 0.

    Raises
    ------
    ValueError
        If a logit is NaN or +inf, or a row is all -inf.
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Chapter 5 takes the gradient through it.

    On the diagonal, 1 − q_i of the largest class is r / (1 + r), the sum of the others, and not a
    difference that rounds to 0. J is also the Hessian of the loss in z. For products with J no matrix is
    needed: J v = q ∘ v − q ⟨q, v⟩.

    Examples
    --------
    >>> softmax_jacobian([1.0, 2.0, 0.5]).round(3)
    array([[ 0.178, -0.145, -0.032],
           [-0.145,  0.233, -0.088],
           [-0.032, -0.088,  0.121]])
    """
    z, dtype = as_float("z", z)
    check_axis("z", z, -1)
    top = split_largest("z", z)
    q = top.probabilities()
    complement = 1 - q
    np.put_along_axis(complement, top.argmax, top.rest / (1 + top.rest), -1)
    jacobian = -q[..., :, np.newaxis] * q[..., np.newaxis, :]
    diagonal = np.arange(z.shape[-1])
    jacobian[..., diagonal, diagonal] = q * complement
    return jacobian.astype(dtype)
