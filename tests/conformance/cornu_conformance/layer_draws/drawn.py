"""What a draw of a layer is, and drawing what many layers need."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Drawn:
    """A layer and how it is called.

    Args:
        layer: The layer, not built.
        args: Arrays, or lists of arrays, to call it on; their first axis is the batch.
        kwargs: Further arguments of the call: arrays, or settings as they are.
        trains: Whether a training step has one result: False where it draws random numbers.
        projects: Whether float inputs come out of a `Dense` layer, whose gradients then show those of the inputs.
    """

    layer: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    trains: bool = True
    projects: bool = True


Draw = Callable[[Any, random.Random], Drawn]


def floats(draw: random.Random, *shape: int, scale: float = 1.0) -> np.ndarray:
    """Normal numbers."""
    return (scale * _generator(draw).normal(size=shape)).astype("float32")


def integers(draw: random.Random, low: int, high: int, *shape: int) -> np.ndarray:
    """Integers from `low` to `high - 1`."""
    return _generator(draw).randint(low, high, size=shape).astype("int32")


def flags(draw: random.Random, *shape: int) -> np.ndarray:
    """Booleans, the first of each row true: a mask with holes that never hides everything."""
    mask = _generator(draw).random_sample(size=shape) < 0.7
    mask[..., 0] = True
    return mask


def _generator(draw: random.Random) -> np.random.RandomState:
    # The legacy generator: its numbers are the same in every version of NumPy.
    return np.random.RandomState(draw.randrange(2**32))


def images(draw: random.Random, rank: int, data_format: str, channels: int, least: int = 4) -> np.ndarray:
    """A batch with `rank` spatial axes of different sizes from `least` on."""
    sizes = [draw.randint(least, least + 3) for _ in range(rank)]
    shape = (*sizes, channels) if data_format == "channels_last" else (channels, *sizes)
    return floats(draw, 2, *shape)


def data_format(draw: random.Random) -> str:
    return draw.choice(("channels_last", "channels_first"))


def padding(draw: random.Random) -> str:
    return draw.choice(("valid", "same"))


def per_axis(draw: random.Random, rank: int, *choices: int) -> Any:
    """One number for all axes, or one for each."""
    return draw.choice((draw.choice(choices), tuple(draw.choice(choices) for _ in range(rank))))


def activation(draw: random.Random) -> str | None:
    return draw.choice((None, "relu", "tanh", "sigmoid"))


def weight_settings(draw: random.Random, *kinds: str) -> dict[str, Any]:
    """Now and then a regularizer or a constraint for a kind of weight."""
    settings: dict[str, Any] = {}
    for kind in kinds:
        if draw.random() < 0.2:
            settings[f"{kind}_regularizer"] = draw.choice(("l1", "l2"))
        if draw.random() < 0.2:
            settings[f"{kind}_constraint"] = draw.choice(("non_neg", "unit_norm"))
    return settings
