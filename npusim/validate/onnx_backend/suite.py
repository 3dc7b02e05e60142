"""The onnx package's backend test suite, run through npusim: one outcome for each of its tests.

The suite compares with its own tolerances. A test passes, or npusim refuses it and says why, or it
is one of `DIFFERENT`: there npusim gives another result, for a reason that is known. Any other
result that the suite does not accept is an error. The suite lists each test once for a processor
and once for CUDA, which is no device of npusim: those are counted apart.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
import unittest
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

from onnx import ModelProto
from onnx.backend.test import BackendTest

from npusim.errors import NpusimError
from npusim.validate.onnx_backend.backend import NpusimBackend, NpusimRep
from npusim.validate.onnx_backend.signature import NO_MODEL, Signature, signature_of

PASSED, REFUSED, DIFFERS, WRONG, FAILED, DEVICE = (
    "passed", "refused", "differs", "wrong", "failed", "device",
)  # fmt: skip
"""`differs`: as `DIFFERENT` says. `wrong`: the suite does not accept the result. `failed`: an error
that is not one of npusim's messages. `device`: the test is for a device that npusim is not."""

_CORNERS = (
    "a scale that makes a fraction of an element: ONNX Runtime, whose bits npusim gives, aligns "
    "corners by the whole extents, the suite by the fractional ones"
)
_ROUNDED_SUMS = (
    "the suite sums products in FP16, npusim in float32: two elements are one FP16 step apart, and "
    "npusim's are nearer to the exact ones"
)
DIFFERENT = {
    "test_resize_downsample_scales_linear_align_corners": _CORNERS,
    "test_resize_downsample_scales_cubic_align_corners": _CORNERS,
    "test_attention_4d_causal_fp16": _ROUNDED_SUMS,
    "test_attention_4d_causal_fp16_expanded": _ROUNDED_SUMS,
}
"""Tests whose result npusim does not share, and why; each is outside of what is supported."""

_CATEGORY = re.compile(r"OnnxBackend(\w+)ModelTest")
_QUOTED = re.compile(r"'[^']*'")
_LIST = re.compile(r"\[[^\]]*\]|\([\d, ]*\)")
_NUMBER = re.compile(r"\b\d+\b(?!-D)")
_SHAPE = re.compile(r"\b\d+(x\d+)+\b")
_TENSOR = re.compile(r"^[^\s:]+: ")


@dataclass(frozen=True)
class Outcome:
    """One test: its name, the part of the suite, what it is about, its status, and why."""

    name: str
    category: str
    signature: Signature
    status: str
    reason: str = ""


def run_suite(
    pattern: str = "", kernels: str | None = None, told: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    """The outcome of every test whose name has `pattern` (a regular expression) in it.

    `kernels` is a path of kernels, as in `api.infer`; `told` hears of each outcome. What the suite
    writes (it makes inputs for the large networks) goes to a folder that is removed again.
    """
    wanted = re.compile(pattern)
    outcomes = []
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, ONNX_MODELS=folder):
        for name, category, test, recorder in _tests(kernels):
            if wanted.search(name):
                outcomes.append(_outcome(name, category, test, recorder))
                if told is not None:
                    told(outcomes[-1])
    return outcomes


class _Recorder(NpusimBackend):
    """The backend, which keeps the model that it was given last."""

    model: ModelProto | None = None
    kernels: str | None = None

    @classmethod
    def prepare(  # type: ignore[override]
        cls, model: ModelProto, device: str = "CPU", **kwargs: Any
    ) -> NpusimRep:
        """See `NpusimBackend`."""
        cls.model = model
        return super().prepare(model, device, kernels=cls.kernels)


def _tests(
    kernels: str | None,
) -> Iterator[tuple[str, str, Callable[[], None], type[_Recorder]]]:
    """Name, category and function of each test of the suite, and the backend that it calls."""
    recorder = type("Recorder", (_Recorder,), {"kernels": kernels})
    with warnings.catch_warnings():  # numpy's, where the suite computes what it expects
        warnings.simplefilter("ignore")
        cases = BackendTest(recorder, __name__).test_cases
    for title, case in cases.items():
        found = _CATEGORY.fullmatch(title)
        category = title if found is None else found[1]
        for name in unittest.defaultTestLoader.getTestCaseNames(case):
            yield name, category, getattr(case(name), name), recorder


def _outcome(
    name: str, category: str, test: Callable[[], None], recorder: type[_Recorder]
) -> Outcome:
    """Run one test; its messages go nowhere."""
    recorder.model = None
    status, reason = PASSED, ""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            test()
        except unittest.SkipTest as skip:
            status, reason = DEVICE, str(skip)
        except NpusimError as error:
            status, reason = REFUSED, reason_of(error)
        except AssertionError as error:
            known = DIFFERENT.get(name.removesuffix("_cpu"))
            status = WRONG if known is None else DIFFERS
            reason = known or " ".join(str(error).split())
        except Exception as error:  # whatever escapes is what this is to find
            status, reason = FAILED, f"{type(error).__name__}: {error}"
    model = recorder.model
    signature = NO_MODEL if model is None else signature_of(model)
    return Outcome(name, category, signature, status, reason)


def reason_of(error: NpusimError) -> str:
    """The first problem of a refusal, without the names and numbers of this one model."""
    what = error.problems[0].what
    if "operator " not in what:
        what = _TENSOR.sub("", what)
        for shape, shown in ((_QUOTED, "'...'"), (_LIST, "[...]"), (_SHAPE, "NxN"),
                             (_NUMBER, "N")):  # fmt: skip
            what = shape.sub(shown, what)
    return what
