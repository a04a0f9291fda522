"""Activation functions: each maps a tensor to one of the same shape (except `glu`) and dtype."""

from __future__ import annotations

from typing import Any

from cornu import ops


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Rectified linear unit: `x` where `x > threshold`, `negative_slope · (x - threshold)` elsewhere.

    Args:
        x: A tensor.
        negative_slope: The slope below the threshold.
        max_value: The largest value, or None.
        threshold: Where the unit starts to pass values on.

    Example:
        >>> relu(ops.array([-2.0, 3.0])).numpy()
        array([0., 3.], dtype=float32)
    """
    if negative_slope and max_value is None and threshold == 0:
        return ops.leaky_relu(x, negative_slope=negative_slope)
    if threshold:
        positive = ops.where(ops.greater(x, threshold), x, 0)
        positive = positive if max_value is None else ops.clip(positive, 0, max_value)
    elif max_value == 6:
        positive = ops.relu6(x)  # which has its own gradient at 6
    else:
        # Not a clip: the gradient at 0 is that of `relu`.
        positive = ops.relu(x) if max_value is None else ops.minimum(ops.relu(x), max_value)
    if not negative_slope:
        return positive
    below = ops.relu(ops.negative(x) + threshold) if threshold else ops.relu(ops.negative(x))
    return positive - negative_slope * below


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """`x` where positive, `negative_slope · x` elsewhere."""
    return ops.leaky_relu(x, negative_slope=negative_slope)


def relu6(x: Any) -> Any:
    """`min(max(x, 0), 6)`."""
    return ops.relu6(x)


def softmax(x: Any, axis: int = -1) -> Any:
    """`exp(x) / sum(exp(x))` along an axis; a crossentropy of the result is computed from `x` itself.

    Args:
        x: Logits.
        axis: The axis along which the result sums to 1.

    Example:
        >>> softmax(ops.array([0.0, 0.0])).numpy()
        array([0.5, 0.5], dtype=float32)
    """
    return _with_logits(ops.softmax(x, axis=axis), x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """`x` where positive, `alpha · (exp(x) - 1)` elsewhere."""
    return ops.elu(x, alpha=alpha)


def selu(x: Any) -> Any:
    """`1.0507 · elu(x, 1.6733)`: keeps mean 0 and variance 1. Source: Klambauer et al. 2017."""
    return ops.selu(x)


def softplus(x: Any) -> Any:
    """`log(1 + exp(x))`."""
    return ops.softplus(x)


def softsign(x: Any) -> Any:
    """`x / (1 + |x|)`."""
    return ops.softsign(x)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """`x` moved towards 0 by `threshold`, and 0 where `|x| <= threshold`."""
    return ops.soft_shrink(x, threshold=threshold)


def sparse_plus(x: Any) -> Any:
    """0 for `x <= -1`, `(x + 1)² / 4` up to 1, then `x`."""
    return ops.sparse_plus(x)


def silu(x: Any) -> Any:
    """`x · sigmoid(x)`, also called swish."""
    return ops.silu(x)


def squareplus(x: Any, b: float = 4) -> Any:
    """`(x + sqrt(x² + b)) / 2`."""
    return ops.squareplus(x, b=b)


def gelu(x: Any, approximate: bool = False) -> Any:
    """`x · Phi(x)`, Phi being the normal distribution function.

    Args:
        x: A tensor.
        approximate: Whether Phi is approximated by a tanh.

    Source: Hendrycks and Gimpel 2016.
    """
    return ops.gelu(x, approximate=approximate)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """`max(x, 0) + min(0, alpha · (exp(x / alpha) - 1))`."""
    return ops.celu(x, alpha=alpha)


def glu(x: Any, axis: int = -1) -> Any:
    """`a · sigmoid(b)`, a and b being the halves of `x` along an axis."""
    return ops.glu(x, axis=axis)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return ops.tanh(x)


def tanh_shrink(x: Any) -> Any:
    """`x - tanh(x)`."""
    return ops.tanh_shrink(x)


def hard_tanh(x: Any) -> Any:
    """`x` within [-1, 1], the nearer end elsewhere."""
    return ops.hard_tanh(x)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """`x` where `|x| > threshold`, 0 elsewhere."""
    return ops.hard_shrink(x, threshold=threshold)


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """`x` where `x > threshold`, `default_value` elsewhere."""
    return ops.threshold(x, threshold, default_value)


def sigmoid(x: Any) -> Any:
    """`1 / (1 + exp(-x))`; a binary crossentropy of the result is computed from `x` itself."""
    return _with_logits(ops.sigmoid(x), x)


def exponential(x: Any) -> Any:
    """`exp(x)`."""
    return ops.exp(x)


def hard_sigmoid(x: Any) -> Any:
    """`relu6(x + 3) / 6`."""
    return ops.hard_sigmoid(x)


def log_sigmoid(x: Any) -> Any:
    """`-softplus(-x)`."""
    return ops.log_sigmoid(x)


def sparse_sigmoid(x: Any) -> Any:
    """0 for `x <= -1`, `(x + 1) / 2` up to 1, then 1."""
    return ops.sparse_sigmoid(x)


def hard_silu(x: Any) -> Any:
    """`x · hard_sigmoid(x)`, also called hard swish."""
    return ops.hard_silu(x)


def linear(x: Any) -> Any:
    """`x` itself."""
    return x


def mish(x: Any) -> Any:
    """`x · tanh(softplus(x))`. Source: Misra 2019."""
    return x * ops.tanh(ops.softplus(x))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """`x - log(sum(exp(x)))` along an axis."""
    return ops.log_softmax(x, axis=axis)


def sparsemax(x: Any, axis: int = -1) -> Any:
    """The nearest point of the probability simplex, along an axis. Source: Martins and Astudillo 2016."""
    return ops.sparsemax(x, axis=axis)


def _with_logits(probabilities: Any, logits: Any) -> Any:
    """Notes the logits on the tensor, under Keras's name: a crossentropy is more exact, and cheaper, from them."""
    probabilities._keras_logits = logits
    return probabilities
