"""Normalizations: layer, root mean square, and batch normalization in training and in use."""

from __future__ import annotations

from typing import Any

from cornu.ir.dim import DimLike, product
from cornu.ops.arguments import as_tensor, emit, sizes, with_shape
from cornu.tracing.structure import composite
from cornu.tracing.tensor import Tensor


def _mean(x: Tensor, axes: tuple[int, ...]) -> Any:
    return emit("ReduceMean", x, axes=axes, keepdims=True)


def _rows(x: Tensor, axis: int) -> Any:
    """The sum over the axes before `axis`: a product with a row of ones, which is faster than a reduction."""
    shape = sizes(x)
    rows, inner = product(shape[:axis]), shape[axis:]
    if axis == 0:
        return x
    ones = emit("Expand", as_tensor(1.0, x.dtype), shape=(1, rows))
    return with_shape(emit("MatMul", ones, with_shape(x, (rows, product(inner)))), inner)


def layer_normalization(x: Tensor, scale: Tensor, offset: Tensor | None, axis: int, epsilon: float) -> Any:
    """`(x - mean) / sqrt(var + epsilon) · scale + offset` over the axes from `axis` on; named "LayerNormalization".

    Its residuals are ONNX's further outputs, the mean and the inverse deviation.

    Args:
        x: A float tensor.
        scale: Of the shape `x.shape[axis:]`.
        offset: The same, or None.
        axis: The first of the axes that are normalized together, counted from the front.
        epsilon: What is added to the variance.
    """
    axes = tuple(range(axis, x.ndim))

    def body(x: Tensor, scale: Tensor, *offset: Tensor) -> tuple[Any, Any]:
        mean = _mean(x, axes)
        off = emit("Sub", x, mean)
        inverse = emit("Reciprocal", emit("Sqrt", emit("Add", _mean(emit("Mul", off, off), axes), epsilon)))
        y = emit("Mul", emit("Mul", off, inverse), scale)
        return (emit("Add", y, offset[0]) if offset else y), (mean, inverse)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (mean, inverse), (x, scale, *offset), (g,) = saved, inputs, cotangents
        unit = emit("Mul", emit("Sub", x, mean), inverse)
        by_unit = emit("Mul", g, scale)
        pull = emit("Mul", unit, _mean(emit("Mul", by_unit, unit), axes))
        by_x = emit("Mul", emit("Sub", emit("Sub", by_unit, _mean(by_unit, axes)), pull), inverse)
        return (by_x, _rows(emit("Mul", g, unit), axis), *(_rows(g, axis) for _ in offset))

    given = (x, scale) if offset is None else (x, scale, offset)
    return composite("LayerNormalization", body, *given, vjp=rule, residuals=True, axis=axis, epsilon=epsilon)


def rms_normalization(x: Tensor, scale: Tensor, axis: int, epsilon: float) -> Any:
    """`x / sqrt(mean(x²) + epsilon) · scale` over the axes from `axis` on; named "RMSNormalization".

    Args:
        x: A float tensor.
        scale: Of the shape `x.shape[axis:]`.
        axis: The first of the axes that are normalized together, counted from the front.
        epsilon: What is added to the mean square.
    """
    axes = tuple(range(axis, x.ndim))

    def body(x: Tensor, scale: Tensor) -> tuple[Any, Any]:
        inverse = emit("Reciprocal", emit("Sqrt", emit("Add", _mean(emit("Mul", x, x), axes), epsilon)))
        return emit("Mul", emit("Mul", x, inverse), scale), (inverse,)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (inverse,), (x, scale), (g,) = saved, inputs, cotangents
        unit = emit("Mul", x, inverse)
        by_unit = emit("Mul", g, scale)
        pull = emit("Mul", unit, _mean(emit("Mul", by_unit, unit), axes))
        return emit("Mul", emit("Sub", by_unit, pull), inverse), _rows(emit("Mul", g, unit), axis)

    return composite("RMSNormalization", body, x, scale, vjp=rule, residuals=True, axis=axis, epsilon=epsilon)


# -- batch normalization: [N, C, *S], one number per channel -------------------------------------------------------


def _per_channel(values: Tensor, rank: int) -> Any:
    """A vector over channels, ready to broadcast against [N, C, *S]."""
    return with_shape(values, (sizes(values)[0], *(1,) * (rank - 2)))


def _channel_sums(x: Tensor) -> Any:
    """The sum over all axes but the second, trailing axes first: never mixed in one reduction, which is slow."""
    n, channels, *inner = sizes(x)
    if inner:
        x = emit("ReduceSum", with_shape(x, (n, channels, product(inner))), axes=(2,), keepdims=False)
    return emit("ReduceSum", x, axes=(0,), keepdims=False)


def _count(x: Tensor) -> Any:
    """How many elements a channel has, as a scalar of the dtype of `x`."""
    n, _, *inner = sizes(x)
    count: DimLike = product([n, *inner])
    return as_tensor(as_tensor(count), x.dtype)


def batch_normalization_training(x: Tensor, scale: Tensor, offset: Tensor, epsilon: float) -> Any:
    """Normalizes by the batch's own mean and variance; the node is named "BatchNormalizationTraining".

    `y = (x - mean) / sqrt(var + epsilon) · scale + offset`. With `d` the cotangent of `y`, the gradient of `x` is
    `A d + B x + C` with one A, B and C per channel, which cotangents of the mean and the variance only add to.

    Args:
        x: Floats of shape [N, C, *S].
        scale: Of shape [C].
        offset: Of shape [C].
        epsilon: What is added to the variance.

    Returns:
        The result, the mean [C] and the (biased) variance [C].
    """
    rank = x.ndim

    def body(x: Tensor, scale: Tensor, offset: Tensor) -> tuple[Any, Any]:
        count = _count(x)
        mean = emit("Div", _channel_sums(x), count)
        off = emit("Sub", x, _per_channel(mean, rank))
        variance = emit("Div", _channel_sums(emit("Mul", off, off)), count)
        inverse = emit("Reciprocal", emit("Sqrt", emit("Add", variance, epsilon)))
        scaled = emit("Mul", off, _per_channel(emit("Mul", scale, inverse), rank))
        y = emit("Add", scaled, _per_channel(offset, rank))
        return (y, mean, variance), (mean, variance)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (mean, variance), (x, scale, _), (d, by_mean, by_variance) = saved, inputs, cotangents
        count = _count(x)
        inverse = emit("Reciprocal", emit("Sqrt", emit("Add", variance, epsilon)))
        by_offset = _channel_sums(d)
        by_scale = emit("Mul", emit("Sub", _channel_sums(emit("Mul", d, x)), emit("Mul", mean, by_offset)), inverse)
        a = emit("Mul", scale, inverse)
        pull = emit("Sub", emit("Mul", by_variance, 2.0), emit("Mul", emit("Mul", a, inverse), by_scale))
        b = emit("Div", pull, count)
        c = emit("Sub", emit("Div", emit("Sub", by_mean, emit("Mul", a, by_offset)), count), emit("Mul", b, mean))
        line = emit("Add", emit("Mul", x, _per_channel(b, rank)), _per_channel(c, rank))
        return emit("Add", emit("Mul", d, _per_channel(a, rank)), line), by_scale, by_offset

    return composite("BatchNormalizationTraining", body, x, scale, offset, vjp=rule, residuals=True, epsilon=epsilon)


def batch_normalization(
    x: Tensor, scale: Tensor, offset: Tensor, mean: Tensor, variance: Tensor, epsilon: float
) -> Any:
    """Normalizes by given statistics; the node is named "BatchNormalization".

    `y = (x - mean) / sqrt(variance + epsilon) · scale + offset`, as one factor and one summand per channel.

    Args:
        x: Floats of shape [N, C, *S].
        scale, offset, mean, variance: Of shape [C].
        epsilon: What is added to the variance.
    """
    rank = x.ndim

    def body(x: Tensor, scale: Tensor, offset: Tensor, mean: Tensor, variance: Tensor) -> Any:
        factor = emit("Div", scale, emit("Sqrt", emit("Add", variance, epsilon)))
        summand = emit("Sub", offset, emit("Mul", mean, factor))
        return emit("Add", emit("Mul", x, _per_channel(factor, rank)), _per_channel(summand, rank))

    return composite("BatchNormalization", body, x, scale, offset, mean, variance, epsilon=epsilon)
