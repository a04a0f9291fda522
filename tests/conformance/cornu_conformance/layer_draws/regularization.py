"""Draws of layers that act in training only."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import Draw, Drawn, floats, images


def _settings(draw: random.Random, amount: str) -> dict[str, Any]:
    """The amount of noise under its name, and a seed."""
    return {amount: draw.choice((0.0, 0.3)), "seed": draw.choice((None, 3))}


def _noise(name: str, amount: str) -> Draw:
    def noise(k: Any, draw: random.Random) -> Drawn:
        settings = _settings(draw, amount)
        if name in ("Dropout", "AlphaDropout"):
            settings["noise_shape"] = draw.choice((None, (None, 1, None), [2, None, 1]))
        shape = (2, *[draw.randint(1, 4) for _ in range(2)])
        layer = getattr(k.layers, name)(**settings)
        return Drawn(layer, (floats(draw, *shape),), trains=settings[amount] == 0.0)

    return noise


def _spatial(rank: int) -> Draw:
    def spatial(k: Any, draw: random.Random) -> Drawn:
        settings, kind = _settings(draw, "rate"), draw.choice(("channels_last", "channels_first"))
        if rank > 1:
            settings["data_format"] = kind
        layer = getattr(k.layers, f"SpatialDropout{rank}D")(**settings)
        return Drawn(layer, (images(draw, rank, kind, 3, least=1),), trains=settings["rate"] == 0.0)

    return spatial


def activity_regularization(k: Any, draw: random.Random) -> Drawn:
    layer = k.layers.ActivityRegularization(l1=draw.choice((0.0, 0.1)), l2=draw.choice((0.0, 0.2)))
    return Drawn(layer, (floats(draw, 3, *[draw.randint(1, 3) for _ in range(draw.randint(1, 2))]),))


DRAWS = {
    "ActivityRegularization": activity_regularization,
    "AlphaDropout": _noise("AlphaDropout", "rate"),
    "Dropout": _noise("Dropout", "rate"),
    "GaussianDropout": _noise("GaussianDropout", "rate"),
    "GaussianNoise": _noise("GaussianNoise", "stddev"),
    **{f"SpatialDropout{rank}D": _spatial(rank) for rank in (1, 2, 3)},
}
