"""Saturating pairs: equal to the instruction, to the definition, and to ONNX Runtime's kernels."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npusim import api
from npusim.errors import UnsupportedModelError
from npusim.ir.ops.products.matmul import MatMul
from npusim.kernels.table import kernels
from npusim.validate.saturating import (
    infer_saturating,
    saturating_kernels,
    saturating_sums,
    unsafe_share,
)
from tests.support.graphs import Build
from tests.support.kernel_cases import ConvolutionCase, convolutions
from tests.support.saturation import default_outputs, ort_saturates, small_network

INSTRUCTION = """
#include <immintrin.h>
#include <stdint.h>
void sums(const uint8_t *rows, const int8_t *filters, int32_t *out, int p, int f, int k) {
    const __m256i ones = _mm256_set1_epi16(1);
    for (int i = 0; i < p; i++)
        for (int j = 0; j < f; j++) {
            __m256i acc = _mm256_setzero_si256();
            for (int at = 0; at < k; at += 32) {
                __m256i x = _mm256_loadu_si256((const __m256i *)(rows + i * k + at));
                __m256i w = _mm256_loadu_si256((const __m256i *)(filters + j * k + at));
                __m256i pairs = _mm256_maddubs_epi16(x, w);
                acc = _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, ones));
            }
            int32_t lanes[8];
            _mm256_storeu_si256((__m256i *)lanes, acc);
            out[i * f + j] = 0;
            for (int lane = 0; lane < 8; lane++) out[i * f + j] += lanes[lane];
        }
}
"""


def test_sums_are_those_of_the_instruction(tmp_path: Path) -> None:
    cffi = pytest.importorskip("cffi")
    flags = Path("/proc/cpuinfo")
    if shutil.which("gcc") is None or not flags.exists() or "avx2" not in flags.read_text():
        pytest.skip("needs gcc and a processor with AVX2")
    source, library = tmp_path / "sums.c", tmp_path / "sums.so"
    source.write_text(INSTRUCTION)
    command = ["gcc", "-O1", "-mavx2", "-shared", "-fPIC", str(source), "-o", str(library)]
    subprocess.run(command, check=True)
    ffi = cffi.FFI()
    ffi.cdef("void sums(const uint8_t *, const int8_t *, int32_t *, int, int, int);")
    lib = ffi.dlopen(str(library))
    random = np.random.default_rng(0)
    rows = random.choice(np.array([0, 1, 127, 128, 129, 254, 255], np.uint8), (40, 320))
    filters = random.integers(-128, 128, (30, 320), np.int8)
    filters[:6] = random.choice(np.array([-128, -127, 127], np.int8), (6, 320))
    found = np.empty((40, 30), np.int32)
    buffers = (ffi.from_buffer(kind, array) for kind, array in (
        ("uint8_t[]", rows), ("int8_t[]", filters), ("int32_t[]", found)))  # fmt: skip
    lib.sums(*buffers, 40, 30, 320)
    np.testing.assert_array_equal(saturating_sums(rows, filters), found)
    assert (found != rows.astype(np.int64) @ filters.T.astype(np.int64)).mean() > 0.9


@pytest.mark.parametrize(
    ("weights", "highest"), [((127, 127), 32767), ((-128, -128), -32768), ((64, 64), 32640)]
)
def test_a_pair_is_clamped_and_a_last_value_stands_alone(
    weights: tuple[int, int], highest: int
) -> None:
    rows = np.full((1, 3), 255, np.uint8)
    filters = np.array([[*weights, weights[0]]], np.int8)
    assert saturating_sums(rows, filters) == highest + 255 * weights[0]


def _by_definition(case: ConvolutionCase) -> np.ndarray:
    """`conv_accumulate` with saturated pairs, one output at a time."""
    tile, (sy, sx, dy, dx, top, left) = case.tile, case.geometry
    offset = 128 if case.x.dtype == np.int8 else 0
    x, zero = case.x.astype(np.int64) + offset, case.x_zero + offset
    acc = case.acc.astype(np.int64)
    for b, y, col, g in np.ndindex(acc.shape[:4]):
        row: list[int] = []
        for fy, fx in np.ndindex(case.w.shape[2:4]):
            at_y = (tile.y0 + y) * sy + fy * dy - top
            at_x = (tile.x0 + col) * sx + fx * dx - left
            inside = 0 <= at_y < x.shape[1] and 0 <= at_x < x.shape[2]
            channels = range(x.shape[4])
            row += [
                x[tile.b0 + b, at_y, at_x, tile.g0 + g, c] if inside else zero for c in channels
            ]
        for k in range(acc.shape[4]):
            w = case.w[tile.g0 + g, tile.k0 + k].reshape(-1).tolist()
            products = [value * weight for value, weight in zip(row, w, strict=True)] + [0]
            pairs = [sum(products[i : i + 2]) for i in range(0, len(row), 2)]
            total = sum(min(max(pair, -32768), 32767) for pair in pairs)
            w_zero = int(case.w_zero[tile.g0 + g, tile.k0 + k])
            acc[b, y, col, g, k] += total - zero * sum(w) - w_zero * sum(v - zero for v in row)
    return acc.astype(np.int32)


@settings(max_examples=25)
@given(convolutions())
def test_convolutions_follow_the_definition(case: ConvolutionCase) -> None:
    tile = case.tile._replace(c0=0, c1=case.w.shape[4], k1=min(case.tile.k1, case.tile.k0 + 3))
    acc = case.acc[..., : tile.k1 - tile.k0]
    case = replace(case, w=case.w.astype(np.int8), tile=tile, acc=acc)
    found = case.run(saturating_kernels(kernels("reference")), "conv_accumulate")
    np.testing.assert_array_equal(found, _by_definition(case))


@settings(max_examples=25)
@given(convolutions())
def test_uint8_weights_and_weights_of_seven_bits_stay_exact(case: ConvolutionCase) -> None:
    exact, saturating = kernels("reference"), saturating_kernels(kernels("reference"))
    tile = case.tile._replace(c0=0, c1=case.w.shape[4])
    for w in (case.w.astype(np.uint8), case.w.astype(np.int8) // 2):
        changed = replace(case, w=w, tile=tile)
        expected = changed.run(exact, "conv_accumulate")
        np.testing.assert_array_equal(changed.run(saturating, "conv_accumulate"), expected)


def test_a_part_of_the_channels_is_refused() -> None:
    x, w = np.zeros((1, 1, 1, 1, 4), np.uint8), np.zeros((1, 1, 1, 1, 4), np.int8)
    tile = (0, 1, 0, 1, 0, 1, 0, 2, 0, 1, 0, 1)
    accumulate = saturating_kernels(kernels("reference")).get("conv_accumulate")
    with pytest.raises(ValueError, match="all 4 channels"):
        accumulate(x, w, np.zeros((1,) * 5, np.int32), tile, (1, 1, 1, 1, 0, 0), 0, w[..., 0, 0, 0])


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=3))
def test_unsafe_pairs_are_those_that_some_activations_saturate(weights: list[int]) -> None:
    w = np.array([weights], np.int8)
    pairs = [weights[i : i + 2] for i in range(0, len(weights), 2)]
    corners = [(a, b) for a in (0, 255) for b in (0, 255)]
    sums = [[sum(x * v for x, v in zip(c, p, strict=False)) for c in corners] for p in pairs]
    unsafe = [max(each) > 32767 or min(each) < -32768 for each in sums]
    assert unsafe_share(w) == np.mean(unsafe)


@pytest.mark.parametrize("activations", ["uint8", "int8"])
def test_programs_equal_onnx_runtime_on_a_processor_without_vnni(
    activations: str, tmp_path: Path
) -> None:
    if not ort_saturates():
        pytest.skip("ONNX Runtime's kernels of this processor do not saturate (it has VNNI)")
    path, inputs = small_network(tmp_path, activations=activations)
    expected = default_outputs(path, inputs)
    found = infer_saturating(api.schedule(str(path), "edge-npu-1"), inputs)
    np.testing.assert_array_equal(next(iter(found.values())), expected)


@pytest.mark.parametrize(("reduce_range", "equal"), [(True, True), (False, False)])
def test_programs_with_weights_of_seven_bits_are_exact(
    reduce_range: bool, equal: bool, tmp_path: Path
) -> None:
    path, inputs = small_network(tmp_path, reduce_range=reduce_range)
    program = api.schedule(str(path), "edge-npu-1")
    exact = api.infer(program, inputs)
    (name,) = exact
    assert np.array_equal(infer_saturating(program, inputs)[name], exact[name]) == equal


def test_products_of_computed_int8_matrices_are_refused() -> None:
    build = Build()
    x = build.input(4, 4)
    program = api.schedule(api.Model(build.graph(build.add_node(MatMul(), x, x))), "edge-npu-1")
    with pytest.raises(UnsupportedModelError, match="two computed int8 tensors"):
        infer_saturating(program, {x: np.zeros((4, 4), np.int8)})
