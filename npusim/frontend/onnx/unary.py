"""ONNX operators of one tensor that work element by element, and their quantized forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import UnsupportedNodeError
from npusim.frontend.onnx.folding import cast_constant
from npusim.frontend.onnx.products import before
from npusim.frontend.onnx.quantization import per_tensor
from npusim.frontend.onnx.source import Source
from npusim.frontend.onnx.tensors import FORMAT_OF_TYPE, type_name
from npusim.ir.operator import Operator
from npusim.ir.ops.elements.abs import Abs
from npusim.ir.ops.elements.cast import Cast
from npusim.ir.ops.elements.ceil import Ceil
from npusim.ir.ops.elements.celu import Celu
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
from npusim.ir.ops.elements.round import Round
from npusim.ir.ops.elements.selu import Selu
from npusim.ir.ops.elements.shrink import Shrink
from npusim.ir.ops.elements.sign import Sign
from npusim.ir.ops.elements.softplus import Softplus
from npusim.ir.ops.elements.softsign import Softsign
from npusim.ir.ops.elements.sqrt import Sqrt
from npusim.ir.ops.elements.tanh import Tanh
from npusim.ir.ops.elements.thresholded_relu import ThresholdedRelu
from npusim.ir.ops.elements.trigonometric import Trigonometric
from npusim.ir.ops.elements.unary import Unary
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.pairs.prelu import PRelu
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import Format
from npusim.numerics.trigonometry import FUNCTIONS as TRIGONOMETRIC

BROADCASTING_SLOPES = 7
"""Version since which slopes broadcast as all tensors do; before, one stands for a channel."""
_APPROXIMATE = {"none": False, "tanh": True}


def _plain(make: Callable[[], Unary]) -> Callable[[Context, Source], None]:
    """An operator without attributes."""

    def take(ctx: Context, source: Source) -> None:
        ctx.emit(source, make(), [_real(ctx, source)])

    return take


def _with_alpha(
    make: Callable[[float], Unary], default: float
) -> Callable[[Context, Source], None]:
    """An operator whose one attribute is a number called alpha."""

    def take(ctx: Context, source: Source) -> None:
        ctx.emit(source, make(source.real("alpha", default)), [_real(ctx, source)])

    return take


def _selu(ctx: Context, source: Source) -> None:
    """Selu."""
    op = Selu(source.real("alpha", Selu.alpha), source.real("gamma", Selu.gamma))
    ctx.emit(source, op, [_real(ctx, source)])


def _gelu(ctx: Context, source: Source) -> None:
    """Gelu, of ONNX and of com.microsoft."""
    name = source.text("approximate", "none")
    if name not in _APPROXIMATE:
        raise UnsupportedNodeError(f"approximate = '{name}' is not supported")
    ctx.emit(source, Gelu(_APPROXIMATE[name]), [_real(ctx, source)])


def _fast_gelu(ctx: Context, source: Source) -> None:
    """com.microsoft FastGelu without a bias."""
    if source.input(1):
        raise UnsupportedNodeError("a bias is not supported")
    ctx.emit(source, Gelu(approximate=True), [_real(ctx, source)])


def _shrink(ctx: Context, source: Source) -> None:
    """Shrink."""
    op = Shrink(source.real("lambd", 0.5), source.real("bias", 0.0))
    ctx.emit(source, op, [_real(ctx, source)])


def _hard_sigmoid(ctx: Context, source: Source) -> None:
    """HardSigmoid."""
    op = HardSigmoid(source.real("alpha", 0.2), source.real("beta", 0.5))
    ctx.emit(source, op, [_real(ctx, source)])


def _prelu(ctx: Context, source: Source) -> None:
    """PRelu; the slopes broadcast against x, and constant ones are kept as float32."""
    name = ctx.name_of(source, 1)
    is_constant = name in ctx.constants or name in ctx.quantized
    slope = ctx.real_constant(source, 1) if is_constant else ctx.activation(source, 1)
    x = _real(ctx, source)
    if source.opset < BROADCASTING_SLOPES and len(x.shape) > 2 and slope.shape == x.shape[1:2]:
        along = Reshape((-1, *(1,) * (len(x.shape) - 2)))
        slope = before(ctx, source, along, [slope], "slopes")
    ctx.emit(source, PRelu(), [x, slope])


def _qlinear_leaky_relu(ctx: Context, source: Source) -> None:
    """com.microsoft QLinearLeakyRelu."""
    _stored(ctx, source, LeakyRelu(source.real("alpha", 0.01)))


def _qlinear_sigmoid(ctx: Context, source: Source) -> None:
    """com.microsoft QLinearSigmoid."""
    _stored(ctx, source, Logistic())


def _cast(ctx: Context, source: Source) -> None:
    """Cast; one to the same format is nothing, one to a format without tensors is refused."""
    _emit_cast(ctx, source, _format(source.integer("to", 0)))


def _cast_like(ctx: Context, source: Source) -> None:
    """CastLike: a cast to the type of its second input, which takes no other part."""
    target, name = ctx.type_of(source, 1), ctx.name_of(source, 0)
    if name in ctx.constants:
        saturate = bool(source.integer("saturate", 1))
        ctx.constants[source.outputs[0]] = cast_constant(ctx.constants[name], target, saturate)
    else:
        _emit_cast(ctx, source, target)


def _emit_cast(ctx: Context, source: Source, target: Format) -> None:
    x = ctx.activation(source, 0)
    if x.format == target:
        ctx.aliases[source.outputs[0]] = ctx.name_of(source, 0)
        return
    saturate = bool(source.integer("saturate", 1))
    ctx.emit(source, Cast(target.name, saturate), [x], target, None)


def _stored(ctx: Context, source: Source, op: Operator) -> None:
    """The operator on stored integers: inputs x, its scale, its zero point, those of y."""
    x_quantization, _ = per_tensor(ctx, source, 1, 2)
    x = ctx.read_as(ctx.activation(source, 0), x_quantization)
    quantization, fmt = per_tensor(ctx, source, 3, 4)
    ctx.emit(source, op, [x], fmt, quantization)


def _real(ctx: Context, source: Source) -> Tensor:
    """The input, which must hold reals: a function of stored integers is another one."""
    x = ctx.activation(source, 0)
    if x.format.is_integer:
        what = f"{source.op_type} of integers ({x.format.name}) is not supported"
        raise UnsupportedNodeError(what)
    return x


def _format(elem_type: int) -> Format:
    try:
        return FORMAT_OF_TYPE[elem_type]
    except KeyError:
        raise UnsupportedNodeError(f"a cast to {type_name(elem_type)} is not supported") from None


OPERATORS: Mapping[str, Callable[[Context, Source], None]] = {
    **{name.title(): _plain(partial(Trigonometric, name)) for name in TRIGONOMETRIC},
    "Abs": _plain(Abs),
    "Cast": _cast,
    "CastLike": _cast_like,
    "Celu": _with_alpha(Celu, 1.0),
    "Ceil": _plain(Ceil),
    "Elu": _with_alpha(Elu, 1.0),
    "Erf": _plain(Erf),
    "Exp": _plain(Exp),
    "Floor": _plain(Floor),
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _plain(HardSwish),
    "LeakyRelu": _with_alpha(LeakyRelu, 0.01),
    "Log": _plain(Log),
    "Mish": _plain(Mish),
    "Neg": _plain(Neg),
    "PRelu": _prelu,
    "Reciprocal": _plain(Reciprocal),
    "Round": _plain(Round),
    "Selu": _selu,
    "Sigmoid": _plain(Logistic),
    "Shrink": _shrink,
    "Sign": _plain(Sign),
    "Softplus": _plain(Softplus),
    "Softsign": _plain(Softsign),
    "Sqrt": _plain(Sqrt),
    "Tanh": _plain(Tanh),
    "ThresholdedRelu": _with_alpha(ThresholdedRelu, 1.0),
    "com.microsoft.FastGelu": _fast_gelu,
    "com.microsoft.Gelu": _gelu,
    "com.microsoft.QLinearLeakyRelu": _qlinear_leaky_relu,
    "com.microsoft.QLinearSigmoid": _qlinear_sigmoid,
    "com.microsoft.QuickGelu": _with_alpha(QuickGelu, 1.702),
}
