"""The JSON Schema of a description, for completion and checks in editors.

It is made from the models, so units and docstrings are the same. A description that extends
another states only what differs, hence no key below the top level is required here; the loader
checks the whole.
"""

from __future__ import annotations

import json
from typing import Any

from npusim.hardware.schema import Hardware

EXTENDS = {
    "type": ["string", "null"],
    "description": "A preset, or a path ending in .yaml relative to this file, to start from.",
}


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a hardware description file."""
    schema = Hardware.model_json_schema(by_alias=True, mode="validation")
    for section in schema["$defs"].values():
        section.pop("required", None)
    alone = {"required": schema.pop("required")}
    on_top = {"required": ["extends"], "properties": {"extends": {"type": "string"}}}
    schema["properties"]["extends"] = EXTENDS
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "anyOf": [on_top, alone],
    }


def json_schema_text() -> str:
    """The schema as the text of `hw_configs/schema.json`."""
    return json.dumps(json_schema(), indent=2) + "\n"
