"""The largest or smallest elements in order; sorting is taking all of them."""

from __future__ import annotations

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike
from cornu.ir.primitive import Primitive, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import check_axes, check_dtype
from cornu.ir.types import NUMBERS, TensorType


def _infer_top_k(x: TensorType, k: DimLike, axis: int, largest: bool, sorted: bool) -> tuple[TensorType, TensorType]:
    """The `k` largest (or smallest) elements along an axis, best first, and their int64 indices.

    Of equal elements the one of the lower index comes first, and NaN counts as larger than everything. With
    `sorted=False` a backend may give the k elements in another order.

    Shape: that of `x` with `k` along `axis`, twice.
    """
    check_dtype(x, NUMBERS, "TopK")
    check_axes((axis,), x.rank, "TopK")
    left = x.shape[axis] - k
    if (isinstance(k, int) and k < 0) or (isinstance(left, int) and left < 0):
        raise ValueError(f"TopK: axis {axis} of {x} does not have {k} elements.")
    shape = (*x.shape[:axis], k, *x.shape[axis + 1 :])
    return TensorType(x.dtype, shape), TensorType("int64", shape)


def _top_k(x: np.ndarray, k: int, axis: int, largest: bool, sorted: bool) -> tuple[np.ndarray, np.ndarray]:
    keys = x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind not in "iu" else x
    if largest:
        # Reversed before and after, so that a stable ascending sort keeps the first of equals first.
        order = x.shape[axis] - 1 - np.flip(np.argsort(np.flip(keys, axis), axis, kind="stable"), axis)
    else:
        order = np.argsort(keys, axis, kind="stable")
    indices = np.take(order, np.arange(k), axis).astype(np.int64)
    return np.take_along_axis(x, indices, axis), indices


def _top_k_vjp(b: Builder, node: Node, g: Value, g_indices: Value) -> tuple[Value]:
    zeros = b.zeros(b.resolve_type(node.inputs[0].type))
    return (b.ScatterElements(zeros, node.outputs[1], g, axis=node.attributes["axis"], reduction="add"),)


register(Primitive("TopK", _infer_top_k, _top_k, _top_k_vjp))
