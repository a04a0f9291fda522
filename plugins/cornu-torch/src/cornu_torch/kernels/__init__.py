"""How torch computes each operator, one module per family; importing this registers them all."""

from cornu_torch.kernels import (
    casting,
    composites,
    control,
    convolution,
    elementwise,
    fused,
    indexing,
    integers,
    joining,
    logic,
    movement,
    pooling,
    random,
    reduction,
)

__all__ = [
    "casting",
    "composites",
    "control",
    "convolution",
    "elementwise",
    "fused",
    "indexing",
    "integers",
    "joining",
    "logic",
    "movement",
    "pooling",
    "random",
    "reduction",
]
