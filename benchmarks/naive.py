"""Softmax cross-entropy as textbooks write it in NumPy: one whole array after the other, and digits lost."""

import numpy as np


def softmax_cross_entropy_with_grad(logits, y):
    """Return the mean of −log q_y, with q shifted so that it does not overflow, and its gradient (q − p)/N."""
    rows = np.arange(len(logits))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    q = powers / powers.sum(axis=1, keepdims=True)
    loss = -np.log(q[rows, y]).mean()
    grad = q
    grad[rows, y] -= 1
    return loss, grad / len(logits)


def log_sum_exp_minus_true(logits, y):
    """Return the mean of log Σ_j e^{z_j} − z_y, which subtracts numbers of the size of the offset."""
    largest = logits.max(axis=1)
    log_sum_exp = largest + np.log(np.exp(logits - largest[:, np.newaxis]).sum(axis=1))
    return (log_sum_exp - logits[np.arange(len(logits)), y]).mean()


def linear_cross_entropy_with_grad(features, weight, y, bias, loss_and_grad=softmax_cross_entropy_with_grad):
    """Return the loss of the logits x Wᵀ + b, all held at once, and its gradients by x, W and b."""
    logits = features @ weight.T
    logits += bias
    loss, grad = loss_and_grad(logits, y)
    return loss, (grad @ weight, grad.T @ features, grad.sum(axis=0))
