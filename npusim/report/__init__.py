"""The Report and its writers: JSON, tables on a terminal, CSV, pandas, HTML."""

from __future__ import annotations

from npusim.report.build import build_report
from npusim.report.files import write_atomically
from npusim.report.report import Report

__all__ = ["Report", "build_report", "write_atomically"]
