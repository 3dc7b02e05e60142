"""Every mistake of a user: one clear message, the documented exit code, nothing half-written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from npusim.models.bundled import bundled_model_path
from tests.support.commands import done, npusim, refused
from tests.support.descriptions import SOUND, changed, write

DIGITS = bundled_model_path().read_bytes()
EXPLAINED = (0, 1, 2, 3)  # 70 would be our bug
NO_ROOM = ("--set", "memory.sram.banks=1", "--set", "memory.sram.size=8 B")
IMAGE = np.zeros((1, 1, 8, 8), np.float32)


def _model(folder: Path, content: bytes, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _arrays(folder: Path, **arrays: np.ndarray) -> Path:
    path = folder / "inputs.npz"
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("part", [0, 1, 100, len(DIGITS) // 2, len(DIGITS) - 1])
def test_a_truncated_model_is_refused(tmp_path: Path, part: int) -> None:
    assert "model.onnx" in refused(2, "run", _model(tmp_path, DIGITS[:part]))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    assert "known" in refused(2, "run", _model(tmp_path, b"some text", "model.txt"))
    assert refused(2, "run", _model(tmp_path, b"some text", "model.tflite"))
    assert refused(2, "run", _model(tmp_path, b"some text", "model.csv"))


@pytest.mark.parametrize("examples", [40, pytest.param(800, marks=pytest.mark.slow)])
def test_a_mutated_model_never_ends_in_a_traceback(tmp_path: Path, examples: int) -> None:
    path = tmp_path / "model.onnx"
    places = st.lists(
        st.tuples(st.integers(0, len(DIGITS) - 1), st.integers(1, 255)), min_size=1, max_size=8
    )

    @settings(max_examples=examples)
    @given(places)
    def check(changes: list[tuple[int, int]]) -> None:
        content = bytearray(DIGITS)
        for at, flipped in changes:
            content[at] ^= flipped
        path.write_bytes(bytes(content))
        result = npusim("run", path, "--numerics", "--quiet")
        assert result.exit_code in EXPLAINED, result.stderr
        assert "Traceback" not in result.stderr

    check()


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "sub/../../secret.bin"])
def test_external_data_cannot_leave_the_folder_of_the_model(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "models"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    path = _with_external_weights(folder, location)
    assert location in refused(2, "run", path)


def test_a_link_out_of_the_folder_is_refused_too(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    (folder / "weights.bin").symlink_to(tmp_path / "secret.bin")
    assert "weights.bin" in refused(2, "run", _with_external_weights(folder, "weights.bin"))


def _with_external_weights(folder: Path, location: str) -> Path:
    """y = x w with w [2, 2] stored at `location`."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "xy")
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2, 2])
    weights.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", "16")):
        weights.external_data.add(key=key, value=value)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "external", [x], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return _model(folder, model.SerializeToString())


def test_mistakes_in_a_description_are_reported_at_their_places(tmp_path: Path) -> None:
    text = changed("clock: 100 MHz", "clock: 100 MB", SOUND)
    text = changed("rows: 4", "rows: -4", text)
    text = changed("banks: 4", "bnaks: 4", text)
    text = changed("size: 64 KiB", "size: -64 KiB", text)
    path = write(tmp_path, text)
    message = refused(2, "run", "digits", "--hw", path)
    lines = message.splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"error: {path}:") for line in lines)
    for word in ("'100 MB'", "-4", "(did you mean 'banks'?)", "-64 KiB"):
        assert word in message


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("clock=5 MHzz", ("--set clock", "did you mean")),
        ("clock=5", ("--set clock", "no unit")),
        ("mac_array.rwos=4", ("did you mean 'rows'",)),
        ("mac_array.rows=-1", ("at least 1",)),
        ("memory.sram.size=-1 KiB", ("-1 KiB",)),
        ("clock", ("PATH=VALUE",)),
    ],
)
def test_mistakes_in_overrides_are_refused(override: str, words: tuple[str, ...]) -> None:
    message = refused(2, "run", "--set", override)
    assert all(word in message for word in words), message


def test_an_unknown_preset_or_model_names_the_nearest() -> None:
    assert "did you mean 'edge-npu-1'" in refused(2, "run", "--hw", "edge-npu-2")
    assert "did you mean 'digits'" in refused(2, "run", "digit")
    assert "did you mean 'onnx'" in refused(2, "run", "--requantize", "onxx")


def test_a_tile_that_cannot_fit_is_the_simulation_saying_no() -> None:
    message = refused(1, "run", "digits", *NO_ROOM)
    assert "the smallest tile needs" in message
    assert "memory.sram.size" in message


def test_missing_files_and_directories_are_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    for ending in (".onnx", ".tflite", ".csv"):
        assert f"absent{ending}" in refused(2, "run", f"{absent}{ending}")
    assert "absent.npz" in refused(2, "run", "digits", "--inputs", f"{absent}.npz")
    assert "absent.yaml" in refused(2, "run", "--hw", f"{absent}.yaml")
    assert str(tmp_path) in refused(2, "run", tmp_path)
    assert str(tmp_path) in refused(2, "run", "--hw", tmp_path)
    assert "has no images" in refused(2, "run", "digits", "--inputs", tmp_path)
    assert "directory" in refused(2, "run", "--json", tmp_path)


def test_inputs_of_the_wrong_shape_type_or_name_say_what_is_taken(tmp_path: Path) -> None:
    taken = "the model takes float32 (1, 1, 8, 8)"
    for wrong in (IMAGE[:, :, :4], IMAGE.astype(np.uint8), IMAGE[0, 0], IMAGE[:0]):
        path = _arrays(tmp_path, image=wrong)
        assert taken in refused(2, "run", "digits", "--inputs", path)
    path = _arrays(tmp_path, a=IMAGE, b=IMAGE)
    assert "'image': missing" in refused(2, "run", "digits", "--inputs", path)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    path = _arrays(tmp_path, image=np.array([Trap()], dtype=object))
    assert "pickled" in refused(2, "run", "digits", "--inputs", path)
    assert not (tmp_path / "sprung").exists()


def test_labels_that_do_not_belong_are_refused(tmp_path: Path) -> None:
    path = _arrays(tmp_path, image=IMAGE, labels=np.array([1, 2]))
    message = refused(2, "run", "digits", "--inputs", path, "--labels", path)
    assert "2 labels for 1 samples" in message
    assert "--inputs" in refused(2, "run", "digits", "--labels", path)


def test_options_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    assert "nothing is executed" in refused(2, "run", "digits", "--outputs", tmp_path / "o.npz")
    assert "nothing is executed" in refused(2, "run", "--no-numerics", "--seed", 1)
    path = _arrays(tmp_path, image=IMAGE)
    assert "--seed" in refused(2, "run", "digits", "--inputs", path, "--seed", 1)
    assert "negative" in refused(2, "run", "digits", "--numerics", "--seed", -1)
    assert "stdout" in refused(2, "run", "--json", "-", "--csv", "-")
    assert "--batch" in refused(2, "run", "digits", "--batch", 0)
    assert "no arithmetic of its own" in refused(2, "run", "--requantize", "hardware")


def test_shapes_are_refused_where_nothing_is_open(tmp_path: Path) -> None:
    assert "no input 'imag'" in refused(2, "run", "digits", "--shape", "imag=1x1x8x8")
    assert "--shape" in refused(2, "run", "digits", "--shape", "image=1x1x9x9")
    path = _model(tmp_path, b"name,m,k,n\nfirst,16,32,8\n", "layers.csv")
    assert "leave shapes open" in refused(2, "run", path, "--shape", "x=1x2")


def test_what_cannot_be_written_is_refused_before_anything_runs(tmp_path: Path) -> None:
    target = tmp_path / "absent" / "report.json"
    assert "no directory" in refused(2, "run", "--json", target)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "permission" in refused(2, "run", "--json", tmp_path / "report.json")
    finally:
        tmp_path.chmod(0o700)


def test_a_failed_run_leaves_old_results_alone_and_no_new_ones(tmp_path: Path) -> None:
    report, layers = tmp_path / "report.json", tmp_path / "layers.csv"
    report.write_text("old")
    inputs = _arrays(tmp_path, image=IMAGE[0])
    refused(2, "run", "digits", "--inputs", inputs, "--json", report, "--csv", layers)
    refused(1, "run", "digits", *NO_ROOM, "--json", report)
    assert report.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inputs.npz", "report.json"]


def test_a_layer_table_is_counted_and_never_executed(tmp_path: Path) -> None:
    table = tmp_path / "layers.csv"
    table.write_text("name,m,k,n\nfirst,16,32,8\n")
    assert "layers on edge-npu-1" in done("run", table)
    assert "not executed" in refused(3, "run", table, "--numerics")


def test_mistakes_in_a_mapping_are_reported_at_their_places(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(
        "npusim: mapping/1\nsteps:\n- {name: stm, tile: {K: 4}}\n- {name: widen, tle: 3}\n"
    )
    message = refused(2, "run", "digits", "--mapping", path)
    assert f"{path}:3:" in message and "did you mean 'stem'" in message
    assert f"{path}:4:" in message and "did you mean 'tile'" in message
    assert "absent.yaml" in refused(2, "run", "digits", "--mapping", tmp_path / "absent.yaml")
