"""From pixels to the values that a model takes: normalization, then the input's quantization.

    real = (pixel / 255 - mean) / std       per channel
    q    = clip(round_half_even(real / scale) + zero_point)

ImageNet's mean and standard deviation are those of torchvision's documentation of its models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from npusim.errors import Problem, UsageError, nearest_name
from npusim.numerics.floats import encode
from npusim.numerics.formats import format_named

if TYPE_CHECKING:
    from npusim.report.types import TensorInfo

WHITE = 255.0
RAW, NONE = "raw", "none"
OPTION = "--normalize"


@dataclass(frozen=True)
class Normalization:
    """`mean` and `std` of pixels between 0 and 1, one for all channels or one for each.

    `source` says who gave it; `raw` takes the stored bytes themselves.
    """

    name: str
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    raw: bool = False
    source: str = "as asked"

    def check(self, channels: int) -> None:
        """UsageError if it is for another number of channels."""
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, channels):
                what = f"{name} has {len(values)} values, the model {_plural(channels, 'channel')}"
                raise UsageError(Problem(OPTION, what))


NORMALIZATIONS = {
    each.name: each
    for each in (
        Normalization("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        Normalization("0..1"),
        Normalization("-1..1", (0.5,), (0.5,)),
        Normalization(NONE, (0.0,), (1 / WHITE,)),
        Normalization(RAW, raw=True),
    )
}
"""`none`: pixels between 0 and 255 are the real values; `raw`: they are the quantized ones."""
KNOWN = (*NORMALIZATIONS, "mean=R,G,B std=R,G,B")


def parse_normalization(text: str) -> Normalization:
    """The normalization that a user named, or described by mean and std; UsageError otherwise."""
    known = NORMALIZATIONS.get(text.strip().lower())
    if known is not None:
        return known
    if "=" not in text:
        hint = nearest_name(text, list(NORMALIZATIONS))
        raise UsageError(
            Problem(OPTION, f"unknown normalization '{text}'{hint}; known: {', '.join(KNOWN)}")
        )
    given: dict[str, tuple[float, ...]] = {}
    for part in text.split():
        name, _, numbers = part.partition("=")
        if name not in ("mean", "std") or name in given:
            what = f"'{text}' is not {KNOWN[-1]}, of pixels between 0 and 1"
            raise UsageError(Problem(OPTION, what))
        given[name] = _numbers(name, numbers)
    if set(given) != {"mean", "std"}:
        missing = "std" if "mean" in given else "mean"
        raise UsageError(Problem(OPTION, f"'{text}' has no {missing}"))
    return Normalization(text, given["mean"], given["std"])


def _numbers(name: str, text: str) -> tuple[float, ...]:
    """Comma-separated numbers in the range that means and deviations of pixels 0..1 have."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(Problem(OPTION, f"{name}={text}: not numbers and commas")) from None
    low, high = (-1.0, 1.0) if name == "mean" else (0.0, 1.0)
    if not all(low <= value <= high and (name == "mean" or value > 0) for value in values):
        what = f"{name}={text}: values of pixels between 0 and 1 are expected; divide by 255"
        raise UsageError(Problem(OPTION, what))
    return values


def stored_values(
    pixels: np.ndarray, normalization: Normalization, info: TensorInfo
) -> tuple[np.ndarray, str]:
    """uint8 [N, H, W, C] as the values of the input `info`, and a line that says how.

    UsageError if the input is neither float nor quantized per tensor, or can't hold bytes.
    """
    if normalization.raw:
        return _bytes_themselves(pixels, info)
    dtype = np.dtype(info.dtype)
    how = f"inputs: normalization {normalization.name}, {normalization.source}"
    values = np.empty(pixels.shape, dtype)
    if info.format is not None:
        for row, image in enumerate(pixels):
            values[row] = _stored(_real(image, normalization), info)
        return values, f"{how}; rounded to {info.format}, beyond its range to its last value"
    if dtype.kind == "f":
        for row, image in enumerate(pixels):
            values[row] = _real(image, normalization)
        return values, how
    if info.scale is None or info.zero_point is None:
        what = f"'{info.name}' is {info.dtype} without a scale: use raw or an .npz file"
        raise UsageError(Problem(OPTION, what))
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    clipped = 0
    for row, image in enumerate(pixels):
        levels = np.rint(_real(image, normalization) / info.scale) + info.zero_point
        clipped += int(np.count_nonzero((levels < low) | (levels > high)))
        values[row] = np.clip(levels, low, high)
    how += f"; quantized with scale {info.scale:.6g} and zero point {info.zero_point}"
    if clipped:
        how += f"; {100 * clipped / values.size:.2g} % of the values are out of its range: clipped"
    return values, how


def _stored(real: np.ndarray, info: TensorInfo) -> np.ndarray:
    """float64 values as the format that `info` names: codes of floats, or integers of 4 bits."""
    fmt = format_named(info.format or info.dtype)
    scaled = real / (info.scale or 1.0)
    if fmt.is_float:
        return encode(scaled, fmt, saturate=True)
    levels = np.rint(scaled) + (info.zero_point or 0)
    stored: np.ndarray = np.clip(levels, fmt.low, fmt.high).astype(fmt.dtype)
    return stored


def _real(image: np.ndarray, normalization: Normalization) -> np.ndarray:
    """float64 [H, W, C]: the real values of uint8 pixels."""
    if normalization.name == NONE:
        return image.astype(np.float64)
    mean, std = np.array(normalization.mean), np.array(normalization.std)
    real: np.ndarray = (image / WHITE - mean) / std
    return real


def _bytes_themselves(pixels: np.ndarray, info: TensorInfo) -> tuple[np.ndarray, str]:
    if info.format is not None:
        raise UsageError(
            Problem(OPTION, f"'{info.name}' is {info.format}: use none instead of raw")
        )
    if info.dtype == "uint8":
        return pixels, "inputs: the pixels themselves are the quantized values"
    if info.dtype == "int8":
        how = "inputs: the pixels less 128 are the quantized values"
        return (pixels.astype(np.int16) - 128).astype(np.int8), how
    what = f"raw is for uint8 and int8 inputs; '{info.name}' is {info.dtype}: use none"
    raise UsageError(Problem(OPTION, what))


def _plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
