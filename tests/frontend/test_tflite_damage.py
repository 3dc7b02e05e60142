"""A truncated or mutated .tflite file either loads or gets one clear error; never a traceback."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from npusim.errors import ModelFileError, NpusimError, UsageError
from npusim.frontend import load_model
from npusim.frontend.tflite import read_tflite
from npusim.ir.graph import Graph
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from tests.support import litert
from tests.support.evaluate import evaluate
from tests.support.shared import shared_path
from tests.support.tflite_cases import KINDS
from tests.support.tflite_lstm import Lstm, lstm_model, real_lstm_model
from tests.support.tflite_state import memory
from tests.support.tflite_wide import PRODUCTS8X4, PRODUCTS16X8, WIDE, function_model

MUTATIONS, TRUNCATIONS = 300, 60
LARGEST_RUN = 200_000
"""Elements of all tensors up to which a mutated model is run as well."""


def small_model() -> bytes:
    """Three operators' worth of file."""
    return KINDS["CONV_2D"](np.random.default_rng(3), "int8").content()


def outcome(content: bytes, file) -> str:
    """ "loads" or the name of the error; anything else escapes and fails the test."""
    file.write_bytes(content)
    try:
        use(read_tflite(file))
    except NpusimError as error:
        assert error.problems and all(problem.what for problem in error.problems)
        return type(error).__name__
    return "loads"


def use(graph: Graph) -> None:
    """Count and bind every node, and run the graph if it is small."""
    for profile in litert.PROFILES:
        for node in graph.nodes:
            operands = graph.operands(node)
            node.op.loop_nest(*operands)
            node.op.bind(*operands, profile_named(profile), kernels("reference"))
        if sum(tensor.size for tensor in graph.tensors.values()) < LARGEST_RUN:
            inputs = [graph.tensors[name] for name in graph.inputs]
            evaluate(graph, {t.name: np.zeros(t.shape, t.format.dtype) for t in inputs}, profile)


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A copy with one to four bytes or one word replaced, extremes preferred."""
    changed = bytearray(content)
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 5))):
            changed[int(rng.integers(8, len(changed)))] = int(rng.integers(0, 256))
    else:
        words = [0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, len(content), int(rng.integers(2**32))]
        at = int(rng.integers(2, len(changed) // 4)) * 4
        struct.pack_into("<I", changed, at, words[int(rng.integers(len(words)))])
    return bytes(changed)


def test_mutations_of_a_small_model_load_or_are_refused(tmp_path):
    rng = np.random.default_rng(11)
    content = small_model()
    seen = {outcome(mutated(content, rng), tmp_path / "m.tflite") for _ in range(MUTATIONS)}
    assert {"loads", "ModelFileError"} <= seen


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(KINDS))
def test_mutations_of_every_operator_load_or_are_refused(kind, tmp_path):
    rng = np.random.default_rng(12)
    content = KINDS[kind](rng, "int8").content()
    for _ in range(MUTATIONS):
        outcome(mutated(content, rng), tmp_path / "m.tflite")


@pytest.mark.parametrize("case", ["peepholes", "projection", "float32", "variables"])
def test_mutations_of_models_that_remember_load_or_are_refused(case, tmp_path):
    rng = np.random.default_rng(14)
    model = {
        "peepholes": lambda: lstm_model(rng, Lstm(peephole=True)),
        "projection": lambda: lstm_model(rng, Lstm(projection=True, outputs=3)),
        "float32": lambda: real_lstm_model(rng, Lstm(rows=1, depth=3, units=2)),
        "variables": lambda: memory(variables=2),
    }[case]()
    content = model.content()
    for _ in range(MUTATIONS // 2):
        outcome(mutated(content, rng), tmp_path / "m.tflite")


@pytest.mark.parametrize("case", ["16x8", "8x4", "softmax", "logistic"])
def test_mutations_of_16_and_4_bit_models_load_or_are_refused(case, tmp_path):
    rng = np.random.default_rng(15)
    model = {
        "16x8": lambda: PRODUCTS16X8["CONV_2D"](rng, "int16"),
        "8x4": lambda: PRODUCTS8X4["FULLY_CONNECTED"](rng, "int8"),
        "softmax": lambda: WIDE["SOFTMAX"](rng, "int16"),
        "logistic": lambda: function_model("LOGISTIC", rng),
    }[case]()
    for tensor in model.tensors:  # all words of a function would take long
        if tensor.shape == (2**16,):
            tensor.shape = (40,)
    content = model.content()
    for _ in range(MUTATIONS // 2):
        outcome(mutated(content, rng), tmp_path / "m.tflite")


@pytest.mark.slow
def test_mutations_of_a_real_model_load_or_are_refused(tmp_path):
    content = shared_path("data", "models", "mlperf_tiny_kws_ref_model.tflite").read_bytes()
    rng = np.random.default_rng(13)
    for _ in range(MUTATIONS):
        outcome(mutated(content, rng), tmp_path / "m.tflite")


def test_truncations_are_refused(tmp_path):
    content = small_model()
    lengths = np.linspace(0, len(content) - 1, TRUNCATIONS).astype(int)
    outcomes = {outcome(content[:length], tmp_path / "m.tflite") for length in lengths}
    assert "ModelFileError" in outcomes


def test_an_empty_file_is_named_as_such(tmp_path):
    file = tmp_path / "empty.tflite"
    file.write_bytes(b"")
    with pytest.raises(ModelFileError, match="TFL3"):
        load_model(file)


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        load_model(tmp_path / "absent.tflite")


def test_an_unknown_suffix_lists_the_known_ones(tmp_path):
    file = tmp_path / "model.bin"
    file.write_bytes(b"0123456789")
    with pytest.raises(UsageError, match=r"\.tflite, \.onnx, \.csv"):
        load_model(file)
