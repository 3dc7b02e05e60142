"""Arrays as the loops see them: channels last, whatever the order of the model file.

All functions return views where numpy can, so writing to the result writes to the array.
"""

from __future__ import annotations

import numpy as np


def channels_last(array: np.ndarray, channel_axis: int) -> np.ndarray:
    """The same elements as [B, OY, OX, K] (canonical form), for any rank.

    Rank 4 keeps its batch and pixels; rank 3 with the channel in the middle is [B, 1, OX, K];
    any other rank folds all axes but the last into B. The canonical form of an array whose memory
    is channels-last is a view.
    """
    if array.ndim == 4:
        axis = channel_axis % 4
        return array.transpose(*(a for a in range(4) if a != axis), axis)
    if array.ndim == 3 and channel_axis in (1, -2):
        return np.moveaxis(array, 1, -1)[:, None]
    channels = array.shape[-1] if array.ndim else 1
    return array.reshape(-1, 1, 1, channels)


def canonical_shape(shape: tuple[int, ...], channel_axis: int) -> tuple[int, int, int, int]:
    """Shape (B, OY, OX, K) of `channels_last` for a tensor of `shape`."""
    rank = len(shape)
    if rank == 4:
        order = [axis for axis in range(4) if axis != channel_axis % 4] + [channel_axis % 4]
        b, y, x, k = (shape[axis] for axis in order)
        return b, y, x, k
    if rank == 3 and channel_axis in (1, -2):
        return shape[0], 1, shape[2], shape[1]
    channels = shape[-1] if rank else 1
    rows = 1
    for extent in shape[:-1]:
        rows *= extent
    return rows, 1, 1, channels


def empty_like_memory(
    shape: tuple[int, ...], dtype: np.typing.DTypeLike, channel_axis: int
) -> np.ndarray:
    """An uninitialized array of logical `shape` whose memory has `channel_axis` innermost."""
    rank = len(shape)
    axis = channel_axis % rank if rank else 0
    if rank < 3 or axis == rank - 1:
        return np.empty(shape, dtype)
    order = [a for a in range(rank) if a != axis] + [axis]
    memory = np.empty(tuple(shape[a] for a in order), dtype)
    return memory.transpose(*(order.index(a) for a in range(rank)))
