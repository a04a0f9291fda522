"""Matrix products and convolutions.

The 16-bit floats are left to the core on the CPU, which computes them in float32.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from cornu_torch.dtypes import FLOATS, NUMBERS, WIDE_FLOATS
from cornu_torch.site import Run, Shape, Site, fused, kernel

Tensor = torch.Tensor


def wide_on_cpu(dtypes: Sequence[str], attributes: Mapping[str, Any], on_cpu: bool) -> bool:
    """For `Kernel.accepts`: the 16-bit floats on a GPU only."""
    return not on_cpu or dtypes[0] not in FLOATS or dtypes[0] in WIDE_FLOATS


# -- matrix products -----------------------------------------------------------------------------------------------

LARGE = 1 << 14
"""From how many multiplications on a product of float32 matrices is given to oneDNN."""


def _linear() -> Run | None:
    """oneDNN's product, which is twice as fast as MKL's where that does not know the processor; None without it.

    Torch has no public name for it, so that it is tried before it is used.
    """
    x, w = torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(3, 4)
    try:
        linear: Run = torch.ops.mkldnn._linear_pointwise.default
        right = torch.equal(linear(x, w.t(), None, "none", [], ""), x @ w)
    except (AttributeError, RuntimeError):
        return None
    return linear if right else None


LINEAR = _linear()


def _is_large(site: Site) -> bool:
    """Whether float32 is multiplied by one matrix on the CPU, and oneDNN is worth it."""
    x, y = site.shapes[:2]
    suits = site.device.type == "cpu" and site.dtype == "float32" and len(x) >= len(y) == 2
    return suits and math.prod(x) * y[1] >= LARGE


@kernel("MatMul", dtypes=NUMBERS, accepts=wide_on_cpu)
def _matmul(site: Site) -> Run:
    if site.device.type != "cpu" and site.dtype not in FLOATS:
        return _summed  # torch has no product of integers on a GPU
    linear = LINEAR
    if linear is not None and _is_large(site):
        return lambda x, y: linear(x, y.t(), None, "none", [], "")
    return torch.matmul


@fused("MatMul+Add")
def _matmul_add(site: Site) -> Run:
    """A product with a matrix, and a number added to every column of it."""
    linear = LINEAR
    if linear is not None and _is_large(site):
        return lambda x, y, offset: linear(x, y.t(), offset, "none", [], "")
    if len(site.shapes[0]) == 2:
        return lambda x, y, offset: torch.addmm(offset, x, y)
    return lambda x, y, offset: torch.matmul(x, y).add_(offset)


def _summed(x: Tensor, y: Tensor) -> Tensor:
    return torch.sum(x.unsqueeze(-1) * y.unsqueeze(-3), -2, dtype=x.dtype)


# -- convolutions --------------------------------------------------------------------------------------------------


def channels_last(x: Tensor) -> Tensor:
    """An image whose channels lie side by side, for which torch's kernels are up to ten times as fast on a CPU.

    With one channel torch takes an image for the other kind, save if its strides say what they need not.
    """
    if x.shape[1] == 1 and x.is_contiguous() and x.numel():
        sizes = x.shape[2:]
        inner = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
        return x.as_strided(x.shape, (math.prod(sizes), 1, *inner))
    return x.contiguous(memory_format=_FORMATS[x.dim()])


_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


def _as_it_is(x: Tensor) -> Tensor:
    return x


def arranging(site: Site) -> Run:
    """What brings images into the order that is best for the device."""
    return channels_last if site.device.type == "cpu" else _as_it_is


def convolve(
    x: Tensor, w: Tensor, offset: Tensor | None, strides: Shape, dilations: Shape, group: int, extra: Shape | None
) -> Tensor:
    """A convolution, or with `extra` (its output padding) a transposed one.

    Its sums are the same each time and, on a GPU, of numbers that are not rounded to 19 bits (TF32). Both are arguments
    here; `torch.nn.functional` takes them from settings of the whole process.
    """
    none = (0,) * len(strides)
    transposed = extra is not None
    return torch._convolution(
        x, w, offset, strides, none, dilations, transposed, extra or none, group, False, True, True, False
    )


@kernel("Conv", "ConvTranspose", dtypes=FLOATS, accepts=wide_on_cpu)
@fused("Conv+Add", "ConvTranspose+Add")
def _conv(site: Site) -> Run:
    """A sequence is an image of one row. What is added has the shape [1, C, 1, ...]."""
    a = site.attributes
    strides, dilations, group, extra = a["strides"], a["dilations"], a["group"], a.get("output_padding")
    arrange = arranging(site)
    if len(site.shapes[0]) > 3:
        if len(site.shapes) == 2:
            return lambda x, w: convolve(arrange(x), w, None, strides, dilations, group, extra)
        return lambda x, w, offset: convolve(arrange(x), w, offset.reshape(-1), strides, dilations, group, extra)
    strides, dilations, extra = (1, *strides), (1, *dilations), extra and (0, *extra)

    def run(x: Tensor, w: Tensor, offset: Tensor | None = None) -> Tensor:
        image = arrange(x.unsqueeze(2))
        vector = None if offset is None else offset.reshape(-1)
        return convolve(image, w.unsqueeze(2), vector, strides, dilations, group, extra).squeeze(2)

    return run
