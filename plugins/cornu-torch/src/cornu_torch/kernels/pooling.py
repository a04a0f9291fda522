"""Pooling without padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from cornu_torch.dtypes import FLOATS
from cornu_torch.kernels.convolution import arranging, wide_on_cpu
from cornu_torch.site import Run, Shape, Site, kernel

Tensor = torch.Tensor


def as_image(site: Site) -> tuple[Shape, Shape, Shape]:
    """Kernel, strides and dilations of a window in two axes at least: one axis gets another one of size 1."""
    a = site.attributes
    given = (a["kernel_shape"], a["strides"], a["dilations"])
    if len(a["kernel_shape"]) > 1:
        return given
    kernel_shape, strides, dilations = ((1, *sizes) for sizes in given)
    return kernel_shape, strides, dilations


def window_parts(site: Site) -> list[tuple[int, list[slice]]]:
    """For each spatial axis, from the last one on: its number, and where the i-th elements of all windows lie."""
    a, parts = site.attributes, []
    for i, sizes in enumerate(zip(a["kernel_shape"], a["strides"], a["dilations"], strict=True), 2):
        kernel_shape, stride, dilation = sizes
        count = site.result_shapes[0][i]
        starts = [k * dilation for k in range(kernel_shape)]
        parts.append((i, [slice(start, start + (count - 1) * stride + 1, stride) for start in starts]))
    return parts[::-1]


FEW = 16
"""How many maxima of two images are quicker than torch's own kernel."""


@kernel("MaxPool", dtypes=FLOATS)
def _max(site: Site) -> Run:
    """On a CPU the maximum of shifted images is quicker than torch's kernel: windows are separable."""
    kernel_shape, strides, dilations = as_image(site)
    steps = sum(kernel_shape) - len(kernel_shape)
    if site.device.type == "cpu" and 0 < steps <= FEW:
        return _max_of_parts(site)
    if len(kernel_shape) == 3:
        return lambda x: functional.max_pool3d(x, kernel_shape, strides, 0, dilations)
    if len(site.shapes[0]) == 3:
        return lambda x: torch.max_pool2d(x.unsqueeze(2), kernel_shape, strides, 0, dilations).squeeze(2)
    return lambda x: torch.max_pool2d(x, kernel_shape, strides, 0, dilations)


def _max_of_parts(site: Site) -> Run:
    stages = [[(slice(None),) * axis + (part,) for part in parts] for axis, parts in window_parts(site)]

    def run(x: Tensor) -> Tensor:
        for first, *others in stages:
            best = x[first]
            for i, other in enumerate(others):
                best = torch.maximum(best, x[other], out=best if i else None)
            x = best
        return x

    return run


def _without_gaps(dtypes: Sequence[str], attributes: Mapping[str, Any], on_cpu: bool) -> bool:
    return set(attributes["dilations"]) == {1} and wide_on_cpu(dtypes, attributes, on_cpu)


@kernel("AveragePool", dtypes=FLOATS, accepts=_without_gaps)
def _average(site: Site) -> Run:
    kernel_shape, strides, _ = as_image(site)
    if len(kernel_shape) == 3:
        return lambda x: functional.avg_pool3d(x, kernel_shape, strides)
    arrange = arranging(site)
    if len(site.shapes[0]) == 3:
        return lambda x: functional.avg_pool2d(arrange(x.unsqueeze(2)), kernel_shape, strides).squeeze(2)
    return lambda x: functional.avg_pool2d(arrange(x), kernel_shape, strides)
