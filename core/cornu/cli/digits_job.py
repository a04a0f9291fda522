"""The job of `cornu quickstart`, written as a Keras user would write it.

Train, evaluate, save in both formats, reload, swap the backend, export to ONNX, and check every result.
"""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cornu as keras
from cornu.backend.manager import installed
from cornu.cli.plots import save_learning_curves, save_predictions
from cornu.cli.quickstart import DEFAULT_EPOCHS, QuickstartError
from cornu.datasets import digits

REQUIRED_ACCURACY = 0.97
TOLERANCE = 1e-4


def build_model() -> Any:
    """Makes the small convolutional classifier; it takes raw pixels from 0 to 16, so the ONNX file does, too."""
    layers = keras.layers
    # With 47 steps an epoch, moving averages of Keras's default momentum 0.99 would lag behind the weights. A strided
    # convolution halves the image: the maxima of a pooling tie on the blank background, and which one then gets the
    # gradient depends on a runtime's rounding, so that two backends would drift apart.
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 16),
            layers.Conv2D(32, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            layers.Conv2D(48, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def run_job(backend: str, epochs: int, output: Path, seed: int) -> None:
    """Runs the whole job on a backend that is already selected.

    Args:
        backend: Its name, for what is printed.
        epochs: How many epochs to train.
        output: The directory for the files; it is made if it is not there.
        seed: The seed of the initial weights, the shuffles and the dropout.

    Raises:
        QuickstartError: A check does not hold.
    """
    begin = time.perf_counter()
    output.mkdir(parents=True, exist_ok=True)
    (train_images, y_train), (test_images, y_test) = digits.load_data()
    x_train, x_test = _as_input(train_images), _as_input(test_images)
    keras.utils.set_random_seed(seed)
    model = build_model()
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    print(f"Training on {backend}: {len(x_train)} digits, {epochs} epochs, seed {seed}")
    history = model.fit(
        x_train, y_train, batch_size=32, epochs=epochs, validation_data=(x_test, y_test), verbose=1
    ).history
    _print_history(history)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"Test accuracy: {accuracy:.4f}")
    if epochs >= DEFAULT_EPOCHS and accuracy < REQUIRED_ACCURACY:
        raise QuickstartError(f"The test accuracy is {accuracy:.4f}; it should be at least {REQUIRED_ACCURACY}.")

    expected = np.asarray(model.predict(x_test, verbose=0))
    check_saving(model, x_test, expected, output)
    check_other_backends(model, x_test, expected, backend)
    check_onnx(model, x_test, expected, output / "digits.onnx")
    _plot(history, x_test, y_test, expected, output)
    print(f"Everything holds. Files are in {output}/. Took {time.perf_counter() - begin:.1f} s.")


def check_saving(model: Any, x: NDArray[Any], expected: NDArray[Any], output: Path) -> None:
    """Saves and reloads a model in both formats, and compares the predictions bit by bit.

    Args:
        model: The trained model.
        x: Inputs.
        expected: The model's predictions for them.
        output: The directory for the files.

    Raises:
        QuickstartError: A reloaded model predicts anything else.
    """
    for path in (output / "digits.keras", output / "digits.h5"):
        model.save(str(path))
        reloaded = np.asarray(keras.models.load_model(str(path)).predict(x, verbose=0))
        if not np.array_equal(reloaded, expected):
            raise QuickstartError(f"{path} predicts otherwise after reloading, by {_distance(reloaded, expected):.2g}.")
        print(f"Saved and reloaded {path}: predictions are equal")


def check_other_backends(model: Any, x: NDArray[Any], expected: NDArray[Any], backend: str) -> None:
    """Moves the live model to every other usable backend in turn and compares the predictions.

    Args:
        model: The trained model.
        x: Inputs.
        expected: The predictions on the backend that it was trained on.
        backend: That backend's name.

    Raises:
        QuickstartError: Another backend disagrees.
    """
    others = [info.name for info in installed() if not info.error and info.name != backend]
    if not others:
        print("No other backend is installed to compare with")
    for other in others:
        with keras.use_backend(other):
            distance = _distance(np.asarray(model.predict(x, verbose=0)), expected)
        if not distance <= TOLERANCE:
            raise QuickstartError(
                f"Backend {other} disagrees with {backend} by {distance:.2g}; allowed is {TOLERANCE}."
            )
        print(f"Swapped to {other} in this process: predictions agree, largest difference {distance:.2g}")


def check_onnx(model: Any, x: NDArray[Any], expected: NDArray[Any], path: Path) -> None:
    """Exports a model and runs the file, with several batch sizes, in a session that knows nothing of Cornu.

    Args:
        model: The trained model.
        x: Inputs.
        expected: The model's predictions for them.
        path: The file to write.

    Raises:
        QuickstartError: The file answers differently.
    """
    from cornu_conformance.bare_session import BareSession

    model.export(str(path))
    session = BareSession(path)
    distances = [_distance(session(x[:n])[0], expected[:n]) for n in (1, 7, 128, len(x))]
    if not max(distances) <= TOLERANCE:
        raise QuickstartError(f"{path} differs from the model by {max(distances):.2g}; allowed is {TOLERANCE}.")
    print(f"Exported {path}: batches of 1, 7, 128 and {len(x)} run, largest difference {max(distances):.2g}")


def _as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images[..., np.newaxis].astype(np.float32)


def _distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(np.max(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64))))


def _print_history(history: dict[str, list[float]]) -> None:
    names = list(history)
    print("epoch " + " ".join(f"{name:>13}" for name in names))
    for epoch, row in enumerate(zip(*history.values(), strict=True), 1):
        print(f"{epoch:5d} " + " ".join(f"{float(value):13.6f}" for value in row))


def _plot(
    history: dict[str, list[float]],
    x: NDArray[np.float32],
    labels: NDArray[np.uint8],
    probabilities: NDArray[Any],
    output: Path,
) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        print("No plots: they need matplotlib, pip install 'cornu[plot]'")
        return
    curves, predictions = output / "learning_curves.png", output / "predictions.png"
    save_learning_curves(history, curves)
    save_predictions(x[..., 0], labels, probabilities, predictions)
    print(f"Drew {curves} and {predictions}")
