"""Changes: one field each, a hash of their own, and the values that they name."""

from __future__ import annotations

import npusim
from npusim.explain.changes import changes_of
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


def test_a_change_is_what_an_override_does():
    hardware = npusim.load_hardware("ethos-u55-128")
    for change in changes_of(hardware):
        override = npusim.load_hardware("ethos-u55-128", [f"{change.path}={change.after}"])
        assert override.sha256 == change.hardware.sha256, change.path
