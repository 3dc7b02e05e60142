"""The panels of a study of formats: what stands on their axes, and the same bytes twice."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.quantize.formats import study_formats
from npusim.quantize.formats.grids import grids_named
from npusim.quantize.formats.layers import Weights
from npusim.quantize.formats.study import FormatStudy, study_weights
from npusim.report.plots import image_of

pytest.importorskip("matplotlib")
FORMATS = ("int4", "e2m1")


def test_a_line_a_format_over_distributions() -> None:
    found = study_formats(formats=FORMATS)
    [axes] = found.plot().axes
    assert [line.get_label() for line in axes.lines] == list(FORMATS)
    for line in axes.lines:
        assert line.get_ydata() == pytest.approx([r.sqnr_db[line.get_label()] for r in found.rows])
    assert [text.get_text() for text in axes.get_xticklabels()] == [r.name for r in found.rows]
    assert "dB" in axes.get_ylabel()


def test_students_densities_stand_over_their_degrees_of_freedom() -> None:
    names = [f"student:{nu}" for nu in (8, 2, 4)]
    [axes] = study_formats(formats=FORMATS, distributions=names).plot().axes
    assert axes.get_xscale() == "log"
    assert axes.lines[0].get_xdata().tolist() == [2, 4, 8]
    assert "degrees of freedom" in axes.get_xlabel()


def test_a_panel_for_each_kind_of_scale() -> None:
    grids = grids_named(FORMATS)
    layers = [
        Weights(f"layer{at}", np.random.default_rng(at).normal(size=(4, 9))) for at in range(70)
    ]
    layers.append(Weights("on the grid", np.array([[7.0, 1.0]])))
    study = FormatStudy(grids, study_weights(grids, layers, 4), "model")
    first, second = (study.plot() for _ in range(2))
    titles = [axes.get_title(loc="left") for axes in first.axes]
    assert [title.partition(", ")[2] for title in titles] == [
        "one scale a tensor", "one scale a channel", "one scale a block of 4",
    ]  # fmt: skip
    last = first.axes[-1]
    assert len(last.get_xticks()) <= 32
    assert not np.isfinite(last.lines[0].get_ydata()[-1])
    assert "gaps: exact" in last.get_ylabel()
    assert image_of(first, ".svg") == image_of(second, ".svg")
