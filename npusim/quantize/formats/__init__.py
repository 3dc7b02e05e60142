"""Number formats against distributions: what each keeps of given data, at its best scale."""

from npusim.quantize.formats.study import FormatStudy as FormatStudy
from npusim.quantize.formats.study import study_formats as study_formats
