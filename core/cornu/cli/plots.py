"""The pictures that the quickstart draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def save_learning_curves(history: Mapping[str, Sequence[float]], path: Path) -> None:
    """Draws loss and accuracy of every epoch, for training and validation data.

    Args:
        history: `History.history` of a fit with `validation_data` and `metrics=["accuracy"]`.
        path: The PNG to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        epochs = range(1, len(history[name]) + 1)
        axes.plot(epochs, history[name], marker="o", label="training")
        axes.plot(epochs, history[f"val_{name}"], marker="s", label="validation")
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=120)


def save_predictions(
    images: NDArray[Any], labels: NDArray[Any], probabilities: NDArray[Any], path: Path, count: int = 24
) -> None:
    """Draws the digits that the model is least sure of, with its answer; wrong answers are red.

    Args:
        images: Images of shape `(n, 8, 8)`.
        labels: The true digits.
        probabilities: The model's answers of shape `(n, 10)`.
        path: The PNG to write.
        count: How many to draw.
    """
    from matplotlib.figure import Figure

    unsure = np.argsort(probabilities.max(axis=1), kind="stable")[:count]
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    figure.suptitle(f"The {len(unsure)} of {len(images)} test digits that the model is least sure of")
    for axes in (grid := figure.subplots(-(-count // 8), 8).ravel()):
        axes.set_axis_off()
    for axes, index in zip(grid, unsure, strict=False):
        answer, truth = int(probabilities[index].argmax()), int(labels[index])
        axes.imshow(images[index], cmap="gray_r", vmin=0, vmax=16)
        told = f"{answer}, {probabilities[index].max():.0%}" + ("" if answer == truth else f" (is {truth})")
        axes.set_title(told, color="black" if answer == truth else "red", fontsize=9)
    figure.savefig(path, dpi=120)
