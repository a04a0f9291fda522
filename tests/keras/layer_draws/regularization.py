"""Draws of layers that act in training only."""

from __future__ import annotations

import random
from typing import Any

from layer_draws.drawn import Drawn, floats


def dropout(k: Any, draw: random.Random) -> Drawn:
    rate = draw.choice((0.0, 0.3))
    return Drawn(k.layers.Dropout(rate, seed=draw.choice((None, 3))), (floats(draw, 3, 4),), trains=rate == 0.0)


DRAWS = {"Dropout": dropout}
