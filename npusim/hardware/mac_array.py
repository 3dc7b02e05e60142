"""The MAC array: style, size, dataflows, number formats with their rates, accumulator.

Issued MACs per cycle = cores x rows x cols x pixels x rate of the format pair.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from npusim.errors import nearest_name
from npusim.hardware.blocks import Blocks
from npusim.hardware.quantities import (
    Count,
    Cycles,
    ElementsPerCycle,
    Listed,
    PositiveNumber,
    Section,
    Side,
    WeightsPerCycle,
    refuse,
)
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.formats import format_named

DATAFLOWS: dict[str, tuple[str, ...]] = {
    "systolic": ("weight_stationary", "output_stationary", "input_stationary"),
    "dot_product": ("depth_first", "part_kernel", "direct_convolution"),
    "in_memory": ("in_memory",),
    "row_stationary": ("row_stationary",),
}
"""The dataflows that each array style can run."""

OPERAND_FORMATS = (
    "int4", "int8", "uint8", "int16", "fp8", "fp8_e4m3", "fp8_e5m2", "fp16", "bf16", "fp32",
)  # fmt: skip
ACCUMULATOR_FORMAT = re.compile(r"int([89]|[1-5][0-9]|6[0-4])|fp16|bf16|fp32")


def _accumulator_format(value: str) -> str:
    if not ACCUMULATOR_FORMAT.fullmatch(value):
        known = "int8 to int64, fp16, bf16, fp32"
        raise ValueError(f"unknown accumulator format {value!r}: {known}")
    return value


AccumulatorFormat = Annotated[str, AfterValidator(_accumulator_format)]


class Precision(Section):
    """What one format pair costs on the array."""

    rate: PositiveNumber
    """MACs per unit and cycle (dimensionless, > 0): 2 means two MACs where int8 has one."""
    compute: Literal["int16", "fp16", "bf16", "fp32"] | None = None
    """The format both operands are converted to at the array's edge; null: none is needed."""
    accumulator: AccumulatorFormat | None = None
    """Number format of a partial sum of this pair; null: `mac_array.accumulator.format`, or for
    floating-point operands on an array of integer accumulators `fp32`."""


def _precision(value: object) -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"rate": value} if number else value


PrecisionField = Annotated[
    Precision, BeforeValidator(_precision, json_schema_input_type=PositiveNumber | Precision)
]


_OVERFLOWS = {"infinity": "become infinity", "wrap": "wrap"}


class Accumulator(Section):
    """Where partial sums live: number format, how many, and what an overflow does."""

    format: AccumulatorFormat = "int32"
    """Number format of a partial sum: `int8` to `int64` of any width, `fp16`, `bf16`, `fp32`."""
    entries: Count | None = None
    """Accumulators per array column, >= 1; null: not the limit of a tile."""
    on_overflow: Literal["wrap", "saturate", "infinity"] | None = None
    """What happens to a sum that leaves the format's range: integers `wrap` or `saturate`, floats
    become `infinity` or `saturate`; null: wrap, or infinity."""
    tree: Annotated[Count, Field(le=4096)] = 1
    """Products of neighbouring channels that an adder tree sums before they join the accumulator;
    1: one after the other. It changes sums that round or saturate, and no cycle."""
    products: Literal["exact", "rounded"] = "exact"
    """Floats: whether a product is added exactly (fused multiply-add) or rounded to the
    accumulator's format before."""
    subnormals: Literal["keep", "flush"] = "keep"
    """Floats: whether subnormal operands and sums are kept or become zero."""

    @model_validator(mode="after")
    def _consistent(self) -> Accumulator:
        wrong = "infinity" if self.format.startswith("int") else "wrap"
        if self.on_overflow == wrong:
            right = "wrap or saturate" if wrong == "infinity" else "infinity or saturate"
            what = f"a sum in {self.format} cannot {_OVERFLOWS[wrong]}: take {right}"
            raise refuse(("on_overflow", what))
        return self


class WeightSparsity(Section):
    """Weights of which every few neighbouring input channels have some zeros, and are skipped."""

    kept: Count = 2
    """Weights of a group that may differ from zero, >= 1."""
    of: Annotated[Count, Field(le=64)] = 4
    """Neighbouring input channels in a group, > `kept`."""
    index_bits: Annotated[int, Field(ge=0, le=8)] = 2
    """Bits that say which channel a kept weight belongs to, 0 to 8."""
    tables: bool = False
    """Layer tables, which have no weights to look at, are taken to be pruned so."""

    @model_validator(mode="after")
    def _consistent(self) -> WeightSparsity:
        if self.kept >= self.of:
            raise refuse(("kept", f"{self.kept} of {self.of} skips nothing: keep fewer, or leave "
                          "weight_sparsity out"))  # fmt: skip
        return self


class Overlap(Section):
    """What the array hides behind the neighbouring tiles."""

    weight_load: bool
    """The weights of the next tile are shifted in while this one computes."""
    drain: bool
    """The sums of a finished tile leave while the next one computes."""
    layers: bool = False
    """The next layer starts on the array, and its operands load, while this one computes and
    drains, where its inputs are there; otherwise only its weights may load early."""


class Drain(Section):
    """How finished sums leave an output-stationary array."""

    beat: Literal["row", "column", "all"] = "row"
    """What leaves in a cycle: a `row` or a `column` of sums, shifted through the array; `all`:
    every sum has a way out of its own, and leaving takes no cycle."""
    starts: Literal["skewed", "whole"] = "skewed"
    """`skewed`: each beat follows the wavefront of the sums; `whole`: the first beat waits for the
    last sum, so the output registers are held while the wavefront crosses the array too."""


class RowStationary(Section):
    """Elements with scratchpads, each sliding a filter row along an input row (Eyeriss)."""

    filter_entries: Count
    """Weights that an element's scratchpad holds, >= 1."""
    input_entries: Count
    """Inputs that it holds: channels side by side x width of the filter, >= 1."""
    sum_entries: Count
    """Partial sums that it holds, one for each filter side by side, >= 1."""
    inputs_per_cycle: ElementsPerCycle = Field(alias="inputs")
    """Inputs per cycle from SRAM into the array, > 0."""
    sums_per_cycle: ElementsPerCycle = Field(alias="sums")
    """Partial sums per cycle from SRAM into the array, and as many back, > 0."""
    sum_bits: Annotated[int, Field(ge=8, le=64)]
    """Bits of a partial sum in SRAM, 8 to 64."""


class MacArray(Section):
    """The MAC array of one core."""

    style: Literal["systolic", "dot_product", "in_memory", "row_stationary"]
    """`systolic` arrays skew (fill and drain grow with size); `dot_product` trees do not; the cells
    of an `in_memory` crossbar keep the weights that they multiply, and inputs enter bit by bit;
    `row_stationary` elements keep filter rows in scratchpads, and partial sums wait in SRAM."""
    rows: Side
    """systolic, in_memory: height, along the reduction; dot_product: products summed at once;
    row_stationary: height, along the rows of a filter (`cols`: along output rows); >= 1."""
    cols: Side
    """Output channels side by side, >= 1."""
    pixels: Annotated[tuple[Side, Side], Listed] = (1, 1)
    """Output pixels (height, width) computed per cycle; dot_product only."""
    dataflows: Annotated[tuple[str, ...], Listed, Field(min_length=1)]
    """systolic: `weight_stationary`, `output_stationary`, `input_stationary`;
    dot_product: `depth_first`, `part_kernel`, `direct_convolution`; in_memory: `in_memory`;
    row_stationary: `row_stationary`."""
    overlap: Overlap
    """What is hidden behind the neighbouring tiles."""
    weight_rate_per_cycle: WeightsPerCycle | None = Field(default=None, alias="weight_rate")
    """Weights a cycle into the array's weight registers or cells, per core; null: one row of
    `cols`. In `input_stationary` the registers hold inputs."""
    load_idle_rows: bool = False
    """systolic, weights or inputs held: rows that a short reduction leaves idle are loaded too."""
    drain: Drain = Drain()
    """systolic, `output_stationary`: how sums leave."""
    weight_sets: Count = 1
    """in_memory: weights that a cell keeps, one of which multiplies, >= 1; beside it another one
    can be written if `overlap.weight_load` says so."""
    input_bits: Count | None = None
    """in_memory: bits of an activation that enter a cycle, >= 1: an integer pair's rate is this
    over the bits of its activation. null: the rates are as they stand."""
    port_rate_per_cycle: ElementsPerCycle | None = Field(default=None, alias="port_rate")
    """in_memory: elements a cycle that pass into a core, weights and inputs together, > 0; null:
    no limit but the SRAM's."""
    channel_block: Side | None = None
    """dot_product: input channels taken per pass of one tap, a multiple of `rows`; null: `rows`."""
    tap_block: Side = 1
    """dot_product: kernel taps per pass in part_kernel and depthwise order, >= 1."""
    pipeline_delay_cycles: Cycles = Field(default=0, alias="pipeline_delay")
    """dot_product: cycles from issue to the sum that the same output's next step may build on.
    systolic: cycles by which a sum comes later than the operands' skew says, such as those of a
    pipelined multiplier. in_memory: from the last bit of the inputs to the sums."""
    start_delay_cycles: Cycles = Field(default=0, alias="start_delay")
    """direct_convolution: cycles from the arrival of a tile's operands in SRAM, or from the end of
    the input tile before, to the first MAC."""
    clip_channel_block: bool = False
    """dot_product: layers with fewer input channels than `channel_block` take a pass of their own
    size; false: a pass has its full length."""
    blocks: Blocks | None = None
    """dot_product: buffers between memory and array; null: blocks cost nothing of their own."""
    max_kernel: Annotated[tuple[Count, Count], Listed] | None = None
    """dot_product: largest kernel (height, width) in one piece; larger ones are cut. null: any."""
    weight_sparsity: WeightSparsity | None = None
    """dot_product: pruned weights that the array skips, as they are found in a model; null: it
    multiplies zeros as well."""
    row_stationary: RowStationary | None = None
    """row_stationary: scratchpads and networks; it must be there in this style, in no other."""
    zero_gating: bool = False
    """A zero input switches its MAC off: less energy, no less time. Needs the share of zeros of
    the inputs, which a layer table can state (`input_zeros`)."""
    precisions: dict[str, PrecisionField | None] = Field(min_length=1)
    """Format pair `activation*weight` to its rate, a number or {rate, compute}; null removes it."""
    accumulator: Accumulator
    """Format, number and overflow of the partial sums."""

    @field_validator("precisions")
    @classmethod
    def _known_pairs(cls, value: dict[str, Precision | None]) -> dict[str, Precision | None]:
        problems = [(f"{key}.[key]", text) for key in value if (text := _pair_problem(key))]
        if problems:
            raise refuse(*problems)
        kept = {key: precision for key, precision in value.items() if precision is not None}
        if not kept:
            raise ValueError("no format pair is left: keep at least one, such as int8*int8: 1")
        return dict(kept)

    @model_validator(mode="after")
    def _consistent(self) -> MacArray:
        allowed = DATAFLOWS[self.style]
        problems = [
            (f"dataflows.{place}", f"{self._kind} array has no dataflow {name!r}"
             f"{nearest_name(name, allowed)}: expected {' or '.join(allowed)}")
            for place, name in enumerate(self.dataflows)
            if name not in allowed
        ]  # fmt: skip
        if len(set(self.dataflows)) < len(self.dataflows):
            problems.append(("dataflows", "names a dataflow twice: list each once"))
        problems += self._without_meaning()
        if (self.row_stationary is None) == (self.style == "row_stationary"):
            problems.append(("row_stationary", self._row_stationary_problem()))
        problems += self._of_other_styles()
        if self.style == "dot_product" and (self.channel_block or self.rows) % self.rows:
            problems.append(
                (
                    "channel_block",
                    f"channel_block {self.channel_block} is not a multiple of rows = "
                    f"{self.rows}: change one of the two",
                )
            )
        if self.style == "in_memory":
            problems += self._not_bit_serial()
        if problems:
            raise refuse(*problems)
        return self

    @property
    def _kind(self) -> str:
        return f"{'an' if self.style == 'in_memory' else 'a'} {self.style}"

    def _without_meaning(self) -> list[tuple[str, str]]:
        """Fields of dataflows that the array does not have."""
        held = {"weight_stationary", "input_stationary"} & set(self.dataflows)
        problems: list[tuple[str, str]] = []
        if self.style != "systolic":
            return problems
        if self.drain != Drain() and "output_stationary" not in self.dataflows:
            what = "says how sums leave in output_stationary: add that to dataflows, or remove it"
            problems.append(("drain", f"drain {what}"))
        if self.load_idle_rows and not held:
            what = "is about weights or inputs held in rows: add weight_stationary or "
            problems.append(
                ("load_idle_rows", f"load_idle_rows {what}input_stationary, or remove it")
            )
        return problems

    def _row_stationary_problem(self) -> str:
        if self.row_stationary is not None:
            return f"has no meaning in a {self.style} array: remove it, or set that style"
        needed = ", ".join(
            field.alias or name for name, field in RowStationary.model_fields.items()
        )
        return f"a row_stationary array needs its scratchpads and networks: state {needed}"

    def _of_other_styles(self) -> list[tuple[str, str]]:
        """What is set here and has a meaning in other styles only."""
        of_trees, of_cells, of_folds = ("dot_product",), ("in_memory",), ("systolic",)
        set_here = {
            "pixels": (self.pixels != (1, 1), of_trees),
            "channel_block": (self.channel_block is not None, of_trees),
            "clip_channel_block": (self.clip_channel_block, of_trees),
            "blocks": (self.blocks is not None, of_trees),
            "tap_block": (self.tap_block != 1, of_trees),
            "max_kernel": (self.max_kernel is not None, of_trees),
            "weight_sparsity": (self.weight_sparsity is not None, of_trees),
            "weight_sets": (self.weight_sets != 1, of_cells),
            "input_bits": (self.input_bits is not None, of_cells),
            "port_rate": (self.port_rate_per_cycle is not None, of_cells),
            "drain": (self.drain != Drain(), of_folds),
            "load_idle_rows": (self.load_idle_rows, of_folds),
        }
        return [
            (key, f"{key} has no meaning in {self._kind} array: remove it, or set style: "
             f"{' or '.join(styles)}")
            for key, (found, styles) in set_here.items()
            if found and self.style not in styles
        ]  # fmt: skip

    def _not_bit_serial(self) -> list[tuple[str, str]]:
        """Pairs whose rate is not that of inputs which enter `input_bits` a cycle."""
        problems = []
        for pair, precision in self.precisions.items():
            activation = pair.split("*")[0]
            if self.input_bits is None or precision is None or "int" not in activation:
                continue
            bits = format_named(activation).bits
            cycles = -(-bits // self.input_bits)
            if abs(precision.rate * cycles - 1) > 1e-9:
                what = (
                    f"{bits} bits of an input at {self.input_bits} a cycle take {cycles} cycles: "
                    f"the rate is {1 / cycles:g}, not {precision.rate:g}"
                )
                problems.append((f"precisions.{pair}", what))
        return problems

    def pair_for(self, activation: str, weight: str) -> str | None:
        """The format pair of `precisions` in which the array multiplies these; None if there is
        none.

        Unsigned integers run as signed ones of that width, FP8 formats as `fp8` where the array
        tells none apart, and weights of 4 bits as 8-bit ones where they have no rate of their own.
        """
        wider = {"int4": "int8", "uint4": "int8"}
        for second in (weight, wider.get(weight, weight)):
            given = (activation, second)
            signed = tuple(name.replace("uint", "int") for name in given)
            generic = tuple("fp8" if name.startswith("fp8") else name for name in given)
            for pair in (given, signed, generic):
                if "*".join(pair) in self.precisions:
                    return "*".join(pair)
        return None

    def accumulation(self, pair: str) -> Accumulation:
        """How the products of `pair`, one of `precisions`, are summed."""
        own, chosen = self.accumulator, self.precisions[pair]
        assert chosen is not None  # the loader removes pairs that are null
        floats = chosen.compute in ("fp16", "bf16", "fp32") or not pair.startswith(("int", "uint"))
        name = chosen.accumulator or own.format
        if floats and chosen.accumulator is None and name.startswith("int"):
            name = "fp32"
        fits = own.on_overflow != ("wrap" if floats else "infinity")
        overflow = own.on_overflow if own.on_overflow and fits else None
        return Accumulation(
            format_named(name), overflow or ("infinity" if floats else "wrap"), own.tree,
            own.products, own.subnormals,
            format_named(chosen.compute) if floats and chosen.compute else None,
        )  # fmt: skip

    def precision(self, pair: str) -> Precision | None:
        """The precision of `activation*weight`; unsigned integers run as signed of that width."""
        found = self.precisions.get(pair) or self.precisions.get(pair.replace("uint", "int"))
        return found


def _pair_problem(pair: str) -> str:
    parts = pair.split("*")
    if len(parts) != 2:
        return f"{pair!r} is not a pair 'activation*weight', for example int8*int8"
    for part in parts:
        if part not in OPERAND_FORMATS:
            hint = nearest_name(part, OPERAND_FORMATS)
            return f"unknown number format {part!r}{hint}: one of {', '.join(OPERAND_FORMATS)}"
    return ""
