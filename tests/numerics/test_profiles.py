"""Every profile names, for every operator, an arithmetic that exists."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import npusim.ir.ops
from npusim.errors import UsageError
from npusim.ir.operator import Operator
from npusim.ir.ops.unary import Unary
from npusim.kernels.table import kernels
from npusim.numerics.elementwise import ADD_PARAMETERS, MUL_PARAMETERS
from npusim.numerics.pooling import AVERAGE_PARAMETERS, MEAN_PARAMETERS
from npusim.numerics.profiles import PROFILES, profile_named
from npusim.numerics.quantization import CLAMP_ROUNDINGS
from npusim.numerics.requantize import ARITHMETICS
from npusim.numerics.rescale import RESCALE_PARAMETERS
from npusim.numerics.softmax import SOFTMAX_PARAMETERS
from npusim.numerics.unary import FUNCTIONS

KERNEL_OF = {
    "relu": "rescale", "requantize": "rescale", "requantize_other": "rescale", "concat": "rescale",
    "global_average_pool": "mean",
}  # fmt: skip
"""Operators whose kernel has another name than their kind."""
PARAMETERS = {
    "add": ADD_PARAMETERS, "mul": MUL_PARAMETERS, "average_pool": AVERAGE_PARAMETERS,
    "mean": MEAN_PARAMETERS, "rescale": RESCALE_PARAMETERS, "softmax": SOFTMAX_PARAMETERS,
}  # fmt: skip
EXACT = {"cast", "clip_stored", "pad", "reshape"}
"""Operators that move values; no arithmetic is involved."""


def operator_kinds() -> set[str]:
    """Kinds of all operators that have a file."""
    for module in pkgutil.iter_modules(npusim.ir.ops.__path__):
        importlib.import_module(f"npusim.ir.ops.{module.name}")
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
        elif kind in ("conv2d", "fully_connected", "matmul"):
            assert arithmetic in ARITHMETICS
        elif kind in tabulated() and arithmetic not in tabulated()[kind].own:
            assert kind in FUNCTIONS[arithmetic]
            assert callable(table.get(f"unary_{arithmetic}"))
        else:
            name = KERNEL_OF.get(kind, kind)
            assert callable(table.get(f"{name}_{arithmetic}"))
            assert arithmetic in PARAMETERS.get(name, {arithmetic})


@pytest.mark.parametrize("profile", list(PROFILES.values()), ids=lambda profile: profile.name)
def test_every_operator_has_an_arithmetic(profile):
    arithmetic_free = EXACT & operator_kinds()
    for kind in operator_kinds() - arithmetic_free:
        for fmt in ("int8", "uint8"):
            assert profile.arithmetic(kind, fmt), kind


def test_a_format_may_have_an_arithmetic_of_its_own():
    profile = profile_named("tflite-reference")
    assert profile.arithmetic("concat", "uint8") != profile.arithmetic("concat", "int8")


def test_a_misspelt_profile_suggests_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'xnnpack'"):
        profile_named("xnpack")
