"""A small vision transformer for the tests: patches, attention of several heads, GELU."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from tests.support.onnx_models import NetworkBuilder

TOKENS, WIDTH, HEADS, BLOCKS = 16, 48, 3, 2


class _Transformer(NetworkBuilder):
    """Adds the parts of a transformer; `exact_gelu` writes GELU as one operator (opset 20)."""

    def __init__(self, exact_gelu: bool) -> None:
        super().__init__(seed=3)
        self.exact_gelu = exact_gelu

    def shape(self, *extents: int) -> str:
        return self.constant(f"shape{len(self.constants)}", extents, np.int64)

    def number(self, value: float) -> str:
        return self.constant(f"number{len(self.constants)}", value)

    def linear(self, x: str, inputs: int, outputs: int) -> str:
        matrix = self.random.standard_normal((inputs, outputs)) * np.sqrt(1.0 / inputs)
        product = self.node("MatMul", [x, self.constant(f"matrix{len(self.constants)}", matrix)])
        bias = self.random.normal(0, 0.1, outputs)
        return self.node("Add", [product, self.constant(f"bias{len(self.constants)}", bias)])

    def norm(self, x: str) -> str:
        scale, shift = self.random.uniform(0.5, 1.5, WIDTH), self.random.normal(0, 0.1, WIDTH)
        names = [self.constant(f"norm{len(self.constants)}", values) for values in (scale, shift)]
        return self.node("LayerNormalization", [x, *names], axis=-1, epsilon=1e-6)

    def heads(self, x: str, order: list[int]) -> str:
        apart = self.node("Reshape", [x, self.shape(1, TOKENS, HEADS, WIDTH // HEADS)])
        return self.node("Transpose", [apart], perm=order)

    def attention(self, x: str, block: int) -> str:
        parts = [f"{name}{block}" for name in ("query", "key", "value")]
        joined = self.linear(x, WIDTH, 3 * WIDTH)
        split = helper.make_node("Split", [joined, self.shape(*[WIDTH] * 3)], parts, axis=2)
        self.nodes.append(split)
        query, key, value = (
            self.heads(part, order)
            for part, order in zip(parts, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True)
        )
        scores = self.node("MatMul", [query, key])
        scores = self.node("Mul", [scores, self.number((WIDTH // HEADS) ** -0.5)])
        mixed = self.node("MatMul", [self.node("Softmax", [scores], axis=-1), value])
        mixed = self.node("Transpose", [mixed], perm=[0, 2, 1, 3])
        return self.linear(self.node("Reshape", [mixed, self.shape(1, TOKENS, WIDTH)]), WIDTH,
                           WIDTH)  # fmt: skip

    def gelu(self, x: str) -> str:
        if self.exact_gelu:
            return self.node("Gelu", [x], approximate="none")
        error = self.node("Erf", [self.node("Div", [x, self.number(2.0**0.5)])])
        doubled = self.node("Mul", [x, self.node("Add", [error, self.number(1.0)])])
        return self.node("Mul", [doubled, self.number(0.5)])


def vision_transformer(exact_gelu: bool = False) -> onnx.ModelProto:
    """Images of 16 x 16 in patches of 4 x 4, two blocks, ten classes."""
    b = _Transformer(exact_gelu)
    x = b.node("Conv", ["image", b.weights((WIDTH, 3, 4, 4))], strides=[4, 4])
    x = b.node("Reshape", [x, b.shape(1, WIDTH, TOKENS)])
    x = b.node("Transpose", [x], perm=[0, 2, 1])
    places = b.constant("places", b.random.normal(0, 0.2, (1, TOKENS, WIDTH)))
    x = b.node("Add", [x, places])
    for block in range(BLOCKS):
        x = b.node("Add", [x, b.attention(b.norm(x), block)])
        inner = b.gelu(b.linear(b.norm(x), WIDTH, 4 * WIDTH))
        x = b.node("Add", [x, b.linear(inner, 4 * WIDTH, WIDTH)])
    opset = 20 if exact_gelu else 17
    mean = [b.norm(x), b.shape(1)] if exact_gelu else [b.norm(x)]
    attributes = {} if exact_gelu else {"axes": [1]}
    y = b.linear(b.node("ReduceMean", mean, keepdims=0, **attributes), WIDTH, 10)
    return b.model({"image": (1, 3, 16, 16)}, {y: (1, 10)}, opset)
