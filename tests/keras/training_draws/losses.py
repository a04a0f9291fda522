"""Draws of losses: values in every reduction, with weights of samples, and gradients."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from cornu_conformance.layer_draws.drawn import floats, integers

from training_draws.drawn import Choices, Draw, gradient, labels, one_hot, plain, positive, scores, shape, shares, some
from training_draws.drawn import weights as sample_weights

Data = Callable[[random.Random, dict[str, Any]], tuple[np.ndarray, np.ndarray]]
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def regression(draw: random.Random, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    sizes = shape(draw)
    return floats(draw, *sizes), floats(draw, *sizes)


def counts(draw: random.Random, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    sizes = shape(draw)
    return positive(draw, *sizes), positive(draw, *sizes)


def signs(draw: random.Random, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    sizes = shape(draw)
    true = labels(draw, *sizes)
    return draw.choice((true, 2 * true - 1)), floats(draw, *sizes)


def binary(draw: random.Random, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    sizes = shape(draw)
    return labels(draw, *sizes), (3 * floats(draw, *sizes) if arguments.get("from_logits") else scores(draw, *sizes))


def categorical(draw: random.Random, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    sizes = (3, draw.randint(2, 3), 4)[:: draw.choice((1, 2))]
    pred = 2 * floats(draw, *sizes) if arguments.get("from_logits") else shares(draw, *sizes)
    true = one_hot(draw, *sizes)
    # With the classes on another axis, both are turned so that they lie there.
    axis = arguments.get("axis", -1)
    return np.moveaxis(true, -1, axis), np.moveaxis(pred, -1, axis)


def distributions(draw: random.Random, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    sizes = shape(draw)
    return shares(draw, *sizes), shares(draw, *sizes)


def sparse(draw: random.Random, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    sizes = (draw.randint(3, 5), *draw.choice(((), (3,))), 4)
    pred = 2 * floats(draw, *sizes) if arguments.get("from_logits") else shares(draw, *sizes)
    true = integers(draw, 0, 4, *sizes[:-1])
    return (true[..., None] if draw.random() < 0.3 else true), pred


def sparse_rows(draw: random.Random, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    true, pred = sparse(draw, arguments)
    return true.reshape(pred.shape[:-1]), pred


def overlap(draw: random.Random, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    sizes = (3, 4, 2, 2)
    return labels(draw, *sizes), scores(draw, *sizes)


def embeddings(draw: random.Random, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    pred = floats(draw, 6, 4)
    true = np.array([0, 1, 2, 0, 1, 2], "int32")[np.argsort(integers(draw, 0, 10**6, 6))]
    return true, pred / np.linalg.norm(pred, axis=-1, keepdims=True)


def sequences(draw: random.Random, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    true = integers(draw, 1, 4, 4, 3)
    for row, length in zip(true, integers(draw, 0, 4, 4), strict=True):
        row[length:] = 0
    return true, 2 * floats(draw, 4, draw.randint(7, 9), 4)


LOGITS: Choices = {"from_logits": (True, False), "label_smoothing": (0.1, 0.3)}
LOSSES: dict[str, tuple[Data, Choices]] = {
    "MeanSquaredError": (regression, {}),
    "MeanAbsoluteError": (regression, {}),
    "MeanAbsolutePercentageError": (counts, {}),
    "MeanSquaredLogarithmicError": (counts, {}),
    "CosineSimilarity": (regression, {"axis": (-1, 1, 0)}),
    "Huber": (regression, {"delta": (0.2, 1.0, 2.5)}),
    "LogCosh": (regression, {}),
    "Hinge": (signs, {}),
    "SquaredHinge": (signs, {}),
    "CategoricalHinge": (categorical, {}),
    "KLDivergence": (distributions, {}),
    "Poisson": (counts, {}),
    "BinaryCrossentropy": (binary, LOGITS),
    "BinaryFocalCrossentropy": (
        binary,
        {**LOGITS, "apply_class_balancing": (True,), "alpha": (0.1, 0.6), "gamma": (0.5, 1.5, 3.0)},
    ),
    "CategoricalCrossentropy": (categorical, {**LOGITS, "axis": (-1, 1)}),
    "CategoricalFocalCrossentropy": (
        categorical,
        {**LOGITS, "alpha": (0.1, 0.6), "gamma": (0.5, 1.5, 3.0), "axis": (-1,)},
    ),
    "CategoricalGeneralizedCrossEntropy": (sparse_rows, {"q": (0.2, 0.7, 0.9)}),
    "SparseCategoricalCrossentropy": (sparse, {"from_logits": (True, False), "ignore_class": (2, 0, -1)}),
    "Dice": (overlap, {"axis": (None, 1, (1, 2, 3))}),
    "Tversky": (overlap, {"alpha": (0.3, 0.8), "beta": (0.2, 0.7), "axis": (None, 1, (1, 2, 3))}),
    "Circle": (embeddings, {"gamma": (2.0, 10.0), "margin": (0.2, 0.4), "remove_diagonal": (True, False)}),
    "CTC": (sequences, {}),
}


def _loss(name: str) -> Draw:
    data, choices = LOSSES[name]

    def run(k: Any, draw: random.Random) -> Any:
        arguments = some(draw, choices)
        reduction = draw.choice(REDUCTIONS)
        true, pred = data(draw, arguments)
        loss = getattr(k.losses, name)(reduction=reduction, **arguments)
        found = {"plain": loss(true, pred), "config": loss.get_config()}
        unreduced = np.asarray(getattr(k.losses, name)(reduction="none", **arguments)(true, pred))
        found["shape"] = list(unreduced.shape)
        weight = None
        # One number for the whole batch has no samples to weigh.
        if unreduced.ndim:
            sizes = draw.choice(((), (unreduced.shape[0],) + (1,) * (unreduced.ndim - 1), unreduced.shape))
            weight = sample_weights(draw, *sizes) if sizes else np.float32(0.7)
            found["weighted"] = loss(true, pred, sample_weight=weight)
        found["gradient"] = gradient(k, lambda x: k.ops.sum(loss(true, x, sample_weight=weight)), pred)
        return plain(found)

    return run


DRAWS = {name: _loss(name) for name in LOSSES}
