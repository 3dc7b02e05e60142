"""Structured sparsity of weights: which layers the array can run at its sparse rate.

Of every `of` neighbouring input channels at most `kept` weights differ from zero. The array
multiplies those alone, each with the input that its index picks:

    issued MACs = nominal MACs x kept / of
    storage     = elements x kept / of x (bits + index bits)

Weights of a model are looked at, one by one; a layer whose weights are not so, or whose input
channels do not fill whole groups, runs as any other. Weights enter the array's registers at its
weight rate, zeros included. Layer tables have no weights to look at: the
description says whether they are taken to be pruned.
"""

from __future__ import annotations

import math
from weakref import WeakKeyDictionary

import numpy as np

from npusim.hardware.mac_array import WeightSparsity
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.ir.loopnest import DIMS, LoopNest, Operand
from npusim.schedule.compression import centred_weights

_PRUNED: WeakKeyDictionary[Graph, dict[tuple[str, int, int], bool]] = WeakKeyDictionary()
"""What was found of a graph's weights, by tensor, `kept` and `of`."""


def density_of(graph: Graph, nest: LoopNest, hardware: Hardware) -> float:
    """Share of the nominal MACs of `nest`, an operator on the array, that it issues: 1 if dense."""
    rule = hardware.mac_array.weight_sparsity
    weights = nest.operands[1]
    if rule is None or "C" not in weights.dims or nest.extents[DIMS.index("C")] % rule.of:
        return 1.0
    pruned = rule.tables if graph.weightless else _pruned(graph, nest, weights, rule)
    return rule.kept / rule.of if pruned else 1.0


def kept_bytes(nest: LoopNest, weights: Operand, hardware: Hardware) -> int:
    """Bytes of the weights of a layer that runs at the sparse rate, with their indices."""
    rule = hardware.mac_array.weight_sparsity
    assert rule is not None  # only such hardware has sparse layers
    elements = math.prod(nest.extents[DIMS.index(dim)] for dim in weights.dims)
    return math.ceil(elements // rule.of * rule.kept * (weights.bits + rule.index_bits) / 8)


def _pruned(graph: Graph, nest: LoopNest, weights: Operand, rule: WeightSparsity) -> bool:
    known = _PRUNED.setdefault(graph, {})
    key = weights.tensor, rule.kept, rule.of
    if key not in known:
        values = centred_weights(graph.tensors[weights.tensor], nest)
        known[key] = values is not None and follows(values, rule.kept, rule.of)
    return known[key]


def follows(weights: np.ndarray, kept: int, of: int) -> bool:
    """True if of every `of` neighbours along the last axis of `weights` at most `kept` are not 0.

    The axis is a multiple of `of` long.
    """
    groups = weights.reshape(-1, of)
    return bool((np.count_nonzero(groups, axis=1) <= kept).all())
