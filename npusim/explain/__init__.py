"""Why a network or a layer costs what it costs: losses, limits, tilings, and what would help."""

from npusim.explain.explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
