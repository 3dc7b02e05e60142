"""What a test of the suite is about: operator, attributes and data types of its model."""

from __future__ import annotations

from dataclasses import dataclass

from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, TypeProto, defs

from npusim.validate.onnx_backend.parameters import PARAMETERS, data_inputs, nodes, parameters

_SHOWN = {AttributeProto.INT, AttributeProto.STRING}
"""Kinds of attributes of which the value is a choice; of others the name says enough."""
_COUNTS = ("axis", "axes", "group", "num_groups", "blocksize", "hidden_size", "k", "p", "size")
"""Integers that are a place or a number of something, not a choice."""
_WINDOWS = ("AveragePool", "Conv", "ConvInteger", "ConvTranspose", "LpPool", "MaxPool",
            "QLinearConv")  # fmt: skip
"""Operators whose image axes are counted: 1-D, 2-D, 3-D."""


@dataclass(frozen=True)
class Signature:
    """`operator` is empty for a model of several; `operators` has all of them.

    `attributes` are those that are given, with the value where it is a choice; then optional inputs
    (`+B`), the dimensions of a window, and whether a tensor has no elements. `types` are the types
    of the data, and of the outputs where they differ: `float -> int8`.
    """

    operator: str
    operators: tuple[str, ...]
    attributes: tuple[str, ...]
    types: str


NO_MODEL = Signature("", (), (), "")
"""Of a test that stopped before its model was there."""


def signature_of(model: ModelProto) -> Signature:
    """The signature of `model`."""
    found = list(nodes(model.graph))
    names = tuple(sorted({_name(node) for node in found}))
    single = found[0] if len(model.graph.node) == 1 else None
    fixed = parameters(model) if single is None or single.op_type in PARAMETERS else set()
    kinds = {given.name: _kind(given.type) for given in model.graph.input}
    taken = _unique([kinds[name] for name in data_inputs(model) if name not in fixed])
    given = _unique([_kind(output.type) for output in model.graph.output])
    types = taken if taken == given or not given else f"{taken or 'nothing'} -> {given}"
    if single is None:
        return Signature("", names, (), types)
    attributes = sorted(_shown(attribute) for attribute in single.attribute)
    return Signature(_name(single), names, (*attributes, *_options(model, single, fixed)), types)


def _options(model: ModelProto, node: NodeProto, fixed: set[str]) -> list[str]:
    """What is chosen without an attribute: optional inputs, dimensions, tensors of no elements."""
    versions = {opset.domain: opset.version for opset in model.opset_import}
    found = []
    if defs.has(node.op_type, versions.get(node.domain, 0), node.domain):
        schema = defs.get_schema(node.op_type, versions[node.domain], node.domain)
        optional = defs.OpSchema.FormalParameterOption.Optional
        for name, parameter in zip(node.input, schema.inputs, strict=False):
            if name and parameter.option == optional:
                found.append(f"+{parameter.name}")
    shapes = [
        list(each.type.tensor_type.shape.dim)
        for each in (*model.graph.input, *model.graph.output)
        if each.name not in fixed
    ]
    if node.op_type in _WINDOWS:
        found.append(f"{len(shapes[0]) - 2}-D")
    if any(dim.HasField("dim_value") and dim.dim_value == 0 for dims in shapes for dim in dims):
        found.append("no elements")
    return found


def _name(node: NodeProto) -> str:
    return node.op_type if not node.domain else f"{node.domain}.{node.op_type}"


def _shown(attribute: AttributeProto) -> str:
    if attribute.type not in _SHOWN or attribute.name in _COUNTS:
        return str(attribute.name)
    value = attribute.i if attribute.type == AttributeProto.INT else attribute.s.decode()
    if attribute.name in ("to", "output_dtype", "dtype"):
        value = TensorProto.DataType.Name(attribute.i).lower()
    return f"{attribute.name}={value}"


def _kind(proto: TypeProto) -> str:
    """Name of an element type, or what else it is (`sequence_type`)."""
    value = proto.WhichOneof("value") or "untyped"
    if value != "tensor_type":
        return str(value)
    return str(TensorProto.DataType.Name(proto.tensor_type.elem_type).lower())


def _unique(names: list[str]) -> str:
    return ", ".join(dict.fromkeys(names))
