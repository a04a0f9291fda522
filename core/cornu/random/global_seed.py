"""The process-wide seed, from which unseeded initializers, seed generators and shuffles take theirs."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

_SEED: int | None = None
_RESETS: list[Callable[[], None]] = []


def set_random_seed(seed: int) -> None:
    """Seeds Python's `random`, NumPy's global generator and everything in Cornu that is not given a seed.

    Args:
        seed: A Python integer.

    Raises:
        ValueError: If `seed` is not an integer.

    Example:
        >>> set_random_seed(7)
        >>> first = next_seed()
        >>> set_random_seed(7)
        >>> first == next_seed()
        True
    """
    global _SEED
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ValueError(f"`seed` must be an integer, got {seed!r} of type {type(seed).__name__}.")
    _SEED = seed
    random.seed(seed)
    np.random.seed(seed % 2**32)
    for reset in _RESETS:
        reset()


def get_random_seed() -> int | None:
    """The seed last given to `set_random_seed`, or None."""
    return _SEED


def next_seed() -> int:
    """A fresh seed in `[1, 10**9]`, drawn from Python's `random` as in Keras: `random.seed` governs it too."""
    return random.randint(1, 10**9)


def on_seed(reset: Callable[[], None]) -> None:
    """Calls `reset` at each `set_random_seed`: for state made from an earlier seed."""
    _RESETS.append(reset)
