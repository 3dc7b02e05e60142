"""Compiled code that counts no references to arrays must neither make arrays nor hand them on."""

from __future__ import annotations

import re

from tests.support.compiled_functions import CompiledFunction, array_tuples, compiled_functions


def test_functions_that_borrow_arrays_make_none() -> None:
    """Numba can't check it: arrays made or taken over uncounted are freed twice, or never."""
    functions = compiled_functions()
    allocating = {function.name for function in functions if function.allocating}
    holders = array_tuples() | {"ndarray", "Array"}
    assert len(functions) > 200
    assert "Clock" in holders
    lending = {function.name for function in functions if _lends(function, holders)}
    for function in functions:
        if function.allocating:
            assert not function.calls & lending, function
        else:
            assert not function.creates, function
            assert not function.calls & allocating, function


def _lends(function: CompiledFunction, holders: set[str]) -> bool:
    """True if it returns parts of arrays that it borrowed: only what counts nothing may ask."""
    returns_arrays = bool(set(re.findall(r"\w+", function.returns)) & holders)
    return returns_arrays and not function.allocating
