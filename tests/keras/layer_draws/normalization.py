"""Draws of normalizations."""

from __future__ import annotations

import random
from typing import Any

from layer_draws.drawn import Drawn, flags, floats, weight_settings


def batch_normalization(k: Any, draw: random.Random) -> Drawn:
    shape = (4, *[draw.randint(2, 4) for _ in range(draw.randint(1, 3))])
    layer = k.layers.BatchNormalization(
        axis=draw.choice((-1, 1)),
        momentum=draw.choice((0.9, 0.5)),
        epsilon=draw.choice((1e-3, 1e-2)),
        center=draw.random() < 0.7,
        scale=draw.random() < 0.7,
        **weight_settings(draw, "beta", "gamma"),
    )
    masked = len(shape) == 3 and layer.axis == -1 and draw.random() < 0.4
    return Drawn(layer, (floats(draw, *shape),), {"mask": flags(draw, *shape[:2])} if masked else {})


DRAWS = {"BatchNormalization": batch_normalization}
