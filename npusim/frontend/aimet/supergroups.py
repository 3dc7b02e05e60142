"""MatMul with a bias behind it as one Gemm: AIMET's supergroup, which an NPU runs as one product.

The bias of a Gemm is int32 beside the sums; that of an Add of its own would be another tensor to
quantize, or keep the product in float32. Leading axes are joined before the Gemm and parted behind
it, which moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from npusim.frontend.aimet.encoding import Encoding
from npusim.frontend.aimet.tensors import Tensors
from npusim.ir.passes.rewrite import free_name
from npusim.numerics.formats import INT32


def with_biases_inside(
    model: ModelProto, tensors: Tensors, given: Mapping[str, Encoding]
) -> tuple[ModelProto, frozenset[str]]:
    """`model` with a Gemm for each MatMul and Add of a bias, and the names of the new tensors.

    Only where `given` has no encoding for the product itself, and none of 8 bits for the bias.
    """
    made = ModelProto()
    made.CopyFrom(model)
    taken = dict.fromkeys(tensors.names)
    nodes: list[NodeProto] = []
    replaced = set()
    for node in made.graph.node:
        product = _product_before(tensors, node, given)
        if product is None:
            nodes.append(node)
            continue
        replaced.add(product.output[0])
        nodes += _gemm(made, tensors, product, node, taken)
    del made.graph.node[:]
    made.graph.node.extend(one for one in nodes if not replaced.intersection(one.output))
    return made, frozenset(taken) - frozenset(tensors.names)


def _product_before(
    tensors: Tensors, node: NodeProto, given: Mapping[str, Encoding]
) -> NodeProto | None:
    """The MatMul whose bias `node` adds; None if it adds something else."""
    if node.op_type != "Add" or len(node.input) != 2:
        return None
    for product, bias in (node.input, reversed(node.input)):
        writer, one = tensors.writers.get(product), given.get(bias)
        if writer is None or writer.op_type != "MatMul" or product in given:
            continue
        weights, added = tensors.constants.get(writer.input[1]), tensors.constants.get(bias)
        if weights is None or added is None or len(weights.dims) != 2:
            continue
        is_row = list(added.dims) in ([weights.dims[1]], [1, weights.dims[1]])
        alone = tensors.only_use(product) is not None
        if is_row and alone and (one is None or one.format == INT32 or one.stays_float):
            return writer
    return None


def _gemm(
    model: ModelProto, tensors: Tensors, product: NodeProto, add: NodeProto, taken: dict[str, None]
) -> list[NodeProto]:
    """The nodes that compute what `product` and `add` compute."""
    out, x = add.output[0], product.input[0]
    bias = next(name for name in add.input if name != product.output[0])
    names = []
    for role in ("rows", "product", "leading", "units", "shape"):
        names.append(free_name(f"{out}_{role}", taken))
        taken[names[-1]] = None
    rows, flat, leading, units, shape = names
    columns = np.array([tensors.constants[product.input[1]].dims[1]], np.int64)
    model.graph.initializer.append(numpy_helper.from_array(columns, units))
    return [
        helper.make_node("Flatten", [x], [rows], rows, axis=-1),
        helper.make_node("Gemm", [rows, product.input[1], bias], [flat], product.name or flat),
        helper.make_node("Shape", [x], [leading], leading, end=-1),
        helper.make_node("Concat", [leading, units], [shape], shape, axis=0),
        helper.make_node("Reshape", [flat, shape], [out], add.name or out),
    ]
