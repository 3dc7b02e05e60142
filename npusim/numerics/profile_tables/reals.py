"""Operators that have no integer form in any framework: float32 under every profile."""

from __future__ import annotations

ARITHMETICS_ON_REALS = {
    "batch_norm": "float32",
    "group_norm": "float32",
    "instance_norm": "float32",
    "layer_norm": "float32",
    "cum_sum": "float32",
    "top_k": "float32",
    "gru": "float32",
    "local_response_norm": "float32",
    "log_softmax": "float32",
    "lstm": "float32",
    "rnn": "float32",
}
