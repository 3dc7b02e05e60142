"""Functions of one element: what they refuse, and that no scale makes them fail otherwise."""

from __future__ import annotations

import importlib
import pkgutil
import warnings

import numpy as np
import pytest

import npusim.ir.ops
from npusim.errors import UnsupportedModelError
from npusim.ir.ops.elements.hard_swish import HardSwish
from npusim.ir.ops.elements.leaky_relu import LeakyRelu
from npusim.ir.ops.elements.relu import Relu
from npusim.ir.ops.elements.rsqrt import Rsqrt
from npusim.ir.ops.elements.tanh import Tanh
from npusim.ir.ops.elements.unary import Unary
from npusim.ir.tensor import Tensor
from npusim.kernels.table import kernels
from npusim.numerics.formats import FP32, INT4, INT8, INT32, Format
from npusim.numerics.profiles import profile_named
from npusim.numerics.quantization import Quantization

GRID = np.arange(256).astype(np.uint8).view(np.int8)
SCALES = (1e-38, 0.1, 7.0, 3e38)


def functions() -> list[type[Unary]]:
    """All functions of one element."""
    for module in pkgutil.walk_packages(npusim.ir.ops.__path__, "npusim.ir.ops."):
        importlib.import_module(module.name)
    return sorted(Unary.__subclasses__(), key=lambda cls: cls.kind)


def _tensor(name: str, fmt: Format, scale: float | None) -> Tensor:
    quantization = None if scale is None else Quantization.per_tensor(scale, 3)
    return Tensor(name, (256,), fmt, quantization)


def _run(op: Unary, x: Tensor, y: Tensor, profile: str) -> np.ndarray:
    kernel = op.bind([x], [y], profile_named(profile), kernels("reference"))
    out = np.zeros(256, y.format.dtype)
    kernel.compute([GRID.astype(x.format.dtype)], [out], op.loop_nest([x], [y]).whole)
    return out


@pytest.mark.parametrize("profile", ["onnx", "tflite-reference", "xnnpack"])
@pytest.mark.parametrize("cls", functions(), ids=lambda cls: cls.kind)
def test_any_scales_give_a_result_or_a_reason(cls: type[Unary], profile: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for x_scale in SCALES:
            for y_scale in SCALES:
                x, y = _tensor("x", INT8, x_scale), _tensor("y", INT8, y_scale)
                try:
                    _run(cls(), x, y, profile)
                except UnsupportedModelError as error:
                    assert "scale" in str(error)


@pytest.mark.parametrize("profile", ["onnx", "tflite-reference", "xnnpack"])
@pytest.mark.parametrize("cls", functions(), ids=lambda cls: cls.kind)
def test_reals_of_every_kind_give_reals(cls: type[Unary], profile: str) -> None:
    op, x, y = cls(), _tensor("x", FP32, None), _tensor("y", FP32, None)
    kernel = op.bind([x], [y], profile_named(profile), kernels("reference"))
    values = np.zeros(256, np.float32)
    values[:6] = np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-45
    out = np.zeros(256, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kernel.compute([values], [out], op.loop_nest([x], [y]).whole)


@pytest.mark.parametrize(
    ("x", "y", "what"),
    [
        ((INT32, None), (INT32, None), "'x' is int32"),
        ((INT4, 0.1), (INT4, 0.1), "'x' is int4"),
        ((INT8, None), (INT8, None), "'x' is int8"),
        ((INT8, 0.1), (FP32, None), "'y' is fp32"),
        ((FP32, None), (INT8, 0.1), "'y' is int8"),
    ],
)
@pytest.mark.parametrize("op", [Tanh(), Relu()], ids=["tanh", "relu"])
def test_other_formats_are_refused_by_name(
    op: Unary, x: tuple[Format, float | None], y: tuple[Format, float | None], what: str
) -> None:
    with pytest.raises(UnsupportedModelError, match=what):
        _run(op, _tensor("x", *x), _tensor("y", *y), "onnx")


@pytest.mark.parametrize("op", [HardSwish(), LeakyRelu(3.0), Rsqrt()], ids=lambda op: op.kind)
def test_a_factor_beyond_float32_is_refused(op: Unary) -> None:
    x, y = _tensor("x", INT8, 1e-38), _tensor("y", INT8, 1e-38)
    if not isinstance(op, Rsqrt):
        x = _tensor("x", INT8, 3e38)
    with pytest.raises(UnsupportedModelError, match="beyond float32"):
        _run(op, x, y, "tflite-reference")
