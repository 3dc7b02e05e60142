"""What one change of the hardware would bring: each is simulated, with a schedule of its own.

Only one field moves at a time, by a factor of two or to the value that would make its cost vanish.
Area and static power follow from the changed description, as in any simulation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from npusim.hardware.convolution_buffer import buffer_problems
from npusim.hardware.schema import Hardware


@dataclass(frozen=True)
class Change:
    """One field of the description: its path in the file, its values, the changed hardware."""

    path: str
    before: str
    after: str
    hardware: Hardware


_BYTES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))
_RATES = ((1e9, "GB/s"), (1e6, "MB/s"), (1.0, "B/s"))
_FLOPS = ((1e12, "TFLOP/s"), (1e9, "GFLOP/s"), (1e6, "MFLOP/s"), (1.0, "FLOP/s"))
_CLOCKS = ((1e9, "GHz"), (1e6, "MHz"), (1.0, "Hz"))
_CYCLES = ((1.0, "cycles"),)
_IF_STATED: tuple[tuple[tuple[str, ...], str, int, tuple[tuple[float, str], ...]], ...] = (
    (("mac_array", "weight_rate_per_cycle"), "mac_array.weight_rate", 2, ((1.0, "weights/cycle"),)),
    (("mac_array", "port_rate_per_cycle"), "mac_array.port_rate", 2, ((1.0, "elements/cycle"),)),
    (("dma", "setup_cycles"), "dma.setup", 0, _CYCLES),
    (("overheads", "per_layer_cycles"), "overheads.per_layer", 0, _CYCLES),
    (("overheads", "core_sync_cycles"), "overheads.core_sync", 0, _CYCLES),
    (("overheads", "per_inference_s"), "overheads.per_inference", 0, ((1e-6, "us"),)),
    (("host", "flops_per_s"), "host.rate", 2, _FLOPS),
    (("host", "link", "bandwidth_bytes_per_s"), "host.link.bandwidth", 2, _RATES),
)
"""Fields that not every hardware has: place in `Hardware`, path in the file, factor, units."""


def changes_of(hardware: Hardware) -> Iterator[Change]:
    """Every change that makes sense on `hardware`: its other fields go with it."""
    for change in _proposed(hardware):
        if not any(buffer_problems(change.hardware)):
            yield change


def _proposed(hardware: Hardware) -> Iterator[Change]:
    yield _scaled(hardware, ("clock_hz",), "clock", 2, _CLOCKS)
    if hardware.mac_array.style != "row_stationary":  # which is modelled on one core
        yield _scaled(hardware, ("cores",), "cores", 2)
    yield _scaled(hardware, ("mac_array", "rows"), "mac_array.rows", 2)
    yield _scaled(hardware, ("mac_array", "cols"), "mac_array.cols", 2)
    stage = ("output_stage", "elements_per_cycle")
    yield _scaled(hardware, stage, "output_stage.rate", 2, ((1.0, "elements/cycle"),))
    yield _scaled(hardware, ("vector_unit", "lanes"), "vector_unit.lanes", 2)
    sram = "memory", "sram"
    yield _scaled(hardware, (*sram, "size_bytes"), "memory.sram.size", 2, _BYTES)
    ports = ("read_bytes_per_cycle", "read"), ("write_bytes_per_cycle", "write")
    for field, key in ports:
        yield _scaled(hardware, (*sram, field), f"memory.sram.{key}", 2, ((1.0, "B/cycle"),))
    yield _bandwidth(hardware)
    if hardware.dma.outstanding < 1 << 20:
        yield _scaled(hardware, ("dma", "outstanding"), "dma.outstanding", 2)
    for fields, path, factor, units in _IF_STATED:
        if _value(hardware, fields):
            yield _scaled(hardware, fields, path, factor, units)
    if hardware.mac_array.style == "in_memory":
        yield _scaled(hardware, ("mac_array", "weight_sets"), "mac_array.weight_sets", 2)


def _bandwidth(hardware: Hardware) -> Change:
    """Twice the bandwidth of the second memory: as stated, or by twice the channels."""
    stated = hardware.memory.dram.bandwidth_bytes_per_s is not None
    field, key = ("bandwidth_bytes_per_s", "bandwidth") if stated else ("channels", "channels")
    units = _RATES if stated else ((1.0, ""),)
    return _scaled(hardware, ("memory", "dram", field), f"memory.dram.{key}", 2, units)


def _scaled(
    hardware: Hardware, fields: tuple[str, ...], path: str, factor: int,
    units: tuple[tuple[float, str], ...] = ((1.0, ""),),
) -> Change:  # fmt: skip
    value = _value(hardware, fields)
    changed = value * factor
    texts = _shown(value, units), _shown(changed, units)
    return Change(path, *texts, _with(hardware, fields, changed))


def _value(hardware: Hardware, fields: tuple[str, ...]) -> Any:
    """The value of a field; None if a section on the way to it is not there."""
    value: Any = hardware
    for field in fields:
        value = getattr(value, field, None)
    return value


def _with(section: Any, fields: tuple[str, ...], value: Any) -> Any:
    """A copy of `section` in which the field at the path `fields` is `value`."""
    first, *rest = fields
    inner = _with(getattr(section, first), tuple(rest), value) if rest else value
    copy = section.model_copy(update={first: inner})
    copy.__dict__.pop("sha256", None)  # cached of the original
    return copy


def _shown(value: float, units: tuple[tuple[float, str], ...]) -> str:
    size, unit = next(((s, u) for s, u in units if value >= s), units[-1])
    number = float(f"{value / size:.12g}")  # 1e-5 s are 10 us, whatever floats make of it
    text = f"{number:g}"
    return f"{text if float(text) == number else repr(number)} {unit}".rstrip()
