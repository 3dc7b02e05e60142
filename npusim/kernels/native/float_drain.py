"""The C drain of floating-point sums: see `npusim.kernels.reference.drain_float`."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from npusim.kernels.checks import require_float_drain
from npusim.kernels.native.memory import contiguous, element_strides, ffi, int64s, lib, pointer
from npusim.numerics.float_drain import FloatDrain
from npusim.numerics.floats import LAYOUTS, encode
from npusim.numerics.formats import Format

Array = np.ndarray


def drain_float(acc: Array, parameters: FloatDrain, out: Array) -> None:
    """See the reference."""
    require_float_drain(acc, parameters, out)
    if acc.size == 0:
        return
    sums = contiguous(acc, np.float32)
    scale, bias = (
        None if given is None else contiguous(given, np.float32)
        for given in (parameters.scale, parameters.bias)
    )
    divisor = parameters.out_scale
    how = ffi.new(
        "npusim_float_drain *",
        {
            "scale": ffi.NULL if scale is None else pointer(scale),
            "bias": ffi.NULL if bias is None else pointer(bias),
            "low": np.float32(parameters.low),
            "high": np.float32(parameters.high),
            "out_scale": np.float32(1 if divisor is None else divisor),
            "divides": divisor is not None,
        },
    )
    stored = ffi.cast("uint8_t *", out.__array_interface__["data"][0])
    code = _code(parameters.out, parameters.saturate)
    lib.npusim_drain_float(
        pointer(sums), how, code, int64s(acc.shape), element_strides(out), stored
    )  # fmt: skip


@functools.cache
def _code(fmt: Format, saturates: bool) -> Any:
    """How `fmt` is stored, as C has it: the codes of its greatest number, beyond it, and NaN."""
    layout = LAYOUTS[fmt.name]
    values = np.array([layout.greatest, np.inf, np.nan])
    greatest, outside, nan = encode(values, fmt, saturates).view(f"uint{fmt.bits}").tolist()
    return ffi.new(
        "npusim_float_code *",
        {
            "mantissa_bits": layout.mantissa_bits,
            "least_exponent": round(np.log2(layout.least_normal)),
            "bytes": fmt.storage_bytes,
            "sign_bit": fmt.bits - 1,
            "greatest": greatest,
            "outside": outside,
            "nan": nan,
        },
    )
