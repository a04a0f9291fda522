"""The Gaussian error linear unit."""

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
