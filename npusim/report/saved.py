"""A saved report (`run --json`) read back: as much of it as a comparison of two needs.

Keys that are not needed are ignored, so reports of later versions with the same schema can be read.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from npusim.errors import Problem, UsageError
from npusim.report.report import SCHEMA

MAX_FILE_BYTES = 2**28
"""A report of 10,000 layers has about 20 MB."""
MAX_PROBLEMS = 10


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class SavedNamed(_Part):
    """The model of a report: its name and the hash of its file."""

    name: str
    sha256: str


class SavedHardware(SavedNamed):
    """The hardware of a report."""

    clock_hz: float = Field(gt=0)


class SavedTotal(_Part):
    """The totals of a report; names and units are those of `report.types.Total`."""

    cycles: float
    latency_s: float
    first_inference_s: float
    throughput_ips: float
    tops_effective: float
    utilization: float
    energy_j: float
    average_power_w: float
    tops_per_watt: float
    area_mm2: float
    dram_read_bytes: int
    dram_write_bytes: int
    sram_read_bytes: int
    sram_write_bytes: int
    sram_peak_bytes: int
    cycles_by_cause: dict[str, float]
    energy_j_by_part: dict[str, float]


class SavedLayer(_Part):
    """A layer of a report; see `report.types.Layer`."""

    name: str
    op: str
    cycles: float
    energy_j: float
    cycles_by_cause: dict[str, float]
    energy_j_by_part: dict[str, float]


class Saved(_Part):
    """A saved report."""

    npusim: str
    batch: int
    objective: str
    model: SavedNamed
    hardware: SavedHardware
    total: SavedTotal
    layers: tuple[SavedLayer, ...]


def read_saved(path: str) -> Saved:
    """The report at `path`; UsageError naming the file and every key that is missing or wrong."""
    text = _text(path)
    try:
        head = _Head.model_validate_json(text)
        if head.schema_name != SCHEMA:
            what = f"a document of schema {head.schema_name!r}; expected {SCHEMA}, of run --json"
            raise UsageError(Problem(path, what))
        return Saved.model_validate_json(text)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = [
            Problem(f"{path}: {'.'.join(map(str, one['loc']))}".rstrip(": "), one["msg"])
            for one in found[:MAX_PROBLEMS]
        ]
        if len(found) > MAX_PROBLEMS:
            problems.append(Problem(path, f"and {len(found) - MAX_PROBLEMS} more mistakes"))
        raise UsageError(problems) from None


class _Head(_Part):
    schema_name: str = Field(alias="schema")


def _text(path: str) -> bytes:
    file = Path(path)
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(Problem(path, "too large for a report"))
        return file.read_bytes()
    except OSError as error:
        what = f"can't be read: {error.strerror or error}"
        raise UsageError(Problem(path, what)) from None
