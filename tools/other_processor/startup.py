"""IPython runs this first of all in each kernel: no float32 may be shown within 2 ulp of where its last digit turns.

That all results are moved shows it only by chance, for a move may lead away from there. So each f"{x:.3f}" and each
x.round(3) looks around: 2 ulp, and the 6 by which `sitecustomize.py` may have moved the log of an exponential.
"""

import ast
import builtins

import numpy as np

ULPS = 2 + 6


def steady(show, value):
    """Return `show(value)`, or raise if a float32 that is a little off, and not 0, is shown differently."""
    shown = show(value)
    if isinstance(value, np.floating | np.ndarray) and value.dtype == np.float32:
        with np.errstate(invalid="ignore"):
            off = np.where(np.isfinite(value) & (value != 0), ULPS * np.spacing(value), 0).astype(np.float32)
        for near in value - off, value + off:
            assert str(show(near)) == str(shown), f"{shown} may be {show(near)} elsewhere: it is {value!r}"
    return shown


class Watch(ast.NodeTransformer):
    """Pass what rounds a value, and the value, to `steady`."""

    def visit_FormattedValue(self, node):
        self.generic_visit(node)
        text = ast.JoinedStr([ast.FormattedValue(ast.Name("_value", ast.Load()), node.conversion, node.format_spec)])
        return ast.FormattedValue(self.watched(text, node.value), -1)

    def visit_Call(self, node):
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Attribute) and node.func.attr == "round"):
            return node
        value, node.func.value = node.func.value, ast.Name("_value", ast.Load())
        return self.watched(node, value)

    def watched(self, show, value):
        show = ast.Lambda(ast.arguments([], [ast.arg("_value")], kwonlyargs=[], kw_defaults=[], defaults=[]), show)
        return ast.Call(ast.Name("steady", ast.Load()), [show, value], [])


builtins.steady = steady
get_ipython().ast_transformers.append(Watch())  # noqa: F821  (IPython's own)
