"""Compiled code that counts no references to arrays must neither make arrays nor hand them on."""

from __future__ import annotations

import re

from tests.support.compiled_functions import array_tuples, compiled_functions


def test_functions_that_borrow_arrays_make_none() -> None:
    """Numba can't check it: an array made or returned without a count is freed twice, or never."""
    functions = compiled_functions()
    allocating = {function.name for function in functions if function.allocating}
    holders = array_tuples() | {"ndarray", "Array"}
    assert len(functions) > 200
    assert "Clock" in holders
    for function in functions:
        if function.allocating:
            continue
        assert not function.creates, function
        assert not function.calls & allocating, function
        assert not set(re.findall(r"\w+", function.returns)) & holders, function
