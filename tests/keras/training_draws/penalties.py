"""Draws of regularizers, their gradients, and constraints."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import floats

from training_draws.drawn import Choices, Draw, gradient, plain, some

AXES = (0, -1, [0, 1])
CONSTRAINED: dict[str, Choices] = {
    "MaxNorm": {"max_value": (0.5, 1.0), "axis": AXES},
    "MinMaxNorm": {"min_value": (0.3, 0.6), "max_value": (0.8, 1.2), "rate": (0.3, 0.7), "axis": AXES},
    "NonNeg": {},
    "UnitNorm": {"axis": AXES},
}
REGULARIZED: dict[str, Choices] = {
    "L1": {"l1": (0.1, 0.5)},
    "L2": {"l2": (0.1, 0.5)},
    "L1L2": {"l1": (0.1, 0.5), "l2": (0.1, 0.5)},
    "OrthogonalRegularizer": {"factor": (0.1, 0.5), "mode": ("rows", "columns")},
}


def _sizes(draw: random.Random, least: int, most: int) -> tuple[int, ...]:
    return tuple(draw.randint(2, 5) for _ in range(draw.randint(least, most)))


def _constraint(name: str) -> Draw:
    def run(k: Any, draw: random.Random) -> Any:
        constraint = getattr(k.constraints, name)(**some(draw, CONSTRAINED[name]))
        weight = k.ops.convert_to_tensor(floats(draw, *_sizes(draw, 2, 4)))
        return plain({"weight": constraint(weight), "config": constraint.get_config()})

    return run


def _regularizer(name: str) -> Draw:
    def run(k: Any, draw: random.Random) -> Any:
        regularizer = getattr(k.regularizers, name)(**some(draw, REGULARIZED[name]))
        weight = floats(draw, *_sizes(draw, *((2, 2) if name == "OrthogonalRegularizer" else (1, 4))))
        penalty = regularizer(k.ops.convert_to_tensor(weight))
        return plain(
            {"penalty": penalty, "gradient": gradient(k, regularizer, weight), "config": regularizer.get_config()}
        )

    return run


CONSTRAINTS = {name: _constraint(name) for name in CONSTRAINED}
REGULARIZERS = {name: _regularizer(name) for name in REGULARIZED}
