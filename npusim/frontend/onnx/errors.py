"""What stops one node from being read: it is unsupported, or the file is damaged."""

from __future__ import annotations


class UnsupportedNodeError(Exception):
    """A sound node that npusim does not support; the message is the reason."""


class DamagedNodeError(Exception):
    """A node or tensor that contradicts itself or the ONNX standard; the message says how."""
