"""Activation functions."""

from __future__ import annotations

from typing import Any

from cornu import composites
from cornu.ir.dim import product
from cornu.ir.types import is_float
from cornu.ops.arguments import as_tensor, emit, float_tensor, inverse, one_axis, permute, sizes, with_shape
from cornu.ops.dtypes import at_least_int32, require_float
from cornu.ops.operation import op

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@op("Relu", module="nn")
def relu(x: Any) -> Any:
    """`max(x, 0)`."""
    x = as_tensor(x)
    if is_float(x.dtype):
        return emit("Relu", x)
    x = as_tensor(x, at_least_int32(x.dtype))
    return x if x.dtype.startswith("u") else emit("Max", x, 0)


@op("Relu6", module="nn")
def relu6(x: Any) -> Any:
    """`min(max(x, 0), 6)`."""
    return composites.bounded(float_tensor(x), 0.0, 6.0, "Relu6", inclusive=False)


@op("Sigmoid", module="nn")
def sigmoid(x: Any) -> Any:
    """`1 / (1 + exp(-x))`.

    Raises:
        TypeError: If `x` is not a float.
    """
    x = as_tensor(x)
    require_float(x.dtype, "sigmoid")
    return emit("Sigmoid", x)


@op("SparseSigmoid", module="nn")
def sparse_sigmoid(x: Any) -> Any:
    """0 below -1, 1 above 1, `(x + 1) / 2` between."""
    return emit("Min", emit("Max", emit("Add", emit("Mul", float_tensor(x), 0.5), 0.5), 0.0), 1.0)


@op("Softplus", module="nn")
def softplus(x: Any) -> Any:
    """`log(1 + exp(x))`."""
    return emit("Softplus", float_tensor(x))


@op("Softsign", module="nn")
def softsign(x: Any) -> Any:
    """`x / (1 + |x|)`."""
    x = float_tensor(x)
    return emit("Div", x, emit("Add", emit("Abs", x), 1.0))


@op("SoftShrink", module="nn")
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """`x` moved towards 0 by the threshold, 0 within it."""
    x = float_tensor(x)
    return emit("Sub", emit("Relu", emit("Sub", x, threshold)), emit("Relu", emit("Sub", emit("Neg", x), threshold)))


@op("HardShrink", module="nn")
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """`x` where `|x| > threshold`, else 0."""
    x = float_tensor(x)
    return emit("Mul", x, emit("Cast", emit("Greater", emit("Abs", x), threshold), to=x.dtype))


@op("TanhShrink", module="nn")
def tanh_shrink(x: Any) -> Any:
    """`x - tanh(x)`."""
    x = float_tensor(x)
    return emit("Sub", x, emit("Tanh", x))


@op("HardTanh", module="nn")
def hard_tanh(x: Any) -> Any:
    """`min(max(x, -1), 1)`."""
    x = as_tensor(x)
    if is_float(x.dtype):
        return composites.bounded(x, -1.0, 1.0, "HardTanh", inclusive=True)
    x = as_tensor(x, at_least_int32(x.dtype))
    low = x if x.dtype.startswith("u") else emit("Max", x, -1)
    return emit("Min", low, 1)


@op("Threshold", module="nn")
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """`x` where it is above the threshold, else the default value."""
    x = float_tensor(x)
    return emit("Where", emit("Greater", x, threshold), x, as_tensor(float(default_value), x.dtype))


@op("SparsePlus", module="nn")
def sparse_plus(x: Any) -> Any:
    """0 below -1, `x` above 1, `(x + 1)² / 4` between."""
    x = float_tensor(x)
    # With c = clip(x, -1, 1): (c + 1)² / 4 is the middle piece, and beyond 1 the rest x - c comes on top.
    low = emit("Max", x, -1.0)
    clipped = emit("Min", low, 1.0)
    root = emit("Add", emit("Mul", clipped, 0.5), 0.5)
    return emit("Add", emit("Mul", root, root), emit("Sub", low, clipped))


@op("Silu", module="nn")
def silu(x: Any) -> Any:
    """`x · sigmoid(x)`.

    Raises:
        TypeError: If `x` is not a float.
    """
    x = as_tensor(x)
    require_float(x.dtype, "silu")
    return emit("Mul", x, emit("Sigmoid", x))


swish = silu


@op("Squareplus", module="nn")
def squareplus(x: Any, b: float = 4) -> Any:
    """`(x + sqrt(x² + b)) / 2`."""
    x = float_tensor(x)
    return emit("Mul", emit("Add", x, emit("Sqrt", emit("Add", emit("Mul", x, x), float(b)))), 0.5)


@op("LogSigmoid", module="nn")
def log_sigmoid(x: Any) -> Any:
    """`-log(1 + exp(-x))`."""
    return emit("Neg", emit("Softplus", emit("Neg", float_tensor(x))))


@op("LeakyRelu", module="nn")
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """`x` where positive, `negative_slope · x` elsewhere."""
    x = float_tensor(x)
    return emit("Relu", x) if negative_slope == 0 else composites.leaky_relu(x, float(negative_slope))


@op("HardSigmoid", module="nn")
def hard_sigmoid(x: Any) -> Any:
    """`relu6(x + 3) / 6`."""
    return emit("Mul", relu6(emit("Add", float_tensor(x), 3.0)), 1 / 6)


@op("HardSilu", module="nn")
def hard_silu(x: Any) -> Any:
    """`x · relu6(x + 3) / 6`."""
    x = float_tensor(x)
    return emit("Mul", x, hard_sigmoid(x))


hard_swish = hard_silu


@op("Elu", module="nn")
def elu(x: Any, alpha: float = 1.0) -> Any:
    """`x` where positive, `alpha · (exp(x) - 1)` elsewhere."""
    return composites.elu(float_tensor(x), float(alpha), alpha=float(alpha))


@op("Selu", module="nn")
def selu(x: Any) -> Any:
    """`1.0507 · elu(x, 1.6733)`. Source: Klambauer et al. 2017."""
    config = {"alpha": _SELU_ALPHA, "gamma": _SELU_SCALE}
    return composites.elu(float_tensor(x), _SELU_ALPHA, _SELU_SCALE, name="Selu", **config)


@op("Celu", module="nn")
def celu(x: Any, alpha: float = 1.0) -> Any:
    """`x` where positive, `alpha · (exp(x / alpha) - 1)` elsewhere."""
    return composites.elu(float_tensor(x), float(alpha), width=float(alpha), name="Celu", alpha=float(alpha))


@op("Gelu", module="nn")
def gelu(x: Any, approximate: bool = True) -> Any:
    """`x Φ(x)` with the normal distribution function Φ, by default in its tanh approximation."""
    return composites.gelu(float_tensor(x), bool(approximate))


@op("Glu", module="nn")
def glu(x: Any, axis: int = -1) -> Any:
    """The first half along an axis times the sigmoid of the second.

    Raises:
        ValueError: If the axis has an odd size.
    """
    x = float_tensor(x)
    place = one_axis(axis, x.ndim, "glu")
    size = sizes(x)[place]
    if isinstance(size, int) and size % 2:
        raise ValueError(f"glu: axis {axis} of shape {x.shape} has an odd size.")
    first, second = emit("Split", x, axis=place, sizes=(size // 2, size - size // 2))
    return emit("Mul", first, emit("Sigmoid", second))


def _along(function: Any, x: Any, axis: Any) -> Any:
    """Applies a function of (tensor, axis) along one axis, several together, or all."""
    x = as_tensor(x)
    if x.dtype == "bool":
        raise TypeError("softmax takes numbers, got bool.")
    x = float_tensor(x)
    if isinstance(axis, int):
        return function(x, one_axis(axis, x.ndim, "softmax"))
    axes = list(range(x.ndim)) if axis is None else [one_axis(item, x.ndim, "softmax") for item in axis]
    kept = [i for i in range(x.ndim) if i not in axes]
    order = (*kept, *axes)
    moved = permute(x, order)
    outer, inner = sizes(moved)[: len(kept)], sizes(moved)[len(kept) :]
    flat = function(with_shape(moved, (*outer, product(inner))), len(kept))
    return permute(with_shape(flat, sizes(moved)), inverse(order))


@op("Softmax", module="nn")
def softmax(x: Any, axis: Any = -1) -> Any:
    """`exp(x) / sum(exp(x))` along an axis, several axes together, or all (None)."""
    return _along(composites.softmax, x, axis)


@op("LogSoftmax", module="nn")
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """`x - log(sum(exp(x)))` along an axis, several axes together, or all (None)."""
    return _along(composites.log_softmax, x, axis)


@op("Sparsemax", module="nn")
def sparsemax(x: Any, axis: int = -1) -> Any:
    """The point of the probability simplex nearest to `x`. Source: Martins and Astudillo 2016.

    With `z` in descending order, `τ = (z_1 + ... + z_k - 1) / k` for the largest k with `1 + k z_k > z_1 + ... + z_k`;
    the result is `max(x - τ, 0)`.
    """
    x = float_tensor(x)
    place = one_axis(axis, x.ndim, "sparsemax")
    size = sizes(x)[place]
    ordered = emit("TopK", x, k=size, axis=place, largest=True, sorted=True)[0]
    sums = emit("CumSum", ordered, axis=place, exclusive=False, reverse=False)
    counts = emit("Range", start=1, step=1, size=size, dtype=x.dtype)
    counts = with_shape(counts, tuple(size if i == place else 1 for i in range(x.ndim)))
    support = emit("Greater", emit("Add", emit("Mul", counts, ordered), 1.0), sums)
    kept = emit("Cast", support, to=x.dtype)
    k = emit("ReduceSum", kept, axes=(place,), keepdims=True)
    inside = emit("ReduceSum", emit("Mul", kept, ordered), axes=(place,), keepdims=True)
    return emit("Relu", emit("Sub", x, emit("Div", emit("Sub", inside, 1.0), k)))
