"""Draws of activations: values and gradients."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import floats

from training_draws.drawn import Choices, Draw, gradient, plain, some

ACTIVATIONS: dict[str, Choices] = {
    "celu": {"alpha": (0.5, 2.0)},
    "elu": {"alpha": (0.5, 2.0)},
    "exponential": {},
    "gelu": {"approximate": (True, False)},
    "glu": {"axis": (-1, 1)},
    "hard_shrink": {"threshold": (0.2, 1.0)},
    "hard_sigmoid": {},
    "hard_silu": {},
    "hard_swish": {},
    "hard_tanh": {},
    "leaky_relu": {"negative_slope": (0.1, 0.4)},
    "linear": {},
    "log_sigmoid": {},
    "log_softmax": {"axis": (-1, 1)},
    "mish": {},
    "relu": {"negative_slope": (0.1, 0.3), "max_value": (1.5, 6.0), "threshold": (0.0, 0.5)},
    "relu6": {},
    "selu": {},
    "sigmoid": {},
    "silu": {},
    "soft_shrink": {"threshold": (0.2, 1.0)},
    "softmax": {"axis": (-1, 1)},
    "softplus": {},
    "softsign": {},
    "sparse_plus": {},
    "sparse_sigmoid": {},
    "squareplus": {"b": (1, 2.5)},
    "swish": {},
    "tanh": {},
    "tanh_shrink": {},
    "threshold": {},
}
# What Cornu deliberately computes otherwise: Keras sums over more than the support, so that its rows do not sum to 1.
DIFFERENT = ("sparsemax",)


def _activation(name: str) -> Draw:
    def run(k: Any, draw: random.Random) -> Any:
        arguments = some(draw, ACTIVATIONS[name])
        if name == "threshold":
            arguments = {"threshold": draw.choice((-0.5, 0.3)), "default_value": draw.choice((-1.0, 0.0))}
        x = floats(draw, 2, 4, 6, scale=draw.choice((1.0, 4.0)))
        slopes = floats(draw, 2, 2 if arguments.get("axis") == 1 and name == "glu" else 4, 6)
        slopes = slopes[..., :3] if name == "glu" and arguments.get("axis") != 1 else slopes
        function = getattr(k.activations, name)
        found = function(k.ops.convert_to_tensor(x), **arguments)
        by_x = gradient(k, lambda x: k.ops.sum(function(x, **arguments) * slopes), x)
        return plain({"shape": list(found.shape), "values": found, "gradient": by_x})

    return run


DRAWS = {name: _activation(name) for name in ACTIVATIONS}
