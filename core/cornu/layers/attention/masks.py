"""Which queries may see which keys, and the layout in which this is asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import Any

from cornu import ops


def visible(queries: Any, keys: Any, causal: bool, window: int | None = None) -> Any:
    """Booleans [queries, keys]: true where the query at one place may see the key at another.

    Args:
        queries, keys: How many there are of each: numbers or free sizes.
        causal: Whether keys after the query are hidden.
        window: If given, keys at this distance from the query and beyond are hidden.
    """
    ahead = ops.arange(keys) - ops.expand_dims(ops.arange(queries), 1)
    near = ops.ones_like(ahead, dtype="bool") if window is None else ops.abs(ahead) < window
    return ops.logical_and(near, ahead <= 0) if causal else near


def joined(masks: list[Any]) -> Any:
    """Where all masks are true; None if there are none."""
    return reduce(ops.logical_and, masks) if masks else None


@dataclass(frozen=True)
class Layout:
    """The axes of an input [..., size] over which one attends; those before the last that remain are like a batch.

    Everything is computed on [batch, places, heads, size]; with the axes (1,) of three that is how it comes.

    Args:
        rank: How many axes the input has.
        attended: The axes over which one attends, counted from the front.
    """

    rank: int
    attended: tuple[int, ...]

    @property
    def batch(self) -> tuple[int, ...]:
        """The axes that are like a batch."""
        return tuple(axis for axis in range(self.rank - 1) if axis not in self.attended)

    @property
    def plain(self) -> bool:
        """Whether the input comes as [batch, places, size]."""
        return self.rank == 3

    def places(self, x: Any) -> Any:
        """How many places an input has."""
        sizes = ops.shape(x)
        return math.prod([sizes[axis] for axis in self.attended])

    def flat(self, x: Any) -> Any:
        """A projection [..., heads, size] as [batch, places, heads, size]."""
        if self.plain:
            return x
        x = ops.transpose(x, (*self.batch, *self.attended, self.rank - 1, self.rank))
        sizes, count = ops.shape(x), len(self.batch)
        return ops.reshape(x, (math.prod(sizes[:count]), math.prod(sizes[count:-2]), *sizes[-2:]))

    def restored(self, x: Any, inputs: Any) -> Any:
        """[batch, places, heads, size] with the axes of the inputs again: the opposite of `flat`."""
        if self.plain:
            return x
        order = (*self.batch, *self.attended)
        sizes = ops.shape(inputs)
        x = ops.reshape(x, (*[sizes[axis] for axis in order], *ops.shape(x)[-2:]))
        back = sorted(range(len(order)), key=lambda place: order[place])
        return ops.transpose(x, (*back, self.rank - 1, self.rank))

    def restored_weights(self, weights: Any, query: Any, key: Any) -> Any:
        """[batch, heads, queries, keys] with the axes of both inputs."""
        if self.plain:
            return weights
        before, after = ops.shape(query), ops.shape(key)
        batch = [before[axis] for axis in self.batch]
        pairs = [*[before[axis] for axis in self.attended], *[after[axis] for axis in self.attended]]
        return ops.reshape(weights, (*batch, ops.shape(weights)[1], *pairs))

    # -- masks: of all axes [..., heads, queries..., keys...] first, then [batch, heads, queries, keys] ----------------

    def of_queries(self, mask: Any) -> Any:
        """The mask of an input, true where a query counts, for all keys."""
        mask = self._ordered(mask, "query_mask")
        return self.of_pairs(ops.reshape(mask, (*ops.shape(mask), *(1,) * len(self.attended))))

    def of_keys(self, mask: Any, name: str) -> Any:
        """The mask of an input, true where a key may be seen, for all queries."""
        mask = self._ordered(mask, name)
        sizes, count = ops.shape(mask), len(self.batch)
        return self.of_pairs(ops.reshape(mask, (*sizes[:count], *(1,) * len(self.attended), *sizes[count:])))

    def of_pairs(self, mask: Any) -> Any:
        """A mask [..., queries..., keys...] with an axis for everything that it has none for.

        Raises:
            ValueError: If it has too many axes or too few.
        """
        inner, most = 2 * len(self.attended), self.rank + len(self.attended)
        sizes = ops.shape(mask)
        if not inner <= len(sizes) <= most:
            raise ValueError(
                f"attention_mask: expected {inner} to {most} axes, the last of them for queries and keys, "
                f"got shape {tuple(mask.shape)}."
            )
        outer = len(sizes) - inner
        lifted = (*sizes[:outer], *(1,) * (most - len(sizes)), *sizes[outer:])
        return ops.reshape(ops.cast(mask, "bool"), lifted)

    def flat_mask(self, mask: Any, query: Any, key: Any) -> Any:
        """A mask of all axes as [batch, heads, queries, keys]."""
        if self.plain or mask is None:
            return mask
        before, after = ops.shape(query), ops.shape(key)
        heads = ops.shape(mask)[len(self.batch)]
        batch = [before[axis] for axis in self.batch]
        queries, keys = ([sizes[axis] for axis in self.attended] for sizes in (before, after))
        full = ops.broadcast_to(mask, (*batch, heads, *queries, *keys))
        return ops.reshape(full, (math.prod(batch), heads, math.prod(queries), math.prod(keys)))

    def _ordered(self, mask: Any, name: str) -> Any:
        if len(mask.shape) != self.rank - 1:
            raise ValueError(
                f"{name}: expected a mask of {self.rank - 1} axes, those of the input without its last, "
                f"got shape {tuple(mask.shape)}."
            )
        mask = ops.cast(mask, "bool")
        return mask if self.plain else ops.transpose(mask, (*self.batch, *self.attended))
