"""What a processor with AVX2 and no VNNI computes: uint8 x int8 sums whose pairs saturate.

The instruction VPMADDUBSW multiplies unsigned with signed bytes, adds the products of two
neighbours and clamps each such sum to int16 (Intel 64 and IA-32 Architectures Software Developer's
Manual, volume 2, PMADDUBSW). Two products reach 2 * 255 * 128, twice what int16 holds. With the
taps of a filter and its channels in one row of K values, channels innermost,

    sum = sum over i of clamp(x[2i] * w[2i] + x[2i+1] * w[2i+1], -32768, 32767)

in int32, a single last value paired with 0; zero points are taken off afterwards, exactly. Padding
takes part as the value x_zero.

Source: ONNX Runtime's MLAS, whose kernels walk K in groups of four neighbours, and multiply by
VPMADDUBSW, then VPMADDWD by ones: `QgemmU8X8KernelAvx2.S` (matrix products, and convolutions
through im2col), `QgemvU8S8KernelAvx2.S` (one row), `ConvSymKernelAvx2.S` (convolutions whose
channels are a multiple of four; packed tap by tap in `convsym.cpp`); `platform.cpp` chooses them,
and those of AVX-512 without VNNI do the same. Depthwise convolutions widen to 32 bits, uint8
weights to 16: both are exact there. int8 activations of a QDQ model become uint8 with 128 added to
value and zero point. QLinearConv and QLinearMatMul written with int8 activations run in other,
exact kernels: they are not meant here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from npusim import api
from npusim.errors import Problem, UnsupportedModelError
from npusim.execution.executor import Executor
from npusim.ir.graph import Graph
from npusim.jit import compiled
from npusim.kernels.layers import composed_layer
from npusim.kernels.reference.convolution import patch
from npusim.kernels.table import Kernels, kernels
from npusim.numerics.formats import INT8
from npusim.schedule.program import Program

Array = np.ndarray

LOWEST, HIGHEST = -(2**15), 2**15 - 1
"""What a pair's sum is clamped to."""
LARGEST_ACTIVATION = 255


def infer_saturating(program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs of `program` as `api.infer` gives them, with the sums of such a processor.

    UnsupportedModelError for products of two computed matrices that are int8.
    """
    _require_weights(program.graph)
    profile = api.choose_profile("model", program.hardware, program.graph)
    executor = Executor(program, profile, saturating_kernels(kernels()))
    found = [executor.run(arrays) for arrays in api.inferences(program.graph, inputs)]
    return {name: np.concatenate([one[name] for one in found]) for name in program.graph.outputs}


def saturating_kernels(base: Kernels) -> Kernels:
    """`base` with convolutions and matrix products whose pairs saturate; the rest is as it was."""
    table = dict(base.table)
    exact = table["conv_accumulate"]

    def conv_accumulate(
        x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
        x_zero: int, w_zero: Array,
    ) -> None:  # fmt: skip
        bytes_only = w.dtype == np.int8 and x.dtype.itemsize == 1
        accumulate = saturating_accumulate if bytes_only else exact
        accumulate(x, w, acc, tile, geometry, x_zero, w_zero)

    table["conv_accumulate"] = conv_accumulate
    table["convolution_layer"] = composed_layer(
        conv_accumulate, table["depthwise_accumulate"], table["requantize"]
    )
    return Kernels(f"{base.path}, pairs saturate", table)


def saturating_accumulate(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """`conv_accumulate` for int8 weights, with pairs that saturate.

    ValueError for a tile with a part of the channels: it would pair other neighbours.
    """
    b0, b1, g0, g1, k0, k1, c0, c1, y0, y1, x0, x1 = tile
    if w.dtype != np.int8 or (c0, c1) != (0, w.shape[4]):
        raise ValueError(f"int8 weights and all {w.shape[4]} channels, not {w.dtype}, {c0}..{c1}")
    offset = 128 if x.dtype == np.int8 else 0
    zero = x_zero + offset
    taps = [
        patch(x, (y0, y1, x0, x1), (fy, fx), geometry, x_zero, np.int16)[b0:b1] + zero
        for fy in range(w.shape[2])
        for fx in range(w.shape[3])
    ]
    columns = np.stack(taps, axis=4).astype(np.uint8)  # [b, oy, ox, G, taps, C]
    depth = w.shape[2] * w.shape[3] * w.shape[4]
    for g in range(g0, g1):
        rows = columns[:, :, :, g].reshape(-1, depth)
        filters = w[g, k0:k1].reshape(-1, depth)
        sums = saturating_sums(rows, filters).astype(np.int64)
        sums -= zero * filters.sum(axis=1, dtype=np.int64)
        without_zero = rows.sum(axis=1, dtype=np.int64) - zero * depth
        sums -= np.outer(without_zero, w_zero[g, k0:k1].astype(np.int64))
        acc[:, :, :, g - g0] += sums.reshape((*acc.shape[:3], k1 - k0)).astype(np.int32)


def saturating_sums(rows: Array, filters: Array) -> Array:
    """Sums of saturated pairs: uint8 [P, K] by int8 [F, K] gives int32 [P, F]."""
    odd = rows.shape[1] % 2
    rows, filters = (np.pad(each, ((0, 0), (0, odd))) for each in (rows, filters))
    pairs = np.ascontiguousarray(filters.T, np.int32)
    pairs = pairs.reshape(filters.shape[1] // 2, 2, filters.shape[0])
    sums = np.zeros((rows.shape[0], filters.shape[0]), np.int32)
    _add_pairs(rows, pairs, sums)
    return sums


def unsafe_share(w: Array) -> float:
    """Share of the pairs of int8 weights [..., K] that some uint8 activations push beyond int16.

    Known from the weights alone: each activation is 0 or 255 in the worst case.
    """
    odd = w.shape[-1] % 2
    padded = np.pad(w.astype(np.int64), [(0, 0)] * (w.ndim - 1) + [(0, odd)])
    pairs = padded.reshape(*w.shape[:-1], -1, 2)
    highest = LARGEST_ACTIVATION * np.maximum(pairs, 0).sum(axis=-1)
    lowest = LARGEST_ACTIVATION * np.minimum(pairs, 0).sum(axis=-1)
    return float(((highest > HIGHEST) | (lowest < LOWEST)).mean())


def _require_weights(graph: Graph) -> None:
    """int8 factors that are computed become uint8 in a QDQ model; a kernel can't tell them."""
    problems = [
        Problem(f"node '{node.name}'", "a product of two computed int8 tensors is not modelled")
        for node in graph.nodes
        if node.op.kind == "matmul"
        and graph.tensors[node.inputs[1]].format == INT8
        and not graph.tensors[node.inputs[1]].is_constant
    ]
    if problems:
        raise UnsupportedModelError(problems)


@compiled
def _add_pairs(rows: Array, pairs: Array, sums: Array) -> None:
    """`rows` uint8 [P, K], `pairs` int32 [K / 2, 2, F], `sums` int32 [P, F]; K is even."""
    for p in range(rows.shape[0]):
        for i in range(pairs.shape[0]):
            first, second = np.int32(rows[p, 2 * i]), np.int32(rows[p, 2 * i + 1])
            for f in range(pairs.shape[2]):
                both = first * pairs[i, 0, f] + second * pairs[i, 1, f]
                sums[p, f] += np.int32(min(max(both, LOWEST), HIGHEST))
