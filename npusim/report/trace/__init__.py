"""Every job of a Program on a time line: a file in Chrome's trace format, for Perfetto's viewer."""

from npusim.report.trace.writer import write_trace

__all__ = ["write_trace"]
