"""Training jobs in Keras's API, run alike by real Keras, which recorded their numbers, and by the backend under test.

All weights and data come from formulas; nothing is drawn at random while they train.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

STEPS = 6


@dataclass(frozen=True)
class Job:
    """A model, how it is compiled and what it is fed with.

    Args:
        name: Its name.
        model: From the module `keras` (or `cornu`) to the model.
        inputs: The arrays that it is fed with, the batch first.
        targets: What it must learn.
        compile: From the module to the arguments of `compile`.
        tolerance: How far numbers may be from the recorded ones, relatively and absolutely.
        weights: How large the first weights are.
        bare: Whether a bare session has kernels for its dtypes; ONNX's own evaluator stands in where it has not.
    """

    name: str
    model: Callable[[Any], Any]
    inputs: tuple[np.ndarray, ...]
    targets: tuple[np.ndarray, ...]
    compile: Callable[[Any], Mapping[str, Any]]
    tolerance: float = 2e-4
    weights: float = 0.4
    bare: bool = True


def wave(*shape: int, phase: float = 0.0) -> np.ndarray:
    """Numbers from -1 to 1 without a visible order."""
    count = int(np.prod(shape))
    return np.sin(np.arange(count) * 1.7 + np.arange(count) ** 2 * 0.013 + phase).reshape(shape).astype("float32")


def classes(count: int, number: int) -> np.ndarray:
    """Labels from 0 to `number - 1`."""
    return (np.arange(count) * 7 % 5 % number).astype("int32")


def run(k: Any, job: Job) -> dict[str, Any]:
    """Trains, and predicts before, in the middle and after; plain numbers.

    Args:
        k: `keras` or `cornu`.
        job: The job.
    """
    k.utils.clear_session(free_memory=False)
    model = job.model(k)
    for i, variable in enumerate(model.weights):
        if "variance" in variable.name or "gamma" in variable.name:
            variable.assign(1.0 + 0.2 * wave(*variable.shape, phase=float(i)))
        else:
            variable.assign(job.weights * wave(*variable.shape, phase=float(i)))
    model.compile(**job.compile(k))
    x, y = (list(arrays) if len(arrays) > 1 else arrays[0] for arrays in (job.inputs, job.targets))
    losses, predictions = [], [_summary(model, x)]
    for step in range(STEPS):
        logs = model.train_on_batch(x, y, return_dict=True)
        losses.append(float(logs["loss"]))
        if step == STEPS // 2:
            predictions += [_summary(model, x), _summary(model, x)]
    # Batches of 3, the last one smaller; then weights that inference must not remember from before.
    model.fit(x, y, batch_size=3, epochs=1, shuffle=False, verbose=0)
    predictions.append(_summary(model, x))
    loss = model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)["loss"]
    return {"losses": losses, "predictions": predictions, "loss": float(loss)}


def _summary(model: Any, x: Any) -> list[list[float]]:
    found = model.predict(x, verbose=0)
    outputs = found if isinstance(found, (list, tuple)) else [found]
    return [np.asarray(output, "float64").reshape(len(output), -1)[:, :4].ravel().tolist() for output in outputs]


# -- the jobs ------------------------------------------------------------------------------------------------------


def _perceptron(k: Any) -> Any:
    layers = [k.Input((6,)), k.layers.Dense(8, activation="tanh"), k.layers.Dense(5, activation="relu")]
    return k.Sequential([*layers, k.layers.Dense(1)])


def _classifier(k: Any) -> Any:
    inputs = k.Input((6,))
    x = k.layers.Dense(8, activation="gelu", kernel_regularizer="l2")(inputs)
    x = k.layers.BatchNormalization(momentum=0.8)(x)
    return k.Model(inputs, k.layers.Dense(3, activation="softmax")(x))


def _convolutional(k: Any) -> Any:
    inputs = k.Input((9, 8, 2))
    x = k.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(inputs)
    x = k.layers.BatchNormalization(momentum=0.9)(x)
    y = k.layers.Conv2D(4, 3, padding="same")(x)
    x = k.layers.Activation("relu")(x + y)
    x = k.layers.MaxPooling2D(2)(x)
    return k.Model(inputs, k.layers.Dense(3)(k.layers.GlobalAveragePooling2D()(x)))


def _separable(k: Any) -> Any:
    inputs = k.Input((7, 7, 2))
    x = k.layers.SeparableConv2D(4, 3, depth_multiplier=2, padding="same", activation="elu")(inputs)
    x = k.layers.DepthwiseConv2D(3, strides=2)(x)
    x = k.layers.Conv2DTranspose(2, 3, strides=2)(x)
    x = k.layers.AveragePooling2D(2, padding="same")(x)
    return k.Model(inputs, k.layers.Dense(1, activation="sigmoid")(k.layers.Flatten()(x)))


def _recurrent(k: Any) -> Any:
    inputs = k.Input((None,), dtype="int32")
    x = k.layers.Embedding(12, 4, mask_zero=True)(inputs)
    x = k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True))(x)
    return k.Model(inputs, k.layers.Dense(1)(k.layers.GRU(4)(x)))


def _transformer(k: Any) -> Any:
    inputs = k.Input((None, 6))
    x = k.layers.MultiHeadAttention(2, 3)(inputs, inputs, use_causal_mask=True)
    x = k.layers.LayerNormalization()(x + inputs)
    y = k.layers.Dense(6)(k.layers.Dense(8, activation="relu")(x))
    x = k.layers.LayerNormalization()(x + y)
    return k.Model(inputs, k.layers.Dense(2)(k.layers.GlobalAveragePooling1D()(x)))


def _branches(k: Any) -> Any:
    a, b = k.Input((4,), name="left"), k.Input((3,), name="right")
    joined = k.layers.Concatenate()([k.layers.Dense(4, activation="relu")(a), b])
    first = k.layers.Dense(2, name="first")(joined)
    return k.Model([a, b], [first, k.layers.Dense(1, activation="sigmoid", name="second")(joined * 2.0)])


def _mixed(k: Any) -> Any:
    inputs = k.Input((6,))
    x = k.layers.Dense(8, activation="relu", dtype="mixed_bfloat16")(inputs)
    return k.Model(inputs, k.layers.Dense(2, dtype="float32")(x))


TOKENS = np.array([[1, 5, 3, 0, 0], [2, 2, 0, 7, 0], [9, 1, 4, 11, 6], [3, 0, 0, 0, 0], [8, 8, 1, 2, 0]], "int32")

JOBS = (
    Job(
        "perceptron_sgd",
        _perceptron,
        (wave(10, 6),),
        (wave(10, 1, phase=1),),
        lambda k: {"optimizer": k.optimizers.SGD(0.05, momentum=0.9, nesterov=True), "loss": "mse"},
    ),
    Job(
        "classifier_adam",
        _classifier,
        (wave(10, 6),),
        (classes(10, 3),),
        lambda k: {
            "optimizer": k.optimizers.Adam(k.optimizers.schedules.ExponentialDecay(0.02, 3, 0.8), clipnorm=1.0),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
    ),
    Job(
        "convolutional_rmsprop",
        _convolutional,
        (wave(7, 9, 8, 2),),
        (np.eye(3, dtype="float32")[classes(7, 3)],),
        lambda k: {
            "optimizer": k.optimizers.RMSprop(0.004, momentum=0.5),
            "loss": k.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        },
        tolerance=1e-3,
    ),
    Job(
        "separable_adamw",
        _separable,
        (wave(5, 7, 7, 2),),
        ((wave(5, 1, phase=2) > 0).astype("float32"),),
        lambda k: {"optimizer": k.optimizers.AdamW(0.01, weight_decay=0.02), "loss": "binary_crossentropy"},
        tolerance=1e-3,
    ),
    Job(
        "recurrent_adagrad",
        _recurrent,
        (TOKENS,),
        (wave(5, 1),),
        lambda k: {"optimizer": k.optimizers.Adagrad(0.1), "loss": "huber"},
    ),
    Job(
        "transformer_clipped",
        _transformer,
        (wave(5, 4, 6),),
        (wave(5, 2, phase=3),),
        lambda k: {"optimizer": k.optimizers.SGD(0.05, clipvalue=0.5), "loss": "log_cosh"},
    ),
    Job(
        "two_outputs_nadam",
        _branches,
        (wave(8, 4), wave(8, 3, phase=1)),
        (wave(8, 2, phase=2), (wave(8, 1, phase=3) > 0).astype("float32")),
        lambda k: {
            "optimizer": k.optimizers.Nadam(0.01),
            "loss": ["mae", "binary_crossentropy"],
            "loss_weights": [1.0, 0.5],
        },
    ),
    Job(
        "mixed_bfloat16",
        _mixed,
        (wave(8, 6),),
        (wave(8, 2, phase=1),),
        lambda k: {"optimizer": k.optimizers.SGD(0.05), "loss": "mse"},
        tolerance=3e-2,
        bare=False,
    ),
)
