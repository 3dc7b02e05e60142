"""The built-in networks by name. Names are known at once; a network's module is imported for it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from npusim.models.network import Network

FAMILIES: Mapping[str, str] = {
    "resnet-18": "resnet",
    "resnet-50": "resnet",
    "mobilenet-v1": "mobilenet",
    "mobilenet-v2": "mobilenet",
    "mobilenet-v3-small": "mobilenet_v3",
    "mobilenet-v3-large": "mobilenet_v3",
    "efficientnet-lite0": "efficientnet_lite",
    "yolov8n": "yolov8",
    "deit-tiny": "deit",
    "bert-base": "bert",
    "mlperf-tiny-kws": "mlperf_tiny",
    "mlperf-tiny-vww": "mlperf_tiny",
    "mlperf-tiny-ic": "mlperf_tiny",
    "mlperf-tiny-ad": "mlperf_tiny",
}
"""Name of each network and the module of this package whose NETWORKS hold it."""

NAMES = tuple(FAMILIES)


def network(name: str) -> Network:
    """The network called `name`; KeyError for any other name."""
    family = import_module(f"npusim.models.{FAMILIES[name]}")
    found: Network = next(one for one in family.NETWORKS if one.name == name)
    return found
