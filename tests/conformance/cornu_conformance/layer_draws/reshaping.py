"""Draws of layers that change the shape only."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import Draw, Drawn, data_format, floats, images, per_axis


def flatten(k: Any, draw: random.Random) -> Drawn:
    shape = (2, *[draw.randint(1, 4) for _ in range(draw.randint(1, 3))])
    return Drawn(k.layers.Flatten(data_format=data_format(draw)), (floats(draw, *shape),))


def reshape(k: Any, draw: random.Random) -> Drawn:
    target = draw.choice(((12,), (3, 4), (-1, 2), (2, -1, 2), (1, 12), (None, 6), [4, 3]))
    return Drawn(k.layers.Reshape(target), (floats(draw, 2, 2, 6),))


def permute(k: Any, draw: random.Random) -> Drawn:
    dims = list(range(1, draw.randint(1, 4) + 1))
    draw.shuffle(dims)
    return Drawn(k.layers.Permute(tuple(dims)), (floats(draw, 2, *[draw.randint(1, 4) for _ in dims]),))


def repeat_vector(k: Any, draw: random.Random) -> Drawn:
    return Drawn(k.layers.RepeatVector(draw.randint(1, 4)), (floats(draw, 3, 4),))


def _borders(draw: random.Random, rank: int) -> Any:
    """A number, one for each axis, or a pair for some of them; in one dimension a number or a pair."""
    if rank == 1:
        return draw.choice((draw.randint(0, 2), (draw.randint(0, 2), draw.randint(0, 1))))
    each = tuple(draw.choice((draw.randint(0, 2), (draw.randint(0, 2), draw.randint(0, 1)))) for _ in range(rank))
    return draw.choice((draw.randint(0, 1), each))


def _cropping(rank: int) -> Draw:
    def cropping(k: Any, draw: random.Random) -> Drawn:
        kind = data_format(draw) if rank > 1 else "channels_last"
        settings = {"data_format": kind} if rank > 1 else {}
        layer = getattr(k.layers, f"Cropping{rank}D")(_borders(draw, rank), **settings)
        return Drawn(layer, (images(draw, rank, kind, 2, least=5),))

    return cropping


def _zero_padding(rank: int) -> Draw:
    def zero_padding(k: Any, draw: random.Random) -> Drawn:
        kind = data_format(draw)
        layer = getattr(k.layers, f"ZeroPadding{rank}D")(_borders(draw, rank), data_format=kind)
        return Drawn(layer, (images(draw, rank, kind, 2, least=2),))

    return zero_padding


def up_sampling_1d(k: Any, draw: random.Random) -> Drawn:
    return Drawn(k.layers.UpSampling1D(draw.randint(1, 3)), (images(draw, 1, "channels_last", 2),))


def up_sampling_2d(k: Any, draw: random.Random) -> Drawn:
    kind = data_format(draw)
    layer = k.layers.UpSampling2D(
        per_axis(draw, 2, 1, 2, 3),
        data_format=kind,
        interpolation=draw.choice(("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")),
    )
    return Drawn(layer, (images(draw, 2, kind, 2),))


def up_sampling_3d(k: Any, draw: random.Random) -> Drawn:
    kind = data_format(draw)
    return Drawn(k.layers.UpSampling3D(per_axis(draw, 3, 1, 2, 3), data_format=kind), (images(draw, 3, kind, 2, 2),))


DRAWS: dict[str, Draw] = {
    "Flatten": flatten,
    "Permute": permute,
    "RepeatVector": repeat_vector,
    "Reshape": reshape,
    **{f"Cropping{rank}D": _cropping(rank) for rank in (1, 2, 3)},
    **{f"ZeroPadding{rank}D": _zero_padding(rank) for rank in (1, 2, 3)},
    "UpSampling1D": up_sampling_1d,
    "UpSampling2D": up_sampling_2d,
    "UpSampling3D": up_sampling_3d,
}
