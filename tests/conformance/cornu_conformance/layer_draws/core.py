"""Draws of layers of weights and structure."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import Drawn, activation, floats, integers, weight_settings


def dense(k: Any, draw: random.Random) -> Drawn:
    layer = k.layers.Dense(
        draw.randint(1, 4),
        activation=activation(draw),
        use_bias=draw.random() < 0.7,
        activity_regularizer=draw.choice((None, None, "l2")),
        **weight_settings(draw, "kernel", "bias"),
    )
    return Drawn(layer, (floats(draw, 3, *[draw.randint(1, 3) for _ in range(draw.randint(0, 2))], 4),))


# Equation, output shape, input shape, axes that a bias may have.
_EQUATIONS = (
    ("ab,bc->ac", 3, (3, 4), ("c",)),
    ("ab,cb->ac", 3, (3, 4), ("c",)),
    ("ab,bcd->adc", (2, 3), (3, 4), ("c", "d", "cd", "dc")),
    ("abc,cd->abd", (None, 3), (3, 2, 4), ("d",)),
    ("abc,cd->abd", (2, 3), (3, 2, 4), ("d", "b", "bd")),
    ("abc,cde->abde", (None, 3, 2), (3, 2, 4), ("d", "e", "de")),
    ("abcd,cde->abe", (None, 3), (3, 2, 4, 2), ("e",)),
    ("abc,bcd->abd", (2, 3), (3, 2, 4), ("d", "bd")),
    ("abc,bc->abc", (2, 4), (3, 2, 4), ("c", "bc")),
    ("abc,bd->adc", (3, None), (3, 2, 4), ("d",)),
    ("ab,b->a", (), (3, 4), ()),
    ("...x,xy->...y", 3, (3, 2, 4), ("y",)),
    ("...bx,xy->...by", (None, 3), (3, 2, 2, 4), ("y",)),
    ("ab...,bc->ac...", 3, (3, 4, 2), ("c",)),
)


def einsum_dense(k: Any, draw: random.Random) -> Drawn:
    equation, output_shape, shape, axes = draw.choice(_EQUATIONS)
    layer = k.layers.EinsumDense(
        equation,
        output_shape,
        bias_axes=draw.choice((None, *axes)),
        activation=activation(draw),
        activity_regularizer=draw.choice((None, None, "l2")),
        **weight_settings(draw, "kernel", "bias"),
    )
    return Drawn(layer, (floats(draw, *shape),))


def embedding(k: Any, draw: random.Random) -> Drawn:
    layer = k.layers.Embedding(
        7, draw.randint(1, 4), mask_zero=draw.random() < 0.5, **weight_settings(draw, "embeddings")
    )
    return Drawn(layer, (integers(draw, 0, 7, 3, draw.randint(1, 5)),))


def reversible_embedding(k: Any, draw: random.Random) -> Drawn:
    size, tied = draw.randint(1, 4), draw.random() < 0.6
    layer = k.layers.ReversibleEmbedding(
        7,
        size,
        tie_weights=tied,
        mask_zero=draw.random() < 0.5,
        reverse_dtype=draw.choice((None, "float32")),
        logit_soft_cap=draw.choice((None, 1.5)),
        **weight_settings(draw, "embeddings"),
    )
    # One way alone leaves one of two tables untrained, of which trainers warn.
    if draw.random() < 0.5:
        return Drawn(layer, (integers(draw, 0, 7, 3, draw.randint(1, 5)),), trains=tied)
    return Drawn(layer, (floats(draw, 3, draw.randint(1, 3), size),), {"reverse": True}, trains=tied)


def identity(k: Any, draw: random.Random) -> Drawn:
    inputs = [floats(draw, 3, draw.randint(1, 3), 2) for _ in range(2)]
    return Drawn(k.layers.Identity(), (draw.choice((inputs[0], inputs)),))


def lambda_layer(k: Any, draw: random.Random) -> Drawn:
    # Functions that files know by name: lambdas are not read without being asked for.
    function, arguments = draw.choice(
        (("elu", {"alpha": 0.3}), ("leaky_relu", {"negative_slope": 0.4}), ("tanh", None))
    )
    shape = tuple(draw.randint(1, 4) for _ in range(draw.randint(1, 2)))
    layer = k.layers.Lambda(
        getattr(k.activations, function), output_shape=draw.choice((None, shape)), arguments=arguments
    )
    return Drawn(layer, (floats(draw, 3, *shape),))


def masking(k: Any, draw: random.Random) -> Drawn:
    value, steps, features = draw.choice((0.0, 2.0, -1)), draw.randint(1, 4), draw.randint(1, 2)
    inputs = floats(draw, 3, steps, features)
    hidden = [(draw.randrange(3), draw.randrange(steps)) for _ in range(3)]
    for place in hidden:
        inputs[place] = value
    # Behind a layer with weights nothing is masked, as no step has the value; only there is something to train.
    projects = draw.random() < 0.5
    return Drawn(k.layers.Masking(value), (inputs,), trains=projects, projects=projects)


DRAWS = {
    "Dense": dense,
    "EinsumDense": einsum_dense,
    "Embedding": embedding,
    "Identity": identity,
    "Lambda": lambda_layer,
    "Masking": masking,
    "ReversibleEmbedding": reversible_embedding,
}
