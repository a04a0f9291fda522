"""Reading and writing at indices that are tensors.

An index that is out of range raises on the CPU. On a GPU it would end the process's use of the device, so that there
indices are clamped where they are read, as the reference kernels do it, and where they are written.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from cornu_torch.dtypes import ANY, is_carried
from cornu_torch.site import Run, Shape, Site, kernel
from cornu_torch.unsigned import ordered

Tensor = torch.Tensor
REDUCTIONS = {"mul": "prod", "max": "amax", "min": "amin"}


def _places(site: Site, size: int) -> Callable[[Tensor], Tensor]:
    """A function that counts negative indices from the front."""
    if site.device.type == "cpu":
        return lambda indices: torch.where(indices < 0, indices + size, indices)
    last = max(size - 1, 0)
    return lambda indices: torch.where(indices < 0, indices + size, indices).clamp_(0, last)


# -- reading -------------------------------------------------------------------------------------------------------


@kernel("Gather", dtypes=ANY)
def _gather(site: Site) -> Run:
    axis: int = site.attributes["axis"]
    shape, places = site.result_shapes[0], _places(site, site.shapes[0][axis])
    if len(site.shapes[1]) == 1:
        return lambda x, indices: x.index_select(axis, places(indices))
    return lambda x, indices: x.index_select(axis, places(indices.reshape(-1))).reshape(shape)


@kernel("GatherElements", dtypes=ANY)
def _gather_elements(site: Site) -> Run:
    axis: int = site.attributes["axis"]
    places = _places(site, site.shapes[0][axis])
    return lambda x, indices: x.gather(axis, places(indices.to(torch.int64)))


@kernel("GatherND", dtypes=ANY)
def _gather_nd(site: Site) -> Run:
    """One index for all axes that are named, into the tensor in which they are one."""
    flat, shape = _flat(site), site.result_shapes[0]
    rows = _rows(site)
    return lambda x, indices: x.reshape(rows).index_select(0, flat(indices)).reshape(shape)


def _rows(site: Site) -> Shape:
    """The first operand's shape with the axes that indices name as one."""
    depth, shape = site.shapes[1][-1], site.shapes[0]
    return (math.prod(shape[:depth]), *shape[depth:])


def _flat(site: Site) -> Callable[[Tensor], Tensor]:
    """A function from positions in the first axes to rows; a position outside one axis stays outside of all."""
    depth, shape = site.shapes[1][-1], site.shapes[0]
    if depth == 1:
        places = _places(site, shape[0])
        return lambda indices: places(indices.reshape(-1))
    sizes = torch.tensor(shape[:depth], device=site.device)
    steps = torch.tensor([math.prod(shape[i + 1 : depth]) for i in range(depth)], device=site.device)
    on_cpu, count = site.device.type == "cpu", math.prod(site.shapes[1][:-1])

    def run(indices: Tensor) -> Tensor:
        found = indices.reshape(count, depth).to(torch.int64)
        found = torch.where(found < 0, found + sizes, found)
        if on_cpu:
            if ((found < 0) | (found >= sizes)).any():
                raise IndexError("an index is out of range")
        else:
            found = torch.minimum(found.clamp_(0), sizes - 1)
        return (found * steps).sum(1)

    return run


# -- writing -------------------------------------------------------------------------------------------------------


@kernel("ScatterElements", dtypes=ANY, overwrites=(0,))
def _scatter_elements(site: Site) -> Run:
    axis: int = site.attributes["axis"]
    places, write = _places(site, site.shapes[0][axis]), _writing(site, axis, site.shapes[1])
    return lambda data, indices, updates: write(data, places(indices.to(torch.int64)), updates)


@kernel("ScatterND", dtypes=ANY, overwrites=(0,))
def _scatter_nd(site: Site) -> Run:
    flat, rows, shape = _flat(site), _rows(site), site.result_shapes[0]
    count = math.prod(site.shapes[1][:-1])
    column, parts = (count, *(1,) * (len(rows) - 1)), (count, *rows[1:])
    write = _writing(site, 0, parts)

    def run(data: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
        places = flat(indices).to(torch.int64).reshape(column).expand(parts)
        written: Tensor = write(data.reshape(rows), places, updates.reshape(parts))
        return written.reshape(shape)

    return run


def _writing(site: Site, axis: int, shape: Shape) -> Run:
    """`(data, indices, updates)` to the data with updates written or combined, for an index to each update.

    Args:
        site: The node.
        axis: Where indices count.
        shape: That of the indices and of the updates.
    """
    reduction, name = site.attributes["reduction"], site.dtype
    fresh = _itself if site.overwrite == 0 else _copy
    if reduction == "none":
        return lambda data, indices, updates: fresh(data).scatter_(axis, indices, updates)
    if reduction == "add" and site.device.type != "cpu":
        return _adding_in_order(fresh, axis, shape, site.device)
    if reduction == "add":
        return lambda data, indices, updates: fresh(data).scatter_add_(axis, indices, updates)
    reduce = REDUCTIONS[reduction]
    if is_carried(name) and reduction != "mul":
        return lambda data, indices, updates: ordered(
            ordered(data, name).scatter_reduce_(axis, indices, ordered(updates, name), reduce), name
        )
    return lambda data, indices, updates: fresh(data).scatter_reduce_(axis, indices, updates, reduce)


def _adding_in_order(fresh: Run, axis: int, shape: Shape, device: torch.device) -> Run:
    """Sums on a GPU, which are the same each time: `scatter_add_` adds as threads come, `index_put_` sorts."""
    grid = [
        torch.arange(size, device=device).reshape([-1 if k == i else 1 for k in range(len(shape))])
        for i, size in enumerate(shape)
    ]

    def run(data: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
        place = (*grid[:axis], indices, *grid[axis + 1 :])
        result: Tensor = fresh(data).index_put_(place, updates, accumulate=True)
        return result

    return run


def _copy(x: Tensor) -> Tensor:
    return x.clone(memory_format=torch.contiguous_format)


def _itself(x: Tensor) -> Tensor:
    return x
