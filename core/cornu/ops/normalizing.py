"""Moments and normalizations."""

from __future__ import annotations

from typing import Any

from cornu import composites
from cornu.backend.config import epsilon as default_epsilon
from cornu.ops.arguments import (
    all_axes,
    as_operand,
    as_tensor,
    emit,
    float_tensor,
    inverse,
    one_axis,
    permute,
    sizes,
    with_shape,
)
from cornu.ops.operation import op
from cornu.ops.reductions import drop_axes, reduce
from cornu.tracing.tensor import Tensor


@op("Moments", module="nn")
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """The mean and the variance over axes; float16 is computed in float32.

    Args:
        x: A tensor.
        axes: The axes.
        keepdims: Whether reduced axes stay with size 1.
        synchronized: Whether replicas share their moments; with the one replica that there is, they do.
    """
    x = float_tensor(x)
    wide = as_tensor(x, "float32" if x.dtype == "float16" else x.dtype)
    places = all_axes(axes, x.ndim, "moments")
    mean = reduce("ReduceMean", wide, places, True)
    off = emit("Sub", wide, mean)
    variance = reduce("ReduceMean", emit("Mul", off, off), places, keepdims)
    if x.dtype == "float16":
        mean, variance = (emit("Min", emit("Max", item, -65504.0), 65504.0) for item in (mean, variance))
    return as_tensor(mean if keepdims else drop_axes(mean, places), x.dtype), as_tensor(variance, x.dtype)


@op("BatchNorm", tensors=3, module="nn")
def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    """`(x - mean) / sqrt(variance + epsilon) · scale + offset` with one number per channel.

    Args:
        x: A tensor.
        mean, variance: Of shape [x.shape[axis]].
        axis: The channels' axis.
        offset: Of the same shape; 0 if missing.
        scale: Of the same shape; 1 if missing.
        epsilon: What is added to the variance.
    """
    x = float_tensor(x)
    place = one_axis(axis, x.ndim, "batch_normalization")
    channels = sizes(x)[place]

    def vector(given: Any, default: float) -> Tensor:
        if given is None:
            return emit("Expand", as_tensor(default, x.dtype), shape=(channels,))  # type: ignore[no-any-return]
        return with_shape(as_tensor(as_operand(given), x.dtype), (channels,))

    statistics = (vector(scale, 1.0), vector(offset, 0.0), vector(mean, 0.0), vector(variance, 1.0))
    if x.ndim == 1:
        x = with_shape(x, (1, channels))
        return with_shape(composites.batch_normalization(x, *statistics, epsilon=float(epsilon)), (channels,))
    order = (*(i for i in range(x.ndim) if i != place),)
    order = (order[0], place, *order[1:])
    result = composites.batch_normalization(permute(x, order), *statistics, epsilon=float(epsilon))
    return permute(result, inverse(order))


def _trailing(x: Tensor, axis: Any, what: str) -> tuple[tuple[int, ...], int]:
    """The order that brings the axes to the end, and where they then begin."""
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = [one_axis(item, x.ndim, what) for item in given]
    kept = [i for i in range(x.ndim) if i not in axes]
    return (*kept, *sorted(axes)), len(kept)


@op("LayerNorm", tensors=3, module="nn")
def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None, **kwargs: Any
) -> Any:
    """`(x - mean) / sqrt(var + epsilon) · gamma + beta` over axes; 16-bit floats are computed in float32.

    Args:
        x: A tensor.
        gamma: The scale, of the shape of the axes; 1 if missing.
        beta: The offset, of the shape of the axes; 0 if missing.
        axis: The axis, or axes, that are normalized together.
        epsilon: What is added to the variance; the configured one if missing.

    With `rms_scaling`, which Keras keeps for older files, the result is `x / sqrt(var + epsilon) · gamma`; by the root
    mean square divides `rms_normalization`.

    Raises:
        TypeError: If there are other keywords than `rms_scaling`.
    """
    rms = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization got unexpected arguments: {', '.join(kwargs)}.")
    if rms:
        return _normalized(_by_deviation, x, (gamma,), axis, epsilon, "layer_normalization")
    return _normalized(composites.layer_normalization, x, (gamma, beta), axis, epsilon, "layer_normalization")


def _by_deviation(x: Tensor, scale: Tensor, axis: int, epsilon: float) -> Any:
    _, variance = moments(x, tuple(range(axis, x.ndim)), keepdims=True)
    return emit("Mul", emit("Mul", x, emit("Reciprocal", emit("Sqrt", emit("Add", variance, epsilon)))), scale)


@op("RMSNorm", tensors=2, module="nn")
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Any:
    """`x / sqrt(mean(x²) + epsilon) · scale` over axes; 16-bit floats are computed in float32.

    Args:
        x: A tensor.
        scale: Of the shape of the axes; 1 if missing.
        axis: The axis, or axes, that are normalized together.
        epsilon: What is added to the mean square; the configured one if missing.
    """
    return _normalized(composites.rms_normalization, x, (scale,), axis, epsilon, "rms_normalization")


def _normalized(composite: Any, x: Any, given: Any, axis: Any, epsilon: float | None, what: str) -> Any:
    x = float_tensor(x)
    wide = "float32" if x.dtype in ("float16", "bfloat16") else x.dtype
    order, first = _trailing(x, axis, what)
    moved = permute(as_tensor(x, wide), order)
    shape = sizes(moved)[first:]
    scale, *offset = [None if item is None else with_shape(as_tensor(as_operand(item), wide), shape) for item in given]
    if scale is None:
        scale = emit("Expand", as_tensor(1.0, wide), shape=shape)
    result = composite(
        moved, scale, *offset, axis=first, epsilon=float(default_epsilon() if epsilon is None else epsilon)
    )
    return as_tensor(permute(result, inverse(order)), x.dtype)


@op("Normalize", module="nn")
def normalize(x: Any, axis: Any = -1, order: Any = 2, epsilon: float | None = None) -> Any:
    """`x` divided by its norm over axes (or by `epsilon`, if that is larger).

    Args:
        x: A tensor.
        axis: The axis or axes.
        order: The norm's order: `sum(|x|^order)^(1/order)`.
        epsilon: The least divisor; the configured one if missing.

    Raises:
        ValueError: If the order is not a positive number.
    """
    x = float_tensor(x)
    least = default_epsilon() if epsilon is None else epsilon
    if not isinstance(order, (int, float)) or order < 1:
        raise ValueError(f"normalize: order must be at least 1, got {order!r}.")
    axes = all_axes(axis, x.ndim, "normalize")
    if order == 2:
        total = reduce("ReduceSum", emit("Mul", x, x), axes, True)
        # Not sqrt then max: its derivative is infinite at 0.
        return emit("Div", x, emit("Sqrt", emit("Max", total, float(least) ** 2)))
    from cornu.ops.norms import norm

    return emit("Div", x, emit("Max", norm(x, ord=order, axis=axis, keepdims=True), float(least)))
