"""What a fork server imports, so that its workers begin with the simulator loaded.

Importing this module simulates a layer, which loads (or, once, compiles) all machine code.
"""

from __future__ import annotations

from npusim import api

api.simulate("mlperf-tiny-kws", "edge-npu-1")
