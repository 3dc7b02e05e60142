"""The encoder layer that vision and language transformers share (Vaswani et al., 2017).

Queries, keys and values are three products, as compilers split a joint one. The division of the
scores by the square root of the head's width belongs to the weights of the queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from npusim.models.builder import Builder, Value
from npusim.models.functions import GELU, scaled

SCORES_STD = 2.0
"""Standard deviation of the scores before the softmax: rows are neither flat nor one-hot."""


@dataclass(frozen=True)
class Encoder:
    """Layers of width `width` with `heads` heads, on sequences [1, N, width].

    `first` normalizes what goes into attention and into the hidden layer (as vision transformers
    do); else their sums with the input are normalized (as BERT does).
    """

    build: Builder
    width: int
    heads: int
    hidden: int
    epsilon: float
    first: bool

    def layer(self, x: Value, name: str) -> Value:
        """One layer: attention, then two fully connected layers, each added to its input."""
        for part in (self._attention, self._mlp):
            at = f"{name}.{part.__name__.strip('_')}"
            if self.first:
                y = part(self.build.layer_norm(x, f"{at}.norm", self.epsilon), at)
                x = self.build.add(x, y, f"{at}.add")
            else:
                y = self.build.add(x, part(x, at), f"{at}.add")
                x = self.build.layer_norm(y, f"{at}.norm", self.epsilon)
        return x

    def _attention(self, x: Value, name: str) -> Value:
        build, (_, length, _) = self.build, x.shape
        depth = self.width // self.heads
        queries = scaled(SCORES_STD / sqrt(depth))
        q = build.fully_connected(x, f"{name}.query", self.width, queries)
        k = build.fully_connected(x, f"{name}.key", self.width)
        v = build.fully_connected(x, f"{name}.value", self.width)
        q = self._heads(q, f"{name}.query", 0, 2, 1, 3)
        k = self._heads(k, f"{name}.key", 0, 2, 3, 1)
        v = self._heads(v, f"{name}.value", 0, 2, 1, 3)
        weights = build.softmax(build.matmul(q, k, f"{name}.scores"), f"{name}.softmax")
        y = build.matmul(weights, v, f"{name}.mixed")
        y = build.transpose(y, f"{name}.mixed.rows", 0, 2, 1, 3)
        y = build.reshape(y, f"{name}.mixed.joined", 1, length, self.width)
        return build.fully_connected(y, f"{name}.output", self.width)

    def _heads(self, x: Value, name: str, *perm: int) -> Value:
        """[1, N, width] as [1, heads, N, depth], or [1, heads, depth, N]."""
        length, depth = x.shape[1], self.width // self.heads
        split = self.build.reshape(x, f"{name}.split", 1, length, self.heads, depth)
        return self.build.transpose(split, f"{name}.heads", *perm)

    def _mlp(self, x: Value, name: str) -> Value:
        y = self.build.fully_connected(x, f"{name}.fc1", self.hidden, GELU)
        return self.build.fully_connected(y, f"{name}.fc2", self.width)
