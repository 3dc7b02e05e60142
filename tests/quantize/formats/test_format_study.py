"""Rows, winners, summaries and documents of a study of formats."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest

from npusim.errors import UsageError
from npusim.quantize.formats import study_formats
from npusim.quantize.formats.block_scales import BLOCK_SCALES
from npusim.quantize.formats.clip import best_fit
from npusim.quantize.formats.grids import grid_named, grids_named
from npusim.quantize.formats.layers import Weights
from npusim.quantize.formats.printed import print_study
from npusim.quantize.formats.samples import Samples
from npusim.quantize.formats.study import FormatStudy, study_inputs, study_weights
from npusim.report.terminal import as_text

RNG = np.random.default_rng(5)
GRIDS = grids_named(("int8", "e3m4", "int4"))
ROWS = RNG.normal(size=(8, 40)) * np.exp2(np.arange(8))[:, None]


def test_the_winner_keeps_most() -> None:
    found = study_formats(formats=("int8", "e3m4", "e4m3"), distributions=("uniform", "student:3"))
    assert [row.winner for row in found.rows] == ["int8", "e3m4"]
    assert all(row.sqnr_db[row.winner] == max(row.sqnr_db.values()) for row in found.rows)


def test_a_scale_a_channel_keeps_more_of_uneven_channels() -> None:
    whole, channel, block = study_weights(GRIDS, [Weights("fc", ROWS)], block=8)
    assert (whole.per, channel.per, block.per) == ("tensor", "channel", "block of 8")
    assert whole.values == channel.values == block.values == 320
    for name in ("int8", "int4"):
        assert whole.sqnr_db[name] < channel.sqnr_db[name] < block.sqnr_db[name]


def test_scales_of_eight_bits_lie_between_a_scale_a_tensor_and_any_scale() -> None:
    layers = [Weights("fc", np.random.default_rng(1).standard_t(4, (16, 64)))]
    found = {kind: study_weights(GRIDS, layers, 16, kind)[2] for kind in BLOCK_SCALES}
    assert [row.per for row in found.values()] == [
        "block of 16", "block of 16 (e8m0)", "block of 16 (fp8_e4m3)",
    ]  # fmt: skip
    loose, power, eight = (found[kind].sqnr_db["int4"] for kind in BLOCK_SCALES)
    assert power < eight < loose


def test_unknown_kinds_of_scale_are_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'e8m0'"):
        study_formats(block_scale="e8m1")


def test_ratios_are_those_of_all_values_together() -> None:
    [whole, channel] = study_weights(GRIDS, [Weights("fc", ROWS)])
    grid = grid_named("int4")
    lost = [best_fit(grid, Samples(row)).mse * row.size for row in ROWS]
    expected = 10 * math.log10((ROWS**2).sum() / sum(lost))
    assert channel.sqnr_db["int4"] == pytest.approx(expected, abs=0.1)
    assert whole.sqnr_db["int4"] == best_fit(grid, Samples(ROWS)).sqnr_db
    assert whole.clip["int4"] == best_fit(grid, Samples(ROWS)).clip


def test_what_is_zero_everywhere_has_no_row() -> None:
    assert study_weights(GRIDS, [Weights("fc", np.zeros((2, 3)))]) == ()
    assert study_inputs(GRIDS, {"fc": np.zeros(4)}) == ()


def _study() -> FormatStudy:
    exact = Weights("exact", np.array([[7.0, -3.0], [1.0, 0.0]]))
    rows = study_weights(GRIDS, [Weights("fc", ROWS), exact])
    return FormatStudy(GRIDS, rows, "model", ("a note",))


def test_summaries_count_winners_and_take_the_median() -> None:
    whole, channel = _study().summaries
    assert (whole.per, channel.per, whole.rows) == ("tensor", "channel", 2)
    assert sum(whole.wins.values()) == 2
    assert whole.median_db["int4"] == math.inf  # of a finite and an infinite ratio


def test_the_document_is_sound_json_and_says_what_is_exact() -> None:
    found = json.loads(_study().to_json())
    assert (found["schema"], found["model"]) == ("npusim.study-formats/1", "model")
    assert [each["name"] for each in found["formats"]] == ["int8", "e3m4", "int4"]
    exact = [row for row in found["rows"] if row["name"] == "exact"]
    assert [row["sqnr_db"]["int4"] for row in exact] == [None, None]
    assert found["notes"] == ["a note"]


def test_the_table_has_a_line_for_each_data_and_format() -> None:
    found = _study()
    lines = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert len(lines) == len(found.rows) * len(GRIDS)
    line = next(each for each in lines if each["per"] == "channel")
    assert float(line["sqnr_db"]) == pytest.approx(found.rows[1].sqnr_db["int8"], abs=1e-4)
    assert line["clip"] == ""


def test_the_layers_that_lose_most_are_printed() -> None:
    text = as_text(lambda console: print_study(_study(), console, 1))
    assert text.count("and 1 more layers, which lose less") == 2
    assert "exact" in text  # the median
    assert "a note" in text and max(map(len, text.splitlines())) <= 100
    everything = str(_study())
    assert "more layers" not in everything and everything in _study()._repr_html_()
    assert repr(_study()) == "<FormatStudy of model: 3 formats, 4 rows>"
