"""Arithmetic and analysis of floats, and what integers have in common with them."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from cornu_torch.dtypes import ANY, FLOATS, INTEGERS, NUMBERS, SIGNED, UNSIGNED, carrier
from cornu_torch.site import KERNELS, Kernel, Run, Site, Written, always, elementwise, kernel
from cornu_torch.unsigned import ordered

MANY = 4096
"""From how many elements on a Where is computed bit by bit."""

LINEAR = 40
"""Above it `log(1 + e^x)` is x, in float64 too."""

_unary: dict[str, Run] = {
    "Floor": torch.floor,
    "Ceil": torch.ceil,
    "Round": torch.round,
    "Sqrt": torch.sqrt,
    "Reciprocal": torch.reciprocal,
    "Exp": torch.exp,
    "Log": torch.log,
    "Sin": torch.sin,
    "Cos": torch.cos,
    "Tan": torch.tan,
    "Asin": torch.asin,
    "Acos": torch.acos,
    "Atan": torch.atan,
    "Sinh": torch.sinh,
    "Cosh": torch.cosh,
    "Tanh": torch.tanh,
    "Asinh": torch.asinh,
    "Acosh": torch.acosh,
    "Atanh": torch.atanh,
    "Erf": torch.erf,
    "Sigmoid": torch.sigmoid,
}
for _name, _function in _unary.items():
    elementwise(_name, _function, FLOATS)
elementwise("Neg", torch.neg, FLOATS | SIGNED)
_arithmetic: dict[str, Run] = {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul}
for _name, _function in _arithmetic.items():
    elementwise(_name, _function, NUMBERS, operands=2)


@kernel("Relu", dtypes=FLOATS, overwrites=(0,))
def _relu(site: Site) -> Run:
    return torch.relu if site.overwrite is None else torch.relu_


@kernel("Softplus", dtypes=FLOATS)
def _softplus(site: Site) -> Run:
    return lambda x: functional.softplus(x, threshold=LINEAR)


@kernel("Abs", dtypes=NUMBERS)
def _abs(site: Site) -> Run:
    return torch.clone if site.dtype in UNSIGNED else torch.abs


@kernel("Sign", dtypes=NUMBERS)
def _sign(site: Site) -> Run:
    if site.dtype in FLOATS:
        return lambda x: torch.where(x == x, torch.sign(x), x)  # torch gives 0 for NaN
    if site.dtype in UNSIGNED:
        return lambda x: (x != 0).to(x.dtype)
    return torch.sign


_maximum, _minimum = Written(torch.maximum), Written(torch.minimum)


def _choice(function: Run, written: Written, site: Site) -> Run:
    name = site.dtype
    if carrier(name) == getattr(torch, name):
        return written(site)
    return lambda x, y: ordered(function(ordered(x, name), ordered(y, name)), name)


KERNELS["Max"] = Kernel(lambda site: _choice(torch.maximum, _maximum, site), NUMBERS, overwrites=(0, 1))
KERNELS["Min"] = Kernel(lambda site: _choice(torch.minimum, _minimum, site), NUMBERS, overwrites=(0, 1))


_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@kernel("Where", dtypes=ANY, data=1, overwrites=(1, 2))
def _where(site: Site) -> Run:
    """Of many elements bit by bit: torch chooses one by one, which takes seven times as long where choices vary."""
    if site.device.type != "cpu" or math.prod(site.result_shapes[0]) < MANY:
        return Written(torch.where)(site)
    dtype = carrier(site.dtypes[1])
    bits = _BITS[dtype.itemsize]
    full = site.shapes[1] == site.result_shapes[0] or site.shapes[2] == site.result_shapes[0]

    def run(condition: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        mask = condition.view(torch.uint8).to(bits).neg_()
        x, y = x.view(bits), y.view(bits)
        difference = torch.bitwise_xor(x, y)
        chosen = difference.bitwise_and_(mask) if full else torch.bitwise_and(difference, mask)
        return chosen.bitwise_xor_(y).view(dtype)

    return run


@kernel("Identity", "StopGradient", dtypes=ANY, views=always)
def _identity(site: Site) -> Run:
    return lambda x: x


_bits: dict[str, Run] = {
    "BitwiseAnd": torch.bitwise_and,
    "BitwiseOr": torch.bitwise_or,
    "BitwiseXor": torch.bitwise_xor,
}
for _name, _function in _bits.items():
    elementwise(_name, _function, INTEGERS, operands=2)
elementwise("BitwiseNot", torch.bitwise_not, INTEGERS)
