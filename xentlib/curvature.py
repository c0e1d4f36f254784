"""Second-order pieces of softmax cross-entropy: diag(q) − q qᵀ, as a matrix, its diagonal, its product with a vector.

The Jacobian of softmax and the Hessian of the loss are the same matrix. Where the classifier is sure, its entries are
tiny but keep their digits: 1 − q of the largest class is r / (1 + r), as in the loss's gradient.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xentlib._target import UnsoundError
from xentlib._validate import (
    DType,
    Floats,
    as_float,
    check_axis,
    explain_keywords,
    first_index,
    format_index,
    narrow,
    raise_bad_logits,
)
from xentlib.loss import softmax_cross_entropy
from xentlib.normalization import split_largest


@explain_keywords
@np.errstate(all="ignore")
def softmax_jacobian(z: ArrayLike) -> NDArray[np.floating]:
    """Return the Jacobian of softmax, J_ik = ∂q_i/∂z_k = q_i (δ_ik − q_k).

    Parameters
    ----------
    z : array_like of shape (..., K)
        Logits in nats. -inf masks a class, whose row and column are 0.

    Returns
    -------
    ndarray of shape (..., K, K), in the dtype of `z`
        Symmetric; each row and each column sums to 0, up to rounding.

    Raises
    ------
    ValueError
        If a logit is NaN or +inf, or a row is all -inf.
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Chapter 6 derives it, and takes the gradient through it.

    On the diagonal, 1 − q_i of the largest class is r / (1 + r), the sum of the others, and not a
    difference that rounds to 0. J is also the Hessian of the loss in z, `softmax_cross_entropy_hessian`. Products
    with J need no matrix: see `softmax_cross_entropy_hvp`.

    Examples
    --------
    >>> softmax_jacobian([1.0, 2.0, 0.5]).round(3)
    array([[ 0.178, -0.145, -0.032],
           [-0.145,  0.233, -0.088],
           [-0.032, -0.088,  0.121]])
    """
    z, dtype = as_float("z", z)
    return narrow(_matrix(*_probabilities("z", z)), dtype)


@explain_keywords
@np.errstate(all="ignore")
def softmax_cross_entropy_hessian(logits: ArrayLike, targets: ArrayLike | None = None) -> NDArray[np.floating]:
    """Return the Hessian of the softmax cross-entropy in the logits, H_ik = ∂²L/∂z_i∂z_k = q_i (δ_ik − q_k).

    Parameters
    ----------
    logits : array_like of shape (..., K)
        Nats. -inf masks a class, whose row and column are 0.
    targets : array_like, optional
        As for `softmax_cross_entropy`. Class indices, or None, change nothing: H is the same whichever class is true.
        Under a general target p it is multiplied by Σ_j p_j.

    Returns
    -------
    ndarray of shape (..., K, K), in the dtype of `logits`
        One matrix for each sample, of its own loss: without a reduction, and without weights. Symmetric and positive
        semidefinite; each row and each column sums to 0, up to rounding.

    Raises
    ------
    ValueError
        If a logit is NaN or +inf, a row is all -inf, an index lies outside [0, K), a probability is
        negative or not finite, or the shapes do not match.
    TypeError
        If `logits` does not hold real numbers, or class indices are not integers.

    Notes
    -----
    The gradient is (Σ_j p_j) q − p, so its derivative is Σ_j p_j times that of softmax, `softmax_jacobian`. A
    Hessian without negative eigenvalues makes the loss convex in the logits. Chapter 9 derives it, and bounds it.

    Examples
    --------
    >>> hessian = softmax_cross_entropy_hessian([1.0, 2.0, 0.5])
    >>> hessian.round(3)
    array([[ 0.178, -0.145, -0.032],
           [-0.145,  0.233, -0.088],
           [-0.032, -0.088,  0.121]])
    >>> twice = softmax_cross_entropy_hessian([1.0, 2.0, 0.5], [0.0, 2.0, 0.0])
    >>> bool((twice == 2 * hessian).all())
    True
    """
    z, dtype = as_float("logits", logits)
    hessian = _matrix(*_probabilities("logits", z))
    if targets is not None:
        # The loss knows every way in which targets can be wrong, and costs little next to K² entries.
        softmax_cross_entropy(z, targets, reduction="none")
        if np.shape(targets) == z.shape:
            hessian *= np.asarray(targets).sum(-1, dtype=z.dtype)[..., np.newaxis, np.newaxis]
    return narrow(hessian, dtype)


@explain_keywords
@np.errstate(all="ignore")
def softmax_cross_entropy_hessian_diagonal(logits: ArrayLike, *, upper: bool = False) -> NDArray[np.floating]:
    """Return the diagonal of the Hessian of the softmax cross-entropy, H_ii = ∂²L/∂z_i² = q_i (1 − q_i).

    Parameters
    ----------
    logits : array_like of shape (..., K)
        Nats. -inf masks a class, whose entry is 0.
    upper : bool
        Return 2 q_i (1 − q_i) instead: the diagonal of a matrix D such that D − H has no negative eigenvalue.

    Returns
    -------
    ndarray of shape (..., K), in the dtype of `logits`
        Of each sample's own loss, without a reduction and without weights. At most 1/4, or 1/2 with `upper`.

    Raises
    ------
    ValueError
        If a logit is NaN or +inf, or a row is all -inf.
    TypeError
        If `logits` does not hold real numbers, or `upper` is not a bool.

    Notes
    -----
    1 − q_i of the largest class is r / (1 + r), so every entry keeps the relative accuracy of the gradient. Under a
    general target p both versions are multiplied by Σ_j p_j, as H is.

    The diagonal alone leaves out how the logits move together, and a Newton step that divides by it can raise the loss.
    2 q_i (1 − q_i) is Σ_k |H_ik|, the row sum of Gershgorin (1931), and

        v·H v = Σ_{i<k} q_i q_k (v_i − v_k)²,   v·(D − H) v = Σ_{i<k} q_i q_k (v_i + v_k)² ≥ 0.

    For two classes D = 2 q_0 q_1 I, and the bound is reached along v = (1, −1). No factor below 2 holds for every q
    with K ≥ 3 either, since q may come close to (1/2, 1/2, 0, …). It bounds H at these logits, not along the step:
    for that, (I − 1 1ᵀ/K)/2 bounds H at all logits (Böhning 1992). XGBoost divides by 2 q_i (1 − q_i). LightGBM takes
    the factor K/(K − 1) of Friedman (2001), which is the same for two classes and no bound for more. Chapter 9 derives
    all three.

    Examples
    --------
    >>> softmax_cross_entropy_hessian_diagonal([1.0, 2.0, 0.5]).round(3)
    array([0.178, 0.233, 0.121])
    >>> softmax_cross_entropy_hessian_diagonal([0.0, 40.0])
    array([4.24835426e-18, 4.24835426e-18])
    >>> logits = [1.0, 2.0, 0.5]
    >>> bound = softmax_cross_entropy_hessian_diagonal(logits, upper=True)
    >>> hessian = softmax_cross_entropy_hessian(logits)
    >>> np.linalg.eigvalsh(np.diag(bound) - hessian).round(3)
    array([0.04 , 0.108, 0.384])
    """
    if not isinstance(upper, bool | np.bool):
        raise TypeError(f"upper must be True or False; got {upper!r}")
    z, dtype = as_float("logits", logits)
    diagonal = _diagonal(*_probabilities("logits", z))
    return narrow(2 * diagonal if upper else diagonal, dtype)


@explain_keywords
@np.errstate(all="ignore")
def softmax_cross_entropy_hvp(logits: ArrayLike, v: ArrayLike) -> NDArray[np.floating]:
    """Return the product of the Hessian of the softmax cross-entropy with a vector, H v = q ∘ v − q ⟨q, v⟩.

    Parameters
    ----------
    logits : array_like of shape (..., K)
        Nats. -inf masks a class: the product is 0 there, and the entry of `v`, if it is finite, has no effect.
    v : array_like of shape (..., K)
        The vectors. Leading axes broadcast with those of `logits`: many vectors for one Hessian, or one
        vector for many.

    Returns
    -------
    ndarray of shape (..., K), in the dtype of `logits`
        H v, in O(K) a row: no matrix is formed. Each row sums to 0, up to rounding.

    Raises
    ------
    ValueError
        If a logit is NaN or +inf, a row is all -inf, the shapes do not match, or an entry of `v` is not finite, or so
        large that differences of entries overflow.
    TypeError
        If `logits` or `v` does not hold real numbers.

    Notes
    -----
    Entry i is q_i times the deviation of v_i from ⟨q, v⟩, the mean of v. For a sure classifier the mean rounds to v_a,
    with a the largest class, and the deviation of v_a to 0. But H (v − c) = H v for every c. With c the float nearest
    to the mean, the mean of v − c is the part of it that was rounded away, and the deviation from it no longer is 0.

    The error of entry i is within (8 + gap) eps of Σ_j q_i q_j |v_i − v_j|, for logits that lie `gap` apart. That is a
    relative error where all v_i − v_j have the same sign, as they have for a unit vector. Where they cancel in the sum,
    the entry is smaller than its terms and has fewer digits. Chapter 6 derives the product, chapter 9 reads it as a
    variance.

    Examples
    --------
    >>> softmax_cross_entropy_hvp([1.0, 2.0, 0.5], [0.0, 1.0, 0.0]).round(3)
    array([-0.145,  0.233, -0.088])
    >>> softmax_cross_entropy_hvp([0.0, 40.0], [0.0, 1.0])
    array([-4.24835426e-18,  4.24835426e-18])
    """
    z, dtype = as_float("logits", logits)
    q, argmax, _ = _probabilities("logits", z)
    v, vectors = _check_vectors(v, z)
    v_a = np.take_along_axis(vectors, np.broadcast_to(argmax, (*vectors.shape[:-1], 1)), -1)
    product = vectors - v_a  # an overflow, here or below, ends in a mean that is not finite
    c = v_a + _mean(q, product)
    np.subtract(vectors, c, out=product)
    mean = _mean(q, product)
    if not np.isfinite(mean).all():
        _raise_bad_vectors(v, z.dtype)
    product -= mean
    product *= q
    return narrow(product, dtype)


def _probabilities(name: str, z: Floats) -> tuple[Floats, NDArray[np.intp], Floats]:
    """Return q, where it is largest, and 1 − q there: r / (1 + r), which does not round to 0."""
    check_axis(name, z, -1)
    try:
        split = split_largest(z)
    except UnsoundError:
        raise_bad_logits(name, z, -1)
    return split.probabilities(), split.argmax, split.rest / (1 + split.rest)


def _matrix(q: Floats, argmax: NDArray[np.intp], complement_there: Floats) -> Floats:
    """Return diag(q) − q qᵀ."""
    matrix = -q[..., :, np.newaxis] * q[..., np.newaxis, :]
    index = np.arange(q.shape[-1])
    matrix[..., index, index] = _diagonal(q, argmax, complement_there)
    return matrix


def _diagonal(q: Floats, argmax: NDArray[np.intp], complement_there: Floats) -> Floats:
    """Return q (1 − q)."""
    complement = 1 - q
    np.put_along_axis(complement, argmax, complement_there, -1)
    return q * complement


def _mean(q: Floats, v: Floats) -> Floats:
    """Return ⟨q, v⟩ row by row, with the class axis kept."""
    return (q * v).sum(-1, keepdims=True)


def _check_vectors(v: ArrayLike, z: Floats) -> tuple[Floats, Floats]:
    """Return `v` as it was passed, and in the dtype of `z`, broadcast over the rows of both."""
    v, _ = as_float("v", v)
    try:
        rows = np.broadcast_shapes(v.shape[:-1], z.shape[:-1])
    except ValueError:
        rows = None
    if rows is None or v.shape[-1] != z.shape[-1]:
        raise ValueError(
            f"v must have a last axis of {z.shape[-1]} classes, and leading axes that broadcast with "
            f"those of logits of shape {z.shape}; got {v.shape}"
        )
    # What z's dtype cannot hold becomes inf, which is found together with all others.
    return v, np.broadcast_to(v.astype(z.dtype, copy=False), (*rows, v.shape[-1]))


def _raise_bad_vectors(v: Floats, dtype: DType) -> NoReturn:
    limit = np.finfo(dtype).max / 4
    index = first_index(~(np.abs(v) < limit))
    raise ValueError(
        f"v must be finite, and less than {limit:.2g} in size so that no difference overflows; "
        f"got {v[index]}{format_index(index)}"
    )
