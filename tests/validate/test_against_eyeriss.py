"""Each layer of AlexNet on eyeriss-v1 within the project's limits of what the chip measured."""

from __future__ import annotations

import pytest

from npusim.report.confidence import PRESET_ERRORS
from tests.benchmarks.against_eyeriss import LIMITS, NETWORKS, Row, compare, main, read_rows
from tests.support.shared import shared_path

ROWS = ("data", "measurements", "silicon.csv")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(compare(shared_path(*ROWS)))


@pytest.mark.slow
@pytest.mark.parametrize("quantity", LIMITS)
def test_every_layer_is_within_the_limit(rows: list[Row], quantity: str) -> None:
    alexnet = [row for row in rows if row.network == "AlexNet" and row.quantity == quantity]
    assert [row.layer for row in alexnet] == list(NETWORKS["AlexNet"])
    above = [row for row in alexnet if abs(row.error) > LIMITS[quantity]]
    assert not above


@pytest.mark.slow
def test_the_preset_states_its_mean_error_of_processing_time(rows: list[Row]) -> None:
    errors = [abs(row.error) for row in rows if row.quantity == "processing_ms"]
    stated = PRESET_ERRORS["eyeriss-v1"]
    mean = 100 * sum(errors) / len(errors)
    assert (stated["rows"], stated["error_percent"]) == (len(errors), pytest.approx(mean, abs=0.1))


@pytest.mark.slow
def test_all_layers_take_the_published_power_together(rows: list[Row]) -> None:
    """278 mW over the 115.3 ms of five layers (JSSC 52(1), 2017, Table V)."""
    simulated = {(row.layer, row.quantity): row.simulated for row in rows}
    layers = NETWORKS["AlexNet"]
    times = {layer: simulated[layer, "latency_ms"] for layer in layers}
    joules = sum(times[layer] * simulated[layer, "power_w"] for layer in layers)
    assert joules / sum(times.values()) == pytest.approx(0.278, rel=0.20)


def test_names_of_layers_are_read_as_published_and_as_written_elsewhere(tmp_path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(
        "system,model,batch,metric,value,notes\n"
        'eyeriss-v1,VGG16 conv1_2,3,latency_ms,9,"zeros in ifmap=12.5%, x"\n'
        "eyeriss-v1,AlexNet conv total,4,latency_ms,9,\n"
        "other,AlexNet CONV1,4,latency_ms,9,\n"
    )
    (only,) = read_rows(file)
    assert (only.network, only.layer, only.batch) == ("VGG-16", "CONV1-2", 3)
    assert only.zeros == 0.125 and only.values == {"latency_ms": 9.0}


@pytest.mark.slow
def test_the_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main([str(shared_path(*ROWS))])
    printed = capsys.readouterr().out
    assert "processing_ms   mean" in printed and "above the limit" not in printed
