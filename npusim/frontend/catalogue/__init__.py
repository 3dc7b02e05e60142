"""The list of what is supported: operators, their names in files, attributes and data types."""

from __future__ import annotations

from npusim.frontend.catalogue.arithmetic import ARITHMETIC
from npusim.frontend.catalogue.entry import Entry
from npusim.frontend.catalogue.movements import MOVEMENTS

ENTRIES: tuple[Entry, ...] = (*ARITHMETIC, *MOVEMENTS)

COMPOSED = {
    "tflite": {
        "ASSIGN_VARIABLE": "a state of the graph",
        "BATCH_TO_SPACE_ND": "reshape, transpose, strided_slice",
        "CALL_ONCE": "a state of the graph, from constants",
        "FILL": "a constant",
        "PACK": "reshape, concat",
        "RANGE": "a constant",
        "RANK": "a constant",
        "READ_VARIABLE": "a state of the graph",
        "SHAPE": "a constant",
        "SPACE_TO_BATCH_ND": "pad, reshape, transpose",
        "UNIDIRECTIONAL_SEQUENCE_LSTM": (
            "lstm_product and lstm_cell, one each a time step; lstm on float32"
        ),
        "UNPACK": "strided_slice, reshape",
        "VAR_HANDLE": "a state of the graph",
    },
    "onnx": {
        "CastLike": "cast",
        "Dropout": "nothing",
        "Einsum": "transpose, reshape, matmul",
        "EyeLike": "a constant",
        "Hardmax": "arg_max, compare, cast",
        "Identity": "nothing",
        "IsInf": "abs, compare",
        "IsNaN": "compare",
        "LpPool": "square or abs, pow; conv2d; sqrt or pow",
        "Mean": "float_add, div",
        "OneHot": "compare, select",
        "ReduceLogSum": "reduce_sum, log",
        "ReduceLogSumExp": "reduce_max, sub, exp, reduce_sum, log, float_add",
        "Size": "a constant",
        "com.microsoft.DynamicQuantizeMatMul": "dynamic_quantize, matmul_integer, cast, mul",
        "com.microsoft.MatMulIntegerToFloat": "matmul_integer, cast, mul",
        "Trilu": "select",
    },
}
"""Operators of files that become several of ours, or none."""

__all__ = ["COMPOSED", "ENTRIES", "Entry"]
