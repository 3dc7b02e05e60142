"""Memory technologies, one table a file. Adding one: a file here and its name in `_TABLES`."""

from __future__ import annotations

from npusim.errors import DescriptionError, Problem, nearest_name
from npusim.hardware.memories.ddr3 import DDR3_1600
from npusim.hardware.memories.ddr4 import DDR4_3200
from npusim.hardware.memories.ddr5 import DDR5_4800
from npusim.hardware.memories.gddr6 import GDDR6_14000
from npusim.hardware.memories.hbm2e import HBM2E_3200
from npusim.hardware.memories.lpddr4 import LPDDR4_3200
from npusim.hardware.memories.lpddr4x import LPDDR4X_4266
from npusim.hardware.memories.lpddr5 import LPDDR5_6400
from npusim.hardware.memories.lpddr5x import LPDDR5X_8533
from npusim.hardware.memories.ports import FLASH, HOST_LINK, SRAM_PORT
from npusim.hardware.memories.psram import PSRAM_OCTAL_200
from npusim.hardware.memories.serial_flash import OCTAL_FLASH_200, QSPI_FLASH_133
from npusim.hardware.memories.technology import DramTechnology, Figure, RowTiming

__all__ = ["DramTechnology", "Figure", "RowTiming", "technology", "technology_names"]

_TABLES = {
    table.name: table
    for table in (
        DDR3_1600, DDR4_3200, DDR5_4800, LPDDR4_3200, LPDDR4X_4266, LPDDR5_6400, LPDDR5X_8533,
        GDDR6_14000, HBM2E_3200, PSRAM_OCTAL_200, QSPI_FLASH_133, OCTAL_FLASH_200, FLASH,
        SRAM_PORT, HOST_LINK,
    )
}  # fmt: skip


def technology_names() -> tuple[str, ...]:
    """Every technology that has a table."""
    return tuple(_TABLES)


def technology(name: str) -> DramTechnology:
    """The table called `name`."""
    if name not in _TABLES:
        hint = nearest_name(name, technology_names())
        what = f"unknown memory technology {name!r}{hint}: one of {', '.join(_TABLES)}"
        raise DescriptionError(Problem("", what))
    return _TABLES[name]
