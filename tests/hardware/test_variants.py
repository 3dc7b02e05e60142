"""Variants of a description equal what a load of each would give."""

from __future__ import annotations

import pickle

from hypothesis import given, settings
from hypothesis import strategies as st

from npusim.errors import NpusimError
from npusim.hardware import Hardware, load_hardware
from npusim.hardware.variants import Variants

CHOICES: dict[str, list[object]] = {
    "mac_array.rows": [8, 32, 0],
    "mac_array.precisions": [{"int8*int8": 1}],
    "memory.sram.size": ["256 KiB", "1 MiB", "1000 B", "7"],
    "memory.sram.banks": [1, 3],
    "memory.dram.technology": ["lpddr4x-4266", "hbm2e-3200", "ddr9"],
    "memory.dram.bandwidth": ["10 GB/s", "1 B/s"],
    "clock": ["500 MHz", "2 GHz"],
    "dma.setup": ["10 cycles"],
    "host": [None],
    "mapping.pipeline": [True],
    "mac_array.sides": [3],
}
VALUES = st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in CHOICES.items()})
BASES = {name: Variants(name) for name in ("edge-npu-1", "ethos-u65-512", "tpu-like-128")}
SET = {"memory.dram.bandwidth": "20 GB/s"}
BASES["set"] = Variants("edge-npu-1", SET)


def _found(make: object, *given: object) -> Hardware | str:
    try:
        return make(*given)  # type: ignore[operator,no-any-return]
    except NpusimError as error:
        return str(error)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(BASES)), VALUES)
def test_a_variant_is_what_a_load_gives(base: str, values: dict[str, object]) -> None:
    name, below = ("edge-npu-1", SET) if base == "set" else (base, {})
    loaded = _found(load_hardware, name, {**below, **values})
    for _ in range(2):  # the second time from the sections of the first
        found = _found(BASES[base].hardware, values)
        assert found == loaded
        if isinstance(found, Hardware) and isinstance(loaded, Hardware):
            assert found.sha256 == loaded.sha256
            assert found.free == loaded.free


def test_variants_can_be_pickled() -> None:
    variants = Variants("edge-npu-1")
    values = {"mac_array.rows": 64}
    assert pickle.loads(pickle.dumps(variants)).hardware(values) == variants.hardware(values)


def test_values_are_checked_without_their_neighbours() -> None:
    variants = Variants("edge-npu-1")
    assert variants.field_problems({"memory.sram.banks": 3}) == []  # divides no 512 KiB
    (problem,) = variants.field_problems({"mac_array.rows": 0})
    assert "at least 1" in problem.what
