"""The primitives, one file per family; importing this registers them all."""

from cornu.primitives import (
    control,
    convolution,
    cumulative,
    elementwise,
    indexing,
    joining,
    linalg,
    logic,
    movement,
    pooling,
    random,
    reduction,
    sorting,
)

__all__ = [
    "control",
    "convolution",
    "cumulative",
    "elementwise",
    "indexing",
    "joining",
    "linalg",
    "logic",
    "movement",
    "pooling",
    "random",
    "reduction",
    "sorting",
]
