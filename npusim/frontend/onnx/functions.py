"""Operators that the ONNX standard itself defines as functions of others, read as their bodies.

`Attention`, `RMSNormalization`, loss functions and the like have no kernel here: the standard's
definition stands in their place, so each of its nodes is scheduled and counted. A function stays
one, and is refused by its own name, where its body needs an operator that npusim does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from onnx import ModelProto, NodeProto

from npusim.frontend.onnx.source import STANDARD_DOMAINS

Name = tuple[str, str]
"""Domain and operator."""

DEEPEST = 8
"""Functions inside functions; those of the standard need three."""


def with_bodies(model: ModelProto, known: Collection[str]) -> ModelProto:
    """`model` with the standard's definition in place of each function that is not in `known`.

    `known` are operators as `Source.operator` writes them.
    """
    for name in sorted(_unread(model, known)):
        model = _without(model, name, known)
    return model


def replaced_notes(before: ModelProto, after: ModelProto) -> list[str]:
    """A note of the functions that `with_bodies` took out of `before`."""
    gone = sorted(_written(name) for name in _names(before) - _names(after))
    if not gone:
        return []
    return [f"read as the nodes that the ONNX standard defines them by: {', '.join(gone)}"]


def _without(model: ModelProto, name: Name, known: Collection[str]) -> ModelProto:
    """`model` without calls of `name`, or as it is if what they stand for is not known."""
    from onnx import inliner

    before, pending = _names(model), {name}
    found = ModelProto()
    found.CopyFrom(model)
    _state_types(found)
    for _ in range(DEEPEST):
        _state_defaults(found, pending)
        try:
            found = inliner.inline_selected_functions(
                found, sorted(pending), exclude=False, inline_schema_functions=True
            )
        except Exception:  # the inliner has no common base class; the node is refused by its name
            return model
        added = {each for each in _names(found) - before if _written(each) not in known}
        if not added and name not in _names(found):
            return found
        pending = added & _unread(found, known).keys()
        if pending != added or not pending:
            return model
    return model


def _state_types(model: ModelProto) -> None:
    """Write out the types of initializers, and of inputs left out: the inliner asks for them."""
    from onnx import TensorProto, helper

    known = {given.name for given in (*model.graph.input, *model.graph.value_info)}
    types = {"": TensorProto.FLOAT}
    types.update((each.name, each.data_type) for each in model.graph.initializer)
    model.graph.value_info.extend(
        helper.make_tensor_value_info(name, kind, None)
        for name, kind in types.items() if name not in known
    )  # fmt: skip


def _state_defaults(model: ModelProto, names: Collection[Name]) -> None:
    """Write out attributes of `names` that are left at their defaults: the inliner drops them."""
    schemas = _schemas(model)
    for node in model.graph.node:
        if _name(node) in names:
            given = {attribute.name for attribute in node.attribute}
            for key, attribute in schemas[_name(node)].attributes.items():
                if key not in given and attribute.default_value.name:
                    node.attribute.append(attribute.default_value)


def _unread(model: ModelProto, known: Collection[str]) -> dict[Name, Any]:
    """Functions of the standard that the main graph calls and that are not in `known`."""
    return {
        name: schema for name, schema in _schemas(model).items()
        if _written(name) not in known
        and (schema.has_function or schema.has_context_dependent_function)
    }  # fmt: skip


def _schemas(model: ModelProto) -> Mapping[Name, Any]:
    """What the standard says of the operators of the main graph, where it knows them."""
    from onnx import defs

    versions = {_domain(opset.domain): opset.version for opset in model.opset_import}
    found = {}
    for domain, operator in _names(model):
        if defs.has(operator, versions.get(domain, 0), domain):
            found[domain, operator] = defs.get_schema(operator, versions[domain], domain)
    return found


def _names(model: ModelProto) -> set[Name]:
    """The operators of the main graph."""
    return {_name(node) for node in model.graph.node}


def _name(node: NodeProto) -> Name:
    return _domain(node.domain), node.op_type


def _domain(domain: str) -> str:
    return "" if domain in STANDARD_DOMAINS else domain


def _written(name: Name) -> str:
    return name[1] if not name[0] else f"{name[0]}.{name[1]}"
