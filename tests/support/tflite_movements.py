"""Single-operator TFLite models that move values; see `tflite_cases`.

`MOVEMENTS` become one operator of the graph each, `CHAINS` several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.support.tflite_models import TinyModel

Rng = np.random.Generator
Build = Callable[[Rng, str], TinyModel]


def _x(m: TinyModel, shape: Sequence[int], dtype: str, name: str = "x", add: bool = True) -> int:
    scale, zero = (0.05, 3) if dtype in ("int8", "uint8") else (None, 0)
    scale = 0.05 if dtype == "int16" else scale
    index = m.tensor(name, shape, dtype, scale, zero)
    if add:
        m.inputs.append(index)
    return index


def _y(m: TinyModel, shape: Sequence[int], dtype: str, name: str = "y") -> int:
    index = _x(m, shape, dtype, name, add=False)
    m.outputs.append(index)
    return index


def _ints(m: TinyModel, name: str, values: Any) -> int:
    return m.constant(name, np.array(values, np.int32))


def _shape(rng: Rng, low: int = 1, high: int = 5, largest: int = 7) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(1, largest, rng.integers(low, high + 1)))


def transpose(rng: Rng, dtype: str) -> TinyModel:
    """TRANSPOSE."""
    m, shape = TinyModel(), _shape(rng)
    order = rng.permutation(len(shape))
    x = _x(m, shape, dtype)
    y = _y(m, [shape[axis] for axis in order], dtype)
    m.operator("TRANSPOSE", [x, _ints(m, "perm", order)], [y], "TransposeOptions", version=2)
    return m


def slice_(rng: Rng, dtype: str) -> TinyModel:
    """SLICE."""
    m, shape = TinyModel(), _shape(rng)
    begin = [int(rng.integers(0, extent)) for extent in shape]
    size = [int(rng.integers(1, e - b + 1)) for e, b in zip(shape, begin, strict=True)]
    y_shape = list(size)
    if rng.random() < 0.5:
        y_shape[-1], size[-1] = shape[-1] - begin[-1], -1
    x, y = _x(m, shape, dtype), _y(m, y_shape, dtype)
    given = [_ints(m, "begin", begin), _ints(m, "size", size)]
    m.operator("SLICE", [x, *given], [y], "SliceOptions", version=2)
    return m


def strided_slice(rng: Rng, dtype: str, rank: int | None = None) -> TinyModel:
    """STRIDED_SLICE with random masks; expected shapes from numpy."""
    m = TinyModel()
    while True:
        shape = _shape(rng) if rank is None else _shape(rng, rank, rank)
        count = int(rng.integers(1, len(shape) + 1))
        strides = [int(rng.choice([1, 1, 2, -1, -2])) for _ in range(count)]
        begin = [int(rng.integers(-n, n)) for n in shape[:count]]
        end = [int(rng.integers(-n - 1, n + 2)) for n in shape[:count]]
        masks = {name: int(rng.integers(0, 2**count)) for name in ("BeginMask", "EndMask")}
        index = [
            slice(
                None if masks["BeginMask"] >> at & 1 else begin[at],
                None if masks["EndMask"] >> at & 1 else end[at],
                strides[at],
            )
            for at in range(count)
        ]
        found = np.empty(shape)[tuple(index)].shape
        if 0 not in found:
            break
    x, y = _x(m, shape, dtype), _y(m, found, dtype)
    given = [_ints(m, n, v) for n, v in (("begin", begin), ("end", end), ("strides", strides))]
    m.operator("STRIDED_SLICE", [x, *given], [y], "StridedSliceOptions", version=2, **masks)
    return m


def reverse(rng: Rng, dtype: str) -> TinyModel:
    """REVERSE_V2 along one axis or adjacent ones."""
    m, shape = TinyModel(), _shape(rng, 1, 4)
    axis = int(rng.integers(len(shape)))
    x, y = _x(m, shape, dtype), _y(m, shape, dtype)
    m.operator("REVERSE_V2", [x, _ints(m, "axes", [axis])], [y], "ReverseV2Options", version=3)
    return m


def gather(rng: Rng, dtype: str) -> TinyModel:
    """GATHER by constant indices, with shared leading axes."""
    m, shape = TinyModel(), _shape(rng, 1, 4)
    axis = int(rng.integers(len(shape)))
    shared = int(rng.integers(0, axis + 1))
    indices = rng.integers(0, shape[axis], (*shape[:shared], *_shape(rng, 1, 2, 4)))
    found = (*shape[:axis], *indices.shape[shared:], *shape[axis + 1 :])
    x, y = _x(m, shape, dtype), _y(m, found, dtype)
    m.operator("GATHER", [x, _ints(m, "indices", indices)], [y], "GatherOptions", version=5,
               Axis=axis - int(rng.integers(2)) * len(shape), BatchDims=shared)  # fmt: skip
    return m


def gather_nd(rng: Rng, dtype: str) -> TinyModel:
    """GATHER_ND."""
    m, shape = TinyModel(), _shape(rng, 1, 4)
    named = int(rng.integers(1, len(shape) + 1))
    places = _shape(rng, 1, 2, 4)
    indices = np.stack([rng.integers(0, n, places) for n in shape[:named]], -1)
    x, y = _x(m, shape, dtype), _y(m, (*places, *shape[named:]), dtype)
    m.operator("GATHER_ND", [x, _ints(m, "indices", indices)], [y], "GatherNdOptions", version=3)
    return m


def tile(rng: Rng, dtype: str) -> TinyModel:
    """TILE."""
    m, shape = TinyModel(), _shape(rng, 1, 4, 5)
    repeats = rng.integers(1, 4, len(shape))
    x, y = _x(m, shape, dtype), _y(m, [int(v) for v in np.array(shape) * repeats], dtype)
    m.operator("TILE", [x, _ints(m, "repeats", repeats)], [y], "TileOptions", version=2)
    return m


def broadcast_to(rng: Rng, dtype: str) -> TinyModel:
    """BROADCAST_TO."""
    m, found = TinyModel(), _shape(rng, 1, 5, 5)
    shape = [1 if rng.random() < 0.5 else n for n in found][int(rng.integers(0, len(found))) :]
    x, y = _x(m, shape, dtype), _y(m, found, dtype)
    given = [x, _ints(m, "shape", found)]
    m.operator("BROADCAST_TO", given, [y], "BroadcastToOptions", version=3)
    return m


def space_to_depth(rng: Rng, dtype: str) -> TinyModel:
    """SPACE_TO_DEPTH."""
    m, n = TinyModel(), int(rng.integers(1, 4))
    b, h, w, c = (int(v) for v in rng.integers(1, 4, 4))
    x, y = _x(m, (b, h * n, w * n, c), dtype), _y(m, (b, h, w, c * n * n), dtype)
    m.operator("SPACE_TO_DEPTH", [x], [y], "SpaceToDepthOptions", version=2, BlockSize=n)
    return m


def depth_to_space(rng: Rng, dtype: str) -> TinyModel:
    """DEPTH_TO_SPACE."""
    m, n = TinyModel(), int(rng.integers(1, 4))
    b, h, w, c = (int(v) for v in rng.integers(1, 4, 4))
    x, y = _x(m, (b, h, w, c * n * n), dtype), _y(m, (b, h * n, w * n, c), dtype)
    m.operator("DEPTH_TO_SPACE", [x], [y], "DepthToSpaceOptions", version=1, BlockSize=n)
    return m


def mirror_pad(rng: Rng, dtype: str) -> TinyModel:
    """MIRROR_PAD."""
    m, shape = TinyModel(), tuple(n + 1 for n in _shape(rng, 1, 4, 5))
    mode = int(rng.integers(2))
    pairs = np.array([rng.integers(0, n + mode, 2) for n in shape])
    found = [int(n + pair.sum()) for n, pair in zip(shape, pairs, strict=True)]
    x, y = _x(m, shape, dtype), _y(m, found, dtype)
    given = [x, _ints(m, "pairs", pairs)]
    m.operator("MIRROR_PAD", given, [y], "MirrorPadOptions", version=2, Mode=mode)
    return m


def pad_with_value(rng: Rng, dtype: str) -> TinyModel:
    """PADV2 with a value of its own."""
    m, shape = TinyModel(), _shape(rng, 4, 4)
    pairs = rng.integers(0, 3, (4, 2))
    found = [int(n + pair.sum()) for n, pair in zip(shape, pairs, strict=True)]
    x, y = _x(m, shape, dtype), _y(m, found, dtype)
    value = m.constant("value", np.array([17], dtype), m.tensors[x].scale, m.tensors[x].zero_point)
    given = [x, _ints(m, "pairs", pairs), value]
    m.operator("PADV2", given, [y], "PadV2Options", version=2)
    return m


def _resized(kind: str, table: str, version: int) -> Build:
    def build(rng: Rng, dtype: str) -> TinyModel:
        m = TinyModel()
        b, c = int(rng.integers(1, 3)), int(rng.choice([1, 3, 8, 17]))
        h, w, rows, cols = (int(n) for n in rng.integers(1, 14, 4))
        if rng.random() < 0.3:
            rows, cols = 2 * h, 2 * w
        x, y = _x(m, (b, h, w, c), dtype), _y(m, (b, rows, cols, c), dtype)
        flags = [(False, False), (True, False), (False, True)][int(rng.integers(3))]
        given = [x, _ints(m, "size", [rows, cols])]
        m.operator(kind, given, [y], table, version=version, AlignCorners=flags[0],
                   HalfPixelCenters=flags[1])  # fmt: skip
        return m

    return build


resize_nearest = _resized("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions", 3)


def split(rng: Rng, dtype: str) -> TinyModel:
    """SPLIT."""
    m, shape = TinyModel(), list(_shape(rng, 1, 4))
    axis, count = int(rng.integers(len(shape))), int(rng.integers(1, 4))
    part = list(shape)
    shape[axis] *= count
    given = [_ints(m, "axis", axis - len(shape) if rng.random() < 0.5 else axis)]
    x = _x(m, shape, dtype)
    outputs = [_y(m, part, dtype, f"y{at}") for at in range(count)]
    m.operator("SPLIT", [*given, x], outputs, "SplitOptions", version=4, NumSplits=count)
    return m


def split_v(rng: Rng, dtype: str) -> TinyModel:
    """SPLIT_V, with or without a part that takes the rest."""
    m, shape = TinyModel(), list(_shape(rng, 1, 4))
    axis = int(rng.integers(len(shape)))
    sizes = [int(n) for n in rng.integers(1, 5, rng.integers(1, 4))]
    shape[axis] = sum(sizes)
    x = _x(m, shape, dtype)
    outputs = [
        _y(m, [*shape[:axis], size, *shape[axis + 1 :]], dtype, f"y{at}")
        for at, size in enumerate(sizes)
    ]
    if rng.random() < 0.5:
        sizes[int(rng.integers(len(sizes)))] = -1
    given = [x, _ints(m, "sizes", sizes), _ints(m, "axis", axis)]
    m.operator("SPLIT_V", given, outputs, "SplitVOptions", version=2, NumSplits=len(sizes))
    return m


def unpack(rng: Rng, dtype: str) -> TinyModel:
    """UNPACK."""
    m, shape = TinyModel(), _shape(rng, 2, 4, 5)
    axis = int(rng.integers(len(shape)))
    x = _x(m, shape, dtype)
    part = (*shape[:axis], *shape[axis + 1 :])
    outputs = [_y(m, part, dtype, f"y{at}") for at in range(shape[axis])]
    m.operator("UNPACK", [x], outputs, "UnpackOptions", version=4, Num=shape[axis],
               Axis=axis - len(shape) if rng.random() < 0.5 else axis)  # fmt: skip
    return m


def pack(rng: Rng, dtype: str) -> TinyModel:
    """PACK."""
    m, shape = TinyModel(), _shape(rng, 1, 3, 5)
    axis, count = int(rng.integers(len(shape) + 1)), int(rng.integers(1, 4))
    inputs = [_x(m, shape, dtype, f"x{at}") for at in range(count)]
    y = _y(m, (*shape[:axis], count, *shape[axis:]), dtype)
    m.operator("PACK", inputs, [y], "PackOptions", version=4, ValuesCount=count,
               Axis=axis - len(shape) - 1 if rng.random() < 0.5 else axis)  # fmt: skip
    return m


def shrinking_slice(rng: Rng, dtype: str) -> TinyModel:
    """STRIDED_SLICE that drops axes, with an ellipsis and a new axis."""
    m = TinyModel()
    x = _x(m, (3, 4, 5, 6), dtype)
    form = int(rng.integers(4))
    masks, begin, end, strides, found = [
        ({"ShrinkAxisMask": 0b0010, "EndMask": 1}, [1, -1], [0, 0], [1, 1], (2, 5, 6)),
        ({"EllipsisMask": 0b01, "ShrinkAxisMask": 0b10}, [0, 2], [0, 3], [1, 1], (3, 4, 5)),
        ({"NewAxisMask": 0b010}, [1, 0, 3], [2, 0, 0], [1, 1, -1], (1, 1, 3, 5, 6)),
        ({"ShrinkAxisMask": 0b1011, "BeginMask": 0b100, "EndMask": 0b100},
         [2, 1, 0, 5], [3, 2, 0, 6], [1, 1, 2, 1], (3,)),
    ][form]  # fmt: skip
    y = _y(m, found, dtype)
    given = [_ints(m, n, v) for n, v in (("begin", begin), ("end", end), ("strides", strides))]
    m.operator("STRIDED_SLICE", [x, *given], [y], "StridedSliceOptions", version=2, **masks)
    return m


def space_to_batch(rng: Rng, dtype: str) -> TinyModel:
    """SPACE_TO_BATCH_ND."""
    m = TinyModel()
    b, h, w, c = (int(n) for n in rng.integers(1, 4, 4))
    blocks = [int(n) for n in rng.integers(1, 4, 2)]
    pairs = [[int(n) for n in rng.integers(0, 2, 2)] for _ in blocks]
    rows = max(h * blocks[0] - sum(pairs[0]), 1)
    cols = max(w * blocks[1] - sum(pairs[1]), 1)
    pairs[0][1] = h * blocks[0] - rows - pairs[0][0]
    pairs[1][1] = w * blocks[1] - cols - pairs[1][0]
    if min(pairs[0][1], pairs[1][1]) < 0:
        return space_to_batch(rng, dtype)
    x, y = _x(m, (b, rows, cols, c), dtype), _y(m, (b * blocks[0] * blocks[1], h, w, c), dtype)
    given = [x, _ints(m, "blocks", blocks), _ints(m, "pairs", pairs)]
    m.operator("SPACE_TO_BATCH_ND", given, [y], "SpaceToBatchNDOptions", version=2)
    return m


def batch_to_space(rng: Rng, dtype: str) -> TinyModel:
    """BATCH_TO_SPACE_ND."""
    m = TinyModel()
    b, h, w, c = (int(n) for n in rng.integers(1, 4, 4))
    blocks = [int(n) for n in rng.integers(1, 4, 2)]
    extents = [h * blocks[0], w * blocks[1]]
    crops = [[int(rng.integers(0, e)), 0] for e in extents]
    found = [e - sum(crop) for e, crop in zip(extents, crops, strict=True)]
    x, y = _x(m, (b * blocks[0] * blocks[1], h, w, c), dtype), _y(m, (b, *found, c), dtype)
    given = [x, _ints(m, "blocks", blocks), _ints(m, "crops", crops)]
    m.operator("BATCH_TO_SPACE_ND", given, [y], "BatchToSpaceNDOptions", version=2)
    return m


MOVEMENTS: dict[str, Build] = {
    "TRANSPOSE": transpose,
    "SLICE": slice_,
    "STRIDED_SLICE": strided_slice,
    "REVERSE_V2": reverse,
    "GATHER": gather,
    "GATHER_ND": gather_nd,
    "TILE": tile,
    "BROADCAST_TO": broadcast_to,
    "SPACE_TO_DEPTH": space_to_depth,
    "DEPTH_TO_SPACE": depth_to_space,
    "MIRROR_PAD": mirror_pad,
    "PADV2": pad_with_value,
    "RESIZE_NEAREST_NEIGHBOR": resize_nearest,
    "RESIZE_BILINEAR": _resized("RESIZE_BILINEAR", "ResizeBilinearOptions", 3),
}
CHAINS: dict[str, Build] = {
    "SPLIT": split,
    "SPLIT_V": split_v,
    "UNPACK": unpack,
    "PACK": pack,
    "STRIDED_SLICE that drops axes": shrinking_slice,
    "SPACE_TO_BATCH_ND": space_to_batch,
    "BATCH_TO_SPACE_ND": batch_to_space,
}
