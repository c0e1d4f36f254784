"""Numbers as the drawings write them: what `common.js` does under "Text", to the letter."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

CLASSES = ("cat", "dog", "bird")
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def decimal(x: float | Decimal, digits: int = 2) -> str:
    """Return `x` with so many decimals, a true minus sign and none on a zero; NaN and ∞ by name."""
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else "−∞"
    # Not by format(), which rounds a tie to the even digit. JavaScript rounds it away from zero.
    rounded = Decimal(float(x)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{rounded if rounded else abs(rounded):f}".replace("-", "−")


def scientific(x: float) -> str:
    """Return `x` with three digits, and with a power of ten where it is small or large."""
    if not math.isfinite(x):
        return decimal(x)
    if x == 0:
        return "0"
    rounded = Context(prec=3, rounding=ROUND_HALF_UP).create_decimal(Decimal(float(x)))
    if 0.001 <= abs(x) < 1000:
        return decimal(rounded, 2 - rounded.adjusted())
    digits, power = f"{rounded:.2e}".split("e")
    return f"{digits}\u00a0·\u00a010{superscript(int(power))}".replace("-", "−")


def superscript(n: int) -> str:
    """Return an integer as an exponent."""
    return str(n).translate(SUPERSCRIPTS)
