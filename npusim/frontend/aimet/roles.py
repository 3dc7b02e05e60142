"""What an operand is to its operator: data, weights with a channel axis, a bias, or a setting.

Axes of channels and of blocks are those of AIMET: the output channels, and the input channels that
are summed over. Supergroups are the chains of operators that AIMET gives one output encoding.
"""

from __future__ import annotations

from npusim.frontend.aimet.tensors import Tensors, Use

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
BIASED = ("Conv", "ConvTranspose", "Gemm")
BIAS_INDEX = 2
NORMS = ("GroupNormalization", "InstanceNormalization", "LayerNormalization")
"""Operators with a shift as input 2, which AIMET calls a bias."""
RECURRENT = ("GRU", "LSTM", "RNN")

CLAMPS = ("Clip", "Relu")
CLAMPED = ("Add", "BatchNormalization", "Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators with which a clamp behind them makes one operator on integers."""

MOVERS = (
    "DepthToSpace", "Dropout", "Expand", "Flatten", "Gather", "GatherElements", "GatherND",
    "GlobalMaxPool", "Identity", "MaxPool", "Pad", "ReduceMax", "ReduceMin", "Reshape", "Slice",
    "SpaceToDepth", "Split", "Squeeze", "Tile", "TopK", "Transpose", "Unsqueeze",
)  # fmt: skip
"""Operators that only move values or select some: what they write is on the grid of what they
read (their input 0). AIMET calls them grid-preserving."""

SHAPES = ("Shape", "Size")
"""Operators that do not look at the values of what they read."""

DATA_INPUTS: dict[str, int] = {
    "BatchNormalization": 1, "Clip": 1, "Dropout": 1, "GroupNormalization": 1,
    "InstanceNormalization": 1, "LayerNormalization": 1, "Pad": 1, "Resize": 1, "Upsample": 1,
    "Slice": 1, "Split": 1, "Squeeze": 1, "Unsqueeze": 1, "Reshape": 1, "Expand": 1, "Tile": 1,
}  # fmt: skip
"""How many inputs hold values that are computed with, where the others are parameters that stay
float32, or numbers that say what to do."""


def needs_encoding(use: Use, constant: bool) -> bool:
    """True if `use` reads values that an NPU reads as integers."""
    operator = use.node.op_type
    if operator in SHAPES:
        return False
    if operator in RECURRENT:
        return use.index <= 2
    return use.index < DATA_INPUTS.get(operator, 1 << 30)


def is_bias(tensors: Tensors, name: str) -> bool:
    """True for a constant that is added to sums of products, and nothing else."""
    uses = tensors.uses.get(name, [])
    return bool(uses) and all(
        _is_operand(use) or _is_added_to_product(tensors, use, name) for use in uses
    )


def is_shift(tensors: Tensors, name: str) -> bool:
    """True for the shift of a normalization, which is computed with in float32."""
    uses = tensors.uses.get(name, [])
    return bool(uses) and all(use.node.op_type in NORMS and use.index == BIAS_INDEX for use in uses)


def is_operand_bias(tensors: Tensors, name: str) -> bool:
    """True for a bias that the operator of the products itself adds."""
    uses = tensors.uses.get(name, [])
    return bool(uses) and all(_is_operand(use) for use in uses)


def _is_operand(use: Use) -> bool:
    return use.node.op_type in BIASED and use.index == BIAS_INDEX


def _is_added_to_product(tensors: Tensors, use: Use, name: str) -> bool:
    others = [other for other in use.node.input if other != name]
    writer = tensors.writers.get(others[0]) if others else None
    return use.node.op_type == "Add" and writer is not None and writer.op_type == "MatMul"


def axes(use: Use, rank: int) -> tuple[int, int] | None:
    """(axis of the output channels, axis of the input channels) of weights; None for others."""
    node = use.node
    if rank == 1:
        return 0, 0
    if node.op_type == "Conv":
        return 0, 1
    if node.op_type == "ConvTranspose":
        return 1, 0
    if node.op_type == "MatMul":
        return rank - 1, rank - 2
    if node.op_type == "Gemm":
        transposed = any(one.name == "transB" and one.i for one in node.attribute)
        return (0, 1) if transposed else (1, 0)
    return None


def is_inside_supergroup(tensors: Tensors, name: str) -> bool:
    """True for what one operator hands to the clamp behind it, or a MatMul to its bias."""
    writer, use = tensors.writers.get(name), tensors.only_use(name)
    if writer is None or use is None:
        return False
    if use.node.op_type in CLAMPS:
        return use.index == 0 and writer.op_type in CLAMPED
    if use.node.op_type == "BatchNormalization":
        return use.index == 0 and writer.op_type in ("Conv", "ConvTranspose")
    adds_bias = use.node.op_type == "Add" and any(
        other in tensors.constants for other in use.node.input
    )
    return adds_bias and writer.op_type == "MatMul"
