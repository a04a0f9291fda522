"""Where random operations take their keys from."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.random.global_seed import next_seed, on_seed
from cornu.tracing.tensor import Tensor, convert
from cornu.tracing.variable import Variable
from cornu.utils.naming import auto_name


class SeedGenerator:
    """A counter of random keys, kept in a variable: each `next()` is a new key, inside programs too.

    Args:
        seed: A non-negative integer; drawn from the global seed if missing.
        name: A name.

    Raises:
        ValueError: If the seed is not an integer, or negative.

    Example:
        >>> import cornu
        >>> generator = cornu.random.SeedGenerator(7)
        >>> generator.next().numpy().tolist(), generator.next().numpy().tolist()
        ([7, 0], [7, 1])
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {kwargs}")
        self.name = name or auto_name(type(self).__name__)
        self._initial_seed = seed
        seed = next_seed() if seed is None else seed
        if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool):
            raise ValueError(f"Argument `seed` must be an integer. Received: seed={seed}")
        if seed < 0:
            raise ValueError(f"Argument `seed` must not be negative. Received: seed={seed}")
        state = np.array([seed % 2**32, 0], np.uint32)
        self.state = Variable(state, dtype="uint32", trainable=False, name="seed_generator_state")
        self.state.path = f"{self.name}/seed_generator_state"

    def next(self, ordered: bool = True) -> Tensor:
        """The next key, uint32 [2]; the state moves on.

        Args:
            ordered: Kept for Keras's signature: keys always come in order.
        """
        key = self.state.value
        self.state.assign(key + np.array([0, 1], np.uint32))
        return key

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this generator again."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """Makes a generator of `get_config`'s result."""
        return cls(**config)


_GLOBAL: list[SeedGenerator] = []
on_seed(_GLOBAL.clear)


def global_seed_generator() -> SeedGenerator:
    """The generator of operations that are given no seed."""
    if not _GLOBAL:
        _GLOBAL.append(SeedGenerator(name="global_seed_generator"))
    return _GLOBAL[0]


def draw_seed(seed: Any) -> Tensor:
    """A key from a seed generator, an integer, or None for the global generator.

    Raises:
        ValueError: If it is something else.
    """
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return convert(np.array([int(seed) % 2**32, 0], np.uint32))
    if seed is None:
        return global_seed_generator().next()
    raise ValueError(f"Argument `seed` must be an integer, a `SeedGenerator` or None. Received: seed={seed!r}")
