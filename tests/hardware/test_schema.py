"""The schema: what each field accepts, the checks across fields, and what follows from a value."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from npusim.errors import DescriptionError, UsageError
from npusim.hardware import load_hardware
from npusim.hardware.output_stage import ArrayOp
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.ops.products.matmul import MatMul
from tests.support.descriptions import SOUND, changed, load, only_problem, problems


def test_units_are_in_the_attribute_and_values_in_si(tmp_path: Path) -> None:
    hardware = load(tmp_path, SOUND)
    assert hardware.clock_hz == 1e8
    assert hardware.memory.sram.size_bytes == 65536
    assert hardware.memory.sram.read_bytes_per_cycle == 8.0
    assert hardware.dma.setup_cycles == 10
    assert hardware.technology.node_m == 45e-9
    assert hardware.mac_array.pixels == (1, 1)
    assert hardware.host.flops_per_s is None


def test_a_description_is_frozen_and_can_be_pickled(tmp_path: Path) -> None:
    hardware = load(tmp_path, SOUND)
    with pytest.raises(ValidationError):
        hardware.cores = 2  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(hardware))
    assert copy == hardware
    assert copy.sha256 == hardware.sha256


def test_peak_is_cores_times_units_times_rate(tmp_path: Path) -> None:
    text = changed("precisions: {int8*int8: 1}", "precisions: {int8*int8: 1, int8*int4: 2}")
    hardware = load(tmp_path, text, ["cores=3"])
    assert hardware.peak_macs_per_cycle() == 3 * 4 * 8
    assert hardware.peak_macs_per_cycle("int8*int4") == 3 * 4 * 8 * 2
    assert hardware.peak_macs_per_cycle("uint8*int8") == 3 * 4 * 8
    with pytest.raises(UsageError, match=r"no precision fp16\*fp16: this hardware has int8\*int8"):
        hardware.peak_macs_per_cycle("fp16*fp16")


def test_pixels_multiply_the_peak_of_a_dot_product_array() -> None:
    assert load_hardware("ethos-u55-128").peak_macs_per_cycle() == 8 * 8 * (1 * 2)
    assert load_hardware("ethos-u65-512").peak_macs_per_cycle() == 2 * 8 * 8 * (2 * 2)


def test_a_precision_is_a_rate_or_a_mapping(tmp_path: Path) -> None:
    text = changed("{int8*int8: 1}", "{int8*int8: 1, fp8*fp8: {rate: 0.5, compute: fp16}}")
    array = load(tmp_path, text).mac_array
    assert array.precision("int8*int8") == array.precision("uint8*uint8")
    found = array.precision("fp8*fp8")
    assert found is not None and (found.rate, found.compute) == (0.5, "fp16")
    assert array.precision("fp32*fp32") is None


@pytest.mark.parametrize(
    ("old", "new", "where", "part"),
    [
        ("size: 64 KiB", "size: 64 KHz", "16:16", "unknown unit 'KHz'"),
        ("size: 64 KiB", "size: -64 KiB", "16:16", "'-64 KiB' is out of range: it must be pos"),
        ("size: 64 KiB", "size: 65536", "16:16", "65536 has no unit"),
        ("clock: 100 MHz", "clock: {a: 1}", "4:8", "{'a': 1} is not a quantity"),
        ("clock: 100 MHz", "clock: 0 Hz", "4:8", "must be positive"),
        ("setup: 10 cycles", "setup: 10 us", "18:27", "unknown unit 'us'"),
        ("  cols: 8", "  colums: 8", "8:3", "unknown key 'colums' (did you mean 'cols'?)"),
        ("rows: 4", "rows: four", "7:9", "expected a whole number, found 'four'"),
        ("rows: 4", "rows: 0", "7:9", "0 is out of range: it must be at least 1"),
        ("rows: 4", "rows: true", "7:9", "expected a whole number, found True"),
        ("rows: 4", "rows: null", "7:9", "expected a whole number, found null"),
        ("drain: false", "drain: 1", "10:39", "expected true or false, found 1"),
        ("style: systolic", "style: systolc", "6:10", "did you mean 'systolic'?"),
        ("style: systolic", "style: in_memory", "9:15", "an in_memory array has no dataflow"),
        ("[weight_stationary]", "[weight_stationery]", "9:15", "did you mean 'weight_stationary'"),
        ("[weight_stationary]", "[depth_first]", "9:15", "a systolic array has no dataflow"),
        ("[weight_stationary]", "[]", "9:14", "expected at least 1 entries"),
        ("  cols: 8", "  cols: 8\n  pixels: [1, 2]", "9:11", "no meaning in a systolic array"),
        ("  cols: 8", "  cols: 8\n  tap_block: 4", "9:14", "no meaning in a systolic array"),
        ("  cols: 8", "  cols: 8\n  max_kernel: [3, 3]", "9:15", "no meaning in a systolic array"),
        ("  cols: 8", "  cols: 8\n  drain: {beat: column}", "9:10", "add that to dataflows"),
        (
            "technology: {node",
            "mapping: {pipeline: true}\ntechnology: {node",
            "20:21",
            "raise cores",
        ),
        ("[weight_stationary]", "[output_stationary]\n  load_idle_rows: 1", "10:19", "found 1"),
        ("weight_stationary]", "output_stationary]\n  load_idle_rows: true", "10:19", "remove it"),
        ("  cols: 8", "  cols: 8\n  weight_sets: 2", "9:16", "no meaning in a systolic array"),
        ("  cols: 8", "  cols: 8\n  input_bits: 1", "9:15", "no meaning in a systolic array"),
        ("  cols: 8", "  cols: 8\n  port_rate: 4 elements/cycle", "9:14", "set style: in_memory"),
        ("  cols: 8", "  cols: 8\n  pixels: [1]", "9:11", "expected more entries"),
        ("8 elements/cycle", "8 elements/cycle, per_op: {a: 4 elements/cycle}", "13:49", "conv2d"),
        ("int8*int8: 1", "int8*int3: 1", "11:16", "unknown number format 'int3'"),
        ("int8*int8: 1", "int8: 1", "11:16", "is not a pair 'activation*weight'"),
        ("int8*int8: 1", "int8*int8: 0", "11:27", "must be at least 1e-06"),
        ("int8*int8: 1", "int8*int8: {rat: 1}", "11:28", "unknown key 'rat' (did you mean 'rate'"),
        ("int8*int8: 1", "int8*int8: null", "11:15", "no format pair is left"),
        ("format: int32", "format: int99", "12:25", "unknown accumulator format 'int99'"),
        ("rates: {add: 1}", "rates: {ad: 1}", "14:33", "did you mean 'add'?"),
        ("banks: 4", "banks: 3", "16:31", "3 banks do not divide the size of 65536 bytes"),
        ("banks: 4", "banks: 4, holds: [weights, weights]", "16:41", "same kind of data twice"),
        ("ddr3-1600", "ddr3-1666", "17:22", "did you mean 'ddr3-1600'?"),
        ("ddr3-1600", "flash, latency: 5 ns, burst: 8 B", "17:22", "flash says no bandwidth"),
        ("ddr3-1600", "ddr3-1600, latency: 5 B", "17:42", "'5 B' is not a latency"),
        ("ddr3-1600", "ddr3-1600, efficiency: 1.5", "17:45", "must be at most 1"),
        ("technology: {node", "requantize: onxx\ntechnology: {node", "20:13", "mean 'onnx'?"),
        ("technology: {node", "mapping: {buffers: 3}\ntechnology: {node", "20:20", "1 or 2"),
        ("npusim: hardware/1", "npusim: hardware/2", "1:9", "expected 'hardware/1'"),
    ],
)
def test_one_mistake_gives_one_message_at_its_place(
    tmp_path: Path, old: str, new: str, where: str, part: str
) -> None:
    place, what = only_problem(tmp_path, changed(old, new))
    assert part in what
    assert place == where


def test_a_missing_key_is_named_with_its_meaning(tmp_path: Path) -> None:
    where, what = only_problem(tmp_path, changed("  cols: 8\n", ""))
    assert where == "5:1"
    assert what == "key 'cols' is missing in mac_array (Output channels side by side, >= 1.)"


def test_a_missing_section_is_named(tmp_path: Path) -> None:
    text = changed("dma: {channels: 1, setup: 10 cycles, outstanding: 4}\n", "")
    assert only_problem(tmp_path, text)[1].startswith("key 'dma' is missing")


def test_tile_limits_must_agree(tmp_path: Path) -> None:
    text = changed("overheads:", "mapping: {tile_max: {K: 4}, tile_multiple: {K: 8}}\noverheads:")
    assert only_problem(tmp_path, text) == (
        "19:25",
        "tile_max K = 4 is less than tile_multiple K = 8: raise the one or lower the other",
    )


def test_loop_orders_are_any_or_a_list(tmp_path: Path) -> None:
    assert load(tmp_path, SOUND).mapping.loop_orders == "any"
    chosen = load(tmp_path, SOUND, ["mapping.loop_orders=[inputs_outer]"])
    assert chosen.mapping.loop_orders == ("inputs_outer",)
    _where, what = only_problem(tmp_path, SOUND, ["mapping.loop_orders=[inner]"])
    assert "'any' or a list of weights_outer, inputs_outer" in what


def test_every_operator_of_the_array_may_have_an_output_rate() -> None:
    kinds = {op.kind for op in (Conv2D, FullyConnected, MatMul)}
    assert kinds == set(get_args(ArrayOp))


def test_channel_block_is_a_multiple_of_the_rows() -> None:
    with pytest.raises(Exception, match="33 is not a multiple of rows = 8"):
        load_hardware("ethos-u55-128", ["mac_array.channel_block=33"])


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = changed("rows: 4", "rows: -4")
    text = changed("size: 64 KiB", "size: 64 Kb", text)
    text = changed("dma: {channels: 1", "dma: {chanels: 1, chanels: 2", text)
    text = changed("clock: 100 MHz", "clock: 100 MHz # [nobody]", text)
    found = problems(tmp_path, text)
    assert [problem.where for problem in found] == ["4:19", "7:9", "16:16", "18:7", "18:19"]


def test_overriding_the_bandwidth_takes_it_as_it_is(tmp_path: Path) -> None:
    text = changed("ddr3-1600", "ddr3-1600, bandwidth: 1 GB/s, latency: 25 cycles, burst: 16 B")
    hardware = load(tmp_path, text)
    assert hardware.dram_bytes_per_s == 1e9
    assert hardware.dram_bytes_per_cycle == 10.0
    assert hardware.dram_latency_cycles == 25
    assert hardware.dram_burst_bytes == 16
    assert load(tmp_path, text, ["memory.dram.efficiency=0.5"]).dram_bytes_per_s == 5e8


def test_the_table_fills_what_is_not_stated(tmp_path: Path) -> None:
    hardware = load(tmp_path, SOUND)
    table = hardware.memory.dram.table
    assert hardware.dram_peak_bytes_per_s == 1600e6 * 64 / 8
    assert hardware.dram_bytes_per_s == table.peak_bytes_per_s * (1 - 208 / 6240)
    assert load(tmp_path, SOUND, ["memory.dram.channels=2"]).dram_peak_bytes_per_s == 25.6e9
    # 33 clocks of 1.25 ns + 20 ns of controller = 61.25 ns: 6.125 cycles of 10 ns, rounded up
    assert hardware.dram_latency_cycles == 7
    assert hardware.dram_energy_pj_per_byte == 8 * 20.3


def test_a_latency_in_time_follows_the_clock(tmp_path: Path) -> None:
    text = changed("ddr3-1600", "ddr3-1600, latency: 50 ns")
    assert load(tmp_path, text).dram_latency_cycles == 5
    assert load(tmp_path, text, ["clock=1 GHz"]).dram_latency_cycles == 50


def test_stated_energies_replace_the_table(tmp_path: Path) -> None:
    text = changed("node: 45 nm", "node: 45 nm, energy_per_action: {dram_per_byte: 2 pJ/bit}")
    hardware = load(tmp_path, text)
    assert hardware.technology.energy_pj == {"dram_per_byte": 16.0}
    assert hardware.dram_energy_pj_per_byte == 16.0


def test_the_hash_follows_what_changes_a_result_and_nothing_else(tmp_path: Path) -> None:
    plain = load(tmp_path, SOUND).sha256
    assert load(tmp_path, changed("made up for a test", "another text")).sha256 == plain
    assert load(tmp_path, changed("size: 64 KiB", "size: 65536 B")).sha256 == plain
    assert load(tmp_path, SOUND, ["dma.setup=11 cycles"]).sha256 != plain
    assert load(tmp_path, SOUND, ["memory.dram.technology=ddr4-3200"]).sha256 != plain


@pytest.mark.parametrize("field", ["drain.beat=column", "load_idle_rows=true"])
def test_folds_have_no_meaning_without_a_systolic_array(field: str) -> None:
    name = field.split("=")[0].split(".")[0]
    with pytest.raises(DescriptionError, match=f"{name} has no meaning in a dot_product array"):
        load_hardware("ethos-u55-128", [f"mac_array.{field}"])
