"""The JSON Schema: the shipped file is up to date, and says units, keys and meaning."""

from __future__ import annotations

import json
import re

from npusim.hardware import load_hardware
from npusim.hardware.explainer import known_keys
from npusim.hardware.json_schema import json_schema, json_schema_text
from npusim.hardware.presets import preset_folder


def test_the_shipped_schema_is_up_to_date() -> None:
    """If this fails: `npusim hw schema > hw_configs/schema.json`."""
    shipped = (preset_folder() / "schema.json").read_text(encoding="utf-8")
    assert json.loads(shipped) == json_schema()
    assert shipped == json_schema_text()


def test_every_property_has_a_description() -> None:
    schema = json_schema()
    for section in (schema, *schema["$defs"].values()):
        for key, field in section["properties"].items():
            assert field.get("description"), key


def test_unknown_keys_are_refused_and_extends_is_known() -> None:
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(known_keys(()))
    assert set(schema["$defs"]["Sram"]["properties"]) == set(known_keys(("memory", "sram")))


def test_quantities_are_texts_with_a_unit() -> None:
    size = json_schema()["$defs"]["Sram"]["properties"]["size"]
    assert size["type"] == "string"
    assert re.match(size["pattern"], "512 KiB")
    assert not re.match(size["pattern"], "512")
    assert not re.match(size["pattern"], "512 KHz")
    assert re.match(json_schema()["properties"]["clock"]["pattern"], "1.5e3 MHz")


def test_a_file_on_top_of_another_need_not_repeat_it() -> None:
    schema = json_schema()
    on_top, alone = schema["anyOf"]
    assert on_top["required"] == ["extends"]
    assert "mac_array" in alone["required"]
    assert all("required" not in section for section in schema["$defs"].values())
    assert load_hardware("edge-npu-1").npusim in str(schema["properties"]["npusim"])
