"""Models on every preset: what must hold of each report, most of it for models of others."""

from __future__ import annotations

import math

import pytest

import npusim
from npusim.hardware import load_hardware, preset_names
from npusim.models.bundled import bundled_model_path
from npusim.models.catalog import NAMES as NETWORK_NAMES
from tests.support.shared import shared_path

QUANTIZED = (
    "mlperf_tiny_ad01_int8.tflite",
    "mlperf_tiny_kws_ref_model.tflite",
    "mlperf_tiny_pretrainedResnet_quant.tflite",
    "mlperf_tiny_vww_96_int8.tflite",
    "mobilenet_v2_1.0_224_quant.tflite",
    "tf2_mobilenet_v2_1.0_224_ptq.tflite",
)
FLOAT = ("mlperf_tiny_ad01_fp32.tflite", "mlperf_tiny_vww_96_float.tflite")
TABLES = ("alexnet.csv", "mobilenet.csv", "resnet18.csv", "Resnet50.csv")


def _check(report) -> None:
    total, layers = report.total, report.layers
    close = {"rel_tol": 1e-9, "abs_tol": 1e-6}
    assert total.cycles > 0
    assert math.isclose(sum(total.cycles_by_cause.values()), total.cycles, **close)
    assert math.isclose(sum(layer.cycles for layer in layers), total.cycles, **close)
    assert min(total.cycles_by_cause.values()) >= 0
    assert min(layer.cycles for layer in layers) >= 0
    for layer in layers:
        assert math.isclose(sum(layer.cycles_by_cause.values()), layer.cycles, **close)
    assert math.isclose(sum(total.energy_j_by_part.values()), total.energy_j, rel_tol=1e-9)
    assert math.isclose(sum(layer.energy_j for layer in layers), total.energy_j, rel_tol=1e-9)
    for name in ("dram_read_bytes", "dram_write_bytes", "sram_read_bytes", "sram_write_bytes"):
        assert sum(getattr(layer, name) for layer in layers) == getattr(total, name)
    assert 0 <= total.utilization <= 1
    assert all(0 <= layer.utilization <= 1 for layer in layers)
    assert total.sram_peak_bytes <= report.hardware.sram_bytes
    assert total.first_inference_s >= total.latency_s


@pytest.mark.parametrize("preset", preset_names())
def test_a_small_model_runs_on_every_preset(preset: str) -> None:
    report = npusim.simulate(bundled_model_path(), preset)
    _check(report)
    assert all(layer.on == "npu" for layer in report.layers if layer.macs)
    assert any("free parameter" in text for text in report.confidence.not_modelled)


@pytest.mark.slow
@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.parametrize("name", NETWORK_NAMES)
def test_each_preset_runs_each_built_in_network(name: str, preset: str) -> None:
    _check(npusim.simulate(name, preset))


@pytest.mark.slow
@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.parametrize("name", QUANTIZED + FLOAT)
def test_reports_of_tflite_models_add_up(name: str, preset: str) -> None:
    report = npusim.simulate(shared_path("data", "models", name), preset)
    _check(report)
    if name in QUANTIZED:
        assert any(layer.on == "npu" and layer.macs for layer in report.layers)
    else:
        multiplies_floats = "fp32*fp32" in load_hardware(preset).mac_array.precisions
        on_array = any(layer.on == "npu" and layer.macs for layer in report.layers)
        assert on_array == multiplies_floats
        assert any("float" in note for note in report.notes)


@pytest.mark.slow
@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.parametrize("name", TABLES)
def test_reports_of_layer_tables_add_up(name: str, preset: str) -> None:
    _check(npusim.simulate(shared_path("data", "scalesim_topologies", name), preset))


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["energy", "edp"])
@pytest.mark.parametrize("preset", preset_names())
def test_an_objective_gets_what_it_asks_for(preset: str, objective: str) -> None:
    """A schedule for energy (or its product with time) has no more of it than one for latency."""
    model = npusim.load_model(shared_path("data", "models", QUANTIZED[1]))
    fastest = npusim.simulate(model, preset).total
    chosen = npusim.simulate(model, preset, objective=objective).total
    power = 1 if objective == "edp" else 0
    asked, other = (x.energy_j * x.cycles**power for x in (chosen, fastest))
    assert asked <= other * 1.01
