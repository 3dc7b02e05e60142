"""Networks of many structures as ONNX Runtime quantizes them: 0 wrong elements in each tensor."""

from __future__ import annotations

from pathlib import Path

import pytest

from npusim import api
from npusim.frontend.onnx import read_onnx
from npusim.kernels.table import native_available
from tests.support.onnx_models import expose, quantize, random_inputs, session, wrong_elements
from tests.support.onnx_zoo import NETWORKS, network

FAST = "c" if native_available() else "numba"
PRESETS = ("edge-npu-1", "nvdla-nv-small", "ethos-u55-128", "tpu-like-128")
VARIANTS: dict[str, dict[str, object]] = {
    "qdq, uint8": {"fmt": "qdq"},
    "qdq, int8, per tensor": {"fmt": "qdq", "activations": "int8", "per_channel": False},
    "qoperator, uint8": {"fmt": "qoperator", "per_channel": False},
    "qoperator, int8": {"fmt": "qoperator", "activations": "int8"},
    "qdq, symmetric": {
        "fmt": "qdq", "activations": "int8", "extra_options": {"ActivationSymmetric": True},
    },
    "convolutions and products alone": {
        "fmt": "qdq", "activations": "int8",
        "op_types_to_quantize": ["Conv", "MatMul", "Gemm"],
    },
}  # fmt: skip


def _check(folder: Path, name: str, variant: str, inputs: int) -> None:
    """Every integer tensor equals ONNX Runtime's."""
    options = dict(VARIANTS[variant])
    model = network(name)
    path = quantize(model, folder, str(options.pop("fmt")), **options)  # type: ignore[arg-type]
    graph = read_onnx(path)
    oracle = session(expose(path, graph), int8=options.get("activations") == "int8")
    integers = {output.name for output in oracle.get_outputs() if output.type != "tensor(float)"}
    assert len(integers) > 1
    for sample in random_inputs(model, inputs):
        wrong = wrong_elements(graph, oracle, sample, path=FAST)
        assert {each: wrong[each] for each in integers if wrong[each]} == {}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_to_the_bit(tmp_path: Path, name: str) -> None:
    _check(tmp_path, name, "qdq, uint8", inputs=1)


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_variant_to_the_bit(tmp_path: Path, name: str, variant: str) -> None:
    _check(tmp_path, name, variant, inputs=3)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_preset_counts_it(tmp_path: Path, name: str, preset: str) -> None:
    path = quantize(network(name), tmp_path, "qdq")
    report = api.simulate(path, preset)
    assert report.total.cycles > 0
