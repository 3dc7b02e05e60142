"""Packages that training needs and npusim does not: named before the first of them is imported."""

from __future__ import annotations

from importlib.util import find_spec

from npusim.errors import Problem, UsageError

PACKAGES = {"torch": "PyTorch", "sklearn": "scikit-learn", "mlxtend": "mlxtend"}
"""What users call the modules."""


def require(*modules: str) -> None:
    """UsageError that names all of `modules` that are not installed."""
    missing = [PACKAGES.get(module, module) for module in modules if find_spec(module) is None]
    if missing:
        what = f"not installed: {', '.join(missing)}; pip install 'npusim[qat]'"
        raise UsageError(Problem("quantization-aware training", what))
