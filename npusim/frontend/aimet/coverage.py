"""Which tensors the encodings reach: those named, those that movements pass on, those left out.

AIMET writes no encoding for what stays between the operators of a supergroup, for biases (int32 in
the scale of their products), and before version 2 for the results of operators that move values.
Anything else that has none would be computed in float32: a mistake, unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from npusim.frontend.aimet.encoding import Encoding
from npusim.frontend.aimet.roles import MOVERS, is_bias, is_inside_supergroup, needs_encoding
from npusim.frontend.aimet.tensors import Tensors


def passed_on(tensors: Tensors, given: Mapping[str, Encoding]) -> dict[str, Encoding]:
    """`given` and the encodings that movements pass on, to their results and from them."""
    found = dict(given)
    movements = [
        (writer.input[0], name)
        for name, writer in tensors.writers.items()
        if writer.op_type in MOVERS and writer.input and tensors.is_real(name)
    ]
    for source, name in movements:
        _take_over(found, name, found.get(source))
    for source, name in reversed(movements):
        if source in tensors.writers and tensors.only_use(source) is not None:
            _take_over(found, source, found.get(name))
    return found


def _take_over(found: dict[str, Encoding], name: str, other: Encoding | None) -> None:
    """Give `name` the encoding of `other`, if it has none and there is one for the whole of it."""
    if name not in found and other is not None and other.granularity == "tensor":
        found[name] = replace(other, name=name)


def left_out(tensors: Tensors, given: Mapping[str, Encoding]) -> list[str]:
    """Tensors of reals without an encoding that operators compute with, in the file's order."""
    return [name for name in tensors.names if name not in given and _should_have(tensors, name)]


def described(tensors: Tensors, name: str) -> str:
    """`input 'x'`, `output 'y' of Conv 'stem'`: a tensor as messages name it."""
    writer = tensors.writers.get(name)
    if name in tensors.constants:
        nodes = [use.node for use in tensors.uses.get(name, [])]
        readers = [f" of {node.op_type} '{node.name or node.output[0]}'" for node in nodes]
        return f"constant '{name}'{readers[0] if readers else ''}"
    if writer is None:
        return f"input '{name}'"
    return f"result '{name}' of {writer.op_type} '{writer.name or writer.output[0]}'"


def _should_have(tensors: Tensors, name: str) -> bool:
    if not tensors.is_real(name):
        return False
    constant = name in tensors.fixed
    if constant and is_bias(tensors, name):
        return False
    uses = tensors.uses.get(name, [])
    is_read = any(needs_encoding(use, constant) for use in uses) or name in tensors.outputs
    if constant and name not in tensors.constants:
        return False
    return is_read and not is_inside_supergroup(tensors, name)
