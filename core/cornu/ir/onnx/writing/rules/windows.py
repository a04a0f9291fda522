"""Writing convolutions and pooling, with the padding that `folding` gave them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.ir.onnx.registry import writes
from cornu.ir.onnx.writing.graph import GraphWriter
from cornu.ir.program import Node


def _unless_ones(values: Sequence[int]) -> Sequence[int] | None:
    return values if any(value != 1 for value in values) else None


def _common(node: Node) -> dict[str, Any]:
    a = node.attributes
    return {
        "strides": _unless_ones(a["strides"]),
        "dilations": _unless_ones(a["dilations"]),
        "pads": a.get("pads"),
        "auto_pad": a.get("auto_pad"),
    }


@writes("Conv")
def _conv(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    kernel = node.inputs[1].shape[2:]
    shape = kernel if all(isinstance(size, int) for size in kernel) else None
    group = node.attributes["group"]
    w.add("Conv", inputs, outputs, kernel_shape=shape, group=group if group != 1 else None, **_common(node))
    return None


@writes("ConvTranspose")
def _conv_transpose(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    kernel = node.inputs[1].shape[2:]
    shape = kernel if all(isinstance(size, int) for size in kernel) else None
    a = node.attributes
    extra = a["output_padding"] if any(a["output_padding"]) else None
    group = a["group"] if a["group"] != 1 else None
    w.add("ConvTranspose", inputs, outputs, kernel_shape=shape, group=group, output_padding=extra, **_common(node))
    return None


@writes("MaxPool")
def _max_pool(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    w.add("MaxPool", inputs, outputs, kernel_shape=node.attributes["kernel_shape"], **_common(node))
    return None


@writes("AveragePool")
def _average_pool(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    common = _common(node)
    if common["dilations"] is not None and w.opset < 19:
        raise ValueError(f"AveragePool with dilations needs ONNX opset 19, not {w.opset}.")
    include = 1 if common["pads"] is not None else None
    w.add(
        "AveragePool",
        inputs,
        outputs,
        kernel_shape=node.attributes["kernel_shape"],
        count_include_pad=include,
        **common,
    )
    return None
