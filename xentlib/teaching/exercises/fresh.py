"""Exercises with other numbers than the book's, drawn from an assignment's seed.

Of an exercise to predict, this says which of its words hold numbers, how to draw others, and what the answer and each
mistake are then: with the book's own numbers, they are the book's. Of one to code, it says how to draw more inputs;
those of the book, which hold the hard cases, come after them. Hints stay: they work with the book's numbers.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

import xentlib
from xentlib.teaching.exercises.exercise import Exercise

FRESH_INPUTS = 2  #: of a function to code, before those of the book


class Numbers(NamedTuple):
    """What depends on the numbers of an exercise to predict. Each function takes them, in the order of `book`."""

    book: tuple
    draw: Callable[[np.random.RandomState], tuple]
    answer: Callable[..., Any]
    wrong: Sequence[Callable[..., Any]]  #: for each mistake, in their order
    words: dict[str, Callable[..., str]]  #: a passage of the title, the task or a mistake, and what replaces it


def renewed(exercise: Exercise, seed: int | None) -> Exercise:
    """Return the exercise with the numbers that a seed gives it, or as it is where it has none to draw."""
    if seed is None or not can_be_renewed(exercise):
        return exercise
    # Of NumPy's streams this alone is promised never to change, and a student may have another NumPy than the grader.
    rng = np.random.RandomState([seed, zlib.crc32(exercise.id.encode())])
    if exercise.id in INPUTS:
        drawn = tuple(INPUTS[exercise.id](rng) for _ in range(FRESH_INPUTS))
        return replace(exercise, inputs=(*drawn, *exercise.inputs))
    while True:
        found = with_numbers(exercise, *NUMBERS[exercise.id].draw(rng))
        if found.task != exercise.task and _tells_apart(found):
            return found


def can_be_renewed(exercise: Exercise) -> bool:
    """Tell whether an exercise has numbers to draw."""
    return exercise.id in NUMBERS or exercise.id in INPUTS


def with_numbers(exercise: Exercise, *numbers: Any) -> Exercise:
    """Return an exercise to predict with these numbers in it."""
    kind = NUMBERS[exercise.id]
    words = {old: new(*numbers) for old, new in kind.words.items()}

    def reworded(text):  # all in one pass: what is put in may look like what comes later
        return re.sub("|".join(map(re.escape, words)), lambda found: words[found[0]], text)

    mistakes = [
        mistake._replace(feedback=reworded(mistake.feedback), wrong=wrong(*numbers))
        for mistake, wrong in zip(exercise.mistakes, kind.wrong, strict=False)
    ]
    return replace(
        exercise, title=reworded(exercise.title), task=reworded(exercise.task), answer=kind.answer(*numbers),
        mistakes=mistakes,
    )  # fmt: skip


def _tells_apart(exercise):
    """Tell whether no two of the answer and the mistakes agree, nor could they by rounding."""
    values = [exercise.answer, *(mistake.wrong for mistake in exercise.mistakes)]
    return not any(
        np.allclose(a, b, rtol=2 * exercise.rtol, atol=2 * exercise.atol + 1e-9) for a, b in combinations(values, 2)
    )


# How numbers are drawn, and written


def _logits(rng, *shape):
    return rng.normal(scale=1.5, size=shape).round(2)


def _labels(rng, n_samples, n_classes):
    return rng.randint(n_classes, size=n_samples)


def _distributions(rng, *shape):
    weights = rng.randint(1, 10, size=shape)
    return weights / weights.sum(axis=-1, keepdims=True)


def _shuffled(rng, *values):
    return rng.permutation(values).tolist()


def _batch(rng):
    return _logits(rng, 3, 4), _labels(rng, 3, 4)


def _layer(rng):
    return _logits(rng, 3, 2), _logits(rng, 4, 2)


def _tex(number):
    r"""Return a number in TeX: a small fraction as such.

    >>> [_tex(0.25), _tex(-2.5), _tex(3.0), _tex(0.7)]
    ['\\tfrac14', '-2.5', '3', '0.7']
    """
    part = Fraction(number)
    if 0 < part < 1 and part.denominator <= 8:
        return rf"\tfrac{part.numerator}{part.denominator}"
    return f"{number:g}"


def _vector(numbers):
    return f"({', '.join(map(_tex, numbers))})"


def _entropy(*p):
    return float(-np.sum(np.array(p) * np.log(p)))


# 01-surplus: KL, in bits


def _bits(p, q):
    return float(-np.dot(p, np.log2(q)))


# 05-signs

NAMES = ("cat", "dog", "bird")


def _gradient(z, true):
    return np.round(xentlib.softmax(z) - np.eye(3)[true], 2)


# 06-nudge


def _column(q, rise):
    return [rise * q[0] * (1 - q[0]), -rise * q[0] * q[1], -rise * q[0] * q[2]]


NUMBERS = {
    "01-surplus": Numbers(
        book=([1 / 2, 1 / 4, 1 / 8, 1 / 8], [1 / 8, 1 / 2, 1 / 8, 1 / 4]),
        draw=lambda rng: tuple(_shuffled(rng, 1 / 2, 1 / 4, 1 / 8, 1 / 8) for _ in range(2)),
        answer=lambda p, q: _bits(p, q) - _bits(p, p),
        wrong=(
            _bits, lambda p, q: _bits(p, p), lambda p, q: _bits(q, p) - _bits(q, q),
            lambda p, q: (_bits(p, q) - _bits(p, p)) * np.log(2),
        ),
        words={
            r"(\tfrac12, \tfrac14, \tfrac18, \tfrac18)": lambda p, q: _vector(p),
            r"(\tfrac18, \tfrac12, \tfrac18, \tfrac14)": lambda p, q: _vector(q),
        },
    ),
    "02-odds": Numbers(
        book=(1, 2),
        draw=lambda rng: (cat := rng.randint(-2, 3), cat + rng.choice([0.5, 0.75, 1.25, 1.5])),
        answer=lambda cat, dog: np.exp(2 * (dog - cat)),
        wrong=(
            lambda cat, dog: np.exp(dog - cat), lambda cat, dog: np.exp((dog - cat) / 2),
            lambda cat, dog: 2.0 * (dog - cat), lambda cat, dog: np.exp(-2 * (dog - cat)),
        ),
        words={"1 for cat and 2 for dog": lambda cat, dog: f"{cat:g} for cat and {dog:g} for dog"},
    ),
    "02-scores": Numbers(
        book=([0.1, 0.7, 0.2],),
        draw=lambda rng: (_shuffled(rng, *[(0.1, 0.7, 0.2), (0.1, 0.6, 0.3), (0.5, 0.3, 0.2)][rng.randint(3)]),),
        answer=lambda p: np.log(p),
        wrong=(
            lambda p: p, xentlib.softmax, lambda p: -np.log(p), lambda p: np.log(p) - np.log1p(np.negative(p)),
            lambda p: np.log10(p),
        ),
        words={"cat the probability 0.1, dog 0.7 and bird 0.2":
               lambda p: "cat the probability {:g}, dog {:g} and bird {:g}".format(*p)},
    ),
    "03-count": Numbers(
        book=(10, 64, 32),
        draw=lambda rng: (rng.randint(3, 13), rng.randint(20, 100), rng.choice([8, 16, 32, 64])),
        answer=lambda classes, features, images: classes * (features + 1),
        wrong=(
            lambda classes, features, images: classes * features,
            lambda classes, features, images: classes * features + features,
            lambda classes, features, images: classes * (features + 1) * images,
        ),
        words={
            "10 classes from 64 features": lambda c, f, n: f"{c} classes from {f} features",
            "on 32 images": lambda c, f, n: f"on {n} images",
            "there are 10 of them": lambda c, f, n: f"there are {c} of them",
        },
    ),
    "03-odds": Numbers(
        book=((1, 2), (0, 0.5)),
        draw=lambda rng: (rng.randint(-3, 4, size=2), rng.choice([-1.5, -0.5, 0.5, 1, 2], size=2)),
        answer=lambda x, b: x[1] + b[1] - x[0] - b[0],
        wrong=(
            lambda x, b: x[1] - x[0], lambda x, b: x[0] + b[0] - x[1] - b[1],
            lambda x, b: np.exp(x[1] + b[1] - x[0] - b[0]), lambda x, b: x[1] + b[1],
        ),
        words={
            "x = (1, 2)": lambda x, b: f"x = {_vector(x)}",
            r"b = (0, \tfrac12, -1)": lambda x, b: f"b = {_vector([*b, -1])}",
        },
    ),
    "04-guess": Numbers(
        book=(10, 7),
        draw=lambda rng: (rng.randint(5, 200), rng.randint(2, 20)),
        answer=lambda K, logit: np.log(K),
        wrong=(lambda K, logit: logit + np.log(K), lambda K, logit: 1 / K, lambda K, logit: -np.log(K)),
        words={
            "Ten classes": lambda K, logit: f"{K} classes", "K = 10": lambda K, logit: f"K = {K}",
            "the logit 7": lambda K, logit: f"the logit {logit}",
        },
    ),
    "04-two-photos": Numbers(
        book=(1, 3),
        draw=lambda rng: tuple(np.sort(rng.choice(range(1, 7), size=2, replace=False)).tolist()),
        answer=lambda a, b: 2 ** ((a + b) / 2),
        wrong=(
            lambda a, b: 2.0 ** (a + b), lambda a, b: (2**a + 2**b) / 2, lambda a, b: 2 ** (-(a + b) / 2),
            lambda a, b: np.log(2) * (a + b) / 2, lambda a, b: (a + b) / 2,
        ),
        words={
            "½ and ⅛": lambda a, b: f"1/{2**a} and 1/{2**b}",
            "the mean of 2 and 8": lambda a, b: f"the mean of {2**a} and {2**b}",
        },
    ),
    "05-signs": Numbers(
        book=([1, 2, 0.5], 2),
        draw=lambda rng: (_shuffled(rng, *rng.choice([-1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5], 3, replace=False)),
                          rng.randint(3)),
        answer=_gradient,
        wrong=(
            lambda z, true: xentlib.softmax(z).round(2), lambda z, true: -_gradient(z, true),
            lambda z, true: _gradient(z, np.argmax(z)),
        ),
        words={
            r"(1, 2, \tfrac12)$, as always, but now": lambda z, true: f"{_vector(z)}$, and",
            "shows a bird": lambda z, true: f"shows a {NAMES[true]}",
            "at dog, which": lambda z, true: f"at {NAMES[np.argmax(z)]}, which",
            "Bird is true": lambda z, true: f"{NAMES[true].capitalize()} is true",
        },
    ),
    "06-nudge": Numbers(
        book=([1 / 2, 1 / 3, 1 / 6], 0.06),
        draw=lambda rng: (_shuffled(rng, *[(0.5, 0.4, 0.1), (0.6, 0.3, 0.1), (0.5, 0.3, 0.2)][rng.randint(3)]),
                          rng.choice([0.04, 0.05, 0.08, 0.1])),
        answer=_column,
        wrong=(
            lambda q, rise: [_column(q, rise)[0], 0.0, 0.0],
            lambda q, rise: [_column(q, rise)[0] * part for part in (1, -0.5, -0.5)],
            lambda q, rise: _column(q, 1), lambda q, rise: [rise * q[0], 0.0, 0.0], lambda q, rise: _column(q, -rise),
        ),
        words={
            r"(\tfrac12, \tfrac13, \tfrac16)": lambda q, rise: _vector(q),
            "rises by 0.06": lambda q, rise: f"rises by {rise:g}",
        },
    ),
    "07-roads": Numbers(
        book=(2, 3),
        draw=lambda rng: tuple(rng.randint(2, 8, size=2).tolist()),
        answer=lambda a, b: 2 * a * b * b + 2 * a * b,
        wrong=(
            lambda a, b: (a * b + a) * b + a * b, lambda a, b: a * b * b + a * b, lambda a, b: (2 * a * b + a) * b,
            lambda a, b: 2 * a * a * b + a * a, lambda a, b: (2 * a * b + a) * a + a * b,
        ),
        words={"$a = 2$ and $b = 3$": lambda a, b: f"$a = {a}$ and $b = {b}$"},
    ),
    "09-bend": Numbers(
        book=([1 / 2, 1 / 4, 1 / 4], [2, 0, -2]),
        draw=lambda rng: (_shuffled(rng, 1 / 2, 1 / 4, 1 / 4), rng.randint(-3, 4, size=3)),
        answer=lambda q, v: np.dot(q, np.square(v)) - np.dot(q, v) ** 2,
        wrong=(
            lambda q, v: np.dot(q, np.square(v)), lambda q, v: (np.dot(q, np.square(v)) - np.dot(q, v) ** 2) / 2,
            lambda q, v: (np.dot(q, np.square(v)) - np.dot(q, v) ** 2) / max(np.dot(v, v), 1),
            lambda q, v: np.var(v), lambda q, v: np.sum(np.multiply(q, np.subtract(1, q)) * np.square(v)),
        ),
        words={
            r"(\tfrac12, \tfrac14, \tfrac14)": lambda q, v: _vector(q), "(2, 0, -2)": lambda q, v: _vector(v),
            "√8": lambda q, v: f"√{np.dot(v, v)}",
        },
    ),
    "12-floor": Numbers(
        book=(0.2,),
        draw=lambda rng: (rng.choice([0.1, 0.3, 0.4, 0.5, 0.6]),),
        answer=lambda e: _entropy(1 - e + e / 4, e / 4, e / 4, e / 4),
        wrong=(
            lambda e: 0.0, lambda e: _entropy(1 - e, e / 3, e / 3, e / 3), lambda e: -np.log(1 - e + e / 4),
            lambda e: np.log((1 - e + e / 4) / (e / 4)),
        ),
        words={r"\varepsilon = 0.2": lambda e: rf"\varepsilon = {e:g}", "Here the 0.2": lambda e: f"Here the {e:g}"},
    ),
    "12-rare": Numbers(
        book=(6,),
        draw=lambda rng: (rng.choice([2, 4, 5, 7, 8, 9, 10]),),
        answer=lambda w: w / (w + 3),
        wrong=(lambda w: 0.25, lambda w: w / 4, lambda w: w / (w + 1), lambda w: w / 3, lambda w: 3 / (w + 3)),
        words={"and 6 for bird": lambda w: f"and {w} for bird"},
    ),
    "13-crossover": Numbers(
        book=(4096,),
        draw=lambda rng: (rng.choice([1024, 1536, 2048, 3072, 5120, 6144, 8192]),),
        answer=lambda D: D // 2,
        wrong=(lambda D: D, lambda D: 2 * D, lambda D: 64000, lambda D: D // 2 * 128000),
        words={"D = 4096": lambda D: f"D = {D}"},
    ),
    "14-four": Numbers(
        book=(2, 1),
        draw=lambda rng: (true := rng.randint(-1, 4), true + rng.randint(1, 5))[::-1],
        answer=lambda report, true: report - true + np.log(4),
        wrong=(
            lambda report, true: float(report - true), lambda report, true: 4.0 * report - true,
            lambda report, true: np.log(max(4 * report, 1e-9)) - true, lambda report, true: report + np.log(4),
            lambda report, true: np.log(4),
        ),
        words={"logits is 2. The true logit is 1": lambda r, t: f"logits is {r}. The true logit is {t}"},
    ),
}  # fmt: skip


def _example_of_a_weighted_mean(rng):
    """Return the gradient of a weighted mean loss, the labels and the class weights."""
    logits, labels = _batch(rng)
    weights = rng.randint(1, 8, size=4) / 2
    return xentlib.softmax_cross_entropy_with_grad(logits, labels, class_weights=weights)[1], labels, weights


INPUTS = {
    "01-kl": lambda rng: tuple(_distributions(rng, 2, 4)),
    "02-softmax": lambda rng: (_logits(rng, 3, 4),),
    "03-weights": lambda rng: (*_layer(rng), _labels(rng, 4, 3)),
    "03-pinned": lambda rng: (_logits(rng, 3, 4),),
    "04-loss": lambda rng: (_logits(rng, 5), rng.randint(5)),
    "04-perplexity": _batch,
    "05-gradient": lambda rng: (_logits(rng, 4), rng.randint(4)),
    "05-batch": _batch,
    "06-log-softmax": lambda rng: (_logits(rng, 3, 4), _logits(rng, 3, 4)),
    "07-lookup": lambda rng: (_logits(rng, 5, 3), _labels(rng, 5, 6), 6),
    "08-margin": lambda rng: (*_layer(rng), _labels(rng, 4, 3)),
    "09-diagonal": _layer,
    "09-damped": lambda rng: (_logits(rng, 4), _logits(rng, 4), rng.randint(1, 10) / 10),
    "10-floor": lambda rng: (_distributions(rng, 3), _distributions(rng, 3, 4)),
    "11-miss": lambda rng: (_logits(rng, 4), rng.randint(4)),
    "12-weights": lambda rng: (*_batch(rng), rng.randint(1, 8, size=4) / 2),
    # The true class is in the last block, and not its largest logit.
    "13-rests": lambda rng: (m := _logits(rng, 3), 1 + rng.randint(1, 40, size=3) / 8, m[-1] - 0.5),
    "14-winner": lambda rng: (_logits(rng, 2, 5), _labels(rng, (2, 5), 3), [3, 4], _labels(rng, 5, 7)),
    "14-piece": lambda rng: (_logits(rng, 3, 3), 2, _labels(rng, 3, 7), 4 + rng.randint(1, 16, size=3) / 8),
    "15-accumulate": lambda rng: (_logits(rng, 3, 2), rng.randint(1, 9, size=3)),
    "15-from-gradient": _example_of_a_weighted_mean,
}
