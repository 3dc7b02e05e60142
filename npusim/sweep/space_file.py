"""What a file of a design space may say: its keys, their types and defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from npusim.hardware.quantities import Listed, PositiveNumber, Section

DEFAULT_HARDWARE = "edge-npu-1"


class WeightedModel(Section):
    """A model and how often it runs beside the others."""

    model: str = Field(min_length=1)
    """A path, or a built-in name."""
    weight: PositiveNumber = 1.0
    """How often it runs: latency, energy and traffic of a point are means by this weight."""
    inputs: str | None = Field(default=None, min_length=1)
    """Samples (`.npz`, as `run --inputs` takes them): accuracy is found on them."""
    labels: str | None = Field(default=None, min_length=1)
    """The classes of the samples (`.npz`)."""


def _named(entry: object) -> object:
    return {"model": entry} if isinstance(entry, str) else entry


Named = BeforeValidator(_named)
"""A model may be stated by its name alone."""


class SpaceFile(Section):
    """What a file of a design space says."""

    npusim: Literal["sweep/1"] = "sweep/1"
    """Version of this format."""
    hardware: str = Field(default=DEFAULT_HARDWARE, min_length=1)
    """The preset or description whose fields vary."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Fields that have another value at all points."""
    vary: dict[str, Any] = Field(min_length=1)
    """Fields and their values: a list, `LO:HI:+STEP`, `LO:HI:xFACTOR`, or from, to, step or
    factor. `PATH+PATH` vary together; `assume` is the number format of float models, `model` the
    one model that runs at a point."""
    constraints: Annotated[tuple[str, ...], Listed] = ()
    """What a point must meet: `rows * cols <= 4096`."""
    models: Annotated[tuple[Annotated[WeightedModel, Named], ...], Listed] = ()
    """The models; a point's numbers are means over them. Where `model` varies, samples of its
    values."""
    inputs: str | None = Field(default=None, min_length=1)
    """Samples (`.npz`) of all models that name none."""
    labels: str | None = Field(default=None, min_length=1)
    """The classes of those samples."""
    assume: str | None = None
    """The number format of float models."""
    batch: int | None = Field(default=None, ge=1, le=1 << 16)
    """Samples a batch; null: the models' own."""
    objectives: Annotated[tuple[str, ...], Listed] = ("latency", "energy", "area")
    """What the Pareto front is of."""
    schedule: str = "latency"
    """What schedules are chosen for: latency, energy or edp."""
    sample: str = "grid"
    """`grid`, `random:N`, `lhs:N`, `optuna:N` (NSGA-II) or `optuna-tpe:N`."""
    seed: int = Field(default=0, ge=0)
    """Of what is drawn."""
