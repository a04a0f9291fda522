"""Unsigned integers in the memory of signed ones."""

from __future__ import annotations

import torch

from cornu_torch.dtypes import BITS, carrier, is_carried

LEAST = -(2**63)
GREATEST = 2**63 - 1


def ordered(x: torch.Tensor, name: str) -> torch.Tensor:
    """Integers in the order of signed ones: the top bit of a carried dtype is turned; it is its own inverse."""
    return x.bitwise_xor(top_bit(name)) if is_carried(name) else x


def top_bit(name: str) -> int:
    """The top bit of a carried dtype, as its carrier has it."""
    return -(1 << (BITS[name] - 1))


def widened(x: torch.Tensor, name: str) -> torch.Tensor:
    """Integers of at most 32 bits, or of int64, as int64 of the same value."""
    wide = x.to(torch.int64)
    return wide.bitwise_and_((1 << BITS[name]) - 1) if is_carried(name) and BITS[name] < 64 else wide


def narrowed(x: torch.Tensor, name: str) -> torch.Tensor:
    """int64 modulo the width of a dtype, in its carrier."""
    return x.to(carrier(name))


def below(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """`x < y` of uint64."""
    return torch.lt(x ^ LEAST, y ^ LEAST)


def halved(x: torch.Tensor) -> torch.Tensor:
    """`x // 2` of uint64."""
    return (x >> 1) & GREATEST


def divided(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """`x // y` of uint64 for `y > 0`, by the signed division of half of it."""
    large = y < 0  # above 2**63: the quotient is 0 or 1
    safe = torch.where(large, 1, y)
    quotient = torch.div(halved(x), safe, rounding_mode="trunc") << 1
    rest = x - quotient * safe
    quotient = quotient + (~below(rest, safe)).to(torch.int64)
    return torch.where(large, (~below(x, y)).to(torch.int64), quotient)


def to_float(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """uint64 to a float: of the large half the last bit is kept as a sticky one, so that rounding is right."""
    half = halved(x) | (x & 1)
    return torch.where(x < 0, half.to(dtype) * 2, x.to(dtype))
