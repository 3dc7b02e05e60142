"""A network of `networks` in PyTorch: first float with BatchNorm, then as the hardware computes it.

Quantized, a convolution has its BatchNorm folded in, in training too: with running mean m and
variance v, and learned g and h,

    weight' = weight g / sqrt(v + eps)        bias' = h - m g / sqrt(v + eps)

and weight' is what is fake-quantized, bias' is rounded to int32 at the scale of the products. So
the network in training is at each step the one that would be exported. m and v follow the batches
while `follows_statistics` is True. Folding: Jacob et al., "Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 3.2, here with the
running statistics in place of the batch's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from npusim.errors import Problem, UsageError
from npusim.quantize.training.learned_step import through
from npusim.quantize.training.networks import Conv, Network
from npusim.quantize.training.quantizers import (
    STARTS,
    ActivationQuantizer,
    Quantizer,
    WeightQuantizer,
)

EPSILON = 1e-5
MOMENTUM = 0.1
"""Of the running statistics: PyTorch's defaults."""

EDGE_BITS = 8
"""Pixels come with 8 bits, and the scores of the classes leave with as many."""


@dataclass(frozen=True)
class Precision:
    """Bits of all weights, and of the activations between layers; pixels and scores have 8.

    `start` is a key of `STARTS`.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    per_channel: bool = True
    start: str = "mse"

    def __post_init__(self) -> None:
        allowed = (
            ("weight_bits", self.weight_bits, (3, 4, 8)),
            ("activation_bits", self.activation_bits, (4, 8)),
            ("start", self.start, tuple(STARTS)),
        )
        wrong = [
            Problem(name, f"{given!r} is none of {', '.join(map(str, known))}")
            for name, given, known in allowed
            if given not in known
        ]
        if wrong:
            raise UsageError(wrong)

    @property
    def name(self) -> str:
        """Such as W4A8."""
        return f"W{self.weight_bits}A{self.activation_bits}"


class Product(nn.Module):
    """What all layers with weights share: how they and their bias are quantized."""

    def __init__(self, shape: tuple[int, ...], gain: float, precision: Precision) -> None:
        super().__init__()
        fan_in = torch.Size(shape[1:]).numel()
        self.weight = nn.Parameter(torch.randn(shape) * gain / fan_in**0.5)
        self.quantizer = WeightQuantizer(
            precision.weight_bits, precision.per_channel, precision.start
        )

    def folded(self) -> tuple[Tensor, Tensor]:
        """(weight, bias) of the product in float, as they are exported but for rounding."""
        return self.weight, self.bias

    def quantized(self, input_step: Tensor) -> tuple[Tensor, Tensor]:
        """(weight, bias) as the hardware has them, for an input quantized with `input_step`."""
        weight, bias = self.folded()
        step = input_step * self.quantizer.safe_step().reshape(-1)
        return self.quantizer(weight), through(bias, step)

    def start(self) -> None:
        """Choose the weights' steps."""
        with torch.no_grad():
            weight, _ = self.folded()
            self.quantizer.start_at(weight, self.quantizer.per_channel)


class ConvProduct(Product):
    """A convolution and its BatchNorm."""

    def __init__(self, layer: Conv, precision: Precision) -> None:
        super().__init__(layer.weight_shape, 2**0.5, precision)
        self.layer = layer
        self.follows_statistics = True
        self.gain = nn.Parameter(torch.ones(layer.outputs))
        self.shift = nn.Parameter(torch.zeros(layer.outputs))
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(layer.outputs))
        self.register_buffer("variance", torch.ones(layer.outputs))

    def folded(self) -> tuple[Tensor, Tensor]:
        """See `Product`."""
        factor = self.gain / torch.sqrt(self.variance + EPSILON)
        return self.weight * factor[:, None, None, None], self.shift - self.mean * factor

    def forward(self, x: Tensor, input_step: Tensor | None) -> Tensor:
        """[N, C, Y, X] to [N, outputs, OY, OX]; `input_step` None: in float, BatchNorm apart."""
        if input_step is None:
            return functional.batch_norm(
                self._convolved(x, self.weight, None), self.mean, self.variance, self.gain,
                self.shift, self.training, MOMENTUM, EPSILON,
            )  # fmt: skip
        if self.training and self.follows_statistics:
            self._follow(x)
        return self._convolved(x, *self.quantized(input_step))

    def _convolved(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        layer = self.layer
        groups = layer.inputs if layer.depthwise else 1
        return functional.conv2d(x, weight, bias, layer.stride, layer.kernel // 2, groups=groups)

    def _follow(self, x: Tensor) -> None:
        """Move the running statistics towards those of this batch."""
        with torch.no_grad():
            sums = self._convolved(x, self.weight, None)
            self.mean.lerp_(sums.mean((0, 2, 3)), MOMENTUM)
            self.variance.lerp_(sums.var((0, 2, 3)), MOMENTUM)


class Classifier(Product):
    """A fully connected layer."""

    def __init__(self, network: Network, precision: Precision) -> None:
        super().__init__((network.classes, network.features), 1.0, precision)
        self.bias = nn.Parameter(torch.zeros(network.classes))

    def forward(self, x: Tensor, input_step: Tensor | None) -> Tensor:
        """[N, features] to [N, classes]; `input_step` None: in float."""
        weight, bias = self.folded() if input_step is None else self.quantized(input_step)
        return functional.linear(x, weight, bias)


class Model(nn.Module):
    """A network that trains, float until `quantize` was called.

    `activations` are the quantizers by the tensor's name, which is that of the layer; the sum
    before a skip is `<layer>.conv`. `products` are the layers with weights.
    """

    def __init__(self, network: Network, pixel_step: float, precision: Precision) -> None:
        super().__init__()
        self.network = network
        self.precision = precision
        self.is_quantized = False
        self.convs = nn.ModuleList(ConvProduct(layer, precision) for layer in network.layers)
        self.classifier = Classifier(network, precision)
        bits, start = precision.activation_bits, precision.start
        self.image = ActivationQuantizer(EDGE_BITS, learned=False)
        self.image.set_step(torch.tensor([pixel_step]))
        self.sums = nn.ModuleDict()
        self.outputs = nn.ModuleDict()
        for layer in network.layers:
            if layer.skip:
                self.sums[layer.name] = ActivationQuantizer(bits, signed=True, start=start)
            self.outputs[layer.name] = ActivationQuantizer(bits, start=start)
        self.pooled = ActivationQuantizer(bits, start=start)
        self.logits = ActivationQuantizer(EDGE_BITS, signed=True)

    def products(self) -> list[Product]:
        """Layers with weights, in order."""
        return [*self.convs, self.classifier]

    def activations(self) -> list[ActivationQuantizer]:
        """Quantizers whose step follows from data: all but that of the pixels."""
        found = [*self.sums.values(), *self.outputs.values(), self.pooled, self.logits]
        return [each for each in found if isinstance(each, ActivationQuantizer)]

    def quantizers(self) -> list[Quantizer]:
        """All of them that are chosen and trained."""
        return [*self.activations(), *(each.quantizer for each in self.products())]

    def forward(self, image: Tensor) -> Tensor:
        """Images [N, 1, rows, columns] to the scores of the classes [N, classes]."""
        x, source = self.image(image), self.image
        done: dict[str, Tensor] = {}
        for conv in self.convs:
            layer = conv.layer
            x = conv(x, self._step(source))
            if layer.skip:
                x = self.sums[layer.name](x) + done[layer.skip]
            source = self.outputs[layer.name]
            x = done[layer.name] = source(functional.relu(x))
        x = self.pooled(x.mean((2, 3)))
        return self.logits(self.classifier(x, self._step(self.pooled)))

    def quantize(self, images: Tensor) -> None:
        """Fold, choose all steps from the float network on `images`, and quantize from now on."""
        for quantizer in self.activations():
            quantizer.observing = True
        self.eval()
        with torch.no_grad():
            self(images)
        for quantizer in self.activations():
            quantizer.start_at_observed()
        for product in self.products():
            product.start()
        self.is_quantized = True

    def follow_statistics(self, follows: bool) -> None:
        """Let running statistics follow the batches in training, or keep them."""
        for conv in self.convs:
            conv.follows_statistics = follows

    def _step(self, source: Quantizer) -> Tensor | None:
        return source.safe_step() if self.is_quantized else None
