"""Layers drawn at random, from real Keras or from Cornu alike, one module for each family.

A function of a family is `(k, draw) -> Drawn`: `k` is `keras` or `cornu`, `draw` a `random.Random`. The same draws make
the same layer and the same inputs in both. To add a layer, write its function and list it in the family's `DRAWS`.
"""

from __future__ import annotations

from collections.abc import Mapping

from cornu_conformance.layer_draws import (
    activations,
    attention,
    convolutional,
    core,
    merging,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    regularization,
    reshaping,
)
from cornu_conformance.layer_draws.drawn import Draw, Drawn

FAMILIES: dict[str, Mapping[str, Draw]] = {
    "activations": activations.DRAWS,
    "attention": attention.DRAWS,
    "convolutional": convolutional.DRAWS,
    "core": core.DRAWS,
    "merging": merging.DRAWS,
    "normalization": normalization.DRAWS,
    "pooling": pooling.DRAWS,
    "preprocessing": preprocessing.DRAWS,
    "recurrent": recurrent.DRAWS,
    "regularization": regularization.DRAWS,
    "reshaping": reshaping.DRAWS,
}
DRAWS: dict[str, Draw] = {name: draw for family in FAMILIES.values() for name, draw in family.items()}

__all__ = ["DRAWS", "FAMILIES", "Draw", "Drawn"]
