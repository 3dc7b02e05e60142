"""What follows the MAC array: bias, requantization and activation, and where outputs go."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from npusim.hardware.quantities import Cycles, ElementsPerCycle, Section

ArrayOp = Literal["conv2d", "fully_connected", "matmul"]


class OutputStage(Section):
    """Bias, requantization and activation on the way out of the array, per core."""

    elements_per_cycle: ElementsPerCycle = Field(alias="rate")
    """Output elements per cycle and core, > 0."""
    burst_rate_per_cycle: ElementsPerCycle | None = Field(default=None, alias="burst_rate")
    """Elements per cycle and core of the few that follow a tile's end; null: `rate`.
    direct_convolution only."""
    delay_cycles: Cycles = Field(default=0, alias="delay")
    """Cycles from the last MAC of a tile to its last output, beside the output's own.
    direct_convolution only."""
    writes: Literal["sram", "memory"] = "sram"
    """Where outputs of the array go: to `sram`, from where tiles are stored, or straight to the
    second `memory`."""
    per_op: dict[ArrayOp, ElementsPerCycle] = Field(default_factory=dict)
    """Rates of operators that differ from it: operator name to elements per cycle and core."""
    fp8_overflow: Literal["saturate", "nonsaturating"] = "saturate"
    """What becomes of a result beyond the greatest FP8 number, here and in the vector unit:
    `saturate` to that number, infinities as well (QuantizeLinear of ONNX), or `nonsaturating`: NaN
    in E4M3, infinity in E5M2 (the other conversion of the OCP's formats)."""
