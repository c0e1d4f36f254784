"""Python functions in JavaScript, for a page where no Python is: the checker's own, and those of the exercises.

No library does it for a page that should answer at once: Pyodide is a download of megabytes. What a function takes
from elsewhere goes along: constants, and other functions of `xentlib.teaching`. What is of NumPy, of xentlib or in
`NATIVE` stays a name, which JavaScript must know. A function with any other syntax in it raises `Untold`.
"""

import ast
import builtins
import functools
import inspect
import json
import types
from collections import defaultdict
from pathlib import Path

import numpy as np

#: functions of the checker that JavaScript has instead: they read what is typed, or show numbers as NumPy does
NATIVE = {"normalize", "numbers", "words", "word", "letter", "show", "run", "diagnosed"}


class Untold(Exception):
    """Raised for a function that cannot be told in JavaScript."""


class Script:
    """Functions in JavaScript, each once, with all that they need."""

    def __init__(self):
        self._names, self._lines = {}, {}

    def text(self):
        """Return the definitions of all functions that were asked for."""
        return "".join(f"const {name} = {line};\n" for name, line in self._lines.items())

    def name(self, function):
        """Return the name that a function has in the script."""
        if function not in self._names:
            name = f"f{len(self._names)}_{function.__name__.strip('<_>')}"
            self._names[function] = name
            self._lines[name] = str(Translation(function, self))
        return self._names[function]

    def value(self, value):
        """Return a value in JavaScript."""
        match value:
            case None:
                return "null"
            case str():
                return json.dumps(value, ensure_ascii=False)
            case bool() | int() | float() | np.ndarray() | np.generic():
                return array(value)
            case dict():
                return f"({{{', '.join(f'{json.dumps(key)}: {self.value(one)}' for key, one in value.items())}}})"
            case tuple() if hasattr(value, "_asdict"):
                return self.value(value._asdict())
            case list() | tuple():
                return f"[{', '.join(map(self.value, value))}]"
            case types.FunctionType() if self._goes_along(value):
                return self.name(value)
        if callable(value):
            return f'known("{value.__name__}")'
        raise Untold(f"a value of type {type(value).__name__}")

    @staticmethod
    def _goes_along(function):
        return function.__module__.startswith("xentlib.teaching.") and function.__name__ not in NATIVE


class Translation:
    """One function, or lambda, in JavaScript."""

    def __init__(self, function, script):
        self.function, self.script = function, script
        self.node = _node_of(function)
        self.bound = set(_bound(self.node))
        free = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        self.outer = vars(builtins) | function.__globals__ | {name: cell.cell_contents for name, cell in free}

    def __str__(self):
        return self.arrow(self.node)

    def arrow(self, node):
        """Return a function with all names that are its own declared at its top, as in Python."""
        if isinstance(node.body, list):
            own = sorted(set(_bound(node)) - set(_bound(node.args)))
            declared = f"let {', '.join(f'${name}' for name in own)}; " if own else ""
            body = f"{{ {declared}{self.block(node.body)} }}"
        else:
            body = f"({self.tell(node.body)})"
        return f"(named, {self.parameters(node.args)}) => {body}"

    def parameters(self, args):
        defaults = [None] * (len(args.args) - len(args.defaults)) + args.defaults + args.kw_defaults
        told = [
            f"${one.arg} = named.{one.arg}" + (f" ?? {self.tell(default)}" if default else "")
            for one, default in zip(args.args + args.kwonlyargs, defaults, strict=True)
        ]
        return ", ".join([*told, *([f"...${args.vararg.arg}"] if args.vararg else [])])

    def block(self, statements):
        return " ".join(map(self.statement, statements))

    def statement(self, node):
        match node:
            case ast.Expr(ast.Constant(str())):  # a docstring
                return ""
            case ast.Return(value):
                return f"return {self.tell(value)};"
            case ast.Assign([ast.Name(name)], value):
                return f"${name} = {self.tell(value)};"
            case ast.Assign([ast.Tuple() as target], value):
                return f"{_names(target)} = listed({self.tell(value)});"
            case ast.AugAssign(ast.Name(name), operator, value):
                return f"${name} = {self.operation(operator, ast.Name(name), value)};"
            case ast.FunctionDef(name):
                return f"${name} = {self.arrow(node)};"
            case ast.Try(body):  # what reaches a function on a page is an array of numbers, which makes no trouble
                return self.block(body)
            case ast.If(test, body, orelse):
                otherwise = f" else {{ {self.block(orelse)} }}" if orelse else ""
                return f"if ({self.truth(test)}) {{ {self.block(body)} }}{otherwise}"
            case ast.For(target, iterated, body, []):
                return f"for ({_names(target)} of listed({self.tell(iterated)})) {{ {self.block(body)} }}"
            case ast.Continue():
                return "continue;"
            case ast.With([ast.withitem(ast.Call(ast.Attribute(_, "errstate")))], body):
                return self.block(body)
            case ast.Raise():
                return f"throw new Beyond({json.dumps(ast.unparse(node))});"
        raise Untold(ast.unparse(node))

    def tell(self, node):
        match node:
            case ast.Constant(value):
                return self.script.value(value)
            case ast.Name(name):
                return f"${name}" if name in self.bound else self.script.value(self.outer[name])
            case ast.Attribute():
                return self.attribute(node)
            case ast.UnaryOp(operator, operand):
                return f"{type(operator).__name__}({self.tell(operand)})"
            case ast.BinOp(left, operator, right):
                return self.operation(operator, left, right)
            case ast.BoolOp(operator, values):
                return f"{type(operator).__name__}({', '.join(f'() => {self.tell(value)}' for value in values)})"
            case ast.Compare(left, operators, others):
                names = [type(operator).__name__ for operator in operators]
                return f"compared({names}, {self.all_of((left, *others))})"
            case ast.IfExp(test, body, orelse):
                return f"({self.truth(test)} ? {self.tell(body)} : {self.tell(orelse)})"
            case ast.Call(ast.Name("isinstance"), [value, ast.Tuple(kinds)]):
                return f"isOne({self.tell(value)}, {self.all_of(kinds)})"
            case ast.Call(ast.Name("isinstance"), [value, kind]):
                return f"isOne({self.tell(value)}, {self.tell(kind)})"
            case ast.Call(function, arguments, keywords):
                named = ", ".join(f"{one.arg}: {self.tell(one.value)}" for one in keywords if one.arg)
                return f"{self.tell(function)}({{ {named} }}, {self.all_of(arguments)})"
            case ast.Starred(value):
                return f"...listed({self.tell(value)})"
            case ast.Lambda():
                return f"({self.arrow(node)})"
            case ast.Subscript(value, ast.Tuple(parts)):
                return f"item({self.tell(value)}, {self.all_of(parts)})"
            case ast.Subscript(value, index):
                return f"item({self.tell(value)}, {self.tell(index)})"
            case ast.Slice(lower, upper, None):
                return f"span({self.tell(lower) if lower else 'null'}, {self.tell(upper) if upper else 'null'})"
            case ast.Tuple(parts) | ast.List(parts):
                return f"[{self.all_of(parts)}]"
            case ast.Dict(keys, values):
                pairs = zip(keys, values, strict=True)
                return f"({{ {', '.join(f'{self.tell(key)}: {self.tell(value)}' for key, value in pairs)} }})"
            case ast.ListComp(part, generators):
                return f"[...{self.generator(part, generators)}]"
            case ast.GeneratorExp(part, generators):
                return self.generator(part, generators)
            case ast.JoinedStr(parts):
                return f"[{self.all_of(parts)}].join('')"
            case ast.FormattedValue(value, -1, spec):
                return f"formatted({self.tell(value)}, {self.tell(spec) if spec else repr('')})"
        raise Untold(ast.unparse(node))

    def all_of(self, nodes):
        return ", ".join(map(self.tell, nodes))

    def truth(self, node):
        return f"isTrue({self.tell(node)})"

    def operation(self, operator, left, right):
        return f"{type(operator).__name__}({self.tell(left)}, {self.tell(right)})"

    def generator(self, part, generators):
        told = f"yield {self.tell(part)};"
        for one in reversed(generators):
            tests = "".join(f"if ({self.truth(test)}) " for test in one.ifs)
            told = f"for (const {_names(one.target)} of listed({self.tell(one.iter)})) {tests}{told}"
        return f"(function* () {{ {told} }})()"

    def attribute(self, node):
        module = self.outer.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if isinstance(module, types.ModuleType):
            return self.script.value(getattr(module, node.attr))
        return f'attribute({self.tell(node.value)}, "{node.attr}")'


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
        return f"${target.id}"
    if isinstance(target, ast.Tuple):
        return f"[{', '.join(map(_names, target.elts))}]"
    raise Untold(ast.unparse(target))


def array(value):
    """Return an array, or a number, in JavaScript.

    >>> array([[1, 2], [3, float("inf")]])
    'array([2, 2], [1.0, 2.0, 3.0, Infinity], "float64")'
    """
    value = np.asarray(value)
    return f'array({list(value.shape)}, {json.dumps(value.astype(float).ravel().tolist())}, "{value.dtype}")'


def _node_of(function):
    """Return the syntax tree of a function. Several lambdas may stand in one line: the place of the code tells."""
    code = function.__code__
    kind = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    nodes = _functions(inspect.getsourcefile(function))[kind, code.co_firstlineno]
    if len(nodes) > 1:
        places = {(start, column) for start, _, column, _ in code.co_positions() if column}
        nodes = [node for node in nodes if (node.body.lineno, node.body.col_offset) in places]
    if len(nodes) != 1:
        raise Untold(f"{code.co_qualname}, whose source is not found")
    return nodes[0]


@functools.cache
def _functions(path):
    """Return the functions and lambdas of a module by their kind and their line."""
    found = defaultdict(list)
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Lambda | ast.FunctionDef):
            found[type(node), node.lineno].append(node)
    return found
