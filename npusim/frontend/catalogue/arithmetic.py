"""Operators that compute: on the array, by element, over windows and along axes."""

from __future__ import annotations

from npusim.frontend.catalogue.entry import XX, Entry, Sample, X
from npusim.ir.ops.axes.arg_max import ArgMax
from npusim.ir.ops.axes.arg_min import ArgMin
from npusim.ir.ops.axes.cum_sum import CumSum
from npusim.ir.ops.axes.log_softmax import LogSoftmax
from npusim.ir.ops.axes.mean import Mean
from npusim.ir.ops.axes.reduce_l1 import ReduceL1
from npusim.ir.ops.axes.reduce_l2 import ReduceL2
from npusim.ir.ops.axes.reduce_max import ReduceMax
from npusim.ir.ops.axes.reduce_min import ReduceMin
from npusim.ir.ops.axes.reduce_prod import ReduceProd
from npusim.ir.ops.axes.reduce_sum import ReduceSum
from npusim.ir.ops.axes.reduce_sum_square import ReduceSumSquare
from npusim.ir.ops.axes.softmax import Softmax
from npusim.ir.ops.axes.top_k import TopK
from npusim.ir.ops.elements.abs import Abs
from npusim.ir.ops.elements.ceil import Ceil
from npusim.ir.ops.elements.celu import Celu
from npusim.ir.ops.elements.clip import Clip
from npusim.ir.ops.elements.dynamic_quantize import DynamicQuantize
from npusim.ir.ops.elements.elu import Elu
from npusim.ir.ops.elements.erf import Erf
from npusim.ir.ops.elements.exp import Exp
from npusim.ir.ops.elements.floor import Floor
from npusim.ir.ops.elements.gelu import Gelu
from npusim.ir.ops.elements.hard_sigmoid import HardSigmoid
from npusim.ir.ops.elements.hard_swish import HardSwish
from npusim.ir.ops.elements.leaky_relu import LeakyRelu
from npusim.ir.ops.elements.log import Log
from npusim.ir.ops.elements.logistic import Logistic
from npusim.ir.ops.elements.mish import Mish
from npusim.ir.ops.elements.neg import Neg
from npusim.ir.ops.elements.quick_gelu import QuickGelu
from npusim.ir.ops.elements.reciprocal import Reciprocal
from npusim.ir.ops.elements.relu import Relu
from npusim.ir.ops.elements.round import Round
from npusim.ir.ops.elements.rsqrt import Rsqrt
from npusim.ir.ops.elements.selu import Selu
from npusim.ir.ops.elements.shrink import Shrink
from npusim.ir.ops.elements.sign import Sign
from npusim.ir.ops.elements.softplus import Softplus
from npusim.ir.ops.elements.softsign import Softsign
from npusim.ir.ops.elements.sqrt import Sqrt
from npusim.ir.ops.elements.square import Square
from npusim.ir.ops.elements.tanh import Tanh
from npusim.ir.ops.elements.thresholded_relu import ThresholdedRelu
from npusim.ir.ops.elements.trigonometric import Trigonometric
from npusim.ir.ops.norms.batch_norm import BatchNorm
from npusim.ir.ops.norms.group_norm import GroupNorm
from npusim.ir.ops.norms.instance_norm import InstanceNorm
from npusim.ir.ops.norms.l2_normalization import L2Normalization
from npusim.ir.ops.norms.layer_norm import LayerNorm
from npusim.ir.ops.norms.local_response_norm import LocalResponseNorm
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.pairs.bitwise import Bitwise
from npusim.ir.ops.pairs.compare import Compare
from npusim.ir.ops.pairs.div import Div
from npusim.ir.ops.pairs.float_add import FloatAdd
from npusim.ir.ops.pairs.floor_div import FloorDiv
from npusim.ir.ops.pairs.floor_mod import FloorMod
from npusim.ir.ops.pairs.maximum import Maximum
from npusim.ir.ops.pairs.minimum import Minimum
from npusim.ir.ops.pairs.mul import Mul
from npusim.ir.ops.pairs.pow import Pow
from npusim.ir.ops.pairs.prelu import PRelu
from npusim.ir.ops.pairs.select import Select
from npusim.ir.ops.pairs.squared_difference import SquaredDifference
from npusim.ir.ops.pairs.sub import Sub
from npusim.ir.ops.pairs.trunc_mod import TruncMod
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.conv_integer import ConvInteger
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.ops.products.matmul import MatMul
from npusim.ir.ops.products.matmul_integer import MatMulInteger
from npusim.ir.ops.products.transposed_conv2d import TransposedConv2D
from npusim.ir.ops.recurrent.gru import Gru
from npusim.ir.ops.recurrent.lstm import Lstm
from npusim.ir.ops.recurrent.rnn import Rnn
from npusim.ir.ops.windows.average_pool import AveragePool
from npusim.ir.ops.windows.max_pool import MaxPool
from npusim.numerics.formats import BOOL, INT32, INT64, UINT8

_KERNEL = Sample("weight", (4, 3, 3, 8)), Sample("bias", (4,))
_MATRIX = Sample("weight", (4, 8)), Sample("bias", (4,))
_MATRICES = Sample("data", (2, 3, 8)), Sample("data", (2, 8, 4))
_SHIFTS = Sample("real", (8,)), Sample("real", (8,))
_IMAGE = (Sample("data", (1, 8, 4, 4)),)


def _sequence(rows: int) -> tuple[Sample, ...]:
    """A sequence with the weights of a layer of 4 units, `rows` in all."""
    return (
        Sample("data", (2, 1, 8)), Sample("real", (1, rows, 8)), Sample("real", (1, rows, 4)),
        Sample("real", (1, 2 * rows)),
    )  # fmt: skip


PRODUCTS = (
    Entry(
        Conv2D(), "CONV_2D DEPTHWISE_CONV_2D", "Conv QLinearConv com.microsoft.QLinearConv",
        "one or two image axes; constant weights, per channel or per tensor", (*X, *_KERNEL),
    ),
    Entry(
        ConvInteger(), "", "ConvInteger", "constant weights; quantized at run time",
        (*X, _KERNEL[0]), INT32,
    ),
    Entry(
        MatMulInteger(), "", "MatMulInteger", "constant weights; quantized at run time",
        (Sample("data", (3, 8)), _MATRIX[0]), INT32,
    ),
    Entry(DynamicQuantize(), "", "DynamicQuantizeLinear", output=UINT8),
    Entry(
        TransposedConv2D((6, 6)), "TRANSPOSE_CONV", "ConvTranspose",
        "constant weights, per channel or per tensor", (*X, *_KERNEL),
    ),
    Entry(
        FullyConnected(), "FULLY_CONNECTED", "Gemm com.microsoft.MatMulNBits com.microsoft.QGemm",
        "constant weights",
        (Sample("data", (3, 8)), *_MATRIX),
    ),
    Entry(
        MatMul(), "BATCH_MATMUL", "MatMul QLinearMatMul", "any leading axes", _MATRICES
    ),
)  # fmt: skip

POOLS = (
    Entry(AveragePool(), "AVERAGE_POOL_2D", "AveragePool com.microsoft.QLinearAveragePool"),
    Entry(MaxPool(), "MAX_POOL_2D", "MaxPool GlobalMaxPool"),
)

ELEMENTS = (
    Entry(Abs(), "ABS", "Abs"),
    Entry(Ceil(), "CEIL", "Ceil"),
    Entry(Celu(), "", "Celu"),
    Entry(Clip(0.0, 2.0), "", "Clip", "constant bounds"),
    Entry(Elu(), "ELU", "Elu"),
    Entry(Erf(), "", "Erf"),
    Entry(Exp(), "EXP", "Exp"),
    Entry(Floor(), "FLOOR", "Floor"),
    Entry(Gelu(), "GELU", "Gelu com.microsoft.Gelu com.microsoft.FastGelu"),
    Entry(HardSigmoid(), "", "HardSigmoid"),
    Entry(HardSwish(), "HARD_SWISH", "HardSwish"),
    Entry(LeakyRelu(), "LEAKY_RELU", "LeakyRelu com.microsoft.QLinearLeakyRelu"),
    Entry(Log(), "LOG", "Log"),
    Entry(Logistic(), "LOGISTIC", "Sigmoid com.microsoft.QLinearSigmoid"),
    Entry(Mish(), "", "Mish"),
    Entry(Neg(), "NEG", "Neg", "in TFLite equal scales and zero points of 0"),
    Entry(QuickGelu(), "", "com.microsoft.QuickGelu"),
    Entry(Reciprocal(), "", "Reciprocal"),
    Entry(Relu(), "RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1", "Relu Clip"),
    Entry(Round(), "ROUND", "Round"),
    Entry(Rsqrt(), "RSQRT", ""),
    Entry(Selu(), "", "Selu"),
    Entry(Shrink(), "", "Shrink"),
    Entry(Sign(), "", "Sign"),
    Entry(Softplus(), "", "Softplus"),
    Entry(Softsign(), "", "Softsign"),
    Entry(Sqrt(), "SQRT", "Sqrt"),
    Entry(Square(), "SQUARE", ""),
    Entry(Tanh(), "TANH", "Tanh"),
    Entry(ThresholdedRelu(), "", "ThresholdedRelu"),
    Entry(
        Trigonometric("sin"),
        "",
        "Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan",
    ),
)

PAIRS = (
    Entry(Add(), "ADD", "Add com.microsoft.QLinearAdd", inputs=XX),
    Entry(FloatAdd(), "", "Sum", "any number of tensors", inputs=XX),
    Entry(Div(), "DIV", "Div", inputs=XX),
    Entry(FloorDiv(), "FLOOR_DIV", "", inputs=XX),
    Entry(FloorMod(), "", "Mod", inputs=XX),
    Entry(TruncMod(), "", "Mod", "with fmod", inputs=XX),
    Entry(Maximum(), "MAXIMUM", "Max", inputs=XX),
    Entry(Minimum(), "MINIMUM", "Min", inputs=XX),
    Entry(Mul(), "MUL", "Mul com.microsoft.QLinearMul", inputs=XX),
    Entry(Pow(), "POW", "Pow", inputs=XX),
    Entry(PRelu(), "PRELU", "PRelu", inputs=XX),
    Entry(SquaredDifference(), "SQUARED_DIFFERENCE", "", inputs=XX),
    Entry(Sub(), "SUB", "Sub", inputs=XX),
    Entry(
        Compare("less"),
        "EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND LOGICAL_NOT LOGICAL_OR NOT_EQUAL",
        "And Equal Greater GreaterOrEqual Less LessOrEqual Not Or Xor", inputs=XX, output=BOOL,
    ),
    Entry(
        Bitwise("and"), "", "BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor",
        "without a scale", XX,
    ),
    Entry(
        Select(), "SELECT SELECT_V2", "Where com.microsoft.QLinearWhere",
        inputs=(*XX, Sample("condition", X[0].shape)),
    ),
)  # fmt: skip

AXES = (
    Entry(ArgMax((-1,)), "ARG_MAX", "ArgMax", output=INT64),
    Entry(ArgMin((-1,)), "ARG_MIN", "ArgMin", output=INT64),
    Entry(L2Normalization(), "L2_NORMALIZATION", "LpNormalization"),
    Entry(
        LayerNorm(1e-5), "", "LayerNormalization", "constant scale and shift", (*X, *_SHIFTS)
    ),
    Entry(
        Mean((1, 2)), "MEAN",
        "ReduceMean GlobalAveragePool com.microsoft.QLinearGlobalAveragePool", "any axes",
    ),
    Entry(ReduceL1((-1,)), "", "ReduceL1", "any axes"),
    Entry(ReduceL2((-1,)), "", "ReduceL2", "any axes"),
    Entry(ReduceMax((-1,)), "REDUCE_MAX", "ReduceMax", "any axes"),
    Entry(ReduceMin((-1,)), "REDUCE_MIN", "ReduceMin", "any axes"),
    Entry(ReduceProd((-1,)), "REDUCE_PROD", "ReduceProd", "any axes"),
    Entry(ReduceSum((-1,)), "SUM", "ReduceSum", "any axes"),
    Entry(ReduceSumSquare((-1,)), "", "ReduceSumSquare", "any axes"),
    Entry(
        BatchNorm(), "", "BatchNormalization",
        "constant parameters; folded into the weights before it where there are some",
        (*_IMAGE, *_SHIFTS),
    ),
    Entry(
        InstanceNorm(), "", "InstanceNormalization", "constant scale and shift",
        (*_IMAGE, *_SHIFTS),
    ),
    Entry(
        GroupNorm(2), "", "GroupNormalization", "constant scale and shift",
        (*_IMAGE, *_SHIFTS),
    ),
    Entry(LocalResponseNorm(3), "", "LRN", inputs=_IMAGE),
    Entry(LogSoftmax(), "", "LogSoftmax"),
    Entry(CumSum(-1), "", "CumSum", "a constant axis"),
    Entry(TopK(2), "", "TopK", "a constant count, sorted; the host"),
    Entry(Softmax(), "SOFTMAX", "Softmax com.microsoft.QLinearSoftmax"),
)  # fmt: skip

RECURRENT = (
    Entry(Gru(4), "", "GRU", "usual activations; the host", _sequence(12)),
    Entry(Lstm(4), "", "LSTM", "usual activations; the host", _sequence(16)),
    Entry(Rnn(4), "", "RNN", "tanh or ReLU; the host", _sequence(4)),
)

ARITHMETIC = (*PRODUCTS, *POOLS, *ELEMENTS, *PAIRS, *AXES, *RECURRENT)
"""All of them."""
