"""Constraints on a design space: `rows * cols <= 4096`, `size >= 64 KiB * cores`.

Numbers, quantities with units, names of fields, `+ - * / // %`, comparisons, `and`, `or`, `not`,
`min`, `max`, `abs`. A field may be named by the end of its path, where that is unique among the
axes, else among the numbers of the base hardware. Python's own parser reads them, and only these
few kinds of nodes are let through to it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from npusim.errors import nearest_name
from npusim.units import DIMENSIONS, parse_quantity

_FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "abs": abs}
_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Add,
    ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Compare, ast.Eq, ast.NotEq, ast.Lt,
    ast.LtE, ast.Gt, ast.GtE, ast.Constant, ast.Name, ast.Attribute, ast.Load, ast.Call,
)  # fmt: skip
_LONGEST = 1000  # characters; a constraint is a line
_DIMENSION_OF = {
    unit: kind.name for kind in reversed(tuple(DIMENSIONS.values())) for unit in kind.units
}
_UNITS = "|".join(sorted(map(re.escape, _DIMENSION_OF), key=len, reverse=True))
_QUANTITY = re.compile(rf"(?<![\w.])(\d+(?:\.\d+)?)\s*({_UNITS})(?![\w/])")


class ConstraintError(ValueError):
    """A constraint that is no expression of the language above, or names no field."""


class Constraint:
    """A condition over the values of a point. It can be pickled."""

    def __init__(
        self, text: str, fields: Sequence[str], constants: Mapping[str, int | float | str]
    ) -> None:
        """`fields` are the paths that vary, in the order of `holds`; `constants` all others."""
        self.text = text
        self._fields, self._constants = tuple(fields), dict(constants)
        self._names: dict[str, Any] = {}
        tree = ast.fix_missing_locations(_Resolved(self).visit(_parsed(text)))
        self._expression = ast.unparse(tree)
        self._compile()

    def _compile(self) -> None:
        code = compile(self._expression, "<constraint>", "eval")
        self._known = {"__builtins__": {}, **_FUNCTIONS, **self._names}
        self._code = code

    def __getstate__(self) -> tuple[Any, ...]:
        return self.text, self._fields, self._names, self._expression

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.text, self._fields, self._names, self._expression = state
        self._constants = {}
        self._compile()

    def holds(self, values: Sequence[Any]) -> bool:
        """Whether a point with `values`, in base units, one for each field, meets it.

        ConstraintError if it cannot be computed: a division by zero, a number against a text.
        """
        try:
            return bool(eval(self._code, self._known, {"v": values}))
        except (ArithmeticError, TypeError) as error:
            at = ", ".join(f"{path}={value}" for path, value in zip(self._fields, values))  # noqa: B905
            raise ConstraintError(f"{error} at {at}") from None

    def place_of(self, name: str) -> ast.expr:
        """The expression for a field's name: an entry of the values, or a constant's name."""
        found = _matches(name, self._fields)
        if len(found) == 1:
            return ast.parse(f"v[{self._fields.index(found[0])}]", mode="eval").body
        if not found:
            found = _matches(name, self._constants)
            if len(found) == 1:
                key = f"c{len(self._names)}"
                self._names[key] = self._constants[found[0]]
                return ast.Name(key, ast.Load())
        if found:
            raise ConstraintError(f"'{name}' may be {' or '.join(found)}: write the whole path")
        known = (*self._fields, *self._constants)
        short = tuple(path.rpartition(".")[2] for path in known)
        hint = nearest_name(name, (*known, *short))
        raise ConstraintError(f"no number of this hardware is called '{name}'{hint}")


def _matches(name: str, paths: Sequence[str] | Mapping[str, Any]) -> list[str]:
    if name in paths:
        return [name]
    return [path for path in paths if path.endswith(f".{name}")]


def _parsed(text: str) -> ast.Expression:
    if len(text) > _LONGEST:
        raise ConstraintError(f"it has more than {_LONGEST} characters")
    try:
        tree = ast.parse(_QUANTITY.sub(_in_base_units, text.strip()), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        what = "it is no condition: expected for example rows * cols <= 4096"
        raise ConstraintError(what) from None
    for node in ast.walk(tree):
        plain = not isinstance(node, ast.Constant) or isinstance(node.value, int | float | str)
        if not isinstance(node, _ALLOWED) or not plain:
            raise ConstraintError(f"it may not have {type(node).__name__}: see the operators in "
                                  "`npusim sweep --help`")  # fmt: skip
    return tree


def _in_base_units(match: re.Match[str]) -> str:
    return repr(parse_quantity(match[0], _DIMENSION_OF[match[2]]))


class _Resolved(ast.NodeTransformer):
    """Replaces names of fields by their places."""

    def __init__(self, constraint: Constraint) -> None:
        self._constraint = constraint

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS or node.keywords or not node.args:
            raise ConstraintError(f"the functions are {', '.join(_FUNCTIONS)}")
        return ast.Call(node.func, [self.visit(argument) for argument in node.args], [])

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._constraint.place_of(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self._constraint.place_of(ast.unparse(node))
