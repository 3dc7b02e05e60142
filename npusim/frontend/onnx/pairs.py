"""ONNX operators of two or more tensors that broadcast: arithmetic, comparisons, selection."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.quantization import per_tensor
from npusim.frontend.onnx.source import Source
from npusim.ir.ops.elements.square import Square
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.pairs.bitwise import Bitwise
from npusim.ir.ops.pairs.compare import Compare
from npusim.ir.ops.pairs.div import Div
from npusim.ir.ops.pairs.floor_mod import FloorMod
from npusim.ir.ops.pairs.maximum import Maximum
from npusim.ir.ops.pairs.minimum import Minimum
from npusim.ir.ops.pairs.mul import Mul
from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.ir.ops.pairs.pow import Pow
from npusim.ir.ops.pairs.select import Select
from npusim.ir.ops.pairs.sub import Sub
from npusim.ir.ops.pairs.trunc_mod import TruncMod
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import BOOL, FP32

Handler = Callable[[Context, Source], None]


def add(ctx: Context, source: Source) -> None:
    """Add with broadcasting."""
    a, b = _in_order(ctx.activation(source, 0), ctx.activation(source, 1))
    ctx.emit(source, Add(), [a, b])


def pair(kind: type[Pairwise]) -> Handler:
    """An operator of two tensors of one type."""

    def take(ctx: Context, source: Source) -> None:
        ctx.emit(source, kind(), _operands(ctx, source))

    return take


def power(ctx: Context, source: Source) -> None:
    """Pow; a square, which ONNX Runtime computes as a product, is a function of one element."""
    exponent = ctx.constants.get(ctx.name_of(source, 1))
    x = ctx.activation(source, 0)
    if x.format == FP32 and exponent is not None and exponent.size == 1 and exponent.item() == 2:
        shape = np.broadcast_shapes(x.shape, exponent.shape)
        if shape == x.shape:
            ctx.emit(source, Square(), [x])
            return
    ctx.emit(source, Pow(), _operands(ctx, source))


def remainder(ctx: Context, source: Source) -> None:
    """Mod, with the sign of the divisor or, if `fmod` says so, of the dividend."""
    op = TruncMod() if source.integer("fmod", 0) else FloorMod()
    ctx.emit(source, op, _operands(ctx, source))


def maximum(ctx: Context, source: Source) -> None:
    """Max of one or more tensors."""
    chain(ctx, source, Maximum())


def minimum(ctx: Context, source: Source) -> None:
    """Min of one or more tensors."""
    chain(ctx, source, Minimum())


def comparison(relation: str) -> Handler:
    """A comparison, or a logical function of two truth values."""

    def take(ctx: Context, source: Source) -> None:
        ctx.emit(source, Compare(relation), _operands(ctx, source), BOOL)

    return take


def logical_not(ctx: Context, source: Source) -> None:
    """Not: equal to False."""
    false = ctx.add_constant(f"{source.name}:false", np.array(False))
    ctx.emit(source, Compare("equal"), [ctx.activation(source, 0), false], BOOL)


def bitwise(function: str) -> Handler:
    """BitwiseAnd, BitwiseOr, BitwiseXor."""

    def take(ctx: Context, source: Source) -> None:
        ctx.emit(source, Bitwise(function), _operands(ctx, source))

    return take


def bit_shift(ctx: Context, source: Source) -> None:
    """BitShift."""
    direction = source.text("direction", "")
    if direction not in ("LEFT", "RIGHT"):
        raise DamagedNodeError(f"direction is '{direction}'")
    ctx.emit(source, Bitwise(f"shift_{direction.lower()}"), _operands(ctx, source))


def bitwise_not(ctx: Context, source: Source) -> None:
    """BitwiseNot: exclusive or with all ones."""
    x = ctx.activation(source, 0)
    if not x.format.is_integer or x.format.bits < 8:
        raise UnsupportedNodeError(f"of {x.format.name} it is not supported")
    ones = ctx.add_constant(f"{source.name}:ones", ~np.zeros((), x.format.dtype))
    ctx.emit(source, Bitwise("xor"), [x, ones])


def where(ctx: Context, source: Source) -> None:
    """Where."""
    condition, a, b = (ctx.activation(source, index) for index in range(3))
    _check_formats(a, b)
    out = _broadcast(condition, a, b)
    ctx.add_node(
        source.name, Select(), [a, b, condition], source.outputs[0], out, a.format, a.quantization
    )


def qlinear_add(ctx: Context, source: Source) -> None:
    """com.microsoft QLinearAdd."""
    a, b = _in_order(stored_operand(ctx, source, 0), stored_operand(ctx, source, 3))
    quantization, fmt = per_tensor(ctx, source, 6, 7)
    ctx.emit(source, Add(), [a, b], fmt, quantization)


def qlinear_mul(ctx: Context, source: Source) -> None:
    """com.microsoft QLinearMul."""
    operands = [stored_operand(ctx, source, index) for index in (0, 3)]
    quantization, fmt = per_tensor(ctx, source, 6, 7)
    ctx.emit(source, Mul(), operands, fmt, quantization)


def qlinear_where(ctx: Context, source: Source) -> None:
    """com.microsoft QLinearWhere: condition, then each side with its scale and zero point."""
    condition = ctx.activation(source, 0)
    a, b = stored_operand(ctx, source, 1), stored_operand(ctx, source, 4)
    quantization, fmt = per_tensor(ctx, source, 7, 8)
    out = _broadcast(condition, a, b)
    ctx.add_node(
        source.name, Select(), [a, b, condition], source.outputs[0], out, fmt, quantization
    )


def stored_operand(ctx: Context, source: Source, index: int) -> Tensor:
    """Input `index`, whose scale and zero point are the next two inputs, as a tensor."""
    quantization, _ = per_tensor(ctx, source, index + 1, index + 2)
    name = ctx.name_of(source, index)
    if name in ctx.constants:
        return ctx.add_constant(name, ctx.constants[name], quantization)
    return ctx.read_as(ctx.activation(source, index), quantization)


def chain(ctx: Context, source: Source, op: Pairwise) -> None:
    """An operator of any number of tensors as one of two after the other."""
    last = len(source.inputs) - 1
    if last < 0:
        raise DamagedNodeError("has no inputs")
    total = ctx.activation(source, 0)
    if last == 0:
        ctx.aliases[source.outputs[0]] = ctx.name_of(source, 0)
        return
    for index in range(1, last + 1):
        x = ctx.activation(source, index)
        _check_formats(total, x)
        output = source.outputs[0] if index == last else f"{source.outputs[0]}:{index}"
        name = source.name if index == last else f"{source.name}:{index}"
        total = ctx.add_node(
            name, op, [total, x], output, _broadcast(total, x), total.format, total.quantization
        )


def _operands(ctx: Context, source: Source) -> list[Tensor]:
    a, b = ctx.activation(source, 0), ctx.activation(source, 1)
    _check_formats(a, b)
    return [a, b]


def _check_formats(a: Tensor, b: Tensor) -> None:
    if a.format != b.format:
        raise UnsupportedNodeError(f"reads {a.format.name} and {b.format.name} together")


def _broadcast(*tensors: Tensor) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*(tensor.shape for tensor in tensors))
    except ValueError:
        shapes = ", ".join(str(list(tensor.shape)) for tensor in tensors)
        raise DamagedNodeError(f"reads shapes that do not broadcast: {shapes}") from None


def _in_order(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The operands of an addition, one that is constant along the last axis second.

    ONNX Runtime folds such an operand into the constant of the sum; the order of the operands is
    the order of the additions.
    """
    alone = a.shape[-1:] in ((), (1,)) and b.shape[-1:] not in ((), (1,))
    return (b, a) if alone else (a, b)


OPERATORS: dict[str, Handler] = {
    "Add": add,
    "And": comparison("logical_and"),
    "BitShift": bit_shift,
    "BitwiseAnd": bitwise("and"),
    "BitwiseNot": bitwise_not,
    "BitwiseOr": bitwise("or"),
    "BitwiseXor": bitwise("xor"),
    "Div": pair(Div),
    "Equal": comparison("equal"),
    "Greater": comparison("greater"),
    "GreaterOrEqual": comparison("greater_equal"),
    "Less": comparison("less"),
    "LessOrEqual": comparison("less_equal"),
    "Max": maximum,
    "Min": minimum,
    "Mod": remainder,
    "Mul": pair(Mul),
    "Not": logical_not,
    "Or": comparison("logical_or"),
    "Pow": power,
    "Sub": pair(Sub),
    "Where": where,
    "Xor": comparison("logical_xor"),
    "com.microsoft.QLinearAdd": qlinear_add,
    "com.microsoft.QLinearMul": qlinear_mul,
    "com.microsoft.QLinearWhere": qlinear_where,
}
