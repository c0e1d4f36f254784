"""Four ways to compute a loss of two logits in float64, and the digits that each keeps (chapter 11)."""

import mpmath
import numpy as np
from traitlets import Float, Int

import xentlib
from xentlib.teaching.explorers.explorer import Explorer
from xentlib.teaching.explorers.text import decimal, scientific

NAMES = ("−log(softmax)", "log-sum-exp − z_y", "−log_softmax", "log1p")
MOST_DIGITS = 15  #: so many decimal digits every float64 holds


class FloatingPoint(Explorer):
    """The loss of two logits, true and other: offset + gap and offset, by four formulas in float64.

    A formula can know no more than the logits that it is given. So the exact loss, with which each is compared, is
    that of the logits as they are stored, after the gap was added to the offset and the sum was rounded.
    """

    name = "floating_point"
    question = "The true logit leads by 40. Which of the four formulas still has a right digit of the loss?"
    title = "Only log1p keeps its digits everywhere."
    state = ("gap", "power")
    heights = (638, 738)

    gap = Float(20.0).tag(sync=True)
    power = Int(0).tag(sync=True)  #: of ten, the offset; 0 for no offset

    def values(self):
        """Return the gap as stored, its exact loss, and of each formula what it gives and how many digits are right."""
        other = 10.0**self.power if self.power else 0.0
        true = other + self.gap
        losses = [formula(true, other) for formula in (naive, log_sum_exp_minus_true, minus_log_softmax, log1p_form)]
        with mpmath.workdps(60):
            gap = mpmath.mpf(true) - mpmath.mpf(other)
            exact = mpmath.log1p(mpmath.exp(-abs(gap))) + max(-gap, 0)
            digits = [right_digits(loss, exact) for loss in losses]
        return {"stored": float(gap), "exact": float(exact), "losses": losses, "digits": digits}

    def say(self):
        """Return the stored gap, the exact loss, and which formulas have six digits of it right, in a sentence."""
        stored, exact, _, digits = self.values().values()
        kept = [name for name, n in zip(NAMES, digits, strict=True) if n >= 6]
        lost = [name for name in NAMES if name not in kept]
        return (
            f"The gap as stored is {decimal(stored, 3)}, its exact loss {scientific(exact)}. "
            f"Six digits or more: {', '.join(kept)}. Fewer: {', '.join(lost) or 'none'}."
        )


def naive(true, other):
    """Return minus the logarithm of softmax, both as they are written."""
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.exp([true, other])
        return float(-np.log(weights[0] / weights.sum()))


def log_sum_exp_minus_true(true, other):
    """Return the log-sum-exp, with the maximum taken out and added again, minus the true logit."""
    largest = max(true, other)
    return float(largest + np.log(np.exp([true - largest, other - largest]).sum()) - true)


def minus_log_softmax(true, other):
    """Return the same with the maximum taken out of the true logit, too, so that it need not be added again."""
    largest = max(true, other)
    return float(np.log(np.exp([true - largest, other - largest]).sum()) - (true - largest))


def log1p_form(true, other):
    """Return the loss as xentlib computes it, with log1p."""
    return float(xentlib.softmax_cross_entropy([true, other], 0))


def right_digits(value, exact):
    """Return the largest n, up to what a float64 holds, for which `value` is within 10⁻ⁿ of `exact`, relatively."""
    if not np.isfinite(value):
        return 0
    error = abs(mpmath.mpf(value) - exact)
    return next((n for n in range(MOST_DIGITS, 0, -1) if error * 10**n <= exact), 0)
