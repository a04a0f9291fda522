"""Random numbers on the host: bits of NumPy's Philox generator, whose stream is fixed for all versions, and our own
maps to uniform and normal numbers, so that a seed means the same first weights everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

_MASK = 2**64 - 1


class Draws:
    """A stream of random numbers.

    Args:
        seed: An integer, or a seed generator, which moves on by one.

    Example:
        >>> bool((Draws(1).uniform((4,)) == Draws(1).uniform((4,))).all())
        True
    """

    def __init__(self, seed: Any) -> None:
        self._bits = np.random.Philox(key=np.array(_words(seed), np.uint64))

    def uniform(self, shape: tuple[int, ...]) -> np.ndarray:
        """float64 in [0, 1): the upper 53 bits of each word."""
        count = int(np.prod(shape, dtype=np.int64))
        words = np.asarray(self._bits.random_raw(count), np.uint64) if count else np.zeros(0, np.uint64)
        return ((words >> np.uint64(11)) * 2.0**-53).reshape(shape)

    def normal(self, shape: tuple[int, ...]) -> np.ndarray:
        """Standard normal float64, by Box and Muller: `sqrt(-2 log(1 - u)) · (cos, sin)(2 pi v)`."""
        count = int(np.prod(shape, dtype=np.int64))
        u, v = self.uniform((2, (count + 1) // 2))
        radius, angle = np.sqrt(-2.0 * np.log1p(-u)), 2.0 * np.pi * v
        return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count].reshape(shape)

    def truncated_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        """Standard normal float64 within [-2, 2]: what lies outside is drawn again."""
        values = self.normal((int(np.prod(shape, dtype=np.int64)),))
        outside = np.flatnonzero(np.abs(values) > 2.0)
        while outside.size:
            values[outside] = self.normal((outside.size,))
            outside = outside[np.abs(values[outside]) > 2.0]
        return values.reshape(shape)


def _words(seed: Any) -> list[int]:
    """The two words of a key: an integer and 0, or a seed generator's state."""
    if isinstance(seed, int):
        return [seed & _MASK, 0]
    from cornu.tracing.trace import recording

    # First values are numbers even when a variable is made inside a trace.
    with recording(None):
        state = np.asarray(seed.next())
    return [int(word) & _MASK for word in state]
