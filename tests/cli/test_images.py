"""Images as inputs: upright, on white, in the model's colours, size, layout and values."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from npusim.cli.images import layout_of, read_images
from npusim.cli.images_values import parse_normalization
from npusim.errors import UsageError
from npusim.report.types import TensorInfo
from tests.support.commands import document, refused
from tests.support.shared import shared_path

Image = pytest.importorskip("PIL.Image")

RGB_LAST = TensorInfo("in", (1, 4, 6, 3), "float32", None, None)
GREY_FIRST = TensorInfo("in", (1, 1, 4, 6), "float32", None, None)
RAW_RGB = TensorInfo("in", (1, 4, 6, 3), "uint8", 0.5, 3)
ORIENTATION = 0x0112


def _pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8, endpoint=False)


def _saved(folder: Path, pixels: np.ndarray, name: str = "a.png", **options: object) -> str:
    path = folder / name
    Image.fromarray(pixels).save(path, **options)
    return str(path)


def _read(
    paths: list[str], info: TensorInfo, how: str = "none", order: str = "rgb"
) -> tuple[np.ndarray, str]:
    arrays, notes = read_images(paths, [info], parse_normalization(how), order)
    return arrays["in"], "\n".join(notes)


def test_an_image_of_the_right_size_is_taken_as_it_is(tmp_path: Path) -> None:
    pixels = _pixels(4, 6, 3)
    found, notes = _read([_saved(tmp_path, pixels)], RGB_LAST)
    assert (found.shape, found.dtype) == ((1, 4, 6, 3), np.float32)
    assert np.array_equal(found[0], pixels)
    assert "1 image; 4 x 6, RGB, channels last" in notes and "resized" not in notes


def test_channels_lie_where_the_model_has_them(tmp_path: Path) -> None:
    pixels = _pixels(4, 6, 3)
    path = _saved(tmp_path, pixels)
    first, notes = _read([path], TensorInfo("in", (1, 3, 4, 6), "float32", None, None))
    assert np.array_equal(first[0], np.moveaxis(pixels, -1, 0))
    assert "channels first" in notes
    swapped, notes = _read([path], RGB_LAST, order="bgr")
    assert np.array_equal(swapped[0], pixels[..., ::-1])
    assert "BGR" in notes


def test_size_is_changed_bilinearly_and_it_is_said(tmp_path: Path) -> None:
    pixels = _pixels(16, 16, 3)
    found, notes = _read([_saved(tmp_path, pixels)], RGB_LAST)
    expected = Image.fromarray(pixels).resize((6, 4), Image.Resampling.BILINEAR)
    assert np.array_equal(found[0], np.asarray(expected))
    assert "1 resized (bilinear, antialiased, proportions not kept)" in notes


def test_colour_becomes_grey_and_grey_fills_all_channels(tmp_path: Path) -> None:
    colour = np.full((4, 6, 3), (100, 150, 200), np.uint8)
    grey, notes = _read([_saved(tmp_path, colour)], GREY_FIRST)
    luma = round(0.299 * 100 + 0.587 * 150 + 0.114 * 200)
    assert (grey == luma).all() and "1 made grey" in notes
    wide, notes = _read([_saved(tmp_path, _pixels(4, 6))], RGB_LAST)
    assert (wide[..., 0] == wide[..., 1]).all() and "1 grey in all channels" in notes


@pytest.mark.parametrize("channels", [2, 4])
def test_what_is_transparent_lies_on_white(tmp_path: Path, channels: int) -> None:
    pixels = np.zeros((4, 6, channels), np.uint8)
    pixels[:2, :, -1] = 255
    found, notes = _read([_saved(tmp_path, pixels)], RGB_LAST)
    assert (found[0, :2] == 0).all() and (found[0, 2:] == 255).all()
    assert "1 laid on white" in notes


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    pixels = _pixels(6, 4, 3)
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # the camera was held upright: turn by 90 degrees clockwise
    found, notes = _read([_saved(tmp_path, pixels, exif=exif)], RGB_LAST)
    assert np.array_equal(found[0], np.rot90(pixels, -1))
    assert "1 turned upright" in notes and "resized" not in notes


def test_sixteen_bits_keep_black_and_white(tmp_path: Path) -> None:
    pixels = np.full((4, 6), 65535, np.uint16)
    pixels[0] = 0
    pixels[1] = 257 * 100 + 1
    found, _ = _read([_saved(tmp_path, pixels)], GREY_FIRST)
    assert found[0, 0, :, 0].tolist() == [0, 100, 255, 255]


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    image = Image.fromarray(_pixels(4, 6, 3)).quantize(8)
    path = tmp_path / "palette.png"
    image.save(path)
    found, _ = _read([str(path)], RGB_LAST)
    assert np.array_equal(found[0], np.asarray(image.convert("RGB")))


def test_a_folder_stands_for_its_images_in_the_order_of_their_names(tmp_path: Path) -> None:
    rows = [_pixels(4, 6, 3, seed=seed) for seed in range(3)]
    for name, pixels in zip(("b.png", "c.BMP", "a.png"), rows, strict=True):
        _saved(tmp_path, pixels, name)
    (tmp_path / "notes.txt").write_text("not an image")
    found, notes = _read([str(tmp_path)], RAW_RGB, "raw")
    assert np.array_equal(found, np.stack([rows[2], rows[0], rows[1]]))
    assert "3 images (1 other files of the folder were left out)" in notes
    single = [str(tmp_path / name) for name in ("c.BMP", "a.png")]
    assert np.array_equal(_read(single, RAW_RGB, "raw")[0], np.stack([rows[1], rows[2]]))


@pytest.mark.parametrize(
    ("shape", "channels", "first"),
    [
        ((1, 3, 8, 8), 3, True), ((1, 1, 8, 8), 1, True), ((4, 8, 9, 3), 3, False),
        ((1, 96, 96, 1), 1, False),
    ],
)  # fmt: skip
def test_the_axis_of_the_channels_is_found(
    shape: tuple[int, ...], channels: int, first: bool
) -> None:
    layout = layout_of(TensorInfo("in", shape, "int8", 1.0, 0))
    assert (layout.channels, layout.channels_first, layout.batch) == (channels, first, shape[0])
    height, width = shape[2:] if first else shape[1:3]
    assert (layout.height, layout.width) == (height, width)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 8, 8, 4), "neither its second or its last axis"),
        ((1, 3, 8, 3), "either its second or its last axis"),
        ((1, 490), "expected four axes"),
        ((), "expected four axes"),
    ],
)
def test_inputs_that_are_no_images_are_refused(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        layout_of(TensorInfo("in", shape, "int8", 1.0, 0))


def test_several_inputs_are_refused() -> None:
    with pytest.raises(UsageError, match="a model with one input"):
        read_images(["a.png"], [RGB_LAST, GREY_FIRST], parse_normalization("none"), "rgb")


def test_images_fill_batches(tmp_path: Path) -> None:
    path = _saved(tmp_path, _pixels(4, 6, 3))
    two = TensorInfo("in", (2, 4, 6, 3), "float32", None, None)
    assert _read([path, path], two)[0].shape == (2, 4, 6, 3)
    with pytest.raises(UsageError, match="3 images do not fill batches of 2"):
        _read([path] * 3, two)


def test_too_many_images_are_refused_before_one_is_read(tmp_path: Path) -> None:
    large = TensorInfo("in", (1, 16384, 16384, 3), "float32", None, None)
    path = _saved(tmp_path, _pixels(4, 6, 3))
    with pytest.raises(UsageError, match="at most 0 of this size"):
        _read([path], large)


def test_every_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    good = _saved(tmp_path, _pixels(4, 6, 3))
    text, empty = tmp_path / "text.png", tmp_path / "empty.jpg"
    text.write_text("hello")
    empty.write_bytes(b"")
    with pytest.raises(UsageError) as caught:
        _read([str(text), good, str(empty)], RGB_LAST)
    assert [problem.where for problem in caught.value.problems] == [
        f"--inputs {text}", f"--inputs {empty}",
    ]  # fmt: skip
    assert "is no image that can be read (PNG, JPEG, BMP, WEBP)" in str(caught.value)


def test_formats_are_known_by_their_content_and_others_refused(tmp_path: Path) -> None:
    Image.fromarray(_pixels(4, 6, 3)).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").rename(tmp_path / "a.png")
    with pytest.raises(UsageError, match="is no image that can be read"):
        _read([str(tmp_path / "a.png")], RGB_LAST)


def test_an_image_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(UsageError, match="decompression bomb"):
        _read([_saved(tmp_path, _pixels(4, 6, 3))], RGB_LAST)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
def test_damaged_images_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    content = io.BytesIO()
    Image.fromarray(_pixels(4, 6, 3)).save(content, kind)
    whole = content.getvalue()
    path = tmp_path / "damaged.png"
    rng = np.random.default_rng(1)
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        flipped = bytearray(whole)
        flipped[at] ^= int(rng.integers(1, 256))
        for damaged in (whole[:at], bytes(flipped)):
            path.write_bytes(damaged)
            try:
                assert _read([str(path)], RAW_RGB, "raw")[0].shape == (1, 4, 6, 3)
            except UsageError as error:
                assert str(path) in str(error)


def test_without_pillow_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _saved(tmp_path, _pixels(8, 8))
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    message = refused(2, "run", "digits", "--inputs", path, "--normalize", "0..1")
    assert "pip install 'npusim[images]'" in message


def test_a_digit_as_a_picture_is_the_digit_as_an_array(tmp_path: Path) -> None:
    """Pixels of the bundled images are multiples of 1/16, so 8-bit pixels hold them nearly."""
    from npusim.models.bundled import bundled_samples

    samples = bundled_samples()
    folder = tmp_path / "digits"
    folder.mkdir()
    for at, image in enumerate(samples.inputs["image"][:10]):
        pixels = np.rint(255 * image[0]).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{at}.png")
    labels = tmp_path / "labels.npz"
    np.savez(labels, y=samples.labels[:10])
    report = document(
        "run", "digits", "--inputs", folder, "--normalize", "0..1", "--labels", labels
    )
    assert report["accuracy"]["samples"] == 10
    assert report["accuracy"]["correct"] >= 9
    assert any("10 images; 8 x 8, grey, channels first" in note for note in report["notes"])


def test_a_parrot_is_a_parrot(tmp_path: Path) -> None:
    """The normalization comes from the file; class 89 of ImageNet (with background) is macaw."""
    model = shared_path("data", "models", "mobilenet_v2_1.0_224_quant.tflite")
    photo = shared_path("data", "models", "parrot.jpg")
    names = shared_path("data", "models", "imagenet_labels.txt").read_text().splitlines()
    outputs = tmp_path / "outputs.npz"
    report = document("run", model, "--inputs", photo, "--outputs", outputs)
    with np.load(outputs) as stored:
        scores = next(iter(stored.values()))
    assert "macaw" in names[int(scores.argmax())]
    assert any("as the model's metadata says" in note for note in report["notes"])


def test_mistakes_are_refused_before_anything_runs(tmp_path: Path) -> None:
    path = _saved(tmp_path, _pixels(8, 8))
    run = ("run", "digits", "--inputs", path)
    assert "give one of imagenet, 0..1" in refused(2, *run)
    assert "did you mean 'imagenet'" in refused(2, *run, "--normalize", "imagnet")
    assert "'rbg'" in refused(2, *run, "--normalize", "0..1", "--color-order", "rbg")
    assert "no such file" in refused(
        2, "run", "digits", "--normalize", "0..1", "--inputs", tmp_path / "absent.png"
    )
    arrays = tmp_path / "arrays.npz"
    np.savez(arrays, image=np.zeros((1, 1, 8, 8), np.float32))
    for option in (("--normalize", "0..1"), ("--color-order", "rgb")):
        assert "is for images" in refused(2, "run", "digits", "--inputs", arrays, *option)
    assert "give one" in refused(2, "run", "digits", "--inputs", arrays, "--inputs", arrays)
    assert "do not go together" in refused(
        2, *run, "--inputs", arrays, "--normalize", "0..1"
    )  # fmt: skip
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "has no images" in refused(
        2, "run", "digits", "--inputs", empty, "--normalize", "0..1"
    )  # fmt: skip


def test_a_result_never_replaces_an_image_that_is_read(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = _saved(tmp_path, _pixels(8, 8))
    before = Path(path).read_bytes()
    for inputs in (path, tmp_path):
        message = refused(
            2, "run", "digits", "--inputs", inputs, "--normalize", "0..1", "--plot", path
        )
        assert "is read by this command" in message
    assert Path(path).read_bytes() == before
