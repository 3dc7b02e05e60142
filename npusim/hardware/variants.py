"""Many hardware that differ from one description in a few fields: each in a tenth of a load.

A variant is what `load_hardware` gives for the description with its overrides and the fields of
the variant over them. Sections are checked once for each combination of the values that touch them
and used again; what is checked across sections is checked for each variant.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from npusim.errors import DescriptionError, Problem
from npusim.hardware.document import FREE, Document
from npusim.hardware.explainer import problems_of
from npusim.hardware.layers import (
    TOLD_BY_TECHNOLOGY,
    Overrides,
    as_pairs,
    merge,
    overrides_document,
)
from npusim.hardware.loader import in_reading_order, load_description, read_description
from npusim.hardware.quantities import Section
from npusim.hardware.schema import Hardware

MOST_SECTIONS = 4096
"""Sections that are kept: a section is a few kB."""

_TECHNOLOGY = "memory.dram.technology"


class Variants:
    """The hardware that differ from a description in a few fields. It can be pickled."""

    def __init__(self, name_or_path: str | os.PathLike[str], overrides: Overrides = ()) -> None:
        """DescriptionError if the description with its `overrides` alone is wrong."""
        self.base: Hardware = load_description(name_or_path, overrides).hardware
        self._below: Document = read_description(name_or_path)
        self._overrides = dict(as_pairs(overrides))
        self._sections: dict[tuple[object, ...], Any] = {}

    def hardware(self, values: Mapping[str, object]) -> Hardware:
        """The variant with `values` (dotted path to value, as in a file) over everything else.

        DescriptionError with every mistake.
        """
        keys = self._keys(values)
        self._read_scalars(values, keys)
        sections = self._sections
        known = {name: sections[key] for name, key in keys.items() if key in sections}
        if len(known) < len(keys):
            return self._checked(values, keys, known)
        try:
            return Hardware.model_validate(known)
        except ValidationError as error:
            problems = problems_of(error, self._document(values))
            raise DescriptionError(in_reading_order(problems)) from None

    def field_problems(self, values: Mapping[str, object]) -> list[Problem]:
        """What is wrong with `values` by themselves, whatever other fields say."""
        document = self._document(values)
        problems = list(document.problems)
        try:
            Hardware.model_validate(document.data)
        except ValidationError as error:
            problems += problems_of(error, document, across=False)
        return problems

    def _read_scalars(
        self, values: Mapping[str, object], keys: Mapping[str, tuple[object, ...]]
    ) -> None:
        """Know the values of keys that are no sections without a check of everything else."""
        for name, key in keys.items():
            if name in values and key not in self._sections and name != FREE:
                document = overrides_document({name: values[name]})
                if document.problems or isinstance(document.data[name], dict):
                    return
                self._keep(key, document.data[name])

    def _keep(self, key: tuple[object, ...], value: Any) -> None:
        if len(self._sections) >= MOST_SECTIONS:
            self._sections.clear()
        self._sections[key] = value

    def _checked(
        self, values: Mapping[str, object], keys: dict[str, Any], known: dict[str, Any]
    ) -> Hardware:
        """The variant, where only the sections `known` were met before."""
        document = self._document(values)
        problems = list(document.problems)
        try:
            hardware = Hardware.model_validate({**document.data, **known})
        except ValidationError as error:
            problems += problems_of(error, document)
        if problems:
            raise DescriptionError(in_reading_order(problems))
        for field, info in Hardware.model_fields.items():
            name = info.alias or field
            if name in keys:
                value = getattr(hardware, field)
                given = value if isinstance(value, Section) else document.data.get(name)
                self._keep(keys[name], dict(hardware.free) if name == FREE else given)
        return hardware

    def _document(self, values: Mapping[str, object]) -> Document:
        return merge(self._below, overrides_document({**self._overrides, **values}))

    def _keys(self, values: Mapping[str, object]) -> dict[str, tuple[object, ...]]:
        """For each key of a description, what its value depends on."""
        touching: dict[str, list[str]] = {}
        for path, value in values.items():
            touching.setdefault(path.partition(".")[0], []).append(f"{path}={value!r}")
        technology = repr(values.get(_TECHNOLOGY))
        names = {*self._below.data, *touching, *(p.partition(".")[0] for p in self._overrides)}
        if FREE in names:
            touching[FREE] = [f"{path} {isinstance(value, dict)}" for path, value in values.items()]
        return {
            name: (name, technology if name in TOLD_BY_TECHNOLOGY else "", *touching.get(name, ()))
            for name in names
        }
