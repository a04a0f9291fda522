"""Draws of convolutions."""

from __future__ import annotations

import random
from typing import Any

from layer_draws.drawn import Draw, Drawn, activation, data_format, images, padding, per_axis, weight_settings


def _window(draw: random.Random, rank: int) -> dict[str, Any]:
    """The settings of a window; strides and dilation are not both above 1."""
    dilated = draw.random() < 0.3
    return {
        "kernel_size": per_axis(draw, rank, 1, 2, 3),
        "strides": 1 if dilated else per_axis(draw, rank, 1, 2),
        "dilation_rate": per_axis(draw, rank, 1, 2) if dilated else 1,
        "padding": padding(draw),
    }


def _conv(rank: int) -> Draw:
    def conv(k: Any, draw: random.Random) -> Drawn:
        kind, groups = data_format(draw), draw.choice((1, 1, 2))
        settings = {**_window(draw, rank), **weight_settings(draw, "kernel", "bias")}
        if rank == 1 and kind == "channels_last" and draw.random() < 0.3:
            settings["padding"] = "causal"
        layer = getattr(k.layers, f"Conv{rank}D")(
            2 * groups,
            groups=groups,
            data_format=kind,
            activation=activation(draw),
            use_bias=draw.random() < 0.7,
            **settings,
        )
        return Drawn(layer, (images(draw, rank, kind, 2 * groups, least=5),))

    return conv


DRAWS = {f"Conv{rank}D": _conv(rank) for rank in (1, 2, 3)}
