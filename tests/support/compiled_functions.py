"""The functions under `@compiled` and `@allocating`, read from the sources."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import npusim

_CREATORS = {
    "arange", "array", "concatenate", "copy", "empty", "empty_like", "full", "ones", "stack",
    "zeros", "zeros_like",
}  # fmt: skip


@dataclass(frozen=True)
class CompiledFunction:
    """One of them: where it is, what it calls, whether it makes arrays or returns them."""

    where: str
    name: str
    allocating: bool
    calls: frozenset[str]
    creates: frozenset[str]
    returns: str


def compiled_functions() -> list[CompiledFunction]:
    """All of the package."""
    package = Path(npusim.__file__).parent
    found = []
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                names = {d.id for d in node.decorator_list if isinstance(d, ast.Name)}
                if names & {"compiled", "inlined", "allocating"}:
                    found.append(_described(f"{path.relative_to(package)}", node, names))
    return found


def array_tuples() -> set[str]:
    """Names of the named tuples that hold arrays."""
    package = Path(npusim.__file__).parent
    return {
        node.name
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "NamedTuple" for base in node.bases)
        and any("np.ndarray" in ast.unparse(line) for line in node.body)
    }


def _described(where: str, node: ast.FunctionDef, names: set[str]) -> CompiledFunction:
    calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
    return CompiledFunction(
        where,
        node.name,
        "allocating" in names,
        frozenset(call.id for call in calls if isinstance(call, ast.Name)),
        frozenset(c.attr for c in calls if isinstance(c, ast.Attribute)) & _CREATORS,
        ast.unparse(node.returns) if node.returns else "None",
    )
