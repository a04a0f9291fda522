"""Matrix products and convolutions.

The 16-bit floats are left to the core on the CPU, which computes them in float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from cornu_torch.dtypes import FLOATS, NUMBERS, WIDE_FLOATS
from cornu_torch.site import Run, Shape, Site, kernel

Tensor = torch.Tensor


def wide_on_cpu(dtypes: Sequence[str], attributes: Mapping[str, Any], on_cpu: bool) -> bool:
    """For `Kernel.accepts`: the 16-bit floats on a GPU only."""
    return not on_cpu or dtypes[0] not in FLOATS or dtypes[0] in WIDE_FLOATS


@kernel("MatMul", dtypes=NUMBERS, accepts=wide_on_cpu)
def _matmul(site: Site) -> Run:
    if site.device.type == "cpu" or site.dtype in FLOATS:
        return torch.matmul
    return _summed  # torch has no product of integers on a GPU


def _summed(x: Tensor, y: Tensor) -> Tensor:
    return torch.sum(x.unsqueeze(-1) * y.unsqueeze(-3), -2, dtype=x.dtype)


def convolve(
    x: Tensor, w: Tensor, strides: Shape, dilations: Shape, group: int, extra: Shape, transposed: bool
) -> Tensor:
    """A convolution whose sums are the same each time and, on a GPU, not rounded to 19 bits (TF32).

    Both are arguments here; `torch.nn.functional` takes them from settings of the whole process.
    """
    none = (0,) * len(strides)
    return torch._convolution(
        x, w, None, strides, none, dilations, transposed, extra, group, False, True, True, False
    )


@kernel("Conv", dtypes=FLOATS, accepts=wide_on_cpu)
def _conv(site: Site) -> Run:
    a = site.attributes
    strides, dilations, group = a["strides"], a["dilations"], a["group"]
    none = (0,) * len(strides)
    return lambda x, w: convolve(x, w, strides, dilations, group, none, False)


@kernel("ConvTranspose", dtypes=FLOATS, accepts=wide_on_cpu)
def _conv_transpose(site: Site) -> Run:
    a = site.attributes
    strides, dilations, group, extra = a["strides"], a["dilations"], a["group"], a["output_padding"]
    return lambda x, w: convolve(x, w, strides, dilations, group, extra, True)
