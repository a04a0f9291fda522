"""Activations as nodes of their own, with the gradients at kinks that Keras on JAX has."""

from __future__ import annotations

import math
from typing import Any

from cornu.ops.arguments import emit
from cornu.tracing.structure import composite
from cornu.tracing.tensor import Tensor

_SLOPE = math.sqrt(2 / math.pi)
_CUBE = 0.044715


def gelu(x: Tensor, approximate: bool) -> Any:
    """`x Φ(x)` with the normal distribution function Φ; the node is named "Gelu".

    Args:
        x: A float tensor.
        approximate: Whether `Φ(x)` is taken as `(1 + tanh(sqrt(2/π) (x + 0.044715 x³))) / 2`.
    """
    return composite(
        "Gelu",
        _approximate if approximate else _exact,
        x,
        vjp=_approximate_rule if approximate else _exact_rule,
        residuals=True,
        approximate="tanh" if approximate else "none",
    )


def _exact(x: Tensor) -> tuple[Any, Any]:
    share = emit("Add", emit("Mul", emit("Erf", emit("Mul", x, math.sqrt(0.5))), 0.5), 0.5)
    return emit("Mul", x, share), (share,)


def _exact_rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
    (share,), (x,), (g,) = saved, inputs, cotangents
    density = emit("Mul", emit("Exp", emit("Mul", emit("Mul", x, x), -0.5)), 1 / math.sqrt(2 * math.pi))
    return emit("Mul", g, emit("Add", share, emit("Mul", x, density)))


def _approximate(x: Tensor) -> tuple[Any, Any]:
    square = emit("Mul", x, x)
    inner = emit("Mul", x, emit("Add", emit("Mul", square, _SLOPE * _CUBE), _SLOPE))
    half = emit("Add", emit("Mul", emit("Tanh", inner), 0.5), 0.5)
    return emit("Mul", x, half), (half,)


def _approximate_rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
    """With `h = (1 + tanh u) / 2`: `d(x h) = h + x 2 h (1 - h) u'`."""
    (half,), (x,), (g,) = saved, inputs, cotangents
    slope = emit("Add", emit("Mul", emit("Mul", x, x), 6 * _SLOPE * _CUBE), 2 * _SLOPE)
    bend = emit("Mul", emit("Mul", half, emit("Sub", 1.0, half)), emit("Mul", x, slope))
    return emit("Mul", g, emit("Add", half, bend))


def leaky_relu(x: Tensor, slope: float) -> Any:
    """`x` where not negative, `slope · x` elsewhere; the node is named "LeakyRelu".

    Args:
        x: A float tensor.
        slope: The slope below 0; the gradient at 0 is 1.
    """

    def body(x: Tensor) -> Any:
        return emit("Max" if slope <= 1 else "Min", x, emit("Mul", x, slope))

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (x,), (g,) = inputs, cotangents
        share = emit("Mul", emit("Cast", emit("GreaterOrEqual", x, 0.0), to=x.dtype), 1.0 - slope)
        return emit("Mul", g, emit("Add", share, slope))

    return composite("LeakyRelu", body, x, vjp=rule, alpha=float(slope))


def elu(x: Tensor, depth: float, scale: float = 1.0, width: float = 1.0, name: str = "Elu", **config: float) -> Any:
    """`scale · x` where positive, `scale · depth · (exp(x / width) - 1)` elsewhere: Elu, Selu and Celu.

    The gradient elsewhere, 0 included, is `(y + scale · depth) / width`.

    Args:
        x: A float tensor.
        depth: How far it goes down.
        scale: The slope above 0.
        width: How wide the bend is.
        name: The node's name.
        config: The node's attributes.
    """

    def body(x: Tensor) -> tuple[Any, Any]:
        low = emit("Min", x, 0.0)
        below = emit("Sub", emit("Exp", low if width == 1 else emit("Div", low, width)), 1.0)
        above = emit("Relu", x)
        below = below if scale * depth == 1 else emit("Mul", below, scale * depth)
        y = emit("Add", above if scale == 1 else emit("Mul", above, scale), below)
        return y, (y,)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (y,), (x,), (g,) = saved, inputs, cotangents
        slope = emit("Add", emit("Min", y, 0.0), scale * depth)
        slope = slope if width == 1 else emit("Div", slope, width)
        step = scale - scale * depth / width
        if step:
            slope = emit("Add", slope, emit("Mul", emit("Cast", emit("Greater", x, 0.0), to=x.dtype), step))
        return emit("Mul", g, slope)

    return composite(name, body, x, vjp=rule, residuals=True, **config)


def bounded(x: Tensor, low: float, high: float, name: str, inclusive: bool) -> Any:
    """`min(max(x, low), high)` whose gradient at the bounds is 1 (inclusive) or 0.

    Args:
        x: A float tensor.
        low, high: The bounds.
        name: The node's name.
        inclusive: Whether the gradient passes at the bounds themselves.
    """

    def body(x: Tensor) -> Any:
        return emit("Min", emit("Relu", x) if low == 0 else emit("Max", x, low), high)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (x,), (g,) = inputs, cotangents
        above = emit("GreaterOrEqual" if inclusive else "Greater", x, low)
        below = emit("LessOrEqual" if inclusive else "Less", x, high)
        return emit("Mul", g, emit("Cast", emit("And", above, below), to=x.dtype))

    return composite(name, body, x, vjp=rule, min=float(low), max=float(high))
