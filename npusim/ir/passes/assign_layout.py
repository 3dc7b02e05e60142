"""Decides which tensors of an ONNX graph are images, whose axis 1 is innermost in memory.

Tensors that a convolution, a pooling over windows, a resize or a norm per channel touches are
images, and so is what element-wise operators make of them. All others keep their last axis
innermost.
"""

from __future__ import annotations

from dataclasses import replace

from npusim.ir.graph import Graph, Node
from npusim.ir.passes.rewrite import rebuilt

_OF_IMAGES = (
    "conv2d", "transposed_conv2d", "max_pool", "average_pool", "resize_bilinear", "space_to_depth",
    "depth_to_space", "conv_integer", "batch_norm", "instance_norm", "group_norm",
)  # fmt: skip


def assign_layout(graph: Graph) -> Graph:
    """`graph` with `channel_axis` 1 on its images, for operators that number axes as ONNX does."""
    images: set[str] = set()
    for node in graph.nodes:
        if node.op.kind in _OF_IMAGES and getattr(node.op, "channel_axis", -1) == 1:
            images.update((node.inputs[0], *node.outputs))
        if getattr(node.op, "global_pool", False):
            images.update((node.inputs[0], *node.outputs))
    grew = True
    while grew:
        before = len(images)
        for node in graph.nodes:
            alike = _alike(graph, node)
            if images.intersection(alike):
                images.update(alike)
        grew = len(images) > before
    images = {name for name in images if len(graph.tensors[name].shape) in (3, 4)}
    changed = {name: replace(graph.tensors[name], channel_axis=1) for name in images}
    return rebuilt(graph, graph.nodes, changed)


def _alike(graph: Graph, node: Node) -> list[str]:
    """Operands of an element-wise node that have the axes of its output."""
    if not node.op.keeps_axes:
        return []
    rank = len(graph.tensors[node.outputs[0]].shape)
    names = [name for name in node.inputs if name and len(graph.tensors[name].shape) == rank]
    return [*names, *node.outputs]
