"""The mechanisms of an array in words: what a dataflow keeps in place, what a cause means on it.

How a dataflow counts its cycles, and where that comes from, is said in its file in `npusim/cost/`.
"""

from __future__ import annotations

from npusim.hardware.schema import Hardware
from npusim.report.types import Layer

DATAFLOW_WORDS: dict[str, str] = {
    "weight_stationary": "Weights stay in the array while inputs pass: the reduction lies along "
    "its {rows} rows, output channels along its {cols} columns.",
    "output_stationary": "Sums stay in the array while both operands pass: output pixels lie along "
    "its {rows} rows, output channels along its {cols} columns.",
    "input_stationary": "Inputs stay in the array while weights pass: the reduction lies along its "
    "{rows} rows, output pixels along its {cols} columns.",
    "row_stationary": "Filter rows stay in the {rows} by {cols} elements, each of which slides one "
    "along an input row: the rows of a filter lie along the height, output rows along the width.",
    "depth_first": "Adder trees sum {rows} input channels for {cols} output channels at once, one "
    "tap of the filter after the other.",
    "part_kernel": "Adder trees sum {rows} input channels for {cols} output channels at once, some "
    "taps of the filter together: few input channels fill it better.",
    "direct_convolution": "Adder trees sum {rows} input channels for {cols} output channels at "
    "once; weights stay in registers for a stripe of output pixels.",
    "in_memory": "Weights stay in the cells that multiply them, a crossbar of {rows} by {cols}, "
    "and inputs enter bit by bit.",
}
"""By dataflow; `rows` and `cols` are those of the array."""

CAUSE_WORDS: dict[tuple[str, str], str] = {
    ("array_fill", "output_stationary"): "Operands enter skewed and sums leave row by row: the "
    "reduction is short for the array's size.",
    ("wait_inputs", "in_memory"): "Inputs come more slowly than the crossbar uses them: from the "
    "second memory, or through the port of the core.",
    ("array_fill", "direct_convolution"): "Stripes are shorter than the pipeline, or it starts and "
    "ends too often.",
    ("array_fill", "row_stationary"): "Filter rows, inputs and partial sums take longer on "
    "their way to the elements than these multiply.",
    ("weight_load", "in_memory"): "Weights are written into the cells, and nothing hides it: each "
    "set is used for too few inputs.",
    ("weight_load", "depth_first"): "Weights are decoded or fetched more slowly than a block of "
    "pixels uses them: blocks are small.",
    ("weight_load", "part_kernel"): "Weights are decoded or fetched more slowly than a block of "
    "pixels uses them: blocks are small.",
    ("weight_load", "direct_convolution"): "Weights go into the registers more slowly than a "
    "stripe of pixels uses them: stripes are short.",
}
"""What a cause means on a dataflow, where that differs from what it means on all others."""


def dataflow_words(layer: Layer, hardware: Hardware) -> str:
    """What the dataflow of `layer` does; empty off the array."""
    if layer.dataflow is None:
        return ""
    array = hardware.mac_array
    return DATAFLOW_WORDS[layer.dataflow].format(rows=array.rows, cols=array.cols)


def stripes_words(layer: Layer) -> str:
    """That `layer` runs in a cascade, if it does."""
    if layer.stripes == 1:
        return ""
    return (
        f"It runs in {layer.stripes} stripes of rows, in turn with its neighbours: what lies "
        "between them is never in SRAM as a whole."
    )
