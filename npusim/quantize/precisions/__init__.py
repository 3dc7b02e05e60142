"""What each precision buys on one hardware: size, traffic, latency, energy, and why."""

from npusim.quantize.precisions.quality import Samples as Samples
from npusim.quantize.precisions.study import PrecisionStudy as PrecisionStudy
from npusim.quantize.precisions.study import study_precisions as study_precisions
