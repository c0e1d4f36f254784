"""The one checker: what it says of an answer, for each kind of exercise."""

import copy
import inspect
import re
import string
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import sympy
from sympy import Indexed, IndexedBase, Symbol, sympify
from sympy.core.function import AppliedUndef

from xentlib.teaching import counterexamples, symbolic
from xentlib.teaching.exercises import diagnosis, reading
from xentlib.teaching.exercises.guard import run

LONGEST_PROOF = 20.0  #: seconds, after which a spot check has to do
LONGEST_CHECK = 60.0  #: seconds for all that is done with one answer


@dataclass(frozen=True, repr=False)
class Result:
    """What `check` found. True if the answer is right; prints as what there is to say about it."""

    solved: bool
    says: str
    named: str = ""  #: the mistake, where it has a name
    got: str = ""  #: of a wrong answer without a name: the numbers that it gives
    right: float = 0.0  #: the share of the inputs on which it is right

    def __bool__(self):
        return self.solved

    def __repr__(self):
        return self.says


class Odd(NamedTuple):
    """Stands for a value of a type that was not asked for."""

    kind: str


ASKED_FOR = {
    "predict": "a value",
    "derive": "a SymPy expression in the book's symbols",
    "code": "a function",
    "break": "an input",
    "explain": "the letter of an option",
}


def judge(exercise, answer):
    """Return the Result for an answer. Whatever the answer is or does, nothing is raised."""
    if _is_blank(answer):
        return _not_yet(exercise, f"not answered yet. Asked for: {ASKED_FOR[exercise.kind]}.")
    outcome = run(_JUDGES[exercise.kind], exercise, answer, limit=LONGEST_CHECK)
    if outcome.failure:
        return _not_yet(exercise, f"not yet. Your answer could not be looked at: it {outcome.failure}")
    return outcome.value


def _is_blank(answer):
    parts = answer if type(answer) in (list, tuple) and answer else [answer]
    return all(part is None or part is Ellipsis for part in parts)


def _solved(exercise, says):
    return Result(True, f"{exercise.id}: solved. {says}", right=1.0)


def _not_yet(exercise, says, *more, **found):
    return Result(False, "\n  ".join([f"{exercise.id}: {says}", *(line for line in more if line)]), **found)


def _named(exercise, is_it):
    """Return what to say of the first mistake that the answer is, or ""."""
    return next((mistake.says for mistake in exercise.mistakes if is_it(mistake)), "")


def _diagnosed(kind, *what):
    """Return what kind of mistake an answer is, or "". A diagnosis that takes long, or fails, is none."""
    return run(kind, *what).value or ""


# Predict: a value


def _judge_value(exercise, answer):
    if callable(answer):
        return _not_yet(exercise, "not yet. Asked for: a value; got a function. Was it to be called?")
    reference = _plain(exercise.answer)
    given = _plain(_read(answer, reference), reference)
    if isinstance(given, np.ndarray) and np.squeeze(given).shape == np.shape(reference):
        given = np.squeeze(given)  # a number in brackets is that number, and a column is a list
    comparable = exercise.through and not _difference_in_kind(exercise, given, reference)
    through = exercise.through if comparable else lambda value: value
    expected, got = through(reference), through(given)
    if _agree(exercise, got, expected):
        return _solved(exercise, f"It {'gives' if comparable else 'is'} {_show(expected)}.")
    name = _named(exercise, _is_wrong_value(exercise, given, got, through)) or _named_if_rounded(exercise, given)
    name = (
        name
        or (comparable and _before_the_logarithm(exercise, given, expected))
        or _diagnosed(diagnosis.of_value, got, expected, _closely(exercise))
    )
    # The value itself is not told: the learner can still find it.
    what = name or _difference_in_kind(exercise, got, expected) or _which_are_right(exercise, got, expected)
    if what == diagnosis.ROUNDED:
        what = f"{what} {_near_enough(exercise)}"
    made_of_it = f", which gives {_show(got)}" if comparable else ""
    return _not_yet(exercise, f"not yet. {what}", f"got  {_describe(given)}{made_of_it}", named=name, got=_show(got))


def _is_wrong_value(exercise, given, got, through):
    def is_it(mistake):
        if mistake.when:
            return isinstance(given, np.ndarray) and mistake.when(given)
        return _agree(exercise, got, through(_plain(mistake.wrong, _plain(exercise.answer))))

    return is_it


def _named_if_rounded(exercise, given):
    """Name the one mistake that an answer is in the decimals that it shows, unless the right value is near, too."""
    reference = _plain(exercise.answer)
    if not all(isinstance(side, np.ndarray) and side.dtype.kind in "iuf" for side in (given, reference)):
        return ""
    if diagnosis.is_rounded(given, reference):
        return ""
    rounded = [m for m in exercise.mistakes if diagnosis.is_rounded(given, _plain(m.wrong, reference))]
    return rounded[0].says if len(rounded) == 1 and not rounded[0].when else ""


def _read(answer, reference):
    """Return an answer with what is written as text in the form of the reference."""
    if isinstance(reference, tuple):
        return reading.words(answer, reference) if all(isinstance(part, str) for part in reference) else answer
    if isinstance(reference, str):
        return reading.word(answer, [reference]) if isinstance(answer, str) else answer
    return reading.numbers(answer, in_a_row=reference.ndim > 0)


def _before_the_logarithm(exercise, given, expected):
    """Name positive numbers whose logarithms are right."""
    if not (given > 0).all() or not _agree(exercise, exercise.through(np.log(given)), expected):
        return ""
    return "This is right once you take the logarithm of each number."


def _near_enough(exercise):
    """Say how near to the right number is near enough."""
    if _is_exact(exercise):
        return "The exact value is asked for."
    of_what = "of what it gives" if exercise.through else "of the right value"
    return f"Within {_tolerance(exercise)} {of_what} is near enough."


def _is_exact(exercise):
    return exercise.rtol < 1e-6 and exercise.atol < 1e-6


def _tolerance(exercise):
    shares = [f"{100 * exercise.rtol:g} %"] if exercise.rtol >= 1e-6 else []
    return " or ".join([*shares, *([f"{exercise.atol:.1g}"] if exercise.atol >= 1e-6 else [])])


def _which_are_right(exercise, got, expected):
    if isinstance(expected, tuple):
        return "The order, or a word in it, is another one."
    if isinstance(expected, str):
        return "It is something else."
    if np.isnan(got).any():
        return "NaN is no number."
    right = np.atleast_1d(_close(exercise, got, expected))
    if right.size == 1:
        near = abs(got - expected) <= 0.05 * abs(expected)
        than = "larger" if got < expected else "smaller"
        return f"{'You are near, but t' if near else 'T'}he right value is {than}. {_near_enough(exercise)}"
    places = [place[0] if len(place) == 1 else tuple(place) for place in np.argwhere(right).tolist()]
    if not places:
        return f"No entry is right. {_near_enough(exercise)}"
    return f"Right: only {'entry' if len(places) == 1 else 'entries'} {_listed(places)}. {_near_enough(exercise)}"


def _listed(items, last="and"):
    return f" {last} ".join(filter(None, [", ".join(map(str, items[:-1])), str(items[-1])]))


# Derive: an expression


def _judge_expression(exercise, answer):
    complaint = _no_expression(answer)
    given = answer if complaint else _in_the_books_symbols(exercise, sympify(answer))
    complaint = complaint or _strangers(exercise, given)
    if complaint:
        return _not_yet(exercise, f"not yet. {complaint}")
    terms, distributions = _common_terms(exercise, given)
    right, compared = terms(sympify(exercise.answer)), terms(given)
    refuted = _refuted(compared, right, distributions, exercise.within)
    if not refuted:
        return _solved(exercise, _proof(compared, right, distributions))
    in_q = _right_in_q(exercise, given)
    if in_q:
        return _not_yet(exercise, f"not yet. {in_q}", f"got  {str(answer)[:200]}")
    name = _named(
        exercise,
        lambda m: (
            m.when(given) if m.when else not _refuted(compared, terms(sympify(m.wrong)), distributions, exercise.within)
        ),
    )
    name = (
        name or _not_asked_for(right, compared) or _diagnosed(diagnosis.of_expression, compared, right, distributions)
    )
    return _not_yet(
        exercise, f"not yet. {name or 'It is another expression.'}", f"got  {str(answer)[:200]}",
        _at_an_easy_point(compared, right, distributions, exercise.within) or refuted, named=name, got=refuted,
    )  # fmt: skip


def _in_the_books_symbols(exercise, answer):
    """Return an expression with the book's symbols of the same names, whatever assumptions they were declared with.

    A symbol such as q_y, as the chapters write it, is the entry q[y].
    """
    known = _known(exercise)
    bases = {str(base): base for base in known if isinstance(base, IndexedBase)}
    scalars = {symbol.name: symbol for symbol in known if isinstance(symbol, Symbol) and symbol.name not in bases}
    meant = {base: bases[str(base)] for base in answer.atoms(IndexedBase) if str(base) in bases}
    for symbol in answer.atoms(Symbol):
        base, _, index = symbol.name.partition("_")
        if symbol.name in scalars:
            meant[symbol] = scalars[symbol.name]
        elif base in bases and index in scalars:
            meant[symbol] = bases[base][scalars[index]]
    for index in {index for total in answer.atoms(sympy.Sum) for index in total.variables} - {*meant, *known}:
        meant[index] = Symbol(index.name, integer=True)
    return answer.xreplace(meant)


def _common_terms(exercise, answer):
    """Return a function that brings the answer and the reference into the same terms, and what then sums to 1.

    Where q was expected, softmax may be written out: then it is written out on both sides.
    """
    expected, given = (sympify(side).atoms(IndexedBase) for side in (exercise.answer, answer))
    if symbolic.z in given - expected and symbolic.q in expected:
        return _with_softmax_of(symbolic.z), [base for base in exercise.distributions if base != symbolic.q]
    return lambda expression: expression, exercise.distributions


def _with_softmax_of(logits, temperature=1):
    """Return a function that writes softmax out in the place of q."""
    n = symbolic.index("n")

    def written_out(expression):
        entries = (entry for entry in expression.atoms(Indexed) if entry.base == symbolic.q)
        total = symbolic.sum_over(n, symbolic.exp(logits[n] / temperature))
        return expression.xreplace({e: symbolic.exp(logits[e.indices[0]] / temperature) / total for e in entries})

    return written_out


def _right_in_q(exercise, answer):
    """Say that an answer is right with q in it, if softmax was to be written out."""
    if symbolic.q in sympify(exercise.answer).atoms(IndexedBase) or symbolic.q not in answer.atoms(IndexedBase):
        return ""
    for temperature in (1, symbolic.T):
        written_out = _with_softmax_of(symbolic.z, temperature)(answer)
        if not _refuted(written_out, exercise.answer, exercise.distributions, exercise.within):
            return "This is right with q for softmax. The task asks for softmax written out: put it in the place of q."
    return ""


def _not_asked_for(right, answer):
    """Say which of the book's bases the answer need not contain: p, q and z are drawn independently of each other."""
    extra = sorted(map(str, answer.atoms(IndexedBase) - right.atoms(IndexedBase)))
    if not extra:
        return ""
    return f"The right answer needs no {_listed(extra, 'or')}: read again in which terms it is asked for."


def _no_expression(answer):
    if isinstance(answer, str):
        return "Asked for: an expression; got a string. Write it without the quotes."
    if isinstance(answer, sympy.Eq):
        return "Asked for: an expression; got an equation. Give its right side alone."
    if isinstance(answer, bool) or not isinstance(answer, (sympy.Expr, int, float)):
        return f"Asked for: {ASKED_FOR['derive']}; got {_kind(answer)}."
    return ""


def _strangers(exercise, answer):
    """Name a symbol that the exercise does not use, or classes that are counted from 1."""
    from_one = [total for total in answer.atoms(sympy.Sum) if total.limits[0][1:] == (1, symbolic.K)]
    if from_one:
        return f"Classes are counted from 0: the last is K − 1. Sum over {from_one[0].limits[0][0]} = 0, …, K − 1."
    if answer.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        return "This has no finite value: is something divided by 0?"
    whole = _whole_vectors(answer)
    if whole:
        return f"{whole[0]} stands for all of its entries. Write which one: {whole[0]}[i], {whole[0]}[j] or another."
    functions = sorted(answer.atoms(AppliedUndef), key=str)
    if functions:
        return f"{functions[0].func} is no function that has a value."
    strangers = sorted(answer.free_symbols - _known(exercise), key=str)
    return next((f"{s} is none of the symbols that the exercise uses." for s in strangers if isinstance(s, Symbol)), "")


def _whole_vectors(answer):
    """Return the bases that stand without an index."""
    labels = {base.label for base in vars(symbolic).values() if isinstance(base, IndexedBase)}
    parts = [answer, *(part for node in sympy.preorder_traversal(answer) if not isinstance(node, (Indexed, IndexedBase))
                       for part in node.args)]  # fmt: skip
    return [part for part in parts if isinstance(part, IndexedBase) or part in labels]


def _known(exercise):
    book = {value for value in vars(symbolic).values() if isinstance(value, (Symbol, IndexedBase))}
    labels = {base.label for base in book if isinstance(base, IndexedBase)}
    return book | labels | sympify(exercise.answer).free_symbols


def _refuted(answer, expression, distributions, within):
    """Return the numbers for which the two differ, or why there are none to compare, or "" if they agree."""
    try:
        symbolic.spot_check(answer, expression, distributions=distributions, within=within)
    except symbolic.NotAnIdentity as found:
        return _differ(found)
    except (symbolic.NotProved, ValueError) as refusal:
        return str(refusal)
    return ""


def _at_an_easy_point(answer, expression, distributions, within):
    """Return the numbers for which the two differ at a point of two or three classes where all scalars are positive."""
    sides = [symbolic.differentiated(side) for side in (answer, expression)]
    for point in counterexamples.points(sides, distributions, (2,) * 12 + (3,) * 4, within):
        if any(number <= 0 for symbol, number in point.numbers.items() if not symbol.is_integer):
            continue
        try:
            counterexamples.compare(*sides, point)
        except counterexamples.Counterexample as found:
            return _differ(found)
        except (counterexamples.Undefined, ValueError, TypeError, KeyError):
            continue
    return ""


def _differ(found):
    return f"at {found.point}: yours is {found.left}, the right one {found.right}"


def _proof(answer, right, distributions):
    """Say how well the equality is known. Not everything that is true can be proved, or in time."""
    if answer == right:
        return "Equal to the reference for every K: the same expression."

    def prove():
        try:
            return symbolic.assert_identity(answer, right, distributions=distributions)
        except symbolic.OutsideTheGrammar as outside:
            return outside

    outcome = run(prove, limit=LONGEST_PROOF)
    if isinstance(outcome.value, symbolic.Verdict) and not outcome.failure:
        return f"Equal to the reference {outcome.value.known}."
    why = f" The proof has no rule for a part of it. {outcome.value}." if outcome.value else ""
    return f"Equal to the reference at every point tried, for K = 2 to 13 (a spot check, no proof).{why}"


# Code: a function


def _judge_function(exercise, answer):
    if not callable(answer):
        return _not_yet(exercise, f"not yet. Asked for: a function; got {_kind(answer)}.")
    calls = []
    for arguments in exercise.inputs:
        calls.append(_call(exercise, answer, arguments))
        if calls[-1].complaint:  # no use in waiting for a loop once more
            return _not_yet(
                exercise, calls[-1].complaint, f"tried     {calls[-1].shown}", right=_share(exercise, calls[:-1])
            )
    wrong = [call for call in calls if not _agree(exercise, call.got, call.expected)]
    if not wrong:
        return _solved(exercise, f"It agrees with the reference on {_count(len(calls), 'input')}.")
    name = _named(exercise, lambda mistake: _is_mistake(exercise, mistake, answer, calls))
    first = next((call for call in wrong if diagnosis.has_no_number(call)), wrong[0])
    name = name or _kind_of_mistake(exercise, answer, calls)
    what = name or _difference_in_kind(exercise, first.got, first.expected) or _where(exercise, first)
    return _not_yet(
        exercise, f"not yet: {len(calls) - len(wrong)} of {_count(len(calls), 'input')} right. {what}".rstrip(),
        f"tried     {first.shown}", *_side_by_side(first.expected, first.got),
        named=name, got=f"{_show(first.got)} for {first.shown}", right=_share(exercise, calls),
    )  # fmt: skip


def _share(exercise, calls):
    return sum(_agree(exercise, call.got, call.expected) for call in calls) / len(exercise.inputs)


def _kind_of_mistake(exercise, answer, calls):
    names = list(inspect.signature(exercise.answer).parameters)
    tried = [
        diagnosis.Tried(dict(zip(names, copies_of(arguments), strict=True)), call.got, call.expected)
        for arguments, call in zip(exercise.inputs, calls, strict=True)
    ]
    return _diagnosed(diagnosis.of_function, answer, exercise.answer, tried, _closely(exercise))


class Call(NamedTuple):
    """One call of a learner's function: what it was given, what came out, what should have."""

    shown: str
    got: object = None
    expected: object = None
    complaint: str = ""


def _call(exercise, answer, arguments):
    names = list(inspect.signature(exercise.answer).parameters)
    shown = f"f({', '.join(f'{n}={_show(_array(a))}' for n, a in zip(names, arguments, strict=True))})"
    misfit = _does_not_take(answer, names)
    if misfit:
        return Call(shown, complaint=f"not yet. {misfit}")
    expected = _plain(_reference(exercise.answer, arguments))
    given, kept = copies_of(arguments), copies_of(arguments)
    # What comes out is copied before anything else happens: it may be a view of the input, or one buffer used again.
    outcome = run(lambda: _returned(answer(*given), expected))
    if outcome.failure:
        return Call(shown, complaint=f"not yet. Your function {outcome.failure}")
    if outcome.value is None:
        return Call(shown, complaint="not answered yet: the function returns None. Is a `return` missing?")
    for name, now, before in zip(names, given, kept, strict=True):
        if not is_unchanged(now, before):
            return Call(shown, complaint=f"not yet. Your function changes its argument `{name}`: work on a copy.")
    return Call(shown, outcome.value, expected)


def _returned(value, expected):
    return None if value is None or value is Ellipsis else _plain(value, expected)


def _does_not_take(answer, names):
    try:
        inspect.signature(answer).bind(*names)
    except TypeError as error:
        return f"It is called as f({', '.join(names)}), and does not take these arguments: {error}."
    except ValueError:  # compiled, without a signature: the call will show
        pass
    return ""


def _is_mistake(exercise, mistake, answer, calls):
    if mistake.when:
        return mistake.when(answer)
    outputs = [run(lambda a=a: _plain(_reference(mistake.wrong, a))) for a in exercise.inputs]
    return all(
        not output.failure and _agree(exercise, call.got, output.value)
        for call, output in zip(calls, outputs, strict=True)
    )


def _reference(function, arguments):
    with np.errstate(all="ignore"):
        return function(*copies_of(arguments))


def _array(argument):
    return np.array(argument) if isinstance(argument, (list, np.ndarray)) else argument


def copies_of(arguments):
    """Return arguments that a function may change without harm, lists as arrays."""
    return [copy.deepcopy(_array(argument)) for argument in arguments]


def is_unchanged(now, before):
    """Tell whether an argument is what it was, to the last bit, so that NaN is equal to NaN."""
    if isinstance(before, np.ndarray):
        return now.dtype == before.dtype and now.shape == before.shape and now.tobytes() == before.tobytes()
    return now == before


def _where(exercise, call):
    if not isinstance(call.expected, np.ndarray) or call.expected.ndim == 0:
        return ""
    wrong = ~_close(exercise, call.got, call.expected)
    first = tuple(np.argwhere(wrong)[0].tolist())
    return f"{_count(wrong.sum(), 'entry', 'entries')} of {wrong.size} wrong, the first at {first}."


# Break: an input


def _judge_input(exercise, answer):
    given = _as_input(answer)
    if isinstance(given, Odd):
        return _not_yet(exercise, f"not yet. Asked for: an input of numbers; got {given.kind}.")
    complaint = exercise.legal(given)
    if complaint:
        return _not_yet(exercise, f"not yet. This input is not allowed: {complaint}.", f"got       {_describe(given)}")
    right = _plain(exercise.right(given.copy()))
    outcome = run(lambda: _plain(exercise.faulty(given.copy()), right))
    width = max(map(len, exercise.outcomes))
    shown = outcome.failure or _describe(outcome.value), _describe(right)
    values = [f"{name:{width}}  {number}" for name, number in zip(exercise.outcomes, shown, strict=True)]
    if outcome.failure or not _agree(exercise, outcome.value, right):
        return _solved(exercise, "\n  ".join(["The fault shows.", *values]))
    name = _named(exercise, lambda mistake: bool(mistake.when(given)))
    told = f"not yet: {_how_near(exercise, outcome.value, right)}. {name}".rstrip()
    return _not_yet(exercise, told, f"tried     {_show(given)}", *values, named=name, got=_show(given))


def _how_near(exercise, faulty, right):
    """Say that two outcomes agree, and up to which difference they are said to."""
    if _show(faulty, digits=17) == _show(right, digits=17):
        return "the two are the same here"
    enough = "rounding" if _is_exact(exercise) else _tolerance(exercise)
    return f"the two do not differ enough here: a fault is a difference of more than {enough}"


def _as_input(answer):
    array = _plain(reading.numbers(answer), np.array(0.0))
    return array if isinstance(array, Odd) else array.astype(np.float64)


# Explain: one of several options


def _judge_option(exercise, answer):
    letters = [letter for letter, _ in lettered(exercise.options)]
    given = reading.letter(answer)
    if given not in letters:
        got = _show(answer) if isinstance(answer, str) else _kind(answer)
        return _not_yet(exercise, f"not yet. Asked for: a letter, {_listed(letters, 'or')}; got {got}.")
    if given == exercise.answer:
        return _solved(exercise, exercise.because)
    name = _named(exercise, lambda mistake: mistake.wrong == given)
    return _not_yet(exercise, f"not yet. {name}", named=name)


def lettered(options):
    """Return the options in pairs with their letters, A, B and so on."""
    return list(zip(string.ascii_uppercase, options, strict=False))


_JUDGES = {
    "predict": _judge_value,
    "derive": _judge_expression,
    "code": _judge_function,
    "break": _judge_input,
    "explain": _judge_option,
}


# Values: brought into a plain form, compared, shown


def _plain(value, like=None):
    """Return a value as an array, a string, or a tuple of these; or as Odd, if it cannot be made like `like`."""
    if isinstance(value, (tuple, list)) and (like is None or isinstance(like, tuple)) and _of_parts(value, like):
        likes = like if like is not None else [None] * len(value)
        return tuple(_plain(part, one) for part, one in zip(value, likes, strict=True))
    if isinstance(value, str):
        return str(value) if like is None or isinstance(like, str) else Odd("a string")
    if isinstance(like, (str, tuple)):
        return Odd(_kind(value))
    try:
        array = np.array(value)
        if array.dtype == object:  # numbers of SymPy, fractions
            array = array.astype(np.float64)
    except Exception:  # what an answer raises here is its own
        return Odd(_kind(value))
    return array if array.dtype.kind in "biuf" else Odd(_kind(value, array))


def _of_parts(value, like):
    """Tell whether a sequence is one of several answers, and not an array written out."""
    return len(value) == len(like) if like is not None else any(not np.isscalar(v) or isinstance(v, str) for v in value)


def _agree(exercise, got, expected):
    if _difference_in_kind(exercise, got, expected):
        return False
    if isinstance(expected, tuple):
        return all(_agree(exercise, g, e) for g, e in zip(got, expected, strict=True))
    return got == expected if isinstance(expected, str) else bool(_close(exercise, got, expected).all())


def _close(exercise, got, expected):
    # NaN equals NaN: a mistake may give it, and so may the answer to "what comes out?".
    with np.errstate(all="ignore"):
        return np.isclose(got, expected, rtol=exercise.rtol, atol=exercise.atol, equal_nan=True)


def _closely(exercise):
    return lambda got, expected: bool(_close(exercise, got, expected).all())


def _difference_in_kind(exercise, got, expected):
    """Say how type, shape or dtype differ from what was asked for, or ""."""
    if isinstance(got, Odd) or type(got) is not type(expected):
        return f"Asked for: {_kind(expected)}; got {_kind(got)}."
    if isinstance(expected, tuple):
        differences = [_difference_in_kind(exercise, g, e) for g, e in zip(got, expected, strict=True)]
        return next((f"Part {n}: {d}" for n, d in enumerate(differences) if d), "")
    if isinstance(expected, str):
        return ""
    if (got.dtype == bool) != (expected.dtype == bool) or got.shape != expected.shape:
        return f"Asked for: {_kind(expected)}; got {_kind(got)}."
    if exercise.dtype and got.dtype != expected.dtype:
        return f"Asked for the dtype {expected.dtype}; got {got.dtype}."
    return ""


def _kind(value, array=None):
    """Name the type of a value: for arrays with shape and dtype, and never with an address."""
    if isinstance(value, Odd):
        return value.kind
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if isinstance(value, str):
        return "a string"
    array = value if isinstance(value, np.ndarray) else array
    if array is not None and array.dtype != object:
        words = {"b": "truth value", "c": "complex number", "U": "string"}
        what = words.get(array.dtype.kind, "number")
        return f"a {what}" if array.ndim == 0 else f"an array of {what}s of shape {array.shape}"
    return f"a value of type {type(value).__name__}"


def _describe(value):
    if isinstance(value, (Odd, str, tuple)):
        return value.kind if isinstance(value, Odd) else _show(value)
    return f"{_show(value)}  ({'number' if value.ndim == 0 else f'array of shape {value.shape}'}, {value.dtype})"


def _side_by_side(expected, got):
    texts = [_describe(expected), _describe(got)]
    if texts[0] == texts[1]:  # the difference lies beyond the digits that are shown
        texts = [_show(expected, digits=17), _show(got, digits=17)]
    return [f"expected  {texts[0]}", f"got       {texts[1]}"]


def _show(value, digits=6):
    if isinstance(value, Odd):
        return value.kind
    if isinstance(value, tuple):
        return "(" + ", ".join(_show(part, digits) for part in value) + ")"
    if isinstance(value, (np.ndarray, float)):
        number = {"float_kind": lambda x: f"{x:z.{digits}g}"}
        text = np.array2string(np.asarray(value), separator=", ", formatter=number, threshold=24, edgeitems=3)
        return re.sub(r"\s+", " ", text)
    return repr(value)[:80]


def _count(n, one, many=None):
    return f"{n} {one if n == 1 else many or one + 's'}"
