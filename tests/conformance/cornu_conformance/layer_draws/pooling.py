"""Draws of pooling layers."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import Draw, Drawn, data_format, flags, images, padding, per_axis


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
        inputs = images(draw, rank, kind, 3)
        masked = name == "GlobalAveragePooling1D" and draw.random() < 0.6
        steps = inputs.shape[1 if kind == "channels_last" else 2]
        return Drawn(layer, (inputs,), {"mask": flags(draw, len(inputs), steps)} if masked else {})

    return pooling


def _adaptive(name: str, rank: int) -> Draw:
    def pooling(k: Any, draw: random.Random) -> Drawn:
        kind = data_format(draw)
        # Not 7 parts: Keras on JAX computes their bounds in floats, and misplaces some.
        layer = getattr(k.layers, name)(per_axis(draw, rank, 1, 2, 3, 5), data_format=kind)
        return Drawn(layer, (images(draw, rank, kind, 3),))

    return pooling


def _of_each_kind(form: str, draw: Any) -> dict[str, Draw]:
    names = {form.format(kind, rank): rank for kind in ("Average", "Max") for rank in (1, 2, 3)}
    return {name: draw(name, rank) for name, rank in names.items()}


DRAWS = {
    **_of_each_kind("{}Pooling{}D", _pooling),
    **_of_each_kind("Global{}Pooling{}D", _global),
    **_of_each_kind("Adaptive{}Pooling{}D", _adaptive),
}
