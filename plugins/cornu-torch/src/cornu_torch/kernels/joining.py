"""Joining, splitting and repeating tensors."""

from __future__ import annotations

import torch

from cornu_torch.dtypes import ANY
from cornu_torch.site import Run, Shape, Site, always, kernel


@kernel("Concat", dtypes=ANY)
def _concat(site: Site) -> Run:
    axis: int = site.attributes["axis"]
    return lambda *xs: torch.cat(xs, axis)


@kernel("Split", dtypes=ANY, views=always, sequence=True)
def _split(site: Site) -> Run:
    sizes: Shape = site.attributes["sizes"]
    axis: int = site.attributes["axis"]
    return lambda x: x.split_with_sizes(sizes, axis)


@kernel("Tile", dtypes=ANY)
def _tile(site: Site) -> Run:
    repeats: Shape = site.attributes["repeats"]
    return lambda x: x.repeat(repeats)
