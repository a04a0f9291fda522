"""What trains and initializes, drawn at random and run alike by real Keras and by Cornu, one module for each family.

A function of a family is `(k, draw) -> results`: `k` is `keras` or `cornu`, `draw` a `random.Random`, the results plain
JSON data. The same draws make the same object and the same calls in both. To add a class, write its draw and list it in
the family's `DRAWS`.
"""

from __future__ import annotations

from training_draws import activations, initializers, losses, metrics, optimizers, penalties, schedules
from training_draws.drawn import Draw

FAMILIES: dict[str, dict[str, Draw]] = {
    "activations": activations.DRAWS,
    "constraints": penalties.CONSTRAINTS,
    "initializers": initializers.DRAWS,
    "losses": losses.DRAWS,
    "metrics": metrics.DRAWS,
    "optimizers": optimizers.DRAWS,
    "regularizers": penalties.REGULARIZERS,
    "schedules": schedules.DRAWS,
}

__all__ = ["FAMILIES", "Draw"]
