"""Operators that move values, change their format, or resize images."""

from __future__ import annotations

from npusim.frontend.catalogue.entry import XX, Entry, Sample, X
from npusim.ir.ops.elements.cast import Cast
from npusim.ir.ops.elements.clip_stored import ClipStored
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.quantize import Quantize
from npusim.ir.ops.elements.requantize import Requantize
from npusim.ir.ops.movements.broadcast_to import BroadcastTo
from npusim.ir.ops.movements.concat import Concat
from npusim.ir.ops.movements.depth_to_space import DepthToSpace
from npusim.ir.ops.movements.gather import Gather
from npusim.ir.ops.movements.gather_elements import GatherElements
from npusim.ir.ops.movements.gather_nd import GatherND
from npusim.ir.ops.movements.mirror_pad import MirrorPad
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.movements.resize_nearest import ResizeNearest
from npusim.ir.ops.movements.scatter import ScatterElements, ScatterND
from npusim.ir.ops.movements.space_to_depth import SpaceToDepth
from npusim.ir.ops.movements.strided_slice import StridedSlice
from npusim.ir.ops.movements.tile import Repeat
from npusim.ir.ops.movements.transpose import Transpose
from npusim.ir.ops.windows.resize_bilinear import ResizeBilinear
from npusim.numerics.formats import FP32, INT8

_ONE = ((0, 0), (1, 1), (1, 1), (0, 0))

MOVEMENTS = (
    Entry(Reshape((16, 8)), "EXPAND_DIMS RESHAPE SQUEEZE", "Flatten Reshape Squeeze Unsqueeze",
          "constant shape"),
    Entry(Concat(-1), "CONCATENATION", "Concat com.microsoft.QLinearConcat", inputs=XX),
    Entry(Transpose((0, 3, 1, 2)), "TRANSPOSE", "Transpose", "constant order"),
    Entry(StridedSlice((None,) * 4, (None,) * 4, (1,) * 4),
          "REVERSE_V2 SLICE SPLIT SPLIT_V STRIDED_SLICE", "Slice Split",
          "constant bounds; a split is one slice an output"),
    Entry(Pad(_ONE), "PAD PADV2", "Pad", "constant amounts, none negative"),
    Entry(MirrorPad(_ONE, "reflect"), "MIRROR_PAD", "Pad", "constant amounts"),
    Entry(BroadcastTo((2, 4, 4, 8)), "BROADCAST_TO", "Expand", "constant shape"),
    Entry(Repeat((1, 2, 1, 1)), "TILE", "Tile", "constant repeats"),
    Entry(Gather(1), "GATHER", "Gather", "", (*X, Sample("index", (3,)))),
    Entry(GatherND(), "GATHER_ND", "GatherND", "", (*X, Sample("index", (3, 2)))),
    Entry(GatherElements(1), "", "GatherElements", "", (*X, Sample("index", (1, 4, 4, 8)))),
    Entry(ScatterElements(axis=1), "", "Scatter ScatterElements", "values without a scale",
          (*X, Sample("index", (1, 4, 4, 8)), *X)),
    Entry(ScatterND(), "", "ScatterND", "values without a scale",
          (*X, Sample("index", (3, 2)), Sample("data", (3, 4, 8)))),
    Entry(DepthToSpace(2), "DEPTH_TO_SPACE", "DepthToSpace"),
    Entry(SpaceToDepth(2), "SPACE_TO_DEPTH", "SpaceToDepth"),
    Entry(ResizeNearest.repeated((1, 4, 4, 8), (1, 2, 2, 1)), "RESIZE_NEAREST_NEIGHBOR",
          "Resize Upsample", "every rule of coordinates and of rounding"),
    Entry(ResizeBilinear((8, 8)), "RESIZE_BILINEAR", "Resize Upsample",
          "image axes; cubic, filtered and cropped ones of float32 are products"),
    Entry(ClipStored(0, 9), "", "Clip", "of stored integers"),
    Entry(Cast("fp32"), "CAST", "Cast CastLike", output=FP32),
    Entry(Quantize(), "QUANTIZE", "QuantizeLinear com.microsoft.QuantizeLinear",
          "from ONNX to 4, 8 and 16 bits and fp8, with a scale a tensor, a channel or a block",
          output=INT8),
    Entry(Dequantize(), "DEQUANTIZE", "DequantizeLinear com.microsoft.DequantizeLinear",
          output=FP32),
    Entry(Requantize(), "QUANTIZE", "QuantizeLinear", output=INT8),
)  # fmt: skip
"""All of them, with the borders between float32 and integers."""
