"""Memory for results, used again when nobody holds them any more."""

from __future__ import annotations

import math
from threading import RLock
from typing import Any

import numpy as np

_SMALLEST = 1 << 16
"""The size in bytes from which memory is kept: the system gives and takes back smaller pieces quickly."""

_MOST = 1 << 28
"""How many bytes of unused memory are kept."""


class Memory:
    """Gives arrays for results. A large one's memory comes back when the last reference to it is gone.

    Fresh memory costs a page fault for every 4 KB: for a train step, more than the arithmetic.
    """

    def __init__(self) -> None:
        self._free: dict[int, list[np.ndarray]] = {}
        self._bytes = 0
        # The same thread may come back: dropping references can free other arrays.
        self._lock = RLock()

    def empty(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """An array whose elements are anything.

        Args:
            shape: Its sizes.
            dtype: Its dtype.
        """
        size = math.prod(shape) * dtype.itemsize
        if size < _SMALLEST:
            return np.empty(shape, dtype)
        return np.asarray(_Block(self, self._take(size))).view(dtype).reshape(shape)

    def _take(self, size: int) -> np.ndarray:
        with self._lock:
            pieces = self._free.get(size)
            if pieces:
                self._bytes -= size
                return pieces.pop()
        return np.empty(size, np.uint8)

    def give(self, memory: np.ndarray) -> None:
        """Takes memory back."""
        with self._lock:
            if self._bytes + memory.nbytes <= _MOST:
                self._bytes += memory.nbytes
                self._free.setdefault(memory.nbytes, []).append(memory)


class _Block:
    """What an array of lent memory is based on; it lives as long as the array and its views."""

    __slots__ = ("__array_interface__", "_lender", "_memory")

    def __init__(self, lender: Memory, memory: np.ndarray) -> None:
        self._lender, self._memory = lender, memory
        self.__array_interface__: dict[str, Any] = memory.__array_interface__

    def __del__(self) -> None:
        self._lender.give(self._memory)
