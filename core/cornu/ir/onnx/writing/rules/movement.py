"""Writing what makes and moves data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cornu.ir.dim import Dim, DimLike, at_least
from cornu.ir.onnx.protos import ELEMENT_TYPES
from cornu.ir.onnx.registry import writes
from cornu.ir.onnx.writing.graph import GraphWriter
from cornu.ir.program import Node
from cornu.ir.types import is_float, numpy_dtype

LARGEST, SMALLEST = np.iinfo(np.int64).max, np.iinfo(np.int64).min
_LONGEST_STORED_RANGE = 4096


@writes("DimValue")
def _dim_value(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    return [w.sizes.scalar(node.attributes["size"])]


@writes("Range")
def _range(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    a = node.attributes
    start, step, size, dtype = a["start"], a["step"], a["size"], numpy_dtype(a["dtype"])
    if isinstance(start, int) and isinstance(size, int) and size <= _LONGEST_STORED_RANGE:
        return [w.constant((start + step * np.arange(size)).astype(dtype))]
    native = a["dtype"] == "int64"
    target = outputs if native else [w.model.names.unique(f"{outputs[0]} (int64)")]
    if step == 0:
        w.add("Expand", [w.sizes.scalar(start), w.sizes.vector((size,))], target)
    else:
        ends = [w.sizes.scalar(start), w.sizes.scalar(start + step * size), w.number(step, np.dtype(np.int64))]
        w.add("Range", ends, target)
    if not native:
        w.add("Cast", target, outputs, to=ELEMENT_TYPES[a["dtype"]])
    return None


@writes("Transpose")
def _transpose(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    perm = tuple(node.attributes["perm"])
    if perm == tuple(range(len(perm))):
        return inputs
    w.add("Transpose", inputs, outputs, perm=perm)
    return None


def slice_bounds(start: DimLike, end: DimLike, step: int, size: DimLike) -> tuple[DimLike, DimLike]:
    """Exact Python-range bounds as ONNX's, which clamps, and counts negative ones from the end."""
    if step > 0:
        return _from_end(start, size), LARGEST if end == size else _from_end(end, size)
    first: DimLike = LARGEST if start == size - 1 else _from_end(start, size)
    if isinstance(end, int):
        return first, SMALLEST if end < 0 else end
    return first, end if at_least(end, 0) else end - size


def _from_end(bound: DimLike, size: DimLike) -> DimLike:
    """`size - k` as `-k`, which needs no arithmetic at run time."""
    if isinstance(bound, Dim):
        distance = bound - size
        if isinstance(distance, int) and distance < 0:
            return distance
    return bound


@writes("Slice")
def _slice(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    a = node.attributes
    shape = node.inputs[0].shape
    kept = [
        (*slice_bounds(start, end, step, shape[axis]), axis, step)
        for start, end, axis, step in zip(a["starts"], a["ends"], a["axes"], a["steps"], strict=True)
        if (start, end, step) != (0, shape[axis], 1)
    ]
    if not kept:
        return inputs
    starts, ends, axes, steps = zip(*kept, strict=True)
    operands = [*inputs, w.sizes.vector(starts), w.sizes.vector(ends), w.ints(axes)]
    if any(step != 1 for step in steps):
        operands.append(w.ints(steps))
    w.add("Slice", operands, outputs)
    return None


@writes("Pad")
def _pad(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    a = node.attributes
    before, after = tuple(a["before"]), tuple(a["after"])
    if all(width == 0 for width in (*before, *after)):
        return inputs
    operands = [*inputs, w.sizes.vector((*before, *after))]
    if a["mode"] == "constant" and a["value"] != 0:
        dtype = node.inputs[0].dtype
        value = a["value"] if is_float(dtype) else int(a["value"])
        operands.append(w.number(value, numpy_dtype(dtype)))
    w.add("Pad", operands, outputs, mode=a["mode"] if a["mode"] != "constant" else None)
    return None


@writes("Concat")
def _concat(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    if len(inputs) == 1:
        return inputs
    w.add("Concat", inputs, outputs, axis=node.attributes["axis"])
    return None


@writes("Split")
def _split(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    if len(outputs) == 1:
        return inputs
    w.add("Split", [*inputs, w.sizes.vector(node.attributes["sizes"])], outputs, axis=node.attributes["axis"])
    return None


@writes("Trilu")
def _trilu(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    diagonal = [w.constant(np.asarray(node.attributes["k"], np.int64))] if node.attributes["k"] else []
    w.add("Trilu", [*inputs, *diagonal], outputs, upper=int(node.attributes["upper"]))
    return None
