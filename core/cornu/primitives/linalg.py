"""Matrix products."""

from __future__ import annotations

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.dim import product
from cornu.ir.primitive import Primitive, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import broadcast_shapes, check_dtype, require_equal, same_dtype
from cornu.ir.types import NUMBERS, TensorType
from cornu.primitives.elementwise import sum_to


def _infer_matmul(x: TensorType, y: TensorType) -> TensorType:
    """Shape: [..., m, k] and [..., k, n] give [..., m, n]; the leading axes broadcast."""
    check_dtype(x, NUMBERS, "MatMul")
    if x.rank < 2 or y.rank < 2:
        raise ValueError(f"MatMul takes matrices or stacks of them, got {x} and {y}.")
    require_equal(x.shape[-1], y.shape[-2], f"MatMul of {x} and {y}")
    batch = broadcast_shapes(x.shape[:-2], y.shape[:-2], what="MatMul")
    return TensorType(same_dtype((x, y), "MatMul"), (*batch, x.shape[-2], y.shape[-1]))


def _matmul(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.itemsize == 2 and x.dtype.kind not in "iu":
        return np.asarray(x.astype(np.float32) @ y.astype(np.float32)).astype(x.dtype)
    return np.asarray(x @ y)


def swap_last(b: Builder, x: Value) -> Value:
    """The transposed matrices."""
    rank = x.type.rank
    swapped: Value = b.Transpose(x, perm=(*range(rank - 2), rank - 1, rank - 2))
    return swapped


def _matmul_vjp(b: Builder, node: Node, g: Value) -> tuple[Value, Value]:
    x, y = node.inputs
    if y.type.rank == 2 and x.type.rank > 2:
        # One product over all leading axes instead of a stack of them that is then summed.
        *leading, inner = b.resolve_type(x.type).shape
        rows = product(leading)
        flat_x = b.Reshape(x, shape=(rows, inner))
        flat_g = b.Reshape(g, shape=(rows, y.shape[1]))
        return b.MatMul(g, swap_last(b, y)), b.MatMul(swap_last(b, flat_x), flat_g)
    return (
        sum_to(b, b.MatMul(g, swap_last(b, y)), x.shape),
        sum_to(b, b.MatMul(swap_last(b, x), g), y.shape),
    )


register(Primitive("MatMul", _infer_matmul, _matmul, _matmul_vjp))
