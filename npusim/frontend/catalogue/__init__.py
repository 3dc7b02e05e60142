"""The list of what is supported: operators, their names in files, attributes and data types."""

from __future__ import annotations

from npusim.frontend.catalogue.arithmetic import ARITHMETIC
from npusim.frontend.catalogue.entry import Entry
from npusim.frontend.catalogue.movements import MOVEMENTS

ENTRIES: tuple[Entry, ...] = (*ARITHMETIC, *MOVEMENTS)

COMPOSED = {
    "tflite": {
        "BATCH_TO_SPACE_ND": "reshape, transpose, strided_slice",
        "FILL": "a constant",
        "PACK": "reshape, concat",
        "RANGE": "a constant",
        "RANK": "a constant",
        "SHAPE": "a constant",
        "SPACE_TO_BATCH_ND": "pad, reshape, transpose",
        "UNIDIRECTIONAL_SEQUENCE_LSTM": "lstm_product and lstm_cell, one each a time step",
        "UNPACK": "strided_slice, reshape",
    },
    "onnx": {
        "Dropout": "nothing",
        "Identity": "nothing",
        "Size": "a constant",
    },
}
"""Operators of files that become several of ours, or none."""

__all__ = ["COMPOSED", "ENTRIES", "Entry"]
