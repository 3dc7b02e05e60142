"""Every profile names, for every operator, an arithmetic that exists."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import npusim.ir.ops
from npusim.errors import UsageError
from npusim.ir.operator import Operator
from npusim.ir.ops.elements.unary import Unary
from npusim.ir.ops.products.drain import BY_EIGHTS
from npusim.ir.ops.products.transposed_conv2d import UNKNOWN
from npusim.ir.ops.products.transposed_kernels import THROUGH_FLOAT
from npusim.kernels.table import kernels
from npusim.numerics.elementwise import ADD_PARAMETERS, MUL_PARAMETERS
from npusim.numerics.pairs import FUNCTIONS as FUNCTIONS_OF_TWO
from npusim.numerics.pooling import AVERAGE_PARAMETERS, MEAN_PARAMETERS
from npusim.numerics.profiles import PROFILES, profile_named
from npusim.numerics.quantization import CLAMP_ROUNDINGS
from npusim.numerics.reductions import SUM_PARAMETERS
from npusim.numerics.requantize import ARITHMETICS
from npusim.numerics.rescale import RESCALE_PARAMETERS
from npusim.numerics.softmax import SOFTMAX_PARAMETERS
from npusim.numerics.unary import FUNCTIONS

KERNEL_OF = {
    "relu": "rescale", "requantize": "rescale", "requantize_other": "rescale", "concat": "rescale",
    "global_average_pool": "mean", "sub": "add", "squared_difference": "squared", "sum": "mean",
    "add_other": "add", "float_add": "add", "sub_other": "add", "mul_other": "mul",
    "resize_bilinear_computed_size": "resize_bilinear",
}  # fmt: skip
"""Operators whose kernel has another name than their kind."""
PARAMETERS = {
    "add": ADD_PARAMETERS, "mul": MUL_PARAMETERS, "average_pool": AVERAGE_PARAMETERS,
    "mean": MEAN_PARAMETERS, "rescale": RESCALE_PARAMETERS, "softmax": SOFTMAX_PARAMETERS,
    "sum": SUM_PARAMETERS,
}  # fmt: skip
REQUANTIZED = (
    "conv2d", "fully_connected", "fully_connected_without_bias", "matmul", "matmul_symmetric",
    "lstm_product", "transposed_conv2d", "transposed_conv2d_with_gaps",
    "transposed_conv2d_computed_size",
)  # fmt: skip
"""Operators with an int32 accumulator, whose drain has the arithmetic."""
REDUCED = (
    "global_average_pool",
    "mean",
    "sum",
    "reduce_prod",
    "reduce_l1",
    "reduce_l2",
    "reduce_sum_square",
)
GENERIC = {
    **{(kind, "through_float"): "pair_through_float" for kind in (*FUNCTIONS_OF_TWO, "compare")},
    **{(kind, "through_float"): "reduce_float32" for kind in REDUCED},
    ("resize_bilinear", "through_float"): "resize_bilinear_float32",
    ("resize_bilinear_computed_size", "through_float"): "resize_bilinear_float32",
    **{(f"{kind}_other", "through_float"): "pair_through_float" for kind in ("add", "mul", "sub")},
    ("floor_div", "stored"): "pair_stored",
    ("quantize", "rint_by_eights"): "quantize_rint_reciprocal",
    ("l2_normalization", "through_float"): "l2_normalization_float32",
    ("l2_normalization", "shifted_fixed_point"): "l2_normalization_fixed_point",
}
"""Arithmetics that many kinds share, whose kernels have a name of their own."""
EXACT = {
    "arg_max", "arg_min", "bitwise", "cast", "clip_stored", "conv_integer", "dynamic_quantize",
    "matmul_integer", "reduce_max", "reduce_min", "scatter_elements", "scatter_nd", "select",
}  # fmt: skip
"""Operators that compare values or move them; no arithmetic is involved. So are all that move."""


def operator_kinds() -> set[str]:
    """Kinds of all operators that have a file."""
    for module in pkgutil.walk_packages(npusim.ir.ops.__path__, "npusim.ir.ops."):
        importlib.import_module(module.name)
    return {cls.kind for cls in _concrete(Operator) if cls.__module__.startswith("npusim.")}


def tabulated() -> dict[str, type[Unary]]:
    """The functions of one element by kind."""
    operator_kinds()
    return {cls.kind: cls for cls in _concrete(Unary)}


def _concrete(base: type[Operator]) -> set[type[Operator]]:
    """The operators below `base`, without those that only others derive from."""
    derived = base.__subclasses__()
    return {base} if not derived else set().union(*(_concrete(cls) for cls in derived))


@pytest.mark.parametrize("profile", list(PROFILES.values()), ids=lambda profile: profile.name)
def test_every_arithmetic_has_its_kernel_and_parameters(profile):
    table = kernels("reference")
    for row, arithmetic in profile.arithmetics.items():
        kind = row.split("/")[0]
        if kind == "clamp":
            assert arithmetic in CLAMP_ROUNDINGS
        elif arithmetic == UNKNOWN:
            assert kind.endswith(("_computed_size", "_with_gaps"))
        elif kind in REQUANTIZED:
            assert arithmetic in (*ARITHMETICS, BY_EIGHTS, THROUGH_FLOAT)
        elif kind in tabulated() and arithmetic not in tabulated()[kind].own:
            assert kind in FUNCTIONS[arithmetic]
            assert callable(table.get(f"unary_{arithmetic}"))
        elif (kind, arithmetic) in GENERIC:
            assert callable(table.get(GENERIC[kind, arithmetic]))
        else:
            name = KERNEL_OF.get(kind, kind)
            assert callable(table.get(f"{name}_{arithmetic}"))
            known = PARAMETERS.get(kind, PARAMETERS.get(name, {arithmetic}))
            assert arithmetic in known


@pytest.mark.parametrize("profile", list(PROFILES.values()), ids=lambda profile: profile.name)
def test_every_operator_has_an_arithmetic(profile):
    kinds = operator_kinds()
    moving = {cls.kind for cls in _concrete(Operator) if cls.moves}
    for kind in kinds - EXACT - moving:
        for fmt in ("int8", "uint8"):
            assert profile.arithmetic(kind, fmt), kind


def test_a_format_may_have_an_arithmetic_of_its_own():
    profile = profile_named("tflite-reference")
    assert profile.arithmetic("concat", "uint8") != profile.arithmetic("concat", "int8")


def test_a_misspelt_profile_suggests_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'xnnpack'"):
        profile_named("xnpack")
