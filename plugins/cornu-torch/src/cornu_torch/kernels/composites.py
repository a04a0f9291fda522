"""Composites that torch has one kernel for.

They are recognised by name, operands and configuration; whatever differs from what is known here is left to the core,
which takes the composite's body instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from cornu.ir.program import Program
from torch.nn import grad

from cornu_torch.dtypes import WIDE_FLOATS
from cornu_torch.kernels.convolution import convolve
from cornu_torch.kernels.pooling import as_image
from cornu_torch.site import Accepts, Run, Shape, Site, kernel
from cornu_torch.support import runs_natively

Tensor = torch.Tensor

_WEIGHT_GRADIENTS = {1: grad.conv1d_weight, 2: grad.conv2d_weight, 3: grad.conv3d_weight}


def _known(operands: tuple[int, ...], results: tuple[int, ...], *configuration: str) -> Accepts:
    """Composites of so many operands and results and of exactly this configuration."""
    expected = {"name", "body", "vjp", "primals", *configuration}

    def accepts(dtypes: Sequence[str], attributes: Mapping[str, Any], on_cpu: bool) -> bool:
        body = attributes.get("body")
        if not isinstance(body, Program) or not set(configuration) <= set(attributes) <= expected:
            return False
        same = {value.dtype for value in (*body.inputs, *body.outputs)} == {dtypes[0]}
        return same and len(dtypes) in operands and len(body.outputs) in results

    return accepts


# -- convolution ---------------------------------------------------------------------------------------------------


@kernel(
    "ConvWeightGrad",
    dtypes=WIDE_FLOATS,
    accepts=_known((2,), (1,), "kernel_shape", "strides", "dilations", "group"),
)
def _conv_weight_grad(site: Site) -> Run:
    a = site.attributes
    strides, dilations, group = a["strides"], a["dilations"], a["group"]
    shape, none = site.result_shapes[0], (0,) * len(a["strides"])
    if site.device.type != "cpu":
        return lambda x, g: _exchanged(x, g, shape, strides, dilations, group)
    function = _WEIGHT_GRADIENTS[len(strides)]
    return lambda x, g: function(x, shape, g, strides, none, dilations, group)


def _exchanged(x: Tensor, g: Tensor, shape: Shape, strides: Shape, dilations: Shape, group: int) -> Tensor:
    """The convolution of the input with the cotangent as its kernel: batches are its channels, and the other way round.

    Torch's own weight gradient sums in an order that settings of the whole process decide.
    """
    batch, channels, *sizes = x.shape
    outputs, inner = shape[0], shape[1]
    grouped = x.reshape(batch, group, inner, *sizes).transpose(0, 2)  # [inner, group, batch, ...]
    images = grouped.reshape(inner, group * batch, *sizes)
    result = convolve(images, g.transpose(0, 1), dilations, strides, group, (0,) * len(strides), False)
    for axis, size in enumerate(shape[2:], 2):
        result = result.narrow(axis, 0, size)
    return result.transpose(0, 1).contiguous()


# -- pooling -------------------------------------------------------------------------------------------------------


def _max_pool_grad_runs(dtypes: Sequence[str], attributes: Mapping[str, Any], on_cpu: bool) -> bool:
    """On a GPU torch adds cotangents in any order, and the check for NaN would wait for the device."""
    known = _known((2,), (1,), "kernel_shape", "strides", "dilations")
    if not on_cpu or not known(dtypes, attributes, on_cpu):
        return False
    return all(runs_natively(node, on_cpu) for node in attributes["body"].walk())


@kernel("MaxPoolGrad", dtypes=WIDE_FLOATS, accepts=_max_pool_grad_runs, sequence=True)
def _max_pool_grad(site: Site) -> Run:
    """Torch's gradient, but by the body where a window holds NaN: torch's choice is another one there."""
    kernel_shape, strides, dilations = as_image(site)
    flat = len(site.shapes[0]) == 3
    padding, aten = (0,) * len(kernel_shape), torch.ops.aten
    forwards, backwards = aten.max_pool2d_with_indices.default, aten.max_pool2d_with_indices_backward.default
    if len(kernel_shape) == 3:
        forwards, backwards = aten.max_pool3d_with_indices.default, aten.max_pool3d_with_indices_backward.default
    body = site.body(site.attributes["body"], site.shapes)

    def run(x: Tensor, g: Tensor) -> Sequence[Tensor]:
        image, cotangent = (x.unsqueeze(2), g.unsqueeze(2)) if flat else (x, g)
        best, places = forwards(image, kernel_shape, strides, padding, dilations)
        if best.isnan().any():
            return body((x, g))
        result = backwards(cotangent, image, kernel_shape, strides, padding, dilations, False, places)
        return (result.squeeze(2) if flat else result,)

    return run


# -- softmax and normalization -------------------------------------------------------------------------------------


@kernel("Softmax", "LogSoftmax", dtypes=WIDE_FLOATS, accepts=_known((1,), (1, 2), "axis"), shared=True, sequence=True)
def _softmax(site: Site) -> Run:
    """The residual for the gradient, where it is asked for, is the result."""
    axis, count = site.attributes["axis"], len(site.result_shapes)
    function = torch.softmax if site.op == "Softmax" else torch.log_softmax
    return lambda x: (function(x, axis),) * count


@kernel(
    "LayerNormalization", dtypes=WIDE_FLOATS, accepts=_known((2, 3), (1, 3), "axis", "epsilon"), sequence=True
)
def _layer_normalization(site: Site) -> Run:
    """The residuals are the mean and the inverse deviation."""
    shape, epsilon = site.shapes[0][site.attributes["axis"] :], site.attributes["epsilon"]
    count = len(site.result_shapes)
    return lambda x, scale, offset=None: torch.native_layer_norm(x, shape, scale, offset, epsilon)[:count]
