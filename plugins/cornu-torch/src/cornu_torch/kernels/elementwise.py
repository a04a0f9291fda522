"""Arithmetic and analysis of floats, and what integers have in common with them."""

from __future__ import annotations

import torch
from torch.nn import functional

from cornu_torch.dtypes import ANY, FLOATS, INTEGERS, NUMBERS, SIGNED, UNSIGNED, carrier
from cornu_torch.site import KERNELS, Kernel, Run, Site, Written, always, elementwise, kernel
from cornu_torch.unsigned import ordered

LINEAR = 40
"""Above it `log(1 + e^x)` is x, in float64 too."""

for _name, _function in {
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
}.items():
    elementwise(_name, _function, FLOATS)
elementwise("Neg", torch.neg, FLOATS | SIGNED)
for _name, _function in {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul}.items():
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
KERNELS["Where"] = Kernel(Written(torch.where), ANY, data=1, overwrites=(1, 2))


@kernel("Identity", "StopGradient", dtypes=ANY, views=always)
def _identity(site: Site) -> Run:
    return lambda x: x



for _name, _function in {
    "BitwiseAnd": torch.bitwise_and,
    "BitwiseOr": torch.bitwise_or,
    "BitwiseXor": torch.bitwise_xor,
}.items():
    elementwise(_name, _function, INTEGERS, operands=2)
