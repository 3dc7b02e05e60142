"""The Program as arrays: what search, walker and engine read.

One row of `STEP` is one operator with its tile loops; one row of `OPERAND` is one
tensor seen from a step. `JOB` is what the walker emits: the record that timing counts and that
execution runs. All sizes are bytes or elements, all times cycles of the NPU clock.
"""

from __future__ import annotations

import numpy as np

ARRAY, VECTOR, HOST, ALIAS = 0, 1, 2, 3
UNITS = ("array", "vector", "host", "alias")

WEIGHTS, INPUTS, OUTPUTS = 0, 1, 2
"""The three streams of a step; an operand that stays in SRAM has stream RESIDENT."""
RESIDENT = -1

LOOP_ORDERS = ("weights_outer", "inputs_outer")
"""weights_outer: G, K, B, OY, OX, C (outer to inner); inputs_outer: B, OY, OX, G, K, C.

The reduction C is always innermost, so partial sums never leave the accumulators.
"""

STEP = np.dtype(
    [
        ("unit", np.int64),
        *((name, np.int64) for name in ("b", "g", "k", "c", "oy", "ox", "fy", "fx")),
        *((name, np.int64) for name in ("stride_y", "stride_x", "dilation_y", "dilation_x")),
        *((name, np.int64) for name in ("pad_top", "pad_left", "in_h", "in_w")),
        *((f"tile_{name}", np.int64) for name in ("b", "g", "k", "c", "oy", "ox")),
        ("order", np.int64),
        ("dataflow", np.int64),
        ("split", np.int64),
        *((f"buffers_{name}", np.int64) for name in ("weights", "inputs", "outputs", "sums")),
        *((f"single_{name}", np.int64) for name in ("weights", "inputs", "outputs")),
        ("weight_part", np.int64),
        ("sum_bits", np.int64),
        ("prefetch", np.int64),
        ("prefetch_inputs", np.int64),
        ("direct_store", np.int64),
        *((name, np.int64) for name in ("banks", "data_banks", "weight_banks", "bank_bytes")),
        *((f"room_{name}", np.int64) for name in ("weights", "inputs")),
        ("operand_start", np.int64),
        ("operand_stop", np.int64),
        ("dispatch_cycles", np.int64),
        *((f"block_{name}", np.int64) for name in ("rows", "columns", "channels")),
        *((name, np.int64) for name in ("lead_cycles", "tail_cycles")),
        ("host_cycles", np.int64),
        ("mac_rate", np.float64),
        ("density", np.float64),
        ("post_rate", np.float64),
        ("vector_rate", np.float64),
        ("ops_per_output", np.float64),
    ]
)

"""`prefetch` and `prefetch_inputs`: weights, or inputs, may be loaded during the step before.
`direct_store`: outputs leave for the second memory as they are made. Where SRAM is split in
`banks`, `data_banks` (0: as many as needed) hold inputs, `weight_banks` (0: the rest) hold weights,
and loads run ahead as far as `room_inputs` and `room_weights` bytes reach; 0 there: as far as
buffers do. `single_*`: the stream has one buffer whatever the hardware has. `weight_part` (0: none)
is the most that weights take in SRAM; partial sums that wait there have `sum_bits` (0: they do
not)."""

OPERAND = np.dtype(
    [
        ("tensor", np.int64),
        ("stream", np.int64),
        ("role", np.int64),
        ("bits", np.int64),
        *((f"has_{name}", np.int64) for name in ("b", "g", "k", "c", "y", "x", "taps")),
        ("window", np.int64),
        ("constant", np.int64),
        ("share", np.int64),
        ("share_of", np.int64),
        ("block", np.int64),
        ("layout", np.int64),
        ("stored_bytes", np.int64),
        ("stored_of", np.int64),
        ("coded_bits", np.float64),
        ("piece", np.int64),
    ]
)
"""`block` and `layout`: channels are padded to blocks, which lie in the order of `LAYOUTS`. Where
`stored_of` is not 0, all `stored_of` elements that the loops span take `stored_bytes`, and a tile
its part of them: constants with padding or a coding of their own. An element takes `coded_bits`
on the bus (0: as many as elsewhere). A `piece` that is not 0 is what one read of the operand takes,
bytes."""

LAYOUTS = ("hwc", "chw", "hcw")
"""Order of a feature map in memory, outer to inner; a block of channels lies inside it."""
HWC, CHW, HCW = range(3)

LOAD, COMPUTE, POST, STORE, DISPATCH, HOST_JOB, ALIAS_JOB = 0, 1, 2, 3, 4, 5, 6
JOB_KINDS = ("load", "compute", "post", "store", "dispatch", "host", "alias")

JOB = np.dtype(
    [
        ("kind", np.int64),
        ("step", np.int64),
        ("stream", np.int64),
        ("slot", np.int64),
        ("waits", np.int64, (4,)),
        ("signals", np.int64, (3,)),
        ("after_step", np.int64),
        ("bytes", np.int64),
        ("first", np.int64),
        ("last", np.int64),
        ("bounds", np.int64, (12,)),
    ]
)
"""`waits` and `signals` are buffer tokens (-1: none); `after_step` is a step that must have ended
before this job may start (-1: none). `first` marks the first reduction tile of an output tile (a
COMPUTE) or the first job of its kind in the step; `last` the last one likewise."""

SLOTS = 64
"""Tokens per stream and purpose: two steps, `MOST_BUFFERS` buffers each, can be in flight."""
MOST_BUFFERS = SLOTS // 2
"""Buffers of a stream that has a share of SRAM and runs ahead in it."""
FULL_WEIGHTS, FREE_WEIGHTS, FULL_INPUTS, FREE_INPUTS, FULL_OUTPUTS, FREE_OUTPUTS, FREE_SUMS = (
    SLOTS * n for n in range(7)
)
TOKENS = SLOTS * 7


def copied(records: np.ndarray) -> np.ndarray:
    """A copy of a table (one axis); numpy alone copies records field by field, ten times as
    slowly."""
    return np.ndarray(records.shape, records.dtype, bytearray(records.tobytes()))
