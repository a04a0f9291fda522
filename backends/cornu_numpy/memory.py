"""Planning memory: which values share which piece of it, and when it is free again."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

ALIGNMENT = 64
_GENEROUS = 4
"""A free buffer is taken for a value if it is at most this many times too large, or too small."""


@dataclass(eq=False)
class Storage:
    """One piece of memory that a value and its views share.

    Args:
        shape: The shape of the value that defines it; it lies there in C order.
        dtype: Its dtype.
        last: The index of the last node that reads it; one past the last node where it is returned.
        buffer: The planned buffer that holds it; None where it is made anew in each call, or comes from outside.
        source: The position of the program's input that it is; None for others.
        constant: Whether it is the array of a constant.
        passed_on: Whether its buffer went to the value that was computed in its place.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    last: int = -1
    buffer: int | None = None
    source: int | None = None
    constant: bool = False
    passed_on: bool = False

    @property
    def nbytes(self) -> int:
        """Its size."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def lasting(self) -> bool:
        """Whether its arrays are the same in every call with one frame."""
        return self.constant or self.buffer is not None


@dataclass
class Buffers:
    """The buffers of a plan: sizes in bytes, and which are free at the node that is being planned."""

    sizes: list[int] = field(default_factory=list)
    _free: list[tuple[int, int]] = field(default_factory=list)

    def take(self, nbytes: int) -> int:
        """A buffer of at least that size: the smallest free one that is not far too large or small, or a new one."""
        needed = -(-max(nbytes, 1) // ALIGNMENT) * ALIGNMENT
        found = None
        for i, (size, _) in enumerate(self._free):
            if size * _GENEROUS >= needed and size <= needed * _GENEROUS:
                found = i
                if size >= needed:
                    break
        if found is None:
            self.sizes.append(needed)
            return len(self.sizes) - 1
        _, buffer = self._free.pop(found)
        self.sizes[buffer] = max(self.sizes[buffer], needed)  # it has no memory yet: what is too small grows
        return buffer

    def give_back(self, buffer: int) -> None:
        """Makes a buffer free."""
        insort(self._free, (self.sizes[buffer], buffer))


def allocate(sizes: Sequence[int]) -> list[np.ndarray]:
    """Real memory for buffers, aligned for vector instructions."""
    buffers = []
    for size in sizes:
        raw = np.empty(size + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        buffers.append(raw[start : start + size])
    return buffers


def in_buffer(buffer: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array that lies at the beginning of a buffer."""
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    return buffer[:nbytes].view(dtype).reshape(shape)
