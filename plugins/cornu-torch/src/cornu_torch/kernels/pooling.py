"""Pooling without padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from cornu_torch.dtypes import FLOATS
from cornu_torch.kernels.convolution import wide_on_cpu
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


@kernel("MaxPool", dtypes=FLOATS)
def _max(site: Site) -> Run:
    kernel_shape, strides, dilations = as_image(site)
    if len(kernel_shape) == 3:
        return lambda x: functional.max_pool3d(x, kernel_shape, strides, 0, dilations)
    if len(site.shapes[0]) == 3:
        return lambda x: torch.max_pool2d(x.unsqueeze(2), kernel_shape, strides, 0, dilations).squeeze(2)
    return lambda x: torch.max_pool2d(x, kernel_shape, strides, 0, dilations)


def _without_gaps(dtypes: Sequence[str], attributes: Mapping[str, Any], on_cpu: bool) -> bool:
    return set(attributes["dilations"]) == {1} and wide_on_cpu(dtypes, attributes, on_cpu)


@kernel("AveragePool", dtypes=FLOATS, accepts=_without_gaps)
def _average(site: Site) -> Run:
    kernel_shape, strides, _ = as_image(site)
    if len(kernel_shape) == 3:
        return lambda x: functional.avg_pool3d(x, kernel_shape, strides)
    if len(site.shapes[0]) == 3:
        return lambda x: functional.avg_pool2d(x.unsqueeze(2), kernel_shape, strides).squeeze(2)
    return lambda x: functional.avg_pool2d(x, kernel_shape, strides)
