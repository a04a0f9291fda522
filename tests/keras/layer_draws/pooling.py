"""Draws of pooling layers."""

from __future__ import annotations

import random
from typing import Any

from layer_draws.drawn import Draw, Drawn, data_format, images, padding, per_axis


def _pooling(name: str, rank: int) -> Draw:
    def pooling(k: Any, draw: random.Random) -> Drawn:
        kind = data_format(draw)
        layer = getattr(k.layers, name)(
            pool_size=per_axis(draw, rank, 2, 3),
            strides=draw.choice((None, per_axis(draw, rank, 1, 2))),
            padding=padding(draw),
            data_format=kind,
        )
        return Drawn(layer, (images(draw, rank, kind, 3),))

    return pooling


def _global(name: str, rank: int) -> Draw:
    def pooling(k: Any, draw: random.Random) -> Drawn:
        kind = data_format(draw)
        layer = getattr(k.layers, name)(data_format=kind, keepdims=draw.random() < 0.5)
        return Drawn(layer, (images(draw, rank, kind, 3),))

    return pooling


DRAWS = {
    **{
        f"{kind}Pooling{rank}D": _pooling(f"{kind}Pooling{rank}D", rank)
        for kind in ("Average", "Max")
        for rank in (1, 2)
    },
    **{
        f"Global{kind}Pooling{rank}D": _global(f"Global{kind}Pooling{rank}D", rank)
        for kind in ("Average", "Max")
        for rank in (2,)
    },
}
