"""Draws of layers that combine several inputs."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import Draw, Drawn, floats


def _merge(name: str, least: int = 1, most: int = 4) -> Draw:
    def merge(k: Any, draw: random.Random) -> Drawn:
        shape = (2, *[draw.randint(1, 3) for _ in range(draw.randint(1, 3))])
        inputs = []
        for _ in range(draw.randint(least, most)):
            # Some have fewer axes, and some of size 1.
            left_out = draw.randint(0, len(shape) - 2) if draw.random() < 0.3 else 0
            kept = (shape[0], *shape[1 + left_out :])
            inputs.append(floats(draw, *[draw.choice((1, n, n)) if i else n for i, n in enumerate(kept)]))
        return Drawn(getattr(k.layers, name)(), (inputs,))

    return merge


def concatenate(k: Any, draw: random.Random) -> Drawn:
    rank = draw.randint(2, 4)
    axis = draw.choice((-1, *range(1, rank)))
    shape = [2, *[draw.randint(1, 3) for _ in range(rank - 1)]]
    inputs = []
    for _ in range(draw.randint(1, 3)):
        shape[axis] = draw.randint(1, 3)
        inputs.append(floats(draw, *shape))
    return Drawn(k.layers.Concatenate(axis=axis), (inputs,))


def dot(k: Any, draw: random.Random) -> Drawn:
    shapes = [[2, *[draw.randint(1, 3) for _ in range(draw.randint(1, 3))]] for _ in range(2)]
    axes = [draw.randint(1, len(shape) - 1) for shape in shapes]
    shapes[1][axes[1]] = shapes[0][axes[0]]
    inputs = [floats(draw, *shape) for shape in shapes]
    given: Any = draw.choice((list, tuple))(
        axis if draw.random() < 0.7 else axis - len(shape) for axis, shape in zip(axes, shapes, strict=True)
    )
    if axes[0] == axes[1] and draw.random() < 0.7:
        given = axes[0]
    return Drawn(k.layers.Dot(given, normalize=draw.random() < 0.4), (inputs,))


DRAWS = {
    "Concatenate": concatenate,
    "Dot": dot,
    "Subtract": _merge("Subtract", least=2, most=2),
    **{name: _merge(name) for name in ("Add", "Average", "Maximum", "Minimum", "Multiply")},
}
