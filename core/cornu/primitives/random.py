"""Random bits: a counter-based generator that gives the same words on every backend.

Element `e` of a tensor lies in row `i = e // 4096` and column `j = e % 4096`. With the 32-bit hash

    h(x):  x ^= x >> 16;  x *= 0x7feb352d;  x ^= x >> 15;  x *= 0x846ca68b;  x ^= x >> 16

and a key of two words, all modulo 2^32:

    a = h(h(i + k0) ^ k1)        b = h(a + k0 * 0x9e3779b9 + 1) | 1        c = h(j + 0x9e3779b9)
    x = (c + a) * b;  x ^= x >> 16;  x *= 0x7feb352d;  x ^= x >> 15

Rows and columns are hashed apart, so that a tensor costs seven passes over memory; 2^44 elements have
distinct counters. spec/random.md holds what was measured and known answers.
"""

from __future__ import annotations

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike, ceil_div, product
from cornu.ir.primitive import Primitive, register
from cornu.ir.program import Node, Value
from cornu.ir.shapes import require_equal
from cornu.ir.types import Shape, TensorType

ROW = 4096
GOLDEN = 0x9E3779B9
FIRST, SECOND = 0x7FEB352D, 0x846CA68B


def _hash(x: np.ndarray) -> np.ndarray:
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(FIRST)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(SECOND)
    return np.asarray(x ^ (x >> np.uint32(16)))


COLUMNS = _hash(np.arange(ROW, dtype=np.uint32) + np.uint32(GOLDEN))


def _infer(key: TensorType, shape: Shape) -> TensorType:
    """Uniform words of 32 bits for a key of two words (uint32 [2]).

    Shape: `shape`.
    """
    if key.dtype != "uint32" or key.rank != 1:
        raise TypeError(f"RandomBits takes a key of two uint32 words, got {key}.")
    require_equal(key.shape[0], 2, "RandomBits' key")
    return TensorType("uint32", tuple(shape))


def _bits(key: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    count = int(np.prod(shape, dtype=np.int64))
    rows = -(-count // ROW)
    k0, k1 = key[0:1], key[1:2]
    a = _hash(_hash(np.arange(rows, dtype=np.uint32) + k0) ^ k1)[:, None]
    b = _hash(a + (k0 * np.uint32(GOLDEN) + np.uint32(1))) | np.uint32(1)
    x = (COLUMNS[: min(count, ROW)] + a) * b
    x ^= x >> np.uint32(16)
    x *= np.uint32(FIRST)
    x ^= x >> np.uint32(15)
    return np.asarray(x.reshape(-1)[:count].reshape(shape))


def _mixed(b: Builder, x: Value, shift: int, factor: int | None = None) -> Value:
    """`(x ^ (x >> shift)) * factor`."""
    amount = b.constant(shift, "uint32")
    mixed: Value = b.BitwiseXor(x, b.BitShift(x, amount, direction="RIGHT"))
    return mixed if factor is None else b.Mul(mixed, b.constant(factor, "uint32"))


def _hashed(b: Builder, x: Value) -> Value:
    return _mixed(b, _mixed(b, _mixed(b, x, 16, FIRST), 15, SECOND), 16)


def _decompose(b: Builder, node: Node) -> tuple[Value]:
    shape: Shape = node.attributes["shape"]
    count: DimLike = product(shape)
    short = isinstance(count, int) and count <= ROW
    rows: DimLike = 1 if short else ceil_div(count, ROW)
    table = COLUMNS[:count] if short else COLUMNS
    k0, k1 = b.emit("Split", (node.inputs[0],), {"axis": 0, "sizes": (1, 1)})
    row = b.Range(start=0, step=1, size=rows, dtype="uint32")
    a = _hashed(b, b.BitwiseXor(_hashed(b, b.Add(row, k0)), k1))
    offset = b.Add(b.Mul(k0, b.constant(GOLDEN, "uint32")), b.constant(1, "uint32"))
    factor = b.BitwiseOr(_hashed(b, b.Add(a, offset)), b.constant(1, "uint32"))
    column = b.constant(table.reshape(1, -1))
    x = b.Mul(b.Add(column, b.Reshape(a, shape=(rows, 1))), b.Reshape(factor, shape=(rows, 1)))
    words = _mixed(b, _mixed(b, x, 16, FIRST), 15)
    width = len(table)
    if count == rows * width:
        return (b.Reshape(words, shape=shape),)
    flat = b.Reshape(words, shape=(rows * width,))
    taken = b.Slice(flat, starts=(0,), ends=(count,), axes=(0,), steps=(1,))
    return (b.Reshape(taken, shape=shape),)


register(Primitive("RandomBits", _infer, _bits, None, _decompose))
