"""Wider integers than a fast kernel takes go to the reference."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.kernels.table import kernels
from npusim.kernels.tables import wide_table
from npusim.kernels.widths import by_width, narrow
from npusim.numerics.rescale import Affine, FixedPointRescale


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.int8, True), (np.uint8, True), (np.float32, True), (np.int16, False), (np.uint16, False)],
)
def test_what_is_narrow(dtype, expected):
    assert narrow(np.zeros(3, dtype)) == expected


def test_the_operands_choose_the_kernel():
    def fast(x, out, p):
        out[...] = 1

    def reference(x, out, p):
        out[...] = 2

    chosen = by_width({"k": fast}, {"k": reference})["k"]
    for x, out, expected in ((np.int8, np.int8, 1), (np.int16, np.int8, 2), (np.int8, np.int16, 2)):
        result = np.zeros(3, out)
        chosen(np.zeros(3, x), result, None)
        assert (result == expected).all()


@pytest.mark.parametrize("path", ["c", "numba"])
@pytest.mark.parametrize(("x", "out"), [("int16", "int16"), ("int16", "int8"), ("int8", "int16")])
def test_rescaling_between_widths_equals_the_reference(path, x, out):
    """A table of all words where the input has 16 bits; strided views too."""
    info = np.iinfo(out)
    p = FixedPointRescale(0, 2**30 + 12345, -3 if out == "int8" else 1, 0, info.min, info.max)
    values = np.random.default_rng(1).integers(-120, 120, (6, 5, 4)).astype(x)
    found, expected = np.zeros((6, 4, 5), out), np.zeros((6, 4, 5), out)
    view = values.transpose(0, 2, 1)
    for table, result in ((kernels(path), found), (kernels("reference"), expected)):
        table.get("rescale_double_rounding")(view, result, p)
    np.testing.assert_array_equal(found, expected)


def test_a_table_of_words_holds_every_case():
    kernel = kernels("reference").get("dequantize_affine")
    p = Affine(np.float32(0.25), 3, -(2**15), 2**15 - 1)
    table = wide_table(kernel, np.dtype(np.int16), np.dtype(np.float32), p)
    assert table.shape == (2**16,)
    assert table[np.int16(-7).view(np.uint16)] == -2.5
