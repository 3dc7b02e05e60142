"""Photographs as inputs of a model: decoded, resized, ordered and normalized (extra `images`).

Every image is turned upright (EXIF), laid on white where it is transparent, made grey or RGB as the
model's channels ask, and resized to the model's height and width: bilinear, antialiased, without
keeping its proportions. What was done is said in the notes of the report.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from npusim.cli.images_values import Normalization, stored_values
from npusim.errors import Problem, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

    from npusim.report.types import TensorInfo

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
COLOUR_ORDERS = ("rgb", "bgr")
MOST_BYTES = 2 << 30
"""All images of a run are in memory at once; more are a set for several runs."""
SIXTEEN_BIT_TO_EIGHT = 257
"""65535 / 255: white stays white."""


@dataclass(frozen=True)
class Layout:
    """Where rows, columns and channels of a model's input are; `batch` images go in at once."""

    batch: int
    height: int
    width: int
    channels: int
    channels_first: bool


def are_images(paths: Sequence[str]) -> bool:
    """True if any of the paths is named like an image, or is a folder."""
    return any(Path(p).suffix.lower() in ENDINGS or Path(p).is_dir() for p in paths)


def read_images(
    paths: Sequence[str], inputs: Sequence[TensorInfo], normalization: Normalization, order: str
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The array of a model's only input, a row an image, and the notes that say how it was made.

    A folder stands for its images in the order of their names. UsageError lists every file that is
    no image, and says so if the model's input is not one, if images are too many, or if they do not
    fill batches.
    """
    info = _only_input(inputs)
    layout = layout_of(info)
    normalization.check(layout.channels)
    files, left_out = files_of(paths)
    _check_number(len(files), layout, info)
    require_pillow()
    done: Counter[str] = Counter()
    shape = (len(files), layout.height, layout.width, layout.channels)
    pixels = np.empty(shape, np.uint8)
    problems: list[Problem] = []
    for row, file in enumerate(files):
        try:
            pixels[row] = _pixels(file, layout, done)
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError(problems)
    if order == "bgr":
        pixels = pixels[..., ::-1]
    values, how = stored_values(pixels, normalization, info)
    if layout.channels_first:
        values = np.moveaxis(values, -1, 1)
    notes = [_how_read(files, left_out, layout, order, done), how]
    return {info.name: np.ascontiguousarray(values)}, notes


def require_pillow() -> None:
    """UsageError if Pillow can't be imported."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        what = f"images need Pillow ({error}): pip install 'npusim[images]'"
        raise UsageError(Problem("--inputs", what)) from None


def _only_input(inputs: Sequence[TensorInfo]) -> TensorInfo:
    if len(inputs) != 1:
        names = ", ".join(f"'{info.name}'" for info in inputs)
        what = f"images need a model with one input; this one has {names}: give an .npz file"
        raise UsageError(Problem("--inputs", what))
    return inputs[0]


def layout_of(info: TensorInfo) -> Layout:
    """How an input of four axes holds images: channels (1 or 3) are its second axis or its last.

    UsageError if it holds none, or if both axes could be the channels.
    """
    where = f"--inputs: '{info.name}'"
    takes = f"the model takes {info.dtype} {info.shape}"
    if len(info.shape) != 4:
        what = f"is no image: {takes}, expected four axes; give an .npz file"
        raise UsageError(Problem(where, what))
    first, last = info.shape[1] in (1, 3), info.shape[3] in (1, 3)
    if first == last:
        reason = "neither" if not first else "either"
        what = f"{reason} its second or its last axis can be 1 or 3 channels: {takes}"
        raise UsageError(Problem(where, f"{what}; give an .npz file"))
    batch = info.shape[0]
    if first:
        return Layout(batch, info.shape[2], info.shape[3], info.shape[1], True)
    return Layout(batch, info.shape[1], info.shape[2], info.shape[3], False)


def files_of(paths: Sequence[str]) -> tuple[list[Path], int]:
    """The files that `paths` stand for, and how many others are in the folders among them.

    UsageError for files that are not there, arrays among images, and folders without images.
    """
    found: list[Path] = []
    left_out = 0
    problems = []
    for text in paths:
        path = Path(text)
        if not path.is_dir():
            if not path.exists():
                problems.append(Problem(f"--inputs {path}", "no such file"))
            elif path.suffix.lower() == ".npz":
                what = "arrays and images do not go together: give one kind"
                problems.append(Problem(f"--inputs {path}", what))
            found.append(path)
            continue
        within = sorted(file for file in path.iterdir() if file.is_file())
        images = [file for file in within if file.suffix.lower() in ENDINGS]
        if not images:
            what = f"has no images: none of its files ends in {', '.join(ENDINGS)}"
            problems.append(Problem(f"--inputs {path}", what))
        found += images
        left_out += len(within) - len(images)
    if problems:
        raise UsageError(problems)
    return found, left_out


def _check_number(number: int, layout: Layout, info: TensorInfo) -> None:
    if number % layout.batch:
        what = f"{number} images do not fill batches of {layout.batch}: see --batch"
        raise UsageError(Problem("--inputs", what))
    one = layout.height * layout.width * layout.channels * np.dtype(info.dtype).itemsize
    if number * one > MOST_BYTES:
        what = f"{number:,} images are too many at once: at most {MOST_BYTES // one:,} of this size"
        raise UsageError(Problem("--inputs", what))


def _pixels(file: Path, layout: Layout, done: Counter[str]) -> np.ndarray:
    """uint8 [height, width, channels] of an image file; `done` counts what had to be done."""
    from PIL import Image

    where = f"--inputs {file}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as opened:
                image = _plain(opened, layout.channels, done)
    except UsageError as error:
        raise UsageError(Problem(where, error.problems[0].what)) from None
    except PermissionError as error:
        raise UsageError(Problem(where, f"can't be read: {error.strerror}")) from None
    except Exception as error:  # Pillow's decoders raise whatever a damaged file makes them do
        reason = " ".join(str(error).replace(str(file), "it").split()) or type(error).__name__
        known = ", ".join(FORMATS)
        what = f"is no image that can be read ({known}): {reason}"
        raise UsageError(Problem(where, what)) from None
    if image.size != (layout.width, layout.height):
        done["resized"] += 1
        image = image.resize((layout.width, layout.height), Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(layout.height, layout.width, layout.channels)


def _plain(image: Image, channels: int, done: Counter[str]) -> Image:
    """An upright image without transparency, of 8-bit grey or RGB."""
    import PIL.Image
    import PIL.ImageOps

    image.load()
    upright = PIL.ImageOps.exif_transpose(image)
    done["turned upright"] += image.getexif().get(_ORIENTATION, 1) != 1
    if upright.mode.startswith("I;16"):
        wide = np.asarray(upright).astype(np.float64)
        upright = PIL.Image.fromarray(np.rint(wide / SIXTEEN_BIT_TO_EIGHT).astype(np.uint8))
    elif upright.mode in ("I", "F"):
        raise UsageError(Problem("", "has 32 bits a pixel; 8 or 16 are known"))
    if upright.has_transparency_data:
        done["laid on white"] += 1
        over = upright.convert("RGBA")
        upright = PIL.Image.alpha_composite(PIL.Image.new("RGBA", over.size, "white"), over)
    grey = upright.mode in ("1", "L")
    if grey != (channels == 1):
        done["made grey" if channels == 1 else "grey in all channels"] += 1
    return upright.convert("L" if channels == 1 else "RGB")


_ORIENTATION = 0x0112  # EXIF 2.32, tag Orientation; 1 is upright


def _how_read(
    files: Sequence[Path], left_out: int, layout: Layout, order: str, done: Counter[str]
) -> str:
    """What became of the files, in a line."""
    many = "1 image" if len(files) == 1 else f"{len(files):,} images"
    if left_out:
        many += f" ({left_out:,} other files of the folder were left out)"
    colours = "grey" if layout.channels == 1 else order.upper()
    axes = "channels first" if layout.channels_first else "channels last"
    parts = [many, f"{layout.height} x {layout.width}, {colours}, {axes}"]
    for what, times in done.items():
        if times:
            how = " (bilinear, antialiased, proportions not kept)" if what == "resized" else ""
            parts.append(f"{times:,} {what}{how}")
    return f"inputs: {'; '.join(parts)}"
