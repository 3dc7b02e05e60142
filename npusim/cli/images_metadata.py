"""What a model file itself says of the images that it takes.

TFLite: the NormalizationOptions of the first input in the metadata (TensorFlow Lite Support,
`metadata_schema.fbs`): (pixel - mean) / std for pixels between 0 and 255. ONNX: the metadata
properties `Image.NominalPixelRange` and `Image.BitmapPixelFormat` (ONNX, `docs/MetadataProps.md`).
Metadata that can't be understood says nothing.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from npusim.cli.images_values import NONE, NORMALIZATIONS, WHITE, Normalization

METADATA = b"TFLITE_METADATA"
SUBGRAPHS, INPUTS, PROCESS_UNITS = 3, 2, 4
"""Fields by number in their tables: subgraph_metadata, input_tensor_metadata, process_units."""
OPTIONS_TYPE, OPTIONS, NORMALIZATION_OPTIONS = 0, 1, 1
MEAN, STD = 0, 1
PIXEL_RANGES = {
    "NominalRange_0_255": NONE,
    "Normalized_0_1": "0..1",
    "Normalized_1_1": "-1..1",
}
PIXEL_FORMATS = {"Rgb8": "rgb", "Bgr8": "bgr"}


@dataclass(frozen=True)
class Stated:
    """The normalization and the order of colours that a file states; None where it does not."""

    normalization: Normalization | None = None
    order: str | None = None


def stated_by(path: Path) -> Stated:
    """What the model file at `path` says."""
    try:
        content = path.read_bytes()
    except OSError:  # a built-in network without a file
        return Stated()
    if content[4:8] == b"TFL3":
        return Stated(_of_tflite(content))
    return _of_onnx(content) if path.suffix.lower() == ".onnx" else Stated()


def _of_tflite(content: bytes) -> Normalization | None:
    import tflite

    try:
        model = tflite.Model.GetRootAsModel(content, 0)
        for entry in (model.Metadata(at) for at in range(model.MetadataLength())):
            if entry.Name() == METADATA:
                return _normalization(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    except (AttributeError, IndexError, TypeError, ValueError, struct.error):
        return None
    return None


def _normalization(metadata: bytes) -> Normalization | None:
    """The NormalizationOptions of the first input in a ModelMetadata flatbuffer."""
    root = _Table(metadata, struct.unpack_from("<I", metadata)[0])
    for graph in root.tables(SUBGRAPHS)[:1]:
        for tensor in graph.tables(INPUTS)[:1]:
            for unit in tensor.tables(PROCESS_UNITS):
                if unit.byte(OPTIONS_TYPE) == NORMALIZATION_OPTIONS:
                    mean, std = (unit.table(OPTIONS).floats(field) for field in (MEAN, STD))
                    return _of_pixels(mean, std)
    return None


def _of_pixels(mean: tuple[float, ...], std: tuple[float, ...]) -> Normalization | None:
    if not mean or not std or min(std) <= 0:
        return None
    texts = [",".join(f"{value:g}" for value in values) for values in (mean, std)]
    return Normalization(
        f"mean={texts[0]} std={texts[1]} of pixels 0 to 255",
        tuple(value / WHITE for value in mean), tuple(value / WHITE for value in std),
        source="as the model's metadata says",
    )  # fmt: skip


class _Table:
    """A table of a flatbuffer: fields by number, absent ones empty."""

    def __init__(self, data: bytes, place: int) -> None:
        self.data, self.place = data, place

    def _field(self, number: int) -> int:
        """Where a field lies; 0 if it is absent."""
        vtable = self.place - struct.unpack_from("<i", self.data, self.place)[0]
        size = struct.unpack_from("<H", self.data, vtable)[0]
        at = 4 + 2 * number
        offset = struct.unpack_from("<H", self.data, vtable + at)[0] if at < size else 0
        return self.place + int(offset) if offset else 0

    def _behind(self, place: int) -> int:
        return place + int(struct.unpack_from("<I", self.data, place)[0])

    def byte(self, number: int) -> int:
        """An enumeration."""
        place = self._field(number)
        return self.data[place] if place else 0

    def table(self, number: int) -> _Table:
        """A table; ValueError if it is absent."""
        place = self._field(number)
        if not place:
            raise ValueError("absent")
        return _Table(self.data, self._behind(place))

    def tables(self, number: int) -> list[_Table]:
        """A vector of tables."""
        places = self._items(number)
        return [_Table(self.data, self._behind(place)) for place in places]

    def floats(self, number: int) -> tuple[float, ...]:
        """A vector of floats."""
        return tuple(
            float(struct.unpack_from("<f", self.data, place)[0]) for place in self._items(number)
        )

    def _items(self, number: int) -> list[int]:
        place = self._field(number)
        if not place:
            return []
        start = self._behind(place)
        length = struct.unpack_from("<I", self.data, start)[0]
        if length > len(self.data):
            raise ValueError("longer than the file")
        return [start + 4 + 4 * at for at in range(length)]


def _of_onnx(content: bytes) -> Stated:
    import onnx
    from google.protobuf.message import DecodeError

    model: Any = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        return Stated()
    said = {entry.key: entry.value for entry in model.metadata_props}
    name = PIXEL_RANGES.get(said.get("Image.NominalPixelRange", ""))
    order = PIXEL_FORMATS.get(said.get("Image.BitmapPixelFormat", ""))
    if name is None:
        return Stated(order=order)
    source = "as the model's metadata says"
    return Stated(replace(NORMALIZATIONS[name], source=source), order)
