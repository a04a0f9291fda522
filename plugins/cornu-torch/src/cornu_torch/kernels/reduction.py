"""Reductions over axes, running sums and products, and order."""

from __future__ import annotations

import math
from typing import Any

import torch

from cornu_torch.dtypes import FLOATS, NUMBERS, UNSIGNED, carrier, is_carried
from cornu_torch.site import KERNELS, Kernel, Run, Site, kernel
from cornu_torch.unsigned import ordered

Tensor = torch.Tensor


@kernel("ReduceSum", dtypes=NUMBERS)
def _sum(site: Site) -> Run:
    axes, keepdims, dtype = site.attributes["axes"], site.attributes["keepdims"], carrier(site.dtype)
    if not axes:
        return torch.clone  # torch takes no axes for all
    return lambda x: torch.sum(x, axes, keepdims, dtype=dtype)


@kernel("ReduceMean", dtypes=FLOATS)
def _mean(site: Site) -> Run:
    axes, keepdims = site.attributes["axes"], site.attributes["keepdims"]
    return (lambda x: torch.mean(x, axes, keepdims)) if axes else torch.clone


@kernel("ReduceProd", dtypes=NUMBERS)
def _product(site: Site) -> Run:
    """Torch takes one axis: those to reduce become one."""
    axes, dtype, shape = site.attributes["axes"], carrier(site.dtype), site.result_shapes[0]
    if len(axes) == 1:
        axis, keepdims = axes[0], site.attributes["keepdims"]
        return lambda x: torch.prod(x, axis, keepdims, dtype=dtype)
    kept = [i for i in range(len(site.shapes[0])) if i not in axes]
    count = math.prod(site.shapes[0][i] for i in axes)
    order, rows = (*kept, *axes), (*(site.shapes[0][i] for i in kept), count)
    return lambda x: torch.prod(x.permute(order).reshape(rows), -1, dtype=dtype).reshape(shape)


def _extreme(site: Site, largest: bool) -> Run:
    axes, keepdims, name = site.attributes["axes"], site.attributes["keepdims"], site.dtype
    if not axes:
        return torch.clone
    if any(site.shapes[0][axis] == 0 for axis in axes):
        shape, value, dtype = site.result_shapes[0], _bound(name, largest), carrier(name)
        return lambda x: x.new_full(shape, value, dtype=dtype)
    function = torch.amax if largest else torch.amin
    if is_carried(name):
        return lambda x: ordered(function(ordered(x, name), axes, keepdims), name)
    return lambda x: function(x, axes, keepdims)


def _bound(name: str, largest: bool) -> Any:
    """What the maximum (or minimum) of nothing is, in the carrier."""
    if name in FLOATS:
        return -math.inf if largest else math.inf
    if name in UNSIGNED:
        return 0 if largest else (255 if name == "uint8" else -1)
    limits = torch.iinfo(carrier(name))
    return limits.min if largest else limits.max


KERNELS["ReduceMax"] = Kernel(lambda site: _extreme(site, largest=True), NUMBERS)
KERNELS["ReduceMin"] = Kernel(lambda site: _extreme(site, largest=False), NUMBERS)


def _place(function: Run, site: Site) -> Run:
    axis, keepdims, name = site.attributes["axis"], site.attributes["keepdims"], site.dtype
    return lambda x: function(ordered(x, name), axis, keepdims)


KERNELS["ArgMax"] = Kernel(lambda site: _place(torch.argmax, site), NUMBERS)
KERNELS["ArgMin"] = Kernel(lambda site: _place(torch.argmin, site), NUMBERS)


@kernel("TopK", dtypes=NUMBERS)
def _top_k(site: Site) -> Run:
    """A stable sort: torch's own `topk` gives equal elements in any order."""
    k, axis, largest = (site.attributes[name] for name in ("k", "axis", "largest"))
    name = site.dtype

    def run(x: Tensor) -> tuple[Tensor, Tensor]:
        values, places = torch.sort(ordered(x, name), dim=axis, descending=largest, stable=True)
        return ordered(values.narrow(axis, 0, k), name), places.narrow(axis, 0, k)

    return run


# -- running sums and products -------------------------------------------------------------------------------------


def _cumulative(function: Run, start: int, site: Site) -> Run:
    axis, exclusive, reverse = (site.attributes[name] for name in ("axis", "exclusive", "reverse"))
    dtype, size, shape = carrier(site.dtype), site.shapes[0][axis], site.shapes[0]
    first = tuple(1 if i == axis else dim for i, dim in enumerate(shape))

    def run(x: Tensor) -> Tensor:
        if reverse:
            x = x.flip(axis)
        if exclusive and size:
            x = torch.cat([x.new_full(first, start), x.narrow(axis, 0, size - 1)], axis)
        x = function(x, axis, dtype=dtype)
        return x.flip(axis) if reverse else x

    return run


KERNELS["CumSum"] = Kernel(lambda site: _cumulative(torch.cumsum, 0, site), NUMBERS)
KERNELS["CumProd"] = Kernel(lambda site: _cumulative(torch.cumprod, 1, site), NUMBERS)
