"""Quotients, remainders, powers and shifts: where integers need care.

Torch raises for a division by 0, and a division of the least number by -1 ends the process; neither divisor reaches it.
"""

from __future__ import annotations

import torch

from cornu_torch.dtypes import BITS, FLOATS, NUMBERS, UNSIGNED, carrier
from cornu_torch.site import Run, Site, Written, kernel
from cornu_torch.unsigned import GREATEST, divided, halved, narrowed, widened


@kernel("Div", dtypes=NUMBERS, overwrites=(0, 1))
def _divide(site: Site) -> Run:
    name = site.dtype
    if name in FLOATS:
        return Written(torch.div)(site)
    if name == "uint64":
        return lambda x, y: torch.where(y == 0, 0, divided(x, torch.where(y == 0, 1, y)))
    if name in UNSIGNED:
        return lambda x, y: narrowed(_quotient(widened(x, name), widened(y, name)), name)
    return _quotient


def _quotient(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    quotient = torch.div(x, _harmless(y), rounding_mode="trunc")
    return torch.where(y == 0, 0, torch.where(y == -1, -x, quotient))


def _harmless(y: torch.Tensor) -> torch.Tensor:
    return torch.where((y == 0) | (y == -1), 1, y)


@kernel("Mod", dtypes=NUMBERS, overwrites=(0, 1))
def _modulo(site: Site) -> Run:
    name = site.dtype
    if name in FLOATS:
        return Written(torch.remainder)(site)
    if name == "uint64":
        return _rest_of_uint64
    if name in UNSIGNED:
        return lambda x, y: narrowed(_rest(widened(x, name), widened(y, name)), name)
    return _rest


def _rest(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.where(y == 0, 0, torch.remainder(x, _harmless(y)))


def _rest_of_uint64(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    safe = torch.where(y == 0, 1, y)
    return torch.where(y == 0, 0, x - divided(x, safe) * safe)


@kernel("Pow", dtypes=NUMBERS)
def _power(site: Site) -> Run:
    name = site.dtype
    if name in FLOATS:
        return torch.pow
    if name == "uint64":
        return _power_of_uint64
    if name in UNSIGNED:
        return lambda x, y: narrowed(torch.pow(widened(x, name), widened(y, name)), name)
    return torch.pow


def _power_of_uint64(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """By squaring, one bit of the exponent after the other."""
    result = torch.ones((), dtype=torch.int64, device=x.device)
    for _ in range(64):
        result = torch.where((y & 1) == 1, result * x, result)
        x, y = x * x, halved(y)
    return result


@kernel("BitShift", dtypes=UNSIGNED)
def _shift(site: Site) -> Run:
    name, left = site.dtype, site.attributes["direction"] == "LEFT"
    if name == "uint64":
        return _left_of_uint64 if left else _right_of_uint64
    bits, function = BITS[name], torch.bitwise_left_shift if left else torch.bitwise_right_shift

    def run(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
        return function(widened(x, name), widened(amount, name).clamp_max(bits)).to(carrier(name))

    return run


def _left_of_uint64(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    outside = (amount < 0) | (amount > 63)
    return torch.where(outside, 0, x << torch.where(outside, 0, amount))


def _right_of_uint64(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """The first bit with its sign taken away, the others as signed numbers are shifted."""
    outside = (amount < 0) | (amount > 63)
    others = torch.where(outside | (amount == 0), 0, amount - 1)
    moved = torch.where(amount == 0, x, ((x >> 1) & GREATEST) >> others)
    return torch.where(outside, 0, moved)
