"""BERT-base, uncased (Devlin et al., 2018), on a sequence of 128 tokens, with its pooler.

128 is the length at which its operations are usually stated. Of the 512 position embeddings only
the first 128 are there, as after export for this length.
"""

from __future__ import annotations

from npusim.ir.graph import Graph
from npusim.models.builder import Builder
from npusim.models.functions import TANH
from npusim.models.network import Network, Published
from npusim.models.transformer import Encoder

LENGTH = 128
VOCABULARY = 30_522
SEGMENTS = 2
WIDTH = 768
HEADS = 12
DEPTH = 12
HIDDEN = 4 * WIDTH
EPSILON = 1e-12


def bert_base() -> Graph:
    """12 layers of width 768; outputs: the sequence [1, 128, 768] and the pooled [1, 768]."""
    build = Builder("bert-base")
    ids = build.indices("input_ids", 1, LENGTH)
    segments = build.indices("token_type_ids", 1, LENGTH)
    x = build.gather(build.constant("word_embeddings", VOCABULARY, WIDTH), ids, "words")
    kinds = build.constant("token_type_embeddings", SEGMENTS, WIDTH)
    x = build.add(x, build.gather(kinds, segments, "segments"), "typed")
    positions = build.constant("position_embeddings", 1, LENGTH, WIDTH)
    x = build.add(x, positions, "embedded")
    x = build.layer_norm(x, "embeddings.norm", EPSILON)
    encoder = Encoder(build, WIDTH, HEADS, HIDDEN, EPSILON, first=False)
    for at in range(DEPTH):
        x = encoder.layer(x, f"layer.{at}")
    first = build.reshape(build.part(x, "first", 1, 0, 1), "first.row", 1, WIDTH)
    return build.graph(x, build.fully_connected(first, "pooler", WIDTH, TANH))


NETWORKS = (
    Network(
        "bert-base", "language encoder, uncased, 128 tokens", bert_base,
        Published(
            22.5e9 / 2, 109e6,
            "Sun et al., MobileBERT, arXiv 2004.02984, table of GLUE results, row BERT-base",
            "half of the 22.5 G operations at 128 tokens are multiply-accumulates; parameters with "
            "embeddings, here of 128 positions of 512 (0.3 M fewer)",
        ),
        "the mask of padded tokens; heads for a task",
    ),
)  # fmt: skip
