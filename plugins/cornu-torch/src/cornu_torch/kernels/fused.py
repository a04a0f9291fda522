"""Two or three nodes in one pass over memory; `cornu_torch.lowering` finds them."""

from __future__ import annotations

import torch

from cornu_torch.site import Run, Site, fused

Tensor = torch.Tensor

COMPARISONS = {
    "Equal": torch.eq,
    "Less": torch.lt,
    "LessOrEqual": torch.le,
    "Greater": torch.gt,
    "GreaterOrEqual": torch.ge,
}


@fused(*(f"Cast({name})" for name in COMPARISONS), overwrites=(0, 1))
def _compare(site: Site) -> Run:
    """1 and 0 for true and false: torch compares floats into floats three times as fast as into bool."""
    function = COMPARISONS[site.op[len("Cast(") : -1]]
    if site.overwrite == 0:
        return lambda x, y: function(x, y, out=x)
    if site.overwrite == 1:
        return lambda x, y: function(x, y, out=y)
    shape = site.result_shapes[0]
    if site.shapes[0] == shape:
        return lambda x, y: function(x, y, out=torch.empty_like(x))
    if site.shapes[1] == shape:
        return lambda x, y: function(x, y, out=torch.empty_like(y))
    return lambda x, y: function(x, y, out=x.new_empty(shape))


@fused("Add(Mul)", "Sub(Mul)", overwrites=(0, 1, 2))
def _add_product(site: Site) -> Run:
    """`x + y z` or `x - y z`."""
    return _accumulating(torch.addcmul, site, -1 if site.op.startswith("Sub") else 1)


@fused("Add(Div)", "Sub(Div)", overwrites=(0, 1, 2))
def _add_quotient(site: Site) -> Run:
    """`x + y / z` or `x - y / z`."""
    return _accumulating(torch.addcdiv, site, -1 if site.op.startswith("Sub") else 1)


def _accumulating(function: Run, site: Site, sign: int) -> Run:
    place = site.overwrite
    if place is None:
        return lambda x, y, z: function(x, y, z, value=sign)
    return lambda *operands: function(*operands, value=sign, out=operands[place])


@fused("Add(Mul(Sub))", overwrites=(0, 1))
def _interpolate(site: Site) -> Run:
    """`x + (y - x) c` for one number c."""
    place = site.overwrite
    if place is None:
        return torch.lerp
    return lambda *operands: torch.lerp(*operands, out=operands[place])
