"""Composites that torch has one kernel for.

They are recognised by name, operands and configuration, and by their body where the specification does not say what the
name means; whatever differs from what is known here is left to the core, which takes the composite's body instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from cornu.ir.program import Program
from torch.nn import functional, grad

from cornu_torch.dtypes import WIDE_FLOATS
from cornu_torch.kernels.convolution import channels_last, convolve
from cornu_torch.kernels.pooling import as_image
from cornu_torch.site import Accepts, Run, Shape, Site, fused, kernel
from cornu_torch.support import runs_natively

Tensor = torch.Tensor


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


def _made_of(known: Accepts, *bodies: str) -> Accepts:
    """Composites whose body is one of these sequences of operators, too, reducing what `axis` says."""
    expected = {tuple(body.split()) for body in bodies}

    def accepts(dtypes: Sequence[str], attributes: Mapping[str, Any], on_cpu: bool) -> bool:
        if not known(dtypes, attributes, on_cpu):
            return False
        nodes = [node for node in attributes["body"].nodes if node.op != "Constant"]
        axis = attributes.get("axis")
        reduced = {node.attributes["axes"] for node in nodes if node.op.startswith("Reduce")}
        return tuple(node.op for node in nodes) in expected and all(min(axes) == axis for axes in reduced)

    return accepts


# -- convolution ---------------------------------------------------------------------------------------------------


@kernel(
    "ConvWeightGrad",
    dtypes=WIDE_FLOATS,
    accepts=_known((2,), (1,), "kernel_shape", "strides", "dilations", "group"),
)
def _conv_weight_grad(site: Site) -> Run:
    """On a CPU torch's own; a sequence is an image of one row."""
    a = site.attributes
    strides, dilations, group, shape = a["strides"], a["dilations"], a["group"], site.result_shapes[0]
    if site.device.type != "cpu":
        return lambda x, g: _exchanged(x, g, shape, strides, dilations, group)
    function: Run = grad.conv3d_weight if len(strides) == 3 else grad.conv2d_weight
    if len(strides) > 1:
        none = (0,) * len(strides)
        return lambda x, g: function(channels_last(x), shape, channels_last(g), strides, none, dilations, group)
    flat, settings = (*shape[:2], 1, *shape[2:]), ((1, *strides), (0, 0), (1, *dilations), group)
    return lambda x, g: function(channels_last(x.unsqueeze(2)), flat, channels_last(g.unsqueeze(2)), *settings).squeeze(
        2
    )


def _exchanged(x: Tensor, g: Tensor, shape: Shape, strides: Shape, dilations: Shape, group: int) -> Tensor:
    """The convolution of the input with the cotangent as its kernel: batches are its channels, and the other way round.

    Torch's own weight gradient sums in an order that settings of the whole process decide.
    """
    batch, inner, sizes = x.shape[0], shape[1], x.shape[2:]
    grouped = x.reshape(batch, group, inner, *sizes).transpose(0, 2)  # [inner, group, batch, ...]
    images = grouped.reshape(inner, group * batch, *sizes)
    result = convolve(images, g.transpose(0, 1), None, dilations, strides, group, None)
    for axis, size in enumerate(shape[2:], 2):
        result = result.narrow(axis, 0, size)
    return result.transpose(0, 1).contiguous()


# -- pooling -------------------------------------------------------------------------------------------------------


def _max_pool_grad_runs(dtypes: Sequence[str], attributes: Mapping[str, Any], on_cpu: bool) -> bool:
    """On a GPU torch adds cotangents in any order, and the check for NaN would wait for the device."""
    known = _known((2,), (1,), "kernel_shape", "strides", "dilations")
    if not on_cpu or not known(dtypes, attributes, on_cpu):
        return False
    return all(runs_natively(node, on_cpu) for node in attributes["body"].nodes)


@kernel("MaxPoolGrad", dtypes=WIDE_FLOATS, accepts=_max_pool_grad_runs, sequence=True)
def _max_pool_grad(site: Site) -> Run:
    forwards, backwards = _with_places(site), _max_pool_grad_at(site)
    return lambda x, g: backwards(x, g, *forwards(x))


@fused("MaxPool, places")
def _with_places(site: Site) -> Run:
    """The maxima, and where they lie in each image."""
    aten = torch.ops.aten
    forwards = aten.max_pool3d_with_indices.default if _is_solid(site) else aten.max_pool2d_with_indices.default
    kernel_shape, strides, dilations = as_image(site)
    padding = (0,) * len(kernel_shape)
    if len(site.shapes[0]) > 3:
        return lambda x: forwards(channels_last(x), kernel_shape, strides, padding, dilations)
    return lambda x: [
        y.squeeze(2) for y in forwards(channels_last(x.unsqueeze(2)), kernel_shape, strides, padding, dilations)
    ]


@fused("MaxPoolGrad, places", sequence=True)
def _max_pool_grad_at(site: Site) -> Run:
    """Torch's gradient, but by the body where a window holds NaN: torch's choice is another one there."""
    kernel_shape, strides, dilations = as_image(site)
    aten = torch.ops.aten
    solid, planar = aten.max_pool3d_with_indices_backward.default, aten.max_pool2d_with_indices_backward.default
    backwards = solid if _is_solid(site) else planar
    flat, padding = len(site.shapes[0]) == 3, (0,) * len(kernel_shape)
    body = site.body(site.attributes["body"], site.shapes[:2])

    def run(x: Tensor, g: Tensor, best: Tensor, places: Tensor) -> Sequence[Tensor]:
        if best.isnan().any():
            return body((x, g))
        if flat:
            x, g, places = x.unsqueeze(2), g.unsqueeze(2), places.unsqueeze(2)
        order = channels_last(x), channels_last(g), channels_last(places)
        result = backwards(order[1], order[0], kernel_shape, strides, padding, dilations, False, order[2])
        return (result.squeeze(2) if flat else result,)

    return run


def _is_solid(site: Site) -> bool:
    return len(site.attributes["kernel_shape"]) == 3


# -- softmax and normalization -------------------------------------------------------------------------------------

_SOFTMAX = _made_of(
    _known((1,), (1, 2), "axis"), "ReduceMax Sub Exp ReduceSum Div", "ReduceMax Sub Exp ReduceSum Log Sub"
)
_LAYER_NORMALIZATION = _made_of(
    _known((2, 3), (1, 3), "axis", "epsilon"),
    "ReduceMean Sub Mul ReduceMean Add Sqrt Reciprocal Mul Mul",
    "ReduceMean Sub Mul ReduceMean Add Sqrt Reciprocal Mul Mul Add",
)
_GELU = _made_of(_known((1,), (1,), "approximate"), "Mul Erf Mul Add Mul", "Mul Mul Add Mul Tanh Mul Add Mul")


@kernel("Softmax", "LogSoftmax", dtypes=WIDE_FLOATS, accepts=_SOFTMAX, shared=True, sequence=True)
def _softmax(site: Site) -> Run:
    """The residual for the gradient, where it is asked for, is the result."""
    axis, count = site.attributes["axis"], len(site.result_shapes)
    function = torch.softmax if site.op == "Softmax" else torch.log_softmax
    return lambda x: (function(x, axis),) * count


@kernel("LayerNormalization", dtypes=WIDE_FLOATS, accepts=_LAYER_NORMALIZATION, sequence=True)
def _layer_normalization(site: Site) -> Run:
    """The residuals are the mean and the inverse deviation."""
    shape, epsilon = site.shapes[0][site.attributes["axis"] :], site.attributes["epsilon"]
    count = len(site.result_shapes)
    return lambda x, scale, offset=None: torch.native_layer_norm(x, shape, scale, offset, epsilon)[:count]


@kernel("Gelu", dtypes=WIDE_FLOATS, accepts=_GELU)
def _gelu(site: Site) -> Run:
    approximate: str = site.attributes["approximate"]
    return lambda x: functional.gelu(x, approximate=approximate)
