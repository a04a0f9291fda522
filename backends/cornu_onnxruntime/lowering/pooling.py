"""Maxima of windows whose gradient is needed too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.ir.builder import Builder
from cornu.ir.passes.rewriting import Rewriter, Rule
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value
from cornu.primitives.windows import disjoint

from cornu_onnxruntime.lowering.gradients import cropped_weight_gradient
from cornu_onnxruntime.lowering.nodes import is_call
from cornu_onnxruntime.lowering.shapes import is_static

_WINDOW = ("kernel_shape", "strides", "dilations")


def _window(node: Node) -> dict[str, Any]:
    return {name: node.attributes[name] for name in _WINDOW}


# -- Relu before a maximum -----------------------------------------------------------------------------------------


def late_relu(r: Rewriter, node: Node) -> Value | None:
    """MaxPool(Relu(z)) = Relu(MaxPool(z)), on a fraction of the elements."""
    relu = r.producer(node.inputs[0], "Relu")
    if relu is None or relu.inputs[0].dtype != "float32":
        return None
    return r.emit("Relu", r.emit("MaxPool", relu.inputs[0], **node.attributes))


def early_mask(r: Rewriter, node: Node) -> Value | None:
    """The gradient of the above: MaxPoolGrad(Relu(z), g) · [z > 0] = MaxPoolGrad(z, g · [MaxPool(z) > 0]).

    A window's first maximum is the same in both where it is positive, and gets nothing in both where it is not.
    """
    for routed, mask in (node.inputs, node.inputs[::-1]):
        pool, cast = r.producer(routed, "Call"), r.producer(mask, "Cast")
        if pool is None or not is_call(pool, "MaxPoolGrad") or cast is None or not r.used_once(routed):
            continue
        relu, greater = r.producer(pool.inputs[0], "Relu"), r.producer(cast.inputs[0], "Greater")
        if relu is None or greater is None or r.scalar(greater.inputs[1]) != 0:
            continue
        z = relu.inputs[0]
        if greater.inputs[0] not in (z, relu.outputs[0]):
            continue
        largest = r.emit("MaxPool", z, **_window(pool))
        positive = r.emit("Cast", r.emit("Greater", largest, greater.inputs[1]), to=z.dtype)
        return gradient(r, z, r.emit("Mul", pool.inputs[1], positive), _window(pool))
    return None


# -- gradients -----------------------------------------------------------------------------------------------------


def gradient(r: Rewriter, x: Value, g: Value, window: dict[str, Any]) -> Value:
    """MaxPool's gradient as a composite node, by MaxPool's own rule."""
    rule = lookup("MaxPool").vjp
    assert rule is not None
    b = Builder("MaxPoolGrad")
    b.adopt(x)
    b.adopt(g)
    rule(b, Node("MaxPool", (x,), (Value(g.type),), window), g)
    (call,) = b.nodes
    return r.emit_all("Call", x, g, **call.attributes)[0]


def covered(r: Rewriter, node: Node) -> Value | None:
    """The part of the input that windows side by side cover; None where that is all of it or windows overlap."""
    x = node.inputs[0]
    windows = list(zip(*(node.attributes[name] for name in _WINDOW), strict=True))
    if not is_static(x) or not all(disjoint(*window) for window in windows):
        return None
    ends = tuple(size // kernel * kernel for size, (kernel, _, _) in zip(x.shape[2:], windows, strict=True))
    if ends == x.shape[2:]:
        return None
    spatial = len(ends)
    return r.emit("Slice", x, starts=(0,) * spatial, ends=ends, axes=tuple(range(2, 2 + spatial)), steps=(1,) * spatial)


def cropped_maxima(r: Rewriter, node: Node) -> Value | None:
    """A MaxPool does without the rest of an axis that no window covers."""
    part = covered(r, node)
    return None if part is None else r.emit("MaxPool", part, **node.attributes)


def cropped_gradient(r: Rewriter, node: Node) -> Value | None:
    """Its gradient is padded once at the end instead of after each axis."""
    if not is_call(node, "MaxPoolGrad"):
        return None
    part = covered(r, node)
    if part is None:
        return None
    x = node.inputs[0]
    inner = gradient(r, part, node.inputs[1], _window(node))
    after = tuple(whole - used for whole, used in zip(x.shape, part.shape, strict=True))
    return r.emit("Pad", inner, before=(0,) * len(after), after=after, value=0.0, mode="constant")


def rounds(program: Program) -> list[dict[str, list[Rule]]]:
    """The rules for a program, one table after the other; none where it computes no gradient of maxima."""
    if not any(is_call(node, "MaxPoolGrad") for node in program.nodes):
        return []
    return [
        {"MaxPool": [late_relu], "Mul": [early_mask]},
        {"MaxPool": [cropped_maxima], "Call": [cropped_gradient]},
        {"Slice": [cropped_convolution], "ReduceSum": [sum_of_padded], "Call": [cropped_weight_gradient]},
    ]


def shared_maxima(program: Program, is_custom: Callable[[Node], bool]) -> dict[str, list[Rule]]:
    """MaxPool is written as the maxima that `MaxPoolGrad` of the same windows computes anyway: they become one."""
    wanted = {
        (node.inputs[0], *(node.attributes[name] for name in _WINDOW))
        for node in program.nodes
        if is_call(node, "MaxPoolGrad") and not is_custom(node)
    }

    def share(r: Rewriter, node: Node) -> Value | None:
        if (node.inputs[0], *(node.attributes[name] for name in _WINDOW)) not in wanted:
            return None
        rule = lookup("MaxPool").decompose
        assert rule is not None
        results = rule(r.builder, node)
        return None if results is None else results[0]

    return {"MaxPool": [share]}


# -- what borders are worth ----------------------------------------------------------------------------------------


def cropped_convolution(r: Rewriter, node: Node) -> Value | None:
    """A convolution (with a bias) whose last positions nobody reads does without them."""
    a, x = node.attributes, node.inputs[0]
    shape, spatial = x.shape, tuple(range(2, x.type.rank))
    if a["axes"] != spatial or any(a["starts"]) or any(step != 1 for step in a["steps"]) or not is_static(x):
        return None
    if not r.used_once(x):
        return None
    bias = r.producer(x, "Add")
    if bias is not None:
        for value, other in (bias.inputs, bias.inputs[::-1]):
            wide = (1,) * (x.type.rank - other.type.rank) + other.shape
            if value.shape == shape and all(wide[axis] == 1 for axis in spatial) and r.producer(value, "Conv"):
                return r.emit("Add", r.emit("Slice", value, **a), other)
        return None
    conv = r.producer(x, "Conv")
    if conv is None or not is_static(*conv.inputs):
        return None
    images, kernel = conv.inputs
    ends = tuple(
        (end - 1) * stride + (k - 1) * dilation + 1
        for end, stride, k, dilation in zip(
            a["ends"], conv.attributes["strides"], kernel.shape[2:], conv.attributes["dilations"], strict=True
        )
    )
    return r.emit("Conv", r.emit("Slice", images, **{**a, "ends": ends}), kernel, **conv.attributes)


def sum_of_padded(r: Rewriter, node: Node) -> Value | None:
    """The sum over axes with zeros around them is the sum without the zeros."""
    pad = r.producer(node.inputs[0], "Pad")
    if pad is None or pad.attributes["mode"] != "constant" or pad.attributes["value"] != 0:
        return None
    widths = list(zip(pad.attributes["before"], pad.attributes["after"], strict=True))
    if any(not isinstance(width, int) or width < 0 for pair in widths for width in pair):
        return None
    if any((before or after) and axis not in node.attributes["axes"] for axis, (before, after) in enumerate(widths)):
        return None
    return r.emit("ReduceSum", pad.inputs[0], **node.attributes)
