"""Draws of layers that change the shape only."""

from __future__ import annotations

import random
from typing import Any

from layer_draws.drawn import Drawn, data_format, floats


def flatten(k: Any, draw: random.Random) -> Drawn:
    shape = (2, *[draw.randint(1, 4) for _ in range(draw.randint(1, 3))])
    return Drawn(k.layers.Flatten(data_format=data_format(draw)), (floats(draw, *shape),))


def reshape(k: Any, draw: random.Random) -> Drawn:
    target = draw.choice(((12,), (3, 4), (-1, 2), (2, -1, 2), (1, 12)))
    return Drawn(k.layers.Reshape(target), (floats(draw, 2, 2, 6),))


DRAWS = {"Flatten": flatten, "Reshape": reshape}
