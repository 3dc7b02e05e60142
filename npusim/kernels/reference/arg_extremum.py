"""The place of the largest or smallest element."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def arg_extremum(x: Array, out: Array, p: tuple[str, bool]) -> None:
    """x [..., n], out int32|int64 [...]; p: `arg_max` or `arg_min`, and whether the last counts."""
    kind, last = p
    find = np.argmax if kind == "arg_max" else np.argmin
    out[...] = x.shape[-1] - 1 - find(x[..., ::-1], axis=-1) if last else find(x, axis=-1)
