"""Comparison and logic."""

from __future__ import annotations

import torch

from cornu_torch.dtypes import ANY, BOOL, FLOATS, NUMBERS, is_carried
from cornu_torch.site import KERNELS, Kernel, Run, Site, elementwise, kernel
from cornu_torch.unsigned import ordered


def _compare(function: Run, site: Site) -> Run:
    name = site.dtype
    if is_carried(name):
        return lambda x, y: function(ordered(x, name), ordered(y, name))
    return function


_orders: dict[str, Run] = {
    "Less": torch.lt,
    "LessOrEqual": torch.le,
    "Greater": torch.gt,
    "GreaterOrEqual": torch.ge,
}
for _name, _function in _orders.items():
    KERNELS[_name] = Kernel(lambda site, function=_function: _compare(function, site), NUMBERS)  # type: ignore[misc]


@kernel("Equal", dtypes=ANY)
def _equal(site: Site) -> Run:
    return torch.eq


@kernel("IsNaN", dtypes=FLOATS)
def _is_nan(site: Site) -> Run:
    return torch.isnan


@kernel("IsInf", dtypes=FLOATS)
def _is_inf(site: Site) -> Run:
    return torch.isinf


elementwise("Not", torch.logical_not, BOOL)
_connectives: dict[str, Run] = {"And": torch.logical_and, "Or": torch.logical_or, "Xor": torch.logical_xor}
for _name, _function in _connectives.items():
    elementwise(_name, _function, BOOL, operands=2)
