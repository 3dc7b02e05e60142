"""Precision per layer: which assignment of number formats gives most accuracy for its cost."""

from npusim.quantize.tuning.tuned import Tuned as Tuned
from npusim.quantize.tuning.tuner import Wish as Wish
from npusim.quantize.tuning.tuner import tune_precision as tune_precision
