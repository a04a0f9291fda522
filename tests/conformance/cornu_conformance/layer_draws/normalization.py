"""Draws of normalizations."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import Drawn, flags, floats, images, weight_settings


def _scaling(draw: random.Random) -> dict[str, Any]:
    """The settings that normalizations with a scale and an offset share."""
    return {
        "epsilon": draw.choice((1e-3, 1e-2)),
        "center": draw.random() < 0.7,
        "scale": draw.random() < 0.7,
        **weight_settings(draw, "beta", "gamma"),
    }


def batch_normalization(k: Any, draw: random.Random) -> Drawn:
    shape = (4, *[draw.randint(2, 4) for _ in range(draw.randint(1, 3))])
    settings = {**_scaling(draw), "axis": draw.choice((-1, 1)), "momentum": draw.choice((0.9, 0.5))}
    if draw.random() < 0.4:
        clipping = {"rmin": 0.7, "rmax": 1.5, "dmax": 0.4}
        kept = {name: bound for name, bound in clipping.items() if draw.random() < 0.5}
        settings |= {"renorm": True, "renorm_clipping": draw.choice((None, kept)), "renorm_momentum": 0.8}
    layer = k.layers.BatchNormalization(**settings)
    masked = len(shape) == 3 and layer.axis == -1 and draw.random() < 0.4
    return Drawn(layer, (floats(draw, *shape),), {"mask": flags(draw, *shape[:2])} if masked else {})


def _axes(draw: random.Random, rank: int) -> Any:
    """An axis from the front or the back, or a list of some."""
    count = draw.choice((1, 1, 1, 2, rank - 1))
    if count == 1:
        return draw.choice((-1, *range(1, rank), [-1], [rank - 1]))
    chosen = draw.sample(range(1, rank), min(count, rank - 1))
    return chosen if draw.random() < 0.5 else [axis - rank for axis in chosen]


def layer_normalization(k: Any, draw: random.Random) -> Drawn:
    shape = (3, *[draw.randint(2, 4) for _ in range(draw.randint(1, 3))])
    return Drawn(k.layers.LayerNormalization(axis=_axes(draw, len(shape)), **_scaling(draw)), (floats(draw, *shape),))


def group_normalization(k: Any, draw: random.Random) -> Drawn:
    rank, groups, each = draw.randint(0, 3), draw.choice((-1, 1, 2, 3)), draw.randint(1, 3)
    axis = draw.choice((-1, 1))
    kind = "channels_first" if axis == 1 else "channels_last"
    layer = k.layers.GroupNormalization(groups=groups, axis=axis, **_scaling(draw))
    # One channel in a group on its own has no variance: without spatial axes there would be nothing but noise.
    channels = abs(groups) * (each if rank else each + 1)
    return Drawn(layer, (images(draw, rank, kind, channels, least=2),), trains=rank > 0 or groups != -1)


def rms_normalization(k: Any, draw: random.Random) -> Drawn:
    shape = (3, *[draw.randint(2, 4) for _ in range(draw.randint(1, 3))])
    # Keras itself fails on other axes than the last ones.
    first = draw.randint(1, len(shape) - 1)
    axis = draw.choice((-1, [-1], list(range(first, len(shape)))))
    return Drawn(k.layers.RMSNormalization(axis=axis, epsilon=draw.choice((1e-6, 1e-2))), (floats(draw, *shape),))


def unit_normalization(k: Any, draw: random.Random) -> Drawn:
    shape = (3, *[draw.randint(2, 4) for _ in range(draw.randint(1, 3))])
    return Drawn(k.layers.UnitNormalization(axis=_axes(draw, len(shape))), (floats(draw, *shape),))


def spectral_normalization(k: Any, draw: random.Random) -> Drawn:
    # Not Embedding: Keras casts its rows to the dtype of their numbers.
    kind = draw.choice(("Dense", "Conv1D", "Conv2D", "Conv2DTranspose"))
    units, steps = draw.randint(1, 4), draw.randint(1, 3)
    if kind == "Dense":
        inner, inputs = k.layers.Dense(units, use_bias=draw.random() < 0.5), floats(draw, 3, 4)
    else:
        rank = 1 if kind == "Conv1D" else 2
        inner = getattr(k.layers, kind)(units, 2, padding=draw.choice(("valid", "same")))
        inputs = images(draw, rank, "channels_last", draw.randint(1, 3))
    return Drawn(k.layers.SpectralNormalization(inner, power_iterations=steps), (inputs,))


DRAWS = {
    "BatchNormalization": batch_normalization,
    "GroupNormalization": group_normalization,
    "LayerNormalization": layer_normalization,
    "RMSNormalization": rms_normalization,
    "SpectralNormalization": spectral_normalization,
    "UnitNormalization": unit_normalization,
}
