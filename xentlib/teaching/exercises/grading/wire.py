"""How an answer travels from the process that made it to the one that judges it: as data, which runs nothing.

    >>> decode(encode([1, 0.5, ...]))
    [1, 0.5, None]

A pickle would run what its author likes where it is opened. Here every form is named, and what has none of them arrives
as an `Unknown`. A function stays where it is; only its results travel.
"""

import ast
import base64

import numpy as np
import sympy
from sympy.functions.elementary.piecewise import ExprCondPair

LONGEST_EXPRESSION = 100_000  #: characters
LARGEST = 8_000_000  #: characters of one answer

_NUMBERS = "biufcU"  # kinds of dtypes that hold no Python objects
_CONSTANTS = {name: getattr(sympy, name) for name in ("E", "I", "pi", "oo", "zoo", "nan", "true", "false")}
_NAMED = (sympy.Symbol, sympy.Dummy, sympy.Float)  # those whose first argument is a string that SymPy does not evaluate


class Unknown:
    """Stands for a value that does not travel."""


class Function:
    """Stands for a function, which stays where it is."""

    def __call__(self, *args):
        raise TypeError("a function was handed over where none is asked for")


def encode(value):
    """Return a value as what JSON can hold. Nothing is sure not to be raised: the value may be hostile."""
    if value is None or value is Ellipsis:
        return None
    if isinstance(value, (bool, str, int, float)) and not isinstance(value, np.generic):
        return next(kind(value) for kind in (bool, str, int, float) if isinstance(value, kind))
    if isinstance(value, (list, tuple)):
        return {"tuple" if isinstance(value, tuple) else "list": [encode(part) for part in value]}
    if isinstance(value, sympy.Basic):
        return {"expression": sympy.srepr(value)}
    if callable(value):
        return {"function": True}
    return _encode_array(value)


def _encode_array(value):
    try:
        array = np.array(value)
        if array.dtype == object:  # fractions, numbers of SymPy
            array = array.astype(np.float64)
    except Exception:  # what the value raises is its own
        return {"unknown": True}
    if array.dtype.kind not in _NUMBERS:
        return {"unknown": True}
    data = base64.b64encode(array.tobytes()).decode("ascii")
    return {"array": data, "dtype": array.dtype.str, "shape": array.shape}


def decode(coded):
    """Return the value that `encode` made this of, or an Unknown for what it cannot have made."""
    try:
        return _decode(coded)
    except Exception:  # whoever sent it may send anything
        return Unknown()


def _decode(coded):
    if not isinstance(coded, dict):
        return coded if coded is None or isinstance(coded, (bool, str, int, float)) else Unknown()
    match coded:
        case {"list": parts}:
            return [_decode(part) for part in parts]
        case {"tuple": parts}:
            return tuple(_decode(part) for part in parts)
        case {"array": data, "dtype": dtype, "shape": shape}:
            return _decode_array(base64.b64decode(data), np.dtype(dtype), tuple(shape))
        case {"expression": text} if len(text) <= LONGEST_EXPRESSION:
            return _build(ast.parse(text, mode="eval").body)
        case {"function": True}:
            return Function()
    return Unknown()


def _decode_array(data, dtype, shape):
    if dtype.kind not in _NUMBERS:
        return Unknown()
    array = np.frombuffer(data, dtype).reshape(shape).copy()
    return array if array.ndim else array[()]


def _build(node):
    """Return the SymPy expression that `srepr` wrote down. Nothing but SymPy's own classes is called.

    They evaluate strings, and so a string may stand only where it is a name or the digits of a number.
    """
    match node:
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            made_of = _class(name)
            parts = [_build(part) for part in arguments]
            options = {option.arg: _build(option.value) for option in keywords}
            if any(isinstance(part, str) for part in [*parts[made_of in _NAMED :], *options.values()]):
                raise ValueError(f"a string in {name}")
            return made_of(*parts, **options)
        case ast.Name(id=name):
            return _CONSTANTS[name]
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_build(operand)
    raise ValueError(f"{type(node).__name__} in an expression")


def _class(name):
    found = ExprCondPair if name == "ExprCondPair" else getattr(sympy, name)
    if isinstance(found, type) and issubclass(found, sympy.Basic):
        return found
    raise ValueError(f"{name} is no class of SymPy")
