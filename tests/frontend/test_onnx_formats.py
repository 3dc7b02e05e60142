"""Every ONNX number format through casts, quantization and dequantization, to the bit.

Oracles: the onnx package's reference evaluator, which computes with ml_dtypes, for all of them;
ONNX Runtime where it has the kernel and gives out arrays of the type. Not with `saturate=0` to
float8: 480 becomes 448 there. With fp16 it divides in float32 whatever version and `precision` say.
"""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from npusim.errors import ModelFileError, UnsupportedModelError
from npusim.frontend.onnx import read_onnx_bytes
from npusim.frontend.onnx.tensors import FORMAT_OF_TYPE
from npusim.numerics.formats import FP8_E4M3, FP8_E5M2, FP16, INT4
from npusim.numerics.packing import pack_int4
from tests.support.evaluate import evaluate
from tests.support.onnx_formats import NARROW, as_stored, node_model, runtime_output, same_numbers

T = TensorProto
NUMPY = {kind: helper.tensor_dtype_to_np_dtype(kind) for kind in FORMAT_OF_TYPE}
FLOATS8 = (T.FLOAT8E4M3FN, T.FLOAT8E5M2)
REALS = (T.FLOAT, T.FLOAT16, T.BFLOAT16)
INTEGERS = (T.INT4, T.UINT4, T.INT8, T.UINT8, T.INT16, T.UINT16)
BOUNDARIES = [
    0.0, -0.0, np.inf, -np.inf, np.nan, 2.0**-9, 2.0**-10, 2.0**-10 * 1.0625, 3 * 2.0**-10,
    2.0**-16, 2.0**-17, 2.0**-17 * 1.0625, 448.0, 449.0, 463.0, 464.0, 465.0, 480.0, -464.0,
    -465.0, 57344.0, 57345.0, 61439.0, 61440.0, 61441.0, -61440.0, 65504.0, 65519.0, 65520.0,
    1e-9, 1e-45, 3e38,
]  # fmt: skip
"""Ends of the 8-bit floats and of fp16, the ties between neighbours, and both sides of them."""


def reals(kind: int) -> np.ndarray:
    """[1, n] numbers of a real type: ends, ties and random ones of several magnitudes."""
    rng = np.random.default_rng(3)
    drawn = rng.normal(0, 1, 960) * 10.0 ** rng.integers(-3, 4, 960)
    with np.errstate(over="ignore"):
        return np.concatenate([BOUNDARIES, drawn]).astype(np.float32).astype(NUMPY[kind])[None]


def every_value(kind: int) -> np.ndarray:
    """[rows, n] all values of a type of 4 or 8 bits, a walk through one of 16."""
    fmt = FORMAT_OF_TYPE[kind]
    if fmt.is_integer:
        step = 1 if fmt.bits <= 8 else 17
        return np.arange(fmt.low, fmt.high + 1, step).astype(NUMPY[kind])[None]
    return np.arange(256, dtype=np.uint8).view(NUMPY[kind])[None]


def within(x: np.ndarray, kind: int) -> np.ndarray:
    """Reals inside the range of an integer type: outside, a cast is undefined."""
    fmt = FORMAT_OF_TYPE[kind]
    if not fmt.is_integer or x.dtype.kind in "iu":
        return x
    low, high = max(fmt.low, -1000), min(fmt.high, 1000)
    return np.clip(np.nan_to_num(x.astype(np.float32)), low, high).astype(x.dtype)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """The output of npusim's kernels."""
    graph = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
    return evaluate(graph, {"x": as_stored(x)})["y"]


def expected(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """The output of the reference evaluator."""
    with np.errstate(all="ignore"):
        return ReferenceEvaluator(model).run(None, {"x": x})[0]


def runtime_has(*kinds: int) -> bool:
    """True if ONNX Runtime's Python takes and gives arrays of these types."""
    return not any(kind in NARROW for kind in kinds)


CASTS = [
    (source, target)
    for source in (*REALS, *FLOATS8, *INTEGERS)
    for target in (*REALS, *FLOATS8, *INTEGERS, T.INT32, T.INT64, T.BOOL)
    if source != target and {source, target} != {T.INT4, T.UINT4}
]


@pytest.mark.parametrize("saturate", [1, 0])
def test_casts_of_all_values(saturate: int) -> None:
    for source, target in CASTS:
        if not saturate and target not in FLOATS8:
            continue
        x = within(reals(source) if source in REALS else every_value(source), target)
        attributes = {} if saturate else {"saturate": 0}
        model = node_model("Cast", (source, x.shape), [], target, to=target, **attributes)
        what = f"{source} to {target}"
        y = run(model, x)
        assert same_numbers(y, expected(model, x)), what
        if runtime_has(source, target):
            assert same_numbers(y, runtime_output(model, x)), what


@pytest.mark.parametrize("kind", FLOATS8)
def test_beyond_the_greatest_float8_is_a_choice(kind: int) -> None:
    """Saturating as in ONNX, infinities as well; otherwise infinity, or NaN where there is none."""
    x = np.array([[1e9, -1e9, np.inf, -np.inf]], np.float32)
    greatest = ml_dtypes.finfo(NUMPY[kind]).max.astype(np.float32)
    beyond = np.inf if kind == T.FLOAT8E5M2 else np.nan
    for saturate, most in ((1, greatest), (0, beyond)):
        model = node_model("Cast", (T.FLOAT, x.shape), [], kind, to=kind, saturate=saturate)
        y = run(model, x).view(NUMPY[kind]).astype(np.float32)
        np.testing.assert_array_equal(y[0], [most, -most, most, -most])


def test_a_cast_of_a_constant_is_made_while_reading() -> None:
    data = reals(T.FLOAT)
    for target in (*FLOATS8, T.BFLOAT16, T.FLOAT16):
        cast = helper.make_node("Cast", ["c"], ["n"], to=target, saturate=0)
        back = helper.make_node("Cast", ["n"], ["r"], to=T.FLOAT)
        add = helper.make_node("Add", ["x", "r"], ["y"])
        model = node_model("Add", (T.FLOAT, data.shape), [data], T.FLOAT)
        del model.graph.node[:]
        model.graph.initializer[0].name = "c"
        model.graph.node.extend([cast, back, add])
        graph = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
        assert [node.op.kind for node in graph.nodes] == ["add"]
        zeros = np.zeros(data.shape, np.float32)
        assert same_numbers(evaluate(graph, {"x": zeros})["y"], expected(model, zeros))


def scales(kind: int, shape: tuple[int, ...]) -> np.ndarray:
    """Scales of a real type."""
    return np.random.default_rng(5).uniform(0.2, 2.0, shape).astype(NUMPY[kind])


PLACES = {"tensor": ((), {}), "axis": ((4,), {"axis": 0}), "block": ((4, 9), {"block_size": 28})}
"""Shape of the scales of [4, 248] numbers, and attributes."""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("real", REALS)
def test_quantization_to_every_format(real: int, place: str) -> None:
    shape, attributes = PLACES[place]
    for stored in (*INTEGERS, *FLOATS8):
        x = reals(real).reshape(4, -1)
        if stored in INTEGERS:  # what NaN and infinity become there is undefined
            x = np.clip(np.nan_to_num(x.astype(np.float32)), -3000, 3000).astype(NUMPY[real])
        zero = np.full(shape, 0 if stored in FLOATS8 else 3, np.int8).astype(NUMPY[stored])
        model = node_model(
            "QuantizeLinear", (real, x.shape), [scales(real, shape), zero], stored, 23, **attributes
        )
        assert same_numbers(run(model, x), expected(model, x)), stored
        if runtime_has(real, stored) and real == T.FLOAT:
            assert same_numbers(run(model, x), runtime_output(model, x)), stored


def test_fp16_is_divided_as_onnx_runtime_does_before_version_23() -> None:
    x = within(reals(T.FLOAT16), T.INT16)
    constants = [np.array(0.37, np.float16), np.array(3, np.int16)]
    model = node_model("QuantizeLinear", (T.FLOAT16, x.shape), constants, T.INT16, 21)
    assert same_numbers(run(model, x), runtime_output(model, x))
    for precision in (T.FLOAT, T.FLOAT16):
        model = node_model(
            "QuantizeLinear", (T.FLOAT16, x.shape), constants, T.INT16, 23, precision=precision
        )
        assert same_numbers(run(model, x), expected(model, x))


@pytest.mark.parametrize("saturate", [1, 0])
def test_quantization_to_float8_saturates_or_not(saturate: int) -> None:
    x = reals(T.FLOAT)
    for stored in FLOATS8:
        constants = [np.array(1.0, np.float32), np.zeros((), NUMPY[stored])]
        model = node_model(
            "QuantizeLinear", (T.FLOAT, x.shape), constants, stored, 19, saturate=saturate
        )
        assert same_numbers(run(model, x), expected(model, x))


@pytest.mark.parametrize("real", REALS)
def test_dequantization_of_every_value(real: int) -> None:
    for stored in (*INTEGERS, *FLOATS8):
        values = every_value(stored)
        x = values.reshape(-1)[: values.size // 4 * 4].reshape(4, -1)
        blocks = (4, -(-x.shape[1] // 3))
        for shape, attributes in (((), {}), ((4,), {"axis": 0}), (blocks, {"block_size": 3})):
            zero = np.full(shape, 0 if stored in FLOATS8 else 3, np.int8).astype(NUMPY[stored])
            constants = [scales(real, shape), zero]
            model = node_model("DequantizeLinear", (stored, x.shape), constants, real, **attributes)
            assert same_numbers(run(model, x), expected(model, x)), (stored, shape)
            if runtime_has(real, stored):
                found = runtime_output(model, x)
                assert same_numbers(run(model, x), found), (stored, shape)


def test_sums_are_dequantized_too() -> None:
    x = np.array([[0, 1, -1, 2**24 + 1, 2**31 - 1, -(2**31)]], np.int32)
    model = node_model("DequantizeLinear", (T.INT32, x.shape), [np.float32(0.3)], T.FLOAT)
    assert same_numbers(run(model, x), runtime_output(model, x))


def test_the_formats_of_outputs_can_be_named() -> None:
    x = reals(T.FLOAT)[:, 10:]
    constants = [np.array(0.5, np.float32)]
    model = node_model(
        "QuantizeLinear", (T.FLOAT, x.shape), constants, T.FLOAT8E5M2, 23, output_dtype=T.FLOAT8E5M2
    )
    assert same_numbers(run(model, x), expected(model, x))
    codes = every_value(T.FLOAT8E4M3FN)
    model = node_model(
        "DequantizeLinear", (T.FLOAT8E4M3FN, codes.shape), constants, T.FLOAT16, 23,
        output_dtype=T.FLOAT16,
    )  # fmt: skip
    assert same_numbers(run(model, codes), expected(model, codes))


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("kind", [*NARROW, T.FLOAT16, T.INT16, T.UINT16])
def test_constants_are_read_from_bytes_and_from_numbers(kind: int, typed: bool) -> None:
    values = every_value(kind) if kind not in REALS else reals(kind)
    values = values.reshape(-1)[1:]  # an odd number: the last byte of 4-bit values is half empty
    if typed:
        stored = as_stored(values)
        fmt = FORMAT_OF_TYPE[kind]
        numbers = pack_int4(stored) if fmt.bits == 4 else stored
        if fmt.is_float:
            numbers = stored.view(f"uint{fmt.bits}")
        given = onnx.TensorProto(name="c", data_type=kind, dims=values.shape)
        given.int32_data.extend(numbers.tolist())
    else:
        given = onnx.numpy_helper.from_array(values, "c")
    assert given.HasField("raw_data") != typed
    model = node_model("Identity", (T.FLOAT, (1,)), [], T.FLOAT)
    model.graph.initializer.append(given)
    model.graph.output.append(helper.make_tensor_value_info("c", kind, None))
    graph = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
    found = evaluate(graph, {"x": np.zeros(1, np.float32)})["c"]
    assert graph.tensors["c"].format == FORMAT_OF_TYPE[kind]
    assert same_numbers(found, values)


@pytest.mark.parametrize(
    "kind", [T.FLOAT8E4M3FNUZ, T.FLOAT8E5M2FNUZ, T.FLOAT4E2M1, T.INT2, T.UINT2, T.FLOAT8E8M0]
)
def test_formats_without_support_are_named(kind: int) -> None:
    name = T.DataType.Name(kind).lower()
    cast = node_model("Cast", (T.FLOAT, (2,)), [], kind, to=kind)
    read = node_model("Cast", (kind, (2,)), [], T.FLOAT, to=T.FLOAT)
    given = node_model("Identity", (T.FLOAT, (2,)), [], T.FLOAT)
    given.graph.initializer.append(TensorProto(name="c", data_type=kind, dims=[2], raw_data=b"0"))
    for model in (cast, read, given):
        with pytest.raises(UnsupportedModelError, match=name):
            read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))


def test_damage_is_told() -> None:
    def wrong(kind: int, raw: bytes | None, numbers: list[int] | None = None) -> None:
        tensor = onnx.TensorProto(name="c", data_type=kind, dims=[3])
        if raw is not None:
            tensor.raw_data = raw
        tensor.int32_data.extend(numbers or [])
        model = node_model("Identity", (T.FLOAT, (2,)), [], T.FLOAT)
        model.graph.initializer.append(tensor)
        with pytest.raises(ModelFileError):
            read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))

    wrong(T.INT4, b"\0\0\0")
    wrong(T.INT4, None, [0, 0, 0])
    wrong(T.FLOAT8E5M2, b"\0\0")
    wrong(T.FLOAT8E5M2, None, [0, 0, 256])
    wrong(T.BFLOAT16, None, [0, 0, 1 << 16])


def test_a_float8_zero_point_can_only_be_zero() -> None:
    zero = np.array(1.0, ml_dtypes.float8_e4m3fn)
    model = node_model(
        "QuantizeLinear", (T.FLOAT, (2,)), [np.array(1.0, np.float32), zero], T.FLOAT8E4M3FN
    )
    with pytest.raises(UnsupportedModelError, match="zero point"):
        read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))


def test_blocks_must_fit() -> None:
    for shape, attributes in (
        ((2, 3), {"block_size": 2}), ((2, 4), {}), ((2, 4), {"block_size": 2, "axis": 3}),
    ):  # fmt: skip
        constants = [np.ones(shape, np.float32), np.zeros(shape, np.int8)]
        model = node_model("QuantizeLinear", (T.FLOAT, (2, 8)), constants, T.INT8, **attributes)
        with pytest.raises(ModelFileError, match="blocks"):
            read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))


def test_tensors_know_their_formats() -> None:
    x = reals(T.FLOAT16)
    for kind, fmt in ((T.FLOAT8E4M3FN, FP8_E4M3), (T.FLOAT8E5M2, FP8_E5M2), (T.INT4, INT4)):
        model = node_model("Cast", (T.FLOAT16, x.shape), [], kind, to=kind)
        graph = read_onnx_bytes(model.SerializeToString(), Path("m.onnx"))
        assert graph.tensors["x"].format == FP16
        assert graph.tensors["y"].format == fmt
