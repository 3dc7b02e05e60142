"""A TFLite model that remembers, as small as can be, and frames for it."""

from __future__ import annotations

import numpy as np

from tests.support.tflite_models import TinyModel

SHAPE, SCALE = (1, 3, 5), 0.05


def memory(initial: np.ndarray | None = None, variables: int = 1) -> TinyModel:
    """y = x + what the variable holds; then the variable holds y. Chained for more variables."""
    m, once = TinyModel(), TinyModel()
    x = m.tensor("x", SHAPE, "int8", SCALE, 3)
    m.inputs.append(x)
    m.operator("CALL_ONCE", [], [], "CallOnceOptions", 1, InitSubgraphIndex=1)
    for number in range(variables):
        value = np.full(SHAPE, number - 7, np.int8) if initial is None else initial
        first = once.constant(f"first{number}", value, SCALE, 3)
        handle = once.tensor(f"handle{number}", (), "resource")
        name = f"memory{number}"
        once.operator("VAR_HANDLE", [], [handle], "VarHandleOptions", 1, SharedName=name)
        once.operator("ASSIGN_VARIABLE", [handle, first], [], version=1)
        handle = m.tensor(f"handle{number}", (), "resource")
        old = m.tensor(f"old{number}", SHAPE, "int8", SCALE, 3)
        y = m.tensor(f"y{number}", SHAPE, "int8", SCALE, 3)
        m.operator("VAR_HANDLE", [], [handle], "VarHandleOptions", 1, SharedName=name)
        m.operator("READ_VARIABLE", [handle], [old], version=1)
        m.operator("ADD", [x, old], [y], "AddOptions", 2)
        m.operator("ASSIGN_VARIABLE", [handle, y], [], version=1)
        m.outputs.append(y)
        x = y
    m.called.append(once)
    return m


def frames(count: int, shape: tuple[int, ...] = SHAPE, seed: int = 0) -> np.ndarray:
    """int8 [count, *shape without its first extent]."""
    drawn = np.random.default_rng(seed).integers(-30, 31, (count, *shape[1:]))
    return drawn.astype(np.int8)
