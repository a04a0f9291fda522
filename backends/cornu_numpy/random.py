"""Random bits a few rows at a time, so that all passes over them stay in the cache."""

from __future__ import annotations

import numpy as np
from cornu.primitives.random import COLUMNS, FIRST, GOLDEN, ROW, SECOND

from cornu_numpy.kernel import Kernel, Operation, kernel

_ROWS = 32


def _mix(x: np.ndarray, shift: int, factor: int | None, spare: np.ndarray) -> None:
    """`x = (x ^ (x >> shift)) * factor` in place."""
    np.right_shift(x, np.uint32(shift), spare)
    np.bitwise_xor(x, spare, x)
    if factor is not None:
        np.multiply(x, np.uint32(factor), x)


def _hash(x: np.ndarray) -> np.ndarray:
    spare = np.empty_like(x)
    _mix(x, 16, FIRST, spare)
    _mix(x, 15, SECOND, spare)
    _mix(x, 16, None, spare)
    return x


@kernel("RandomBits")
def _random_bits(operation: Operation) -> Kernel | None:
    count = int(np.prod(operation.shape, dtype=np.int64))
    rows = -(-count // ROW)
    if not count:
        return None

    def run(key: np.ndarray, spare: np.ndarray, out: np.ndarray) -> None:
        words, (k0, k1) = out.reshape(-1), (key[:1], key[1:])
        a = _hash(_hash(np.arange(rows, dtype=np.uint32) + k0) ^ k1)
        b = _hash(a + (k0 * np.uint32(GOLDEN) + np.uint32(1))) | np.uint32(1)
        a, b = a.reshape(-1, 1), b.reshape(-1, 1)
        full = count // ROW
        for start in range(0, full, _ROWS):
            stop = min(start + _ROWS, full)
            part = words[start * ROW : stop * ROW].reshape(stop - start, ROW)
            scramble(part, a[start:stop], b[start:stop], spare[: stop - start])
        if full < rows:
            rest = words[full * ROW :].reshape(1, -1)
            scramble(rest, a[full:], b[full:], spare[:1, : rest.shape[1]])

    def scramble(part: np.ndarray, a: np.ndarray, b: np.ndarray, spare: np.ndarray) -> None:
        np.add(COLUMNS[: part.shape[1]], a, part)
        np.multiply(part, b, part)
        _mix(part, 16, FIRST, spare)
        _mix(part, 15, None, spare)

    return Kernel(run, scratch=(((_ROWS, ROW), np.dtype(np.uint32)),))
