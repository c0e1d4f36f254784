"""Python functions as data, which `numbers.js` runs on a page where no Python is.

What the exercises hold against each other are a few lines of NumPy each. Their syntax trees become nested lists, with
all that they take from elsewhere in them: constants, and other functions of the exercises. What is of NumPy or of
xentlib stays a name, and JavaScript must know it. A function with anything else in it raises `Untold`.
"""

import ast
import builtins
import functools
import inspect
import types

import numpy as np


class Untold(Exception):
    """Raised for a function that cannot be told as data."""


class Program:
    """Functions as data, each once: `functions` are their trees, and `add` returns the place of one."""

    def __init__(self):
        self.functions, self._places = [], {}

    def add(self, function):
        """Return the place of a function in `functions`, and put there what it needs as well."""
        if function not in self._places:
            self._places[function] = len(self.functions)
            self.functions.append(None)
            self.functions[self._places[function]] = Tree(function, self).told()
        return self._places[function]

    def value(self, value):
        """Return as data what a name of a function stands for."""
        if isinstance(value, types.FunctionType) and value.__module__.startswith("xentlib.teaching."):
            return ["function", self.add(value)]
        if value is None:
            return ["none"]
        if callable(value):
            return ["known", value.__name__]
        if isinstance(value, (bool, int, float, list, np.ndarray, np.generic)):
            return ["constant", array(value)]
        if isinstance(value, str):
            return ["text", value]
        raise Untold(f"a value of type {type(value).__name__}")


class Tree:
    """The syntax tree of one function, or lambda."""

    def __init__(self, function, program):
        self.function, self.program = function, program
        self.node = _node_of(function)
        self.bound = set(_bound(self.node))
        free = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        self.outer = vars(builtins) | function.__globals__ | {name: cell.cell_contents for name, cell in free}

    def told(self):
        defaults = [self.program.value(value) for value in self.function.__defaults__ or ()]
        return self.lines(self.node) | {"defaults": defaults}

    def lines(self, node):
        body = self.block(node.body) if isinstance(node.body, list) else [["return", self.tell(node.body)]]
        return {"parameters": [parameter.arg for parameter in node.args.args], "body": body}

    def block(self, statements):
        return [told for statement in statements for told in self.statement(statement)]

    def statement(self, node):
        match node:
            case ast.Expr(ast.Constant(str())):  # a docstring
                return []
            case ast.Return(value):
                return [["return", self.tell(value)]]
            case ast.Assign([ast.Subscript(ast.Name(name), ast.Constant(int(place)))], value):
                return [["put", name, place, self.tell(value)]]
            case ast.Assign([target], value):
                return [["assign", _names(target), self.tell(value)]]
            case ast.FunctionDef(name):
                return [["assign", name, ["lambda", self.lines(node)]]]
            case ast.Try(body):  # what reaches a function on a page is an array of numbers, which makes no trouble
                return self.block(body)
            case ast.If(test, body, orelse):
                return [["if", self.tell(test), self.block(body), self.block(orelse)]]
            case ast.For(target, iterated, body, []):
                return [["for", _names(target), self.tell(iterated), self.block(body)]]
            case ast.With([ast.withitem(ast.Call(ast.Attribute(_, "errstate")))], body):
                return self.block(body)
        raise Untold(ast.unparse(node))

    def tell(self, node):
        match node:
            case ast.Constant(str(value)):
                return ["text", value]
            case ast.Constant(None):
                return ["none"]
            case ast.Constant(value):
                return ["constant", array(value)]
            case ast.Name(name):
                return self.name(name)
            case ast.Attribute():
                return self.attribute(node)
            case ast.UnaryOp(operator, operand):
                return [type(operator).__name__, self.tell(operand)]
            case ast.BinOp(left, operator, right):
                return [type(operator).__name__, self.tell(left), self.tell(right)]
            case ast.BoolOp(operator, values):
                return [type(operator).__name__, *map(self.tell, values)]
            case ast.Compare(left, operators, others):
                names = [type(operator).__name__ for operator in operators]
                return ["compare", names, [self.tell(side) for side in (left, *others)]]
            case ast.IfExp(test, body, orelse):
                return ["choose", self.tell(test), self.tell(body), self.tell(orelse)]
            case ast.Call(function, arguments, keywords):
                named = {keyword.arg: self.tell(keyword.value) for keyword in keywords}
                return ["call", self.tell(function), self.all_of(arguments), named]
            case ast.Starred(value):
                return ["each", self.tell(value)]
            case ast.Lambda():
                return ["lambda", self.lines(node)]
            case ast.Subscript(value, ast.Tuple(parts)):
                return ["item", self.tell(value), *self.all_of(parts)]
            case ast.Subscript(value, index):
                return ["item", self.tell(value), self.tell(index)]
            case ast.Slice(lower, upper, None):
                return ["slice", *(self.tell(end) if end else ["none"] for end in (lower, upper))]
            case ast.Tuple(parts) | ast.List(parts):
                return ["list", *self.all_of(parts)]
            case ast.ListComp(part, [ast.comprehension(target, iterated, tests)]):
                return ["comprehend", self.tell(part), _names(target), self.tell(iterated), self.all_of(tests)]
            case ast.JoinedStr(parts):
                return ["join", *self.all_of(parts)]
            case ast.FormattedValue(value, -1, spec):
                return ["format", self.tell(value), spec.values[0].value if spec else ""]
        raise Untold(ast.unparse(node))

    def all_of(self, nodes):
        return [self.tell(node) for node in nodes]

    def name(self, name):
        if name in self.bound:
            return ["local", name]
        return self.program.value(self.outer[name])

    def attribute(self, node):
        module = self.outer.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if isinstance(module, types.ModuleType):
            return self.program.value(getattr(module, node.attr))
        return ["attribute", self.tell(node.value), node.attr]


def _bound(node):
    """Yield all names that a function, or one within it, gives to something."""
    for part in ast.walk(node):
        match part:
            case ast.arg(name) | ast.Name(name, ast.Store()):
                yield name
            case ast.FunctionDef(name) if part is not node:
                yield name


def _names(target):
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Tuple):
        return [_names(part) for part in target.elts]
    raise Untold(ast.unparse(target))


def array(value):
    """Return an array, or a number, as data.

    >>> array([[1, 2], [3, float("inf")]])
    {'shape': [2, 2], 'type': 'float64', 'numbers': [1.0, 2.0, 3.0, 'inf']}
    """
    value = np.asarray(value)
    numbers = [n if np.isfinite(n) else str(n) for n in value.ravel().tolist()]
    return {"shape": list(value.shape), "type": str(value.dtype), "numbers": numbers}


def _node_of(function):
    """Return the syntax tree of a function. Several lambdas may stand in one line: the place of the code tells."""
    code = function.__code__
    tree = _module(inspect.getsourcefile(function))
    kinds = (ast.Lambda,) if code.co_name == "<lambda>" else (ast.FunctionDef,)
    nodes = [node for node in ast.walk(tree) if isinstance(node, kinds) and node.lineno == code.co_firstlineno]
    if len(nodes) > 1:
        places = {(start, column) for start, _, column, _ in code.co_positions() if column}
        nodes = [node for node in nodes if (node.body.lineno, node.body.col_offset) in places]
    if len(nodes) != 1:
        raise Untold(f"{code.co_qualname}, whose source is not found")
    return nodes[0]


@functools.cache
def _module(path):
    with open(path, encoding="utf-8") as file:
        return ast.parse(file.read())
