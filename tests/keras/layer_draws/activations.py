"""Draws of activation layers."""

from __future__ import annotations

import random
from typing import Any

from layer_draws.drawn import Drawn, activation, floats


def activation_layer(k: Any, draw: random.Random) -> Drawn:
    return Drawn(k.layers.Activation(activation(draw)), (floats(draw, 3, 2, 4),))


def relu(k: Any, draw: random.Random) -> Drawn:
    layer = k.layers.ReLU(
        max_value=draw.choice((None, 1.0)), negative_slope=draw.choice((0.0, 0.2)), threshold=draw.choice((0.0, 0.4))
    )
    return Drawn(layer, (floats(draw, 3, 5),))


DRAWS = {"Activation": activation_layer, "ReLU": relu}
