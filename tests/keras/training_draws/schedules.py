"""Draws of learning-rate schedules, at drawn steps."""

from __future__ import annotations

import random
from typing import Any

from training_draws.drawn import Choices, Draw, plain, some

RATES = (0.5, 0.1, 0.02)
# The arguments that are always given, then those that need not be.
SCHEDULES: dict[str, tuple[Choices, Choices]] = {
    "ExponentialDecay": (
        {"initial_learning_rate": RATES, "decay_steps": (3, 7, 10), "decay_rate": (0.5, 0.8, 0.95)},
        {"staircase": (True, False)},
    ),
    "InverseTimeDecay": (
        {"initial_learning_rate": RATES, "decay_steps": (3, 7, 10), "decay_rate": (0.5, 0.8, 2.0)},
        {"staircase": (True, False)},
    ),
    "PolynomialDecay": (
        {"initial_learning_rate": RATES, "decay_steps": (5, 10, 17)},
        {"end_learning_rate": (0.01, 0.001), "power": (0.5, 2.0), "cycle": (True, False)},
    ),
    "PiecewiseConstantDecay": (
        {"boundaries": ([3, 9],), "values": ([1.0, 0.5, 0.1], [0.1, 0.3, 0.2])},
        {},
    ),
    "CosineDecay": (
        {"initial_learning_rate": RATES, "decay_steps": (5, 12, 20)},
        {"alpha": (0.1, 0.5), "warmup_target": (0.6, 1.0), "warmup_steps": (4, 1)},
    ),
    "CosineDecayRestarts": (
        {"initial_learning_rate": RATES, "first_decay_steps": (3, 5, 8)},
        {"t_mul": (1.0, 1.5, 2.0), "m_mul": (0.5, 0.9), "alpha": (0.1, 0.2)},
    ),
}


def schedule(k: Any, draw: random.Random, name: str | None = None) -> Any:
    """A schedule, of any kind if no name is given."""
    name = name or draw.choice(sorted(SCHEDULES))
    needed, optional = SCHEDULES[name]
    arguments = {key: draw.choice(values) for key, values in needed.items()}
    return getattr(k.optimizers.schedules, name)(**arguments, **some(draw, optional))


def _schedule(name: str) -> Draw:
    def run(k: Any, draw: random.Random) -> Any:
        made = schedule(k, draw, name)
        steps = sorted({0, 1, *[draw.randint(2, 60) for _ in range(12)]})
        dtype = draw.choice(("int32", "float32"))
        rates = [made(k.ops.convert_to_tensor(step, dtype=dtype)) for step in steps]
        return plain({"rates": rates, "config": made.get_config()})

    return run


DRAWS = {name: _schedule(name) for name in SCHEDULES}
