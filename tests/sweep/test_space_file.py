"""Keys of a file of a space: their defaults, and what a model may be stated by."""

from __future__ import annotations

from npusim.sweep.space_file import DEFAULT_HARDWARE, SpaceFile


def test_a_name_alone_is_a_model_of_weight_one() -> None:
    file = SpaceFile.model_validate({"vary": {"cores": [1]}, "models": ["digits"]})
    (entry,) = file.models
    assert (entry.model, entry.weight, entry.inputs, entry.labels) == ("digits", 1.0, None, None)


def test_what_varies_is_all_that_must_be_said() -> None:
    file = SpaceFile.model_validate({"vary": {"cores": [1, 2]}})
    assert (file.hardware, file.sample, file.seed) == (DEFAULT_HARDWARE, "grid", 0)
    assert file.objectives == ("latency", "energy", "area")
