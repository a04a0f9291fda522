"""Draws of activation layers."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import Drawn, flags, floats

_NAMES = (
    None, "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh",
    "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "squareplus", "tanh",
    "tanh_shrink",
)  # fmt: skip  # not sparsemax: Keras's rows of it do not sum to 1 beyond rank 2


def _any_rank(draw: random.Random) -> Any:
    return floats(draw, 3, *[draw.randint(1, 4) for _ in range(draw.randint(1, 3))], scale=2.0)


def activation_layer(k: Any, draw: random.Random) -> Drawn:
    return Drawn(k.layers.Activation(draw.choice(_NAMES)), (floats(draw, 3, 2, 4),))


def relu(k: Any, draw: random.Random) -> Drawn:
    layer = k.layers.ReLU(
        max_value=draw.choice((None, 1.0, 6.0)),
        negative_slope=draw.choice((0.0, 0.2)),
        threshold=draw.choice((0.0, 0.4)),
    )
    return Drawn(layer, (_any_rank(draw),))


def elu(k: Any, draw: random.Random) -> Drawn:
    return Drawn(k.layers.ELU(alpha=draw.choice((1.0, 0.3, 2))), (_any_rank(draw),))


def leaky_relu(k: Any, draw: random.Random) -> Drawn:
    return Drawn(k.layers.LeakyReLU(draw.choice((0.3, 0.0, 1))), (_any_rank(draw),))


def prelu(k: Any, draw: random.Random) -> Drawn:
    inputs = _any_rank(draw)
    axes = [axis for axis in range(1, inputs.ndim) if draw.random() < 0.5]
    layer = k.layers.PReLU(
        alpha_initializer=draw.choice(("Zeros", "ones")),
        alpha_regularizer=draw.choice((None, "l2")),
        alpha_constraint=draw.choice((None, "non_neg")),
        shared_axes=draw.choice((None, 1, axes)),
    )
    return Drawn(layer, (inputs,))


def softmax(k: Any, draw: random.Random) -> Drawn:
    inputs = floats(draw, 3, *[draw.randint(2, 4) for _ in range(draw.randint(1, 3))], scale=2.0)
    rank = inputs.ndim
    axis = draw.choice((-1, rank - 1, 1, tuple(range(1, rank)), [-1], (-1, 1)[: rank - 1]))
    kwargs = {}
    if draw.random() < 0.5:
        shape = [size if i == 0 or draw.random() < 0.7 else 1 for i, size in enumerate(inputs.shape)]
        kwargs["mask"] = flags(draw, *shape)
    # The mask is then the output's, of which losses make nothing: it is no mask of steps.
    return Drawn(k.layers.Softmax(axis=axis), (inputs,), kwargs, trains=not kwargs)


DRAWS = {
    "Activation": activation_layer,
    "ELU": elu,
    "LeakyReLU": leaky_relu,
    "PReLU": prelu,
    "ReLU": relu,
    "Softmax": softmax,
}
