"""4-bit values two to a byte: the order of ONNX's own packing, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.numerics.packing import pack_int4, packed_bytes, unpack_int4


def test_the_first_of_a_pair_is_in_the_low_bits() -> None:
    assert pack_int4(np.array([1, -1, 7], np.int8)).tolist() == [0xF1, 0x07]
    assert pack_int4(np.array([[15, 2], [9, 0]], np.uint8)).tolist() == [0x2F, 0x09]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@given(rows=st.integers(0, 5), columns=st.integers(0, 7), seed=st.integers(0, 99))
def test_packed_values_come_back(dtype: str, rows: int, columns: int, seed: int) -> None:
    low, high = (-8, 8) if dtype == "int8" else (0, 16)
    values = np.random.default_rng(seed).integers(low, high, (rows, columns)).astype(dtype)
    packed = pack_int4(values)
    assert packed.size == packed_bytes(values.size)
    back = unpack_int4(packed, values.shape, dtype == "int8")
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)


@pytest.mark.parametrize("name", ["INT4", "UINT4"])
def test_onnx_packs_in_the_same_order(name: str) -> None:
    onnx = pytest.importorskip("onnx")
    low, high = (-8, 8) if name == "INT4" else (0, 16)
    values = np.arange(low, high).astype("int8" if low else "uint8")[:15]
    tensor = onnx.helper.make_tensor("w", getattr(onnx.TensorProto, name), [15], values)
    stored = np.frombuffer(tensor.raw_data, np.uint8) if tensor.raw_data else None
    if stored is None:
        stored = np.array(tensor.int32_data, np.uint8)
    np.testing.assert_array_equal(pack_int4(values), stored)


def test_bytes_that_do_not_fit_the_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="need uint8"):
        unpack_int4(np.zeros(3, np.uint8), (7,), True)
