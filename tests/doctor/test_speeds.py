"""Speeds of kernels: each that was checked has one, on sizes of layers."""

from __future__ import annotations

import numpy as np

from npusim.doctor.selfcheck import KernelCheck, SelfCheck, self_check
from npusim.doctor.speeds import ELEMENTS, OPERATIONS, SIZE, VALUES, Work, _workloads, speeds
from npusim.kernels.table import kernels


def test_every_kernel_that_agrees_has_a_speed() -> None:
    checked = self_check(cases=1)
    found = speeds(checked)
    right = {(check.path, check.kernel) for check in checked.checks if check.agrees}
    assert {(speed.path, speed.kernel) for speed in found} == right
    assert all(np.isfinite(speed.per_second) and speed.per_second > 0 for speed in found)


def test_a_kernel_that_differs_has_none() -> None:
    wrong = KernelCheck("numba", "requantize", 4, 1)
    unknown = KernelCheck("numba", "no_such_kernel", 4, 0)
    right = KernelCheck("numba", "max_pool_exact", 4, 0)
    (found,) = speeds(SelfCheck((wrong, unknown, right), (), ()))
    assert (found.path, found.kernel, found.unit) == ("numba", "max_pool_exact", VALUES)


def test_amounts_are_those_of_the_work() -> None:
    work: dict[str, Work] = dict(_workloads())
    dense, depthwise = work["conv_accumulate"], work["depthwise_accumulate"]
    assert (dense.amount, dense.unit) == (2 * SIZE**2 * 64 * 64 * 9, OPERATIONS)
    assert (depthwise.amount, depthwise.unit) == (2 * SIZE**2 * 96 * 9, OPERATIONS)
    assert (work["add_onnx"].amount, work["add_onnx"].unit) == (ELEMENTS, VALUES)
    sums = dense.prepare(kernels("reference"))()
    assert isinstance(sums, np.ndarray)
    assert sums.size == SIZE**2 * 64
