"""Draws of layers that combine several inputs."""

from __future__ import annotations

import random
from typing import Any

from layer_draws.drawn import Draw, Drawn, floats


def _merge(name: str, most: int = 3) -> Draw:
    def merge(k: Any, draw: random.Random) -> Drawn:
        shape = (2, *[draw.randint(1, 3) for _ in range(draw.randint(1, 3))])
        count = draw.randint(2, most)
        inputs = [floats(draw, *[draw.choice((1, n)) if i else n for i, n in enumerate(shape)]) for _ in range(count)]
        return Drawn(getattr(k.layers, name)(), (inputs,))

    return merge


def concatenate(k: Any, draw: random.Random) -> Drawn:
    rank = draw.randint(2, 4)
    axis = draw.choice((-1, *range(1, rank)))
    shape = [2, *[draw.randint(1, 3) for _ in range(rank - 1)]]
    inputs = []
    for _ in range(draw.randint(2, 3)):
        shape[axis] = draw.randint(1, 3)
        inputs.append(floats(draw, *shape))
    return Drawn(k.layers.Concatenate(axis=axis), (inputs,))


DRAWS = {
    "Concatenate": concatenate,
    "Subtract": _merge("Subtract", most=2),
    **{name: _merge(name) for name in ("Add", "Average", "Maximum", "Minimum", "Multiply")},
}
