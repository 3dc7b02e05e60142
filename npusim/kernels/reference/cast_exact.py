"""From one number format to another: see `npusim/numerics/conversion.py`."""

from __future__ import annotations

import numpy as np

from npusim.numerics.conversion import Conversion, converted

Array = np.ndarray


def cast_exact(x: Array, out: Array, conversion: Conversion) -> None:
    """x, out of the formats that `conversion` names, one shape."""
    out[...] = converted(x, conversion)
