"""Drawing arguments and values, gradients in both frameworks, and results as JSON data."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from cornu_conformance.layer_draws.drawn import floats, integers

Draw = Callable[[Any, random.Random], Any]
Choices = dict[str, Sequence[Any]]


def some(draw: random.Random, choices: Choices) -> dict[str, Any]:
    """About half of the arguments, each with one of its values."""
    return {name: draw.choice(values) for name, values in choices.items() if draw.random() < 0.5}


def shape(draw: random.Random, least: int = 2, most: int = 3) -> tuple[int, ...]:
    """A batch of 3 to 5 and some more axes."""
    return (draw.randint(3, 5), *[draw.randint(2, 4) for _ in range(draw.randint(least, most) - 1)])


def positive(draw: random.Random, *sizes: int) -> np.ndarray:
    """Numbers from 0.1 on."""
    return np.abs(floats(draw, *sizes)) + np.float32(0.1)


def shares(draw: random.Random, *sizes: int) -> np.ndarray:
    """Rows of probabilities that sum to 1."""
    powers = np.exp(floats(draw, *sizes))
    return (powers / powers.sum(-1, keepdims=True)).astype("float32")


def scores(draw: random.Random, *sizes: int) -> np.ndarray:
    """Probabilities in (0, 1), each by itself, none so near a common threshold that rounding decides."""
    return ((integers(draw, 0, 97, *sizes) + 1.37) / 100).astype("float32")


def labels(draw: random.Random, *sizes: int) -> np.ndarray:
    """Zeros and ones."""
    return integers(draw, 0, 2, *sizes).astype("float32")


def one_hot(draw: random.Random, *sizes: int) -> np.ndarray:
    """Rows with a single 1."""
    return np.eye(sizes[-1], dtype="float32")[integers(draw, 0, sizes[-1], *sizes[:-1])]


def weights(draw: random.Random, *sizes: int) -> np.ndarray:
    """Weights of samples, some of them 0."""
    return np.maximum(integers(draw, -1, 5, *sizes), 0).astype("float32") / np.float32(2)


def gradient(k: Any, function: Callable[[Any], Any], x: np.ndarray) -> Any:
    """The gradient of a scalar function."""
    if k.__name__ == "keras":
        import jax

        return jax.grad(function)(k.ops.convert_to_tensor(x))
    return k.grad(function)(k.ops.convert_to_tensor(x))


def plain(value: Any) -> Any:
    """Results as JSON data."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    array = np.asarray(value, "float64")
    return [float(f"{number:.9g}") for number in array.ravel()] if array.ndim else float(array)
