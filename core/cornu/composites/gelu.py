"""The Gaussian error linear unit."""

from __future__ import annotations

import math
from typing import Any

from cornu.composites.arithmetic import add, mul, one
from cornu.tracing.structure import composite
from cornu.tracing.tensor import Tensor

_CUBIC = 0.044715
_SCALE = math.sqrt(2 / math.pi)


def gelu(x: Tensor, approximate: bool) -> Any:
    """`x * Phi(x)` with the normal distribution function `Phi`, or its approximation by a hyperbolic tangent.

    Args:
        x: A float tensor.
        approximate: Whether to take `0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`.

    Source:
        Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", 2016, arXiv:1606.08415.
    """
    gate, slope = (_tanh_gate, _tanh_slope) if approximate else (_normal_gate, _normal_slope)

    def forward(x: Tensor) -> Any:
        return mul(x, gate(x))

    def backward(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (x,), (g,) = inputs, cotangents
        return (mul(g, add(gate(x), mul(x, slope(x)))),)

    return composite("Gelu", forward, x, vjp=backward, approximate="tanh" if approximate else "none")


def _normal_gate(x: Tensor) -> Tensor:
    return mul(add(one("Erf", mul(x, math.sqrt(0.5))), 1.0), 0.5)


def _normal_slope(x: Tensor) -> Tensor:
    return mul(one("Exp", mul(mul(x, x), -0.5)), 1 / math.sqrt(2 * math.pi))


def _tanh(x: Tensor) -> Tensor:
    return one("Tanh", mul(add(x, mul(mul(mul(x, x), x), _CUBIC)), _SCALE))


def _tanh_gate(x: Tensor) -> Tensor:
    return mul(add(_tanh(x), 1.0), 0.5)


def _tanh_slope(x: Tensor) -> Tensor:
    t = _tanh(x)
    inner = mul(add(mul(mul(x, x), 3 * _CUBIC), 1.0), _SCALE)
    return mul(mul(add(one("Neg", mul(t, t)), 1.0), inner), 0.5)
