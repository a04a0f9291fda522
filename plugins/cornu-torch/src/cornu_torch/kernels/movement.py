"""Making and moving data: ranges, reshaping, slicing, padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from cornu_torch.dtypes import ANY, BITS, BOOL, FLOATS, carrier, is_carried
from cornu_torch.site import KERNELS, Kernel, Run, Shape, Site, always, kernel


@kernel("DimValue", dtypes=ANY)
def _dim_value(site: Site) -> Run:
    size, device = site.attributes["size"], site.device
    return lambda: torch.tensor(size, dtype=torch.int64, device=device)


@kernel("Range", dtypes=ANY)
def _range(site: Site) -> Run:
    start, step, size = (site.attributes[name] for name in ("start", "step", "size"))
    dtype, device = carrier(site.attributes["dtype"]), site.device
    return lambda: (torch.arange(size, device=device) * step + start).to(dtype)


@kernel("Reshape", dtypes=ANY, views=always)
def _reshape(site: Site) -> Run:
    shape: Shape = site.attributes["shape"]
    return lambda x: x.reshape(shape)


@kernel("Transpose", dtypes=ANY, views=always)
def _transpose(site: Site) -> Run:
    perm: Shape = site.attributes["perm"]
    return lambda x: x.permute(perm)


@kernel("Expand", dtypes=ANY, views=always, stretches=True)
def _expand(site: Site) -> Run:
    shape: Shape = site.attributes["shape"]
    return lambda x: x.expand(shape)


# -- parts ---------------------------------------------------------------------------------------------------------


@kernel("Slice", dtypes=ANY, views=always)
def _slice(site: Site) -> Run:
    """Strides of torch are positive: where a step is negative, the same elements are taken forwards and turned."""
    parts = [slice(None)] * len(site.shapes[0])
    turned = []
    a = site.attributes
    for start, end, axis, step in zip(a["starts"], a["ends"], a["axes"], a["steps"], strict=True):
        count = max(-(-(end - start) // step), 0)
        if step < 0:
            start = start + (count - 1) * step
            turned.append(axis)
        parts[axis] = slice(start, start + (count - 1) * abs(step) + 1, abs(step)) if count else slice(0, 0)
    take = _taking(parts, site.shapes[0])
    if turned:
        return lambda x: take(x).flip(turned)
    return take


def _taking(parts: list[slice], shape: Shape) -> Run:
    """A function that takes parts of axes: by `narrow`, which is quickest, if there is one part without gaps."""
    whole = [part == slice(None) or part == slice(0, size, 1) for part, size in zip(parts, shape, strict=True)]
    places = [axis for axis, is_whole in enumerate(whole) if not is_whole]
    if not places:
        return lambda x: x
    axis, part = places[0], parts[places[0]]
    if len(places) == 1 and part.step in (1, None):
        return lambda x: x.narrow(axis, part.start, part.stop - part.start)
    index = tuple(parts)
    return lambda x: x[index]


@kernel("Pad", dtypes=ANY)
def _pad(site: Site) -> Run:
    before, after, mode = site.attributes["before"], site.attributes["after"], site.attributes["mode"]
    if mode == "constant":
        widths = [width for pair in zip(reversed(before), reversed(after), strict=True) for width in pair]
        value = _number(site.attributes["value"], site.dtype)
        return lambda x: torch.constant_pad_nd(x, widths, value)
    steps = []
    for axis, (front, size, back) in enumerate(zip(before, site.shapes[0], after, strict=True)):
        if front or back:
            order = np.pad(np.arange(size), (front, back), mode=mode)
            steps.append((axis, torch.from_numpy(order).to(site.device)))
    return lambda x: _reordered(x, steps)


def _number(value: float, name: str) -> Any:
    """What fills up, as a number of the carrier."""
    if name in FLOATS:
        return float(value)
    if name in BOOL:
        return bool(value)
    number = int(value)
    return number - (1 << BITS[name]) if is_carried(name) and number >> (BITS[name] - 1) else number


def _reordered(x: torch.Tensor, steps: list[tuple[int, torch.Tensor]]) -> torch.Tensor:
    if not steps:
        return x.clone()
    for axis, order in steps:
        x = x.index_select(axis, order)
    return x


@kernel("Trilu", dtypes=ANY)
def _triangle(site: Site) -> Run:
    function, k = torch.triu if site.attributes["upper"] else torch.tril, site.attributes["k"]
    return lambda x: function(x, k)


KERNELS["Constant"] = Kernel(lambda site: lambda: None, ANY)  # the plan holds constants itself
