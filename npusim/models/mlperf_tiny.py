"""The four networks of MLPerf Tiny (Banbury et al., "MLPerf Tiny Benchmark", 2021).

Layer by layer those of the reference models in mlcommons/tiny, paddings included.
"""

from __future__ import annotations

from npusim.ir.graph import Graph
from npusim.models.builder import Builder, Value
from npusim.models.functions import RELU
from npusim.models.network import Network, Published

VWW_LAYERS = (
    (16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2),
    (128, 1), (128, 1), (128, 1), (128, 1), (128, 1), (256, 2), (256, 1),
)  # fmt: skip
"""Output channels and stride of each depthwise separable convolution: MobileNet v1, width 0.25."""

AUTOENCODER_UNITS = (128, 128, 128, 128, 8, 128, 128, 128, 128)


def keyword_spotting() -> Graph:
    """DS-CNN on 49 frames of 10 coefficients, 12 words."""
    build = Builder("mlperf-tiny-kws", same_padding=True)
    x = build.conv(build.input("frames", 1, 49, 10, 1), "conv0", 64, (10, 4), 2, RELU)
    for at in range(1, 5):
        x = build.depthwise(x, f"conv{at}.depthwise", 3, 1, RELU)
        x = build.conv(x, f"conv{at}.pointwise", 64, 1, 1, RELU)
    return build.graph(_classified(build, x, 12))


def visual_wake_words() -> Graph:
    """MobileNet v1 of width 0.25 on 96x96 images: person or not."""
    build = Builder("mlperf-tiny-vww", same_padding=True)
    x = build.conv(build.input("image", 1, 96, 96, 3), "conv0", 8, 3, 2, RELU)
    for at, (channels, stride) in enumerate(VWW_LAYERS, start=1):
        x = build.depthwise(x, f"conv{at}.depthwise", 3, stride, RELU)
        x = build.conv(x, f"conv{at}.pointwise", channels, 1, 1, RELU)
    return build.graph(_classified(build, x, 2))


def image_classification() -> Graph:
    """ResNet-8 on 32x32 images, 10 classes."""
    build = Builder("mlperf-tiny-ic", same_padding=True)
    x = build.conv(build.input("image", 1, 32, 32, 3), "conv0", 16, 3, 1, RELU)
    for at, (channels, stride) in enumerate(((16, 1), (32, 2), (64, 2)), start=1):
        y = build.conv(x, f"stack{at}.conv1", channels, 3, stride, RELU)
        y = build.conv(y, f"stack{at}.conv2", channels, 3)
        if stride > 1:
            x = build.conv(x, f"stack{at}.shortcut", channels, 1, stride)
        x = build.add(x, y, f"stack{at}.add", RELU)
    return build.graph(_classified(build, x, 10))


def anomaly_detection() -> Graph:
    """An autoencoder of fully connected layers on five frames of 128 mel bands."""
    build = Builder("mlperf-tiny-ad")
    x = build.input("frames", 1, 640)
    for at, units in enumerate(AUTOENCODER_UNITS):
        x = build.fully_connected(x, f"dense{at}", units, RELU)
    return build.graph(build.fully_connected(x, "decoded", 640))


def _classified(build: Builder, x: Value, classes: int) -> Value:
    x = build.average_pool(x, "avgpool")
    x = build.reshape(x, "flatten", 1, x.shape[3])
    return build.softmax(build.fully_connected(x, "fc", classes), "softmax")


def _published(macs: int, parameters: int, file: str) -> Published:
    return Published(
        macs, parameters, f"mlcommons/tiny, commit 1afd2c9, {file}",
        "every layer and every stored weight and bias of the reference model's file",
    )  # fmt: skip


NETWORKS = (
    Network(
        "mlperf-tiny-kws", "keyword spotting, 12 words; DS-CNN", keyword_spotting,
        _published(2_656_768, 22_604, "kws_ref_model.tflite"),
    ),
    Network(
        "mlperf-tiny-vww", "visual wake words; MobileNet v1, width 0.25", visual_wake_words,
        _published(7_489_664, 210_850, "vww_96_int8.tflite"),
    ),
    Network(
        "mlperf-tiny-ic", "image classification, 10 classes; ResNet-8", image_classification,
        _published(12_501_632, 77_706, "pretrainedResnet_quant.tflite"),
    ),
    Network(
        "mlperf-tiny-ad", "anomaly detection in machine sound; autoencoder", anomaly_detection,
        _published(264_192, 265_864, "ad01_int8.tflite"),
        "the score: the mean squared difference of output and input, which a host computes",
    ),
)  # fmt: skip
