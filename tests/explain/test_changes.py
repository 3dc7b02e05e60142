"""Changes: one field each, a hash of their own, and the values that they name."""

from __future__ import annotations

import pytest

import npusim
from npusim.explain.changes import changes_of
from npusim.hardware.presets import preset_names
from npusim.hardware.quantities import Section


def fields(section: object, prefix: str = "") -> dict[str, object]:
    """Every value of a description by dotted path."""
    found: dict[str, object] = {}
    for name, value in section:
        if isinstance(value, Section):
            found |= fields(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def test_a_change_moves_one_field():
    hardware = npusim.load_hardware("edge-npu-1")
    before = fields(hardware)
    changes = list(changes_of(hardware))
    assert len({change.path for change in changes}) == len(changes)
    for change in changes:
        after = fields(change.hardware)
        moved = [path for path in before if before[path] != after[path]]
        assert len(moved) == 1, change.path
        assert change.before != change.after


def test_a_changed_hardware_has_a_hash_of_its_own():
    hardware = npusim.load_hardware("edge-npu-1")
    hashes = [hardware.sha256, *(change.hardware.sha256 for change in changes_of(hardware))]
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize("preset", preset_names())
def test_a_change_is_what_an_override_does(preset):
    hardware = npusim.load_hardware(preset)
    for change in changes_of(hardware):
        override = npusim.load_hardware(preset, [f"{change.path}={change.after}"])
        assert override.sha256 == change.hardware.sha256, change.path


def test_fields_that_few_have_are_changed_where_they_are():
    def paths(preset):
        return {change.path for change in changes_of(npusim.load_hardware(preset))}

    own = {"mac_array.weight_sets", "mac_array.port_rate", "host.link.bandwidth"}
    assert own <= paths("axelera-metis")
    assert not own & paths("edge-npu-1")
