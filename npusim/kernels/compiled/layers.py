"""Whole layers in Numba: see `npusim.kernels.layers`. Weights are packed at a layer's first run."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from npusim.kernels.checks import convolution_fits, depthwise_fits
from npusim.kernels.compiled import convolution
from npusim.kernels.compiled.requantize import requantize
from npusim.kernels.layers import Layer, composed_layer
from npusim.kernels.reference import convolution as reference
from npusim.numerics.requantize import Requantizer

Array = np.ndarray


def convolution_layer(
    w: Array, w_zero: Array, x_zero: int, geometry: Sequence[int], bias: Array,
    requantizer: Requantizer,
) -> Layer:  # fmt: skip
    """See `npusim.kernels.layers`; `w` must not change while the layer is used."""
    kept = _KeptWeights(w, w_zero)
    make = composed_layer(kept.conv_accumulate, kept.depthwise_accumulate, requantize)
    return make(w, w_zero, x_zero, geometry, bias, requantizer)


class _KeptWeights:
    """The sums of one layer, always over all of its weights: those are packed once."""

    def __init__(self, w: Array, w_zero: Array) -> None:
        self._w, self._w_zero = w, w_zero
        self._all = (0, 0, 0, w.shape[0], 0, w.shape[1], 0, w.shape[-1], 0, 0, 0, 0)

    @functools.cached_property
    def _dense(self) -> convolution.Packed:
        return convolution.pack_dense(self._w, self._all, self._w_zero)

    @functools.cached_property
    def _depthwise(self) -> Array:
        return convolution.pack_depthwise(self._w, self._all, self._w_zero)

    def conv_accumulate(
        self, x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
        x_zero: int, w_zero: Array,
    ) -> None:  # fmt: skip
        """See the reference."""
        if convolution_fits(x, w, acc, tile, geometry, x_zero, w_zero):
            convolution.add_dense(x, w.shape, self._dense, acc, tile, geometry, x_zero)
        else:
            reference.conv_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)

    def depthwise_accumulate(
        self, x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
        x_zero: int, w_zero: Array,
    ) -> None:  # fmt: skip
        """See the reference."""
        if depthwise_fits(x, w, acc, tile, geometry, x_zero, w_zero):
            convolution.add_depthwise(x, w.shape, self._depthwise, acc, tile, geometry, x_zero)
        else:
            reference.depthwise_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)
