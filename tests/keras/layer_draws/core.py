"""Draws of layers of weights and structure."""

from __future__ import annotations

import random
from typing import Any

from layer_draws.drawn import Drawn, activation, floats, integers, weight_settings


def dense(k: Any, draw: random.Random) -> Drawn:
    layer = k.layers.Dense(
        draw.randint(1, 4),
        activation=activation(draw),
        use_bias=draw.random() < 0.7,
        **weight_settings(draw, "kernel", "bias"),
    )
    return Drawn(layer, (floats(draw, 3, *[draw.randint(1, 3) for _ in range(draw.randint(0, 2))], 4),))


def embedding(k: Any, draw: random.Random) -> Drawn:
    layer = k.layers.Embedding(7, draw.randint(1, 4), mask_zero=draw.random() < 0.5)
    return Drawn(layer, (integers(draw, 0, 7, 3, draw.randint(1, 5)),))


DRAWS = {"Dense": dense, "Embedding": embedding}
