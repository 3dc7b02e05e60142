"""Which inputs of an ONNX operator an NPU takes as constants, and a model with them set.

The suite gives everything as an input of the graph, also what a compiler for an NPU must know in
advance: scales, weights, axes, target shapes. Where the graph hands such an input straight to an
operator that needs it as a constant, its value becomes an initializer. Data stay inputs, so that
kernels compute them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from npusim.frontend.onnx.folding import FOLDS, MOVING
from npusim.frontend.onnx.functions import with_bodies
from npusim.frontend.onnx.reader import KNOWN

_INTEGERS = (TensorProto.INT32, TensorProto.INT64)

PARAMETERS: dict[str, tuple[int, ...]] = {
    "AffineGrid": (1,),
    "BatchNormalization": (1, 2, 3, 4),
    "Clip": (1, 2),
    "ConstantOfShape": (0,),
    "Conv": (1, 2),
    "ConvInteger": (1, 3),
    "ConvTranspose": (1, 2),
    "CumSum": (1,),
    "DequantizeLinear": (1, 2),
    "Dropout": (1, 2),
    "Expand": (1,),
    "GRU": (1, 2, 3, 4, 5),
    "GroupNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "LSTM": (1, 2, 3, 4, 5, 6, 7),
    "LayerNormalization": (1, 2),
    "MatMulInteger": (1, 3),
    "OneHot": (1, 2),
    "Pad": (1, 2, 3),
    "QLinearConv": (1, 2, 3, 4, 5, 6, 7, 8),
    "QLinearMatMul": (1, 2, 3, 4, 5, 6, 7),
    "QuantizeLinear": (1, 2),
    "RNN": (1, 2, 3, 4, 5),
    "Range": (0, 1, 2),
    "ReduceL1": (1,),
    "ReduceL2": (1,),
    "ReduceLogSum": (1,),
    "ReduceLogSumExp": (1,),
    "ReduceMax": (1,),
    "ReduceMean": (1,),
    "ReduceMin": (1,),
    "ReduceProd": (1,),
    "ReduceSum": (1,),
    "ReduceSumSquare": (1,),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "Squeeze": (1,),
    "Tile": (1,),
    "TopK": (1,),
    "Trilu": (1,),
    "Unsqueeze": (1,),
    "Upsample": (1,),
}
"""Operator to the numbers of those inputs."""


def data_inputs(model: ModelProto) -> list[str]:
    """Names of the inputs that no initializer of the file gives."""
    known = {initializer.name for initializer in model.graph.initializer}
    return [given.name for given in model.graph.input if given.name not in known]


def parameters(model: ModelProto) -> set[str]:
    """Names of the inputs of `model` that parameters of its operators are, or are computed from.

    Of what is computed, an input of integers counts (extents, axes), one of reals where its values
    are only moved: what a scale is computed from are data.
    """
    graph = with_bodies(model, KNOWN).graph
    kinds = {given.name: given.type.tensor_type.elem_type for given in graph.input}
    writers = {output: node for node in graph.node for output in node.output}
    found = set()
    pending = [
        (node.input[at], True)
        for node in (*model.graph.node, *graph.node) for at in PARAMETERS.get(node.op_type, ())
        if at < len(node.input)
    ]  # fmt: skip
    seen = set()
    while pending:
        name, moved = pending.pop()
        if (name, moved) in seen:
            continue
        seen.add((name, moved))
        if name in kinds and (moved or kinds[name] in _INTEGERS):
            found.add(name)
        node = writers.get(name)
        if node is not None and (node.op_type in FOLDS or node.op_type == "Split"):
            moves = moved and node.op_type in (*MOVING, "Cast", "Identity", "Transpose")
            pending += [(given, moves) for given in node.input]
    return found.intersection(data_inputs(model))


def nodes(graph: GraphProto) -> Iterator[NodeProto]:
    """All nodes, those of branches and loop bodies too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                yield from nodes(body)


def with_constants(model: ModelProto, values: Mapping[str, np.ndarray]) -> ModelProto:
    """A copy of `model` in which the inputs named in `values` are initializers."""
    fixed = ModelProto()
    fixed.CopyFrom(model)
    kept = [given for given in fixed.graph.input if given.name not in values]
    del fixed.graph.input[:]
    fixed.graph.input.extend(kept)
    fixed.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()
    )
    return fixed
