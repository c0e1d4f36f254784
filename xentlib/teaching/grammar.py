"""The language in which identities are proved: what belongs to it, and each part that does not, by name.

    number      a rational number, K (a whole number of classes, K >= 2), a real or positive Symbol, not an integer
    entry       z[a], of a base that is real or positive, at one class
    class a     i j k l y, an index made by `index`, or the literal class 0 or 1, which every K >= 2 has;
                in a sum also its own index, if it is a Symbol of which no more is known than that it is an integer
    term        number, entry, + - * / and powers of terms, exp, log, tanh, Max and Min, a sum over all classes,
                KroneckerDelta of two classes, Piecewise on the equality of classes (with And, Or, Not),
                a derivative by a scalar Symbol or by an entry

Everything else is refused with `OutsideTheGrammar`. `checked` returns an expression in a smaller language: bound
indices have become Dummies, which nobody else can write; derivatives are taken, and tanh is made of exp.
"""

from __future__ import annotations

from typing import Any

from sympy import (
    Add,
    And,
    Derivative,
    Dummy,
    E,
    Eq,
    Expr,
    Function,
    Indexed,
    IndexedBase,
    KroneckerDelta,
    Max,
    Min,
    Mul,
    Ne,
    Or,
    Piecewise,
    Pow,
    Product,
    S,
    Sum,
    Symbol,
    diff,
    exp,
    false,
    log,
    symbols,
    sympify,
    tanh,
    true,
)
from sympy.core.relational import Relational

K = Symbol("K", integer=True, positive=True)  #: number of classes, 2 or more
_CLASSES = set(symbols("i j k l y", integer=True, nonnegative=True))
MOST = 100  #: in an exponent


class OutsideTheGrammar(AssertionError):
    """A part of the expression is nothing that the proof has a rule for. The message names it."""


def index(name: str) -> Symbol:
    """Return a new class index, of any class 0, …, K − 1.

    >>> r = index("r")
    """
    if name == "K":
        raise ValueError("K is the number of classes, and no index")
    symbol = Symbol(name, integer=True, nonnegative=True)
    _CLASSES.add(symbol)
    return symbol


def entries(name: str, positive: bool = False) -> IndexedBase:
    """Return a new base, whose entries w[0], …, w[K − 1] are real numbers, or positive ones.

    >>> w = entries("w", positive=True)
    >>> w[0].is_positive
    True
    """
    return IndexedBase(name, **({"positive": True} if positive else {"real": True}))


def _says_in_range(expression):
    """Tell whether a relation says that an index is a class, as SymPy writes where it sums a delta."""
    indices = list(expression.free_symbols & _CLASSES) if isinstance(expression, Relational) else []
    if len(indices) != 1:
        return False
    index = indices[0]
    return expression.canonical in {relation.canonical for relation in (index <= K - 1, index < K)}


class Choice(Function):
    """Of two terms the first where two classes are equal, and the second where they differ.

    It stands for Piecewise, which SymPy takes out of an inner sum, index and all, when it makes the outer one.
    """

    @classmethod
    def eval(cls, a: Expr, b: Expr, equal: Expr, different: Expr) -> Expr | None:
        """Choose, if it is known whether the classes are equal."""
        if a == b or equal == different:
            return equal
        return different if a.is_Integer and b.is_Integer else None

    def _eval_derivative(self, variable):
        a, b, equal, different = self.args
        return Choice(a, b, equal.diff(variable), different.diff(variable))


_NOTHING = Dummy("no value", real=True)  # of cases none of which holds


def checked(expression: Any) -> Expr:
    """Return an expression of the grammar in the language of `prover`, or raise OutsideTheGrammar."""
    return _term(sympify(expression), {})


def differentiable(expression: Expr, variable: Any) -> None:
    """Raise ValueError unless `variable` is a scalar or one entry whose index no sum of the expression binds."""
    if _is_scalar(variable):
        return
    if not isinstance(variable, Indexed) or len(variable.indices) != 1:
        raise ValueError(f"{variable} is not a variable: differentiate by a real Symbol, or by an entry such as z[i]")
    for total in expression.atoms(Sum, Product):
        if set(total.variables) & variable.free_symbols:
            raise ValueError(f"{variable} must not share its index with a sum; got {total}")
    if not (variable.indices[0] in _CLASSES or variable.indices[0] in (0, 1)):
        raise ValueError(f"{variable} is not a variable: {variable.indices[0]} is not a single class index")


def _is_scalar(symbol):
    return isinstance(symbol, Symbol) and bool(symbol.is_real) and symbol.is_integer is not True


def _refuse(part, why):
    raise OutsideTheGrammar(f"{part}: {why}")


def _term(node, bound):
    """Return a term with its bound indices renamed by `bound`, and everything in it checked."""
    if type(node) in _RULES:  # and no subclass, which may mean something else
        return _RULES[type(node)](node, bound)
    if not isinstance(node, Expr):
        return _refuse(node, f"it is {type(node).__name__}, and no number")
    if node.is_Rational or node in (E, K) or _is_scalar(node):
        return node
    if isinstance(node, Symbol):
        return _refuse(node, _why_no_number(node))
    if node.is_Float:
        return _refuse(node, "a rounded number; write it as a Rational")
    return _refuse(node, f"there is no rule for {type(node).__name__}")


def _why_no_number(symbol):
    if symbol in _CLASSES:
        return "a class index is not a number here; it may only appear in z[...], a delta, a case or a sum"
    if symbol.is_integer:
        return "an integer that is not a class index; index(...) makes one"
    return "a Symbol that is not declared real or positive"


def _class(node, bound, where):
    if node in bound:
        return bound[node]
    return node if node in _CLASSES or node in (S.Zero, S.One) else _refuse(where, f"{node} is not a class index")


def _operation(node, bound):
    return node.func(*(_term(argument, bound) for argument in node.args))


def _power(node, bound):
    if node.exp.is_Rational and max(abs(node.exp.p), node.exp.q) > MOST:
        _refuse(node, f"an exponent with numbers above {MOST}")
    return _operation(node, bound)


def _entry(node, bound):
    base = node.base
    if len(node.indices) != 1 or base != IndexedBase(base.label):
        _refuse(node, "an entry has one index, and its base no shape")
    if not base[0].is_real:
        _refuse(node, f"the entries of {base} are not declared real or positive; entries(...) does that")
    return base[_class(node.indices[0], bound, node)]


def _sum(node, bound):
    term, *limits = node.args
    dummies: list[Symbol] = []
    for index, *ends in reversed(limits):  # the last is the outermost
        if ends != [0, K - 1]:
            _refuse(node, f"a sum must run over all classes, 0 to K - 1; got {', '.join(map(str, [index, *ends]))}")
        if index not in _CLASSES and index != Symbol(index.name, integer=True):
            _refuse(node, f"{index} is not a class index; index(...) makes one")
        bound = {**bound, index: Dummy(index.name, integer=True, nonnegative=True)}
        dummies.insert(0, bound[index])
    return Sum(_term(term, bound), *((dummy, 0, K - 1) for dummy in dummies))


def _delta(node, bound):
    if len(node.args) > 2:
        _refuse(node, "a delta with a range")
    return KroneckerDelta(*(_class(argument, bound, node) for argument in node.args))


def _cases(node, bound):
    chosen = _NOTHING
    for term, condition in reversed(node.args):
        chosen = _choice(condition, _term(term, bound), chosen, bound, node)
    return chosen


def _choice(condition, held, failed, bound, where):
    """Return the term `held` where the condition holds, and `failed` elsewhere. SymPy writes Not by Ne, And and Or."""
    if condition == true or _says_in_range(condition):
        return held
    if condition == false:
        return failed
    if isinstance(condition, Ne):
        return _choice(Eq(*condition.args), failed, held, bound, where)
    if isinstance(condition, Eq):
        return Choice(*(_class(side, bound, where) for side in condition.args), held, failed)
    if isinstance(condition, (And, Or)):
        first, *others = condition.args
        rest = _choice(condition.func(*others), held, failed, bound, where)
        both = (rest, failed) if isinstance(condition, And) else (held, rest)
        return _choice(first, *both, bound, where)
    return _refuse(where, f"the condition {condition} is not about the equality of two class indices")


def _derivative(node, bound):
    try:
        for variable, _ in node.variable_count:
            differentiable(node.expr, variable)
    except ValueError as error:
        return _refuse(node, error)
    taken = _term(node.expr, bound)
    for variable, times in node.variable_count:
        taken = diff(taken, _term(variable, bound), times)
    return taken


def _tanh(node, bound):
    twice = exp(2 * _term(node.args[0], bound))
    return (twice - 1) / (twice + 1)


_RULES = {
    Sum: _sum,
    Indexed: _entry,
    KroneckerDelta: _delta,
    Piecewise: _cases,
    Derivative: _derivative,
    tanh: _tanh,
    Pow: _power,
    **dict.fromkeys((Add, Mul, exp, log, Max, Min), _operation),
}
