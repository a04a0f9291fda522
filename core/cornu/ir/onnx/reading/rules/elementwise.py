"""Reading elementwise operators."""

from __future__ import annotations

import math
from functools import reduce

from cornu.ir.builder import Builder
from cornu.ir.onnx.protos import DTYPE_OF_ELEMENT_TYPE
from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.reading.rules.calls import call
from cornu.ir.onnx.registry import reads
from cornu.ir.program import Value
from cornu.ir.types import is_float

_SAME = (
    "Neg Abs Sign Floor Ceil Round Sqrt Reciprocal Exp Log Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh "
    "Erf Sigmoid Softplus Relu Identity Not And Or Xor Equal Less LessOrEqual Greater GreaterOrEqual IsNaN Where "
    "BitwiseNot BitwiseAnd BitwiseOr BitwiseXor Add Sub Mul Div"
)

_FIRST_OF_CLIP_INPUTS = 11
"""The opset from which bounds are inputs rather than attributes."""

_FIRST_OF_NUMPY = 7
"""The opset from which operands broadcast as NumPy's do."""


@reads(*_SAME.split())
def _same(r: GraphReader, node: OnnxNode) -> Value:
    """The primitive of the same name, operands and meaning."""
    return r.b.emit(node.op, _operands(r, node), {})[0]


def _operands(r: GraphReader, node: OnnxNode) -> list[Value]:
    """The operands; before opset 7 the second one said on which axis of the first it begins."""
    values = r.all(node)
    if node.opset >= _FIRST_OF_NUMPY or len(values) != 2 or not node.get("broadcast", 0):
        return values
    x, y = values
    missing = x.type.rank - y.type.rank
    axis = node.get("axis", missing)
    axis += x.type.rank if axis < 0 else 0
    if not 0 <= axis <= missing:
        raise node.error(f"its axis {axis} does not fit operands of rank {x.type.rank} and {y.type.rank}.")
    return [x, r.b.Reshape(y, shape=(*r.shape(y), *(1,) * (missing - axis)))]


@reads("Dropout")
def _identity(r: GraphReader, node: OnnxNode) -> list[Value]:
    """Dropout as it is in use; its mask, if anything reads it, keeps everything."""
    x = r.given(node, 0)
    if node.has(2) and r.number(node, 2, "training_mode", 0):
        raise node.error("random dropout is not supported; export the model for inference.")
    if len(node.outputs) == 1:
        return [x]
    return [x, r.b.full(r.shape(x), True, "bool")]


@reads("Pow")
def _pow(r: GraphReader, node: OnnxNode) -> Value:
    x, y = _operands(r, node)
    return r.b.Pow(x, y if y.dtype == x.dtype else r.b.Cast(y, to=x.dtype))  # type: ignore[no-any-return]


@reads("Mod")
def _mod(r: GraphReader, node: OnnxNode) -> Value:
    x, y = r.all(node)
    if not node.get("fmod", 0):
        return r.b.Mod(x, y)  # type: ignore[no-any-return]
    # The remainder with the dividend's sign.
    rest = r.b.Mod(r.b.Abs(x), r.b.Abs(y))
    return r.b.Mul(rest, r.b.Sign(x)) if is_float(x.dtype) else r.b.Where(r.b.Less(x, 0), r.b.Sub(0, rest), rest)  # type: ignore[no-any-return]


@reads("BitShift")
def _bit_shift(r: GraphReader, node: OnnxNode) -> Value:
    return r.b.BitShift(*r.all(node), direction=node.get("direction"))  # type: ignore[no-any-return]


@reads("Max", "Min", "Sum", "Mean")
def _variadic(r: GraphReader, node: OnnxNode) -> Value:
    op = {"Sum": "Add", "Mean": "Add"}.get(node.op, node.op)
    values = r.all(node)
    total: Value = reduce(lambda x, y: r.b.emit(op, (x, y), {})[0], values)
    return r.b.Div(total, len(values)) if node.op == "Mean" else total


@reads("Cast", "CastLike")
def _cast(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    if node.op == "CastLike":
        to = r.given(node, 1).dtype
    elif isinstance(node.get("to"), str):
        to = node.get("to").lower().replace("double", "float64")
        to = "float32" if to == "float" else to
    elif node.get("to") in DTYPE_OF_ELEMENT_TYPE:
        to = DTYPE_OF_ELEMENT_TYPE[node.get("to")]
    else:
        raise node.error(f"programs do not have the element type {node.get('to')}.")
    return x if x.dtype == to else r.b.Cast(x, to=to)


@reads("IsInf")
def _is_inf(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    flags = r.b.IsInf(x)
    for attribute, sign in (("detect_negative", "Greater"), ("detect_positive", "Less")):
        if not node.get(attribute, 1):
            flags = r.b.And(flags, r.b.emit(sign, (x, 0), {})[0])
    return flags  # type: ignore[no-any-return]


@reads("Clip")
def _clip(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    bounds = [r.given(node, i) if node.has(i) else None for i in (1, 2)]
    if node.opset < _FIRST_OF_CLIP_INPUTS:
        bounds = [r.b.constant(node.get(name), x.dtype) if name in node.attributes else None for name in ("min", "max")]
    for bound, op in zip(bounds, ("Max", "Min"), strict=True):
        x = x if bound is None else r.b.emit(op, (x, bound), {})[0]
    return x


# -- activations ---------------------------------------------------------------------------------------------------


@reads("LeakyRelu")
def _leaky_relu(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    return r.b.Add(r.b.Max(x, 0), r.b.Mul(r.b.Min(x, 0), node.get("alpha", 0.01)))  # type: ignore[no-any-return]


@reads("PRelu")
def _p_relu(r: GraphReader, node: OnnxNode) -> Value:
    x, slope = r.all(node)
    if node.opset < _FIRST_OF_NUMPY and slope.type.rank == 1 and x.type.rank > 2:
        slope = r.b.Reshape(slope, shape=(*r.shape(slope), *(1,) * (x.type.rank - 2)))
    return r.b.Add(r.b.Max(x, 0), r.b.Mul(r.b.Min(x, 0), slope))  # type: ignore[no-any-return]


def _exponential(r: GraphReader, x: Value, alpha: float) -> Value:
    """`x` above 0 and `alpha (e^x - 1)` below."""
    below = r.b.Mul(r.b.Sub(r.b.Exp(r.b.Min(x, 0)), 1), alpha)
    return r.b.Add(r.b.Max(x, 0), below)  # type: ignore[no-any-return]


@reads("Elu")
def _elu(r: GraphReader, node: OnnxNode) -> Value:
    return _exponential(r, r.given(node, 0), node.get("alpha", 1.0))


@reads("Selu")
def _selu(r: GraphReader, node: OnnxNode) -> Value:
    alpha, gamma = node.get("alpha", 1.67326319217681884765625), node.get("gamma", 1.05070102214813232421875)
    return r.b.Mul(_exponential(r, r.given(node, 0), alpha), gamma)  # type: ignore[no-any-return]


@reads("Celu")
def _celu(r: GraphReader, node: OnnxNode) -> Value:
    x, alpha = r.given(node, 0), node.get("alpha", 1.0)
    below = r.b.Mul(r.b.Sub(r.b.Exp(r.b.Div(r.b.Min(x, 0), alpha)), 1), alpha)
    return r.b.Add(r.b.Max(x, 0), below)  # type: ignore[no-any-return]


@reads("HardSigmoid", "HardSwish")
def _hard_sigmoid(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    swish = node.op == "HardSwish"
    alpha, beta = node.get("alpha", 1 / 6 if swish else 0.2), node.get("beta", 0.5)
    gate = r.b.Min(r.b.Max(r.b.Add(r.b.Mul(x, alpha), beta), 0), 1)
    return r.b.Mul(x, gate) if swish else gate  # type: ignore[no-any-return]


@reads("ThresholdedRelu")
def _thresholded(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    return r.b.Mul(x, r.b.Cast(r.b.Greater(x, node.get("alpha", 1.0)), to=x.dtype))  # type: ignore[no-any-return]


@reads("Shrink")
def _shrink(r: GraphReader, node: OnnxNode) -> Value:
    """`x + bias` below `-lambd`, `x - bias` above `lambd`, 0 in between."""
    x, bias, bound = r.given(node, 0), node.get("bias", 0.0), node.get("lambd", 0.5)
    low, high = r.b.Less(x, -bound), r.b.Greater(x, bound)
    zero = r.b.Mul(x, 0)
    return r.b.Where(low, r.b.Add(x, bias), r.b.Where(high, r.b.Sub(x, bias), zero))  # type: ignore[no-any-return]


@reads("Softsign")
def _softsign(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    return r.b.Div(x, r.b.Add(r.b.Abs(x), 1))  # type: ignore[no-any-return]


@reads("Mish")
def _mish(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    return r.b.Mul(x, r.b.Tanh(r.b.Softplus(x)))  # type: ignore[no-any-return]


@reads("Swish")
def _swish(r: GraphReader, node: OnnxNode) -> Value:
    x, alpha = r.given(node, 0), node.get("alpha", 1.0)
    return r.b.Mul(x, r.b.Sigmoid(x if alpha == 1 else r.b.Mul(x, alpha)))  # type: ignore[no-any-return]


@reads("Gelu")
def _gelu(r: GraphReader, node: OnnxNode) -> Value:
    approximate = node.get("approximate", "none")

    def exact(b: Builder, x: Value) -> list[Value]:
        return [b.Mul(x, b.Mul(b.Add(b.Erf(b.Mul(x, math.sqrt(0.5))), 1), 0.5))]

    def tanh(b: Builder, x: Value) -> list[Value]:
        inner = b.Mul(b.Add(x, b.Mul(b.Mul(b.Mul(x, x), x), 0.044715)), math.sqrt(2 / math.pi))
        return [b.Mul(x, b.Mul(b.Add(b.Tanh(inner), 1), 0.5))]

    body = tanh if approximate == "tanh" else exact
    return call(r.b, "Gelu", [r.given(node, 0)], body, approximate=approximate)[0]
