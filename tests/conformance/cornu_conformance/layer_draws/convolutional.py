"""Draws of convolutions."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import (
    Draw,
    Drawn,
    activation,
    data_format,
    images,
    padding,
    per_axis,
    weight_settings,
)


def _window(draw: random.Random, rank: int) -> dict[str, Any]:
    """The settings of a window; strides and dilation are not both above 1."""
    dilated = draw.random() < 0.3
    return {
        "kernel_size": per_axis(draw, rank, 1, 2, 3),
        "strides": 1 if dilated else per_axis(draw, rank, 1, 2),
        "dilation_rate": per_axis(draw, rank, 1, 2) if dilated else 1,
        "padding": padding(draw),
    }


def _common(draw: random.Random, *kinds: str) -> dict[str, Any]:
    """The settings that all convolutions share."""
    return {
        "data_format": data_format(draw),
        "activation": activation(draw),
        "use_bias": draw.random() < 0.7,
        **weight_settings(draw, *kinds),
    }


def _conv(rank: int) -> Draw:
    def conv(k: Any, draw: random.Random) -> Drawn:
        groups = draw.choice((1, 1, 2))
        settings = {**_window(draw, rank), **_common(draw, "kernel", "bias")}
        if rank == 1 and draw.random() < 0.3:
            settings["padding"] = "causal"
        layer = getattr(k.layers, f"Conv{rank}D")(2 * groups, groups=groups, **settings)
        return Drawn(layer, (images(draw, rank, settings["data_format"], 2 * groups, least=5),))

    return conv


def _depthwise(rank: int) -> Draw:
    def depthwise_conv(k: Any, draw: random.Random) -> Drawn:
        settings = {**_window(draw, rank), **_common(draw, "depthwise", "bias")}
        layer = getattr(k.layers, f"DepthwiseConv{rank}D")(depth_multiplier=draw.choice((1, 2, 3)), **settings)
        return Drawn(layer, (images(draw, rank, settings["data_format"], draw.randint(1, 3), least=5),))

    return depthwise_conv


def _separable(rank: int) -> Draw:
    def separable_conv(k: Any, draw: random.Random) -> Drawn:
        settings = {**_window(draw, rank), **_common(draw, "depthwise", "pointwise", "bias")}
        layer = getattr(k.layers, f"SeparableConv{rank}D")(
            draw.randint(1, 3), depth_multiplier=draw.choice((1, 2)), **settings
        )
        return Drawn(layer, (images(draw, rank, settings["data_format"], draw.randint(1, 3), least=5),))

    return separable_conv


def _transposed(rank: int) -> Draw:
    def conv_transpose(k: Any, draw: random.Random) -> Drawn:
        settings = {**_window(draw, rank), **_common(draw, "kernel", "bias")}
        if settings["strides"] != 1:
            settings["strides"] = draw.choice((settings["strides"], 3))
        if rank == 3 and isinstance(settings["strides"], tuple):
            settings["strides"] = settings["strides"][0]  # XLA ends the process at some that differ
        strides = settings["strides"]
        if draw.random() < 0.4:
            each = strides if isinstance(strides, tuple) else (strides,) * rank
            settings["output_padding"] = tuple(draw.randrange(stride) for stride in each)
        layer = getattr(k.layers, f"Conv{rank}DTranspose")(draw.randint(1, 3), **settings)
        return Drawn(layer, (images(draw, rank, settings["data_format"], draw.randint(1, 3), least=3),))

    return conv_transpose


DRAWS = {
    **{f"Conv{rank}D": _conv(rank) for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": _depthwise(rank) for rank in (1, 2)},
    **{f"SeparableConv{rank}D": _separable(rank) for rank in (1, 2)},
    **{f"Conv{rank}DTranspose": _transposed(rank) for rank in (1, 2, 3)},
}
