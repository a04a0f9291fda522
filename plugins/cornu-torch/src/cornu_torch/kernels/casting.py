"""Casts: integers wrap, floats saturate, NaN becomes 0 of integers and True of bool."""

from __future__ import annotations

import torch

from cornu_torch.dtypes import ANY, BITS, FLOATS, INTEGERS, SIGNED, carrier, is_carried
from cornu_torch.site import Run, Site, kernel
from cornu_torch.unsigned import GREATEST, LEAST, to_float, widened


def _keeps_memory(site: Site) -> bool:
    return carrier(site.dtype) == carrier(site.attributes["to"])


@kernel("Cast", dtypes=ANY, views=_keeps_memory)
def _cast(site: Site) -> Run:
    source, target = site.dtype, site.attributes["to"]
    dtype = carrier(target)
    if source in FLOATS and target in INTEGERS:
        return _saturating(target)
    if source == "uint64" and target in FLOATS:
        return lambda x: to_float(x, dtype)
    # A carried dtype has to be read as what it is where something wider comes out of it.
    if is_carried(source) and target != "bool" and not (target in INTEGERS and BITS[target] <= BITS[source]):
        return lambda x: widened(x, source).to(dtype)
    if source == "bool":
        return lambda x: x.view(torch.uint8).to(dtype)  # six times as fast as from bool
    return lambda x: x.to(dtype)


def _saturating(target: str) -> Run:
    """Through float64, which holds every bound of up to 32 bits, and 2^63 and 2^64 just outside the others."""
    bits, dtype = BITS[target], carrier(target)
    if bits < 64:
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if target in SIGNED else (0, (1 << bits) - 1)
        return lambda x: x.to(torch.float64).nan_to_num(0.0, high, low).clamp_(low, high).to(torch.int64).to(dtype)
    return _to_int64 if target == "int64" else _to_uint64


def _to_int64(x: torch.Tensor) -> torch.Tensor:
    wide = x.to(torch.float64).nan_to_num(0.0, 2.0**63, -(2.0**63))
    inside = wide.clamp(-(2.0**63), 2.0**63 - 1024).to(torch.int64)
    return torch.where(wide >= 2.0**63, GREATEST, inside)


def _to_uint64(x: torch.Tensor) -> torch.Tensor:
    """The upper half less 2^63, with the top bit set."""
    wide = x.to(torch.float64).nan_to_num(0.0, 2.0**64, 0.0)
    lower = wide.clamp(0.0, 2.0**63 - 1024).to(torch.int64)
    upper = (wide - 2.0**63).clamp(0.0, 2.0**63 - 1024).to(torch.int64) | LEAST
    return torch.where(wide >= 2.0**64, -1, torch.where(wide >= 2.0**63, upper, lower))
