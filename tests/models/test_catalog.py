"""The built-in networks as wholes: published figures, structure, names, and what they compute."""

from __future__ import annotations

import hashlib
from importlib import import_module

import numpy as np
import pytest

import npusim
from npusim import api
from npusim.errors import UsageError
from npusim.execution.executor import Executor
from npusim.frontend import load_model
from npusim.hardware import preset_names
from npusim.ir.graph import Graph
from npusim.kernels.table import kernels
from npusim.models.catalog import FAMILIES, NAMES, network
from npusim.models.structure import macs_of, total_macs
from npusim.numerics.profiles import PROFILES
from tests.support.shared import shared_path

SHARE_OF_PUBLISHED = 0.01

STRUCTURES = {
    "resnet-18": "8e4020622434c5fc",
    "resnet-50": "982c921809aad39c",
    "mobilenet-v1": "0ae77932f6caac22",
    "mobilenet-v2": "86358530c901b880",
    "mobilenet-v3-small": "3b56d56087954b4a",
    "mobilenet-v3-large": "bfca3fa13b7efc66",
    "efficientnet-lite0": "41ddcd56e9a38157",
    "yolov8n": "ae42866c0969ea7a",
    "deit-tiny": "4f956440d45d586a",
    "bert-base": "d3f54caee5cc7f23",
    "mlperf-tiny-kws": "2265cdcb4c0563ad",
    "mlperf-tiny-vww": "79cf92c6e943dc53",
    "mlperf-tiny-ic": "08f4f123174942c8",
    "mlperf-tiny-ad": "9b5433f1f26a43a2",
}
"""First digits of the SHA-256 of each structure: a change of a network must be meant."""

REFERENCE_FILES = {
    "mlperf-tiny-kws": "mlperf_tiny_kws_ref_model.tflite",
    "mlperf-tiny-vww": "mlperf_tiny_vww_96_int8.tflite",
    "mlperf-tiny-ic": "mlperf_tiny_pretrainedResnet_quant.tflite",
    "mlperf-tiny-ad": "mlperf_tiny_ad01_int8.tflite",
}
EXECUTED_FAST = ("mlperf-tiny-kws", "mlperf-tiny-ic", "mobilenet-v3-small")
COUNTED_FAST = ("mlperf-tiny-kws", "mobilenet-v2", "resnet-18")
PRESETS_FAST = ("edge-npu-1", "ethos-u65-512")
MOST_SATURATED = 0.15
"""Part of a tensor's elements at the greatest integer; a clamp's lower end is where zeros are."""


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_those_published(name: str) -> None:
    published, graph = network(name).published, network(name).build()
    assert published is not None
    assert total_macs(graph) == pytest.approx(published.macs, rel=SHARE_OF_PUBLISHED)
    assert graph.parameters == pytest.approx(published.parameters, rel=SHARE_OF_PUBLISHED)
    assert len(published.source) > 20 and len(published.counts) > 20


@pytest.mark.parametrize("name", NAMES)
def test_structure_is_the_recorded_one(name: str) -> None:
    first, second = network(name).build(), network(name).build()
    assert first.sha256 == second.sha256
    assert first.sha256.startswith(STRUCTURES[name])


def test_catalog_knows_where_each_network_is() -> None:
    families = dict.fromkeys(FAMILIES.values())
    found = [
        (one.name, family)
        for family in families
        for one in import_module(f"npusim.models.{family}").NETWORKS
    ]
    assert sorted(found) == sorted(FAMILIES.items())
    assert all(network(name).build().name == name for name in NAMES)


def _layers(graph: Graph) -> list[tuple[object, ...]]:
    """Kind, attributes, shapes and MACs of each layer, without its names."""
    rows = []
    for node in graph.nodes:
        ins, outs = graph.operands(node)
        shapes = [tensor.shape for tensor in (*ins, *outs) if tensor is not None]
        geometry = [getattr(node.op, at, None) for at in ("stride", "padding", "groups", "window")]
        rows.append((node.op.kind, geometry, sorted(shapes), macs_of(graph, node)))
    return rows


@pytest.mark.parametrize("name", REFERENCE_FILES)
def test_tiny_networks_equal_the_reference_models(name: str) -> None:
    """Layer by layer, in order: kind, window, padding, shapes, MACs, and the fused activation."""
    reference = load_model(shared_path("data", "models", REFERENCE_FILES[name]))
    ours = network(name).build()
    assert _layers(ours) == _layers(reference)
    for ours_node, node in zip(ours.nodes, reference.nodes, strict=True):
        assert getattr(ours_node.op, "activation", None) == getattr(node.op, "activation", None)


def _values(name: str) -> dict[str, np.ndarray]:
    """Every tensor that the network computes for random inputs."""
    program = api.schedule(name, "edge-npu-1")
    graph = program.graph
    profile = api.choose_profile(None, program.hardware, graph)
    executor = Executor(program, profile, kernels())
    return executor.run(api.random_inputs(graph), keep=[n.outputs[0] for n in graph.nodes])


def _check_values(name: str) -> None:
    values = _values(name)
    for tensor, found in values.items():
        if not tensor.endswith("softmax"):
            assert (found == 127).mean() < MOST_SATURATED, tensor
    for output in network(name).build().outputs:
        assert np.unique(values[output]).size >= min(8, values[output].size), output


@pytest.mark.parametrize("name", EXECUTED_FAST)
def test_values_are_neither_saturated_nor_constant(name: str) -> None:
    _check_values(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NAMES) - set(EXECUTED_FAST)))
def test_values_of_large_networks_are_neither_saturated_nor_constant(name: str) -> None:
    _check_values(name)


def test_the_same_bytes_come_out_again() -> None:
    runs = [_values("mlperf-tiny-kws") for _ in range(2)]
    digests = [
        [hashlib.sha256(run[at].tobytes()).hexdigest() for at in sorted(run)] for run in runs
    ]
    assert digests[0] == digests[1]


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", NAMES)
def test_every_profile_runs_every_network(name: str, profile: str) -> None:
    program = api.schedule(name, "edge-npu-1")
    outputs = api.infer(program, api.random_inputs(program.graph), profile)
    assert all(np.unique(found).size > 1 for found in outputs.values())


def test_random_tokens_are_words_of_the_vocabulary() -> None:
    drawn = api.random_inputs(network("bert-base").build())
    assert drawn["input_ids"].min() >= 0 and 10_000 < drawn["input_ids"].max() < 30_522
    assert set(np.unique(drawn["token_type_ids"])) == {0, 1}


def _check_counts(name: str, preset: str) -> None:
    report = npusim.simulate(name, preset)
    assert report.model.name == name
    assert report.model.macs == total_macs(network(name).build())
    assert report.total.cycles > 0 and report.total.energy_j > 0
    assert 0 < report.total.utilization <= 1
    assert any("synthetic" in note for note in report.notes)


@pytest.mark.parametrize("preset", PRESETS_FAST)
@pytest.mark.parametrize("name", COUNTED_FAST)
def test_networks_are_counted(name: str, preset: str) -> None:
    _check_counts(name, preset)


@pytest.mark.slow
@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.parametrize("name", NAMES)
def test_every_network_is_counted_on_every_preset(name: str, preset: str) -> None:
    _check_counts(name, preset)


def test_a_file_wins_over_a_name(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert npusim.load_model("resnet-18").name == "resnet-18"
    (tmp_path / "resnet-18").write_text("not a model")
    with pytest.raises(UsageError, match="not a model file"):
        npusim.load_model("resnet-18")
    with pytest.raises(UsageError, match="can't be read"):
        npusim.load_model("elsewhere/resnet-50")


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'mobilenet-v2'"):
        npusim.load_model("mobilnet-v2")


def test_shapes_of_a_network_are_fixed() -> None:
    with pytest.raises(UsageError, match="resnet-50 are fixed"):
        npusim.load_model("resnet-50", {"image": (1, 128, 128, 3)})


def test_a_network_takes_another_batch() -> None:
    one, two = (npusim.simulate("mlperf-tiny-vww", "edge-npu-1", batch=n) for n in (1, 2))
    assert two.model.macs == 2 * one.model.macs
    assert two.total.latency_s > one.total.latency_s
