"""A model that remembers agrees with LiteRT whether its samples follow each other or not."""

from __future__ import annotations

import pytest

from npusim import api
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from npusim.validate.agreement import compare_to
from npusim.validate.oracles import open_oracle
from tests.support import litert
from tests.support.tflite_state import frames, memory


@pytest.mark.parametrize("profile", litert.PROFILES)
@pytest.mark.parametrize("stream", [False, True])
def test_both_forget_or_both_remember(stream, profile, tmp_path):
    pytest.importorskip("ai_edge_litert")
    file = tmp_path / "memory.tflite"
    file.write_bytes(memory(variables=2).content())
    program = api.schedule(file, "edge-npu-1")
    oracle = open_oracle("litert", file, program.graph, profile)
    samples = [{"x": frame[None]} for frame in frames(5)]
    found = compare_to(
        oracle, program, samples, profile_named(profile), kernels("reference"), stream
    )
    assert found.first is None and found.samples == 5
    assert {tensor.name for tensor in found.tensors} >= {"y0", "y1"}
