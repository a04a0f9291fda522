"""One program serves every batch and image size: nothing is traced again, and the numbers are right."""

from __future__ import annotations

import cornu as keras
import numpy as np
import pytest
from cornu import layers

BACKENDS = ("numpy", "onnxruntime")
SIZES = ((16, 16), (20, 17), (21, 21))


def strided_model() -> keras.Model:
    """A fully convolutional classifier with a strided "same" convolution and free image sizes."""
    return keras.Sequential(
        [
            keras.Input((None, None, 2)),
            layers.Conv2D(3, 3, strides=2, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )


def same_convolution(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """A "same" convolution by its definition: output (i, j) sees the window that starts at i * stride - pad."""
    n, height, width, _ = x.shape
    out = [-(-size // stride) for size in (height, width)]
    pads = [max((o - 1) * stride + 3 - size, 0) for o, size in zip(out, (height, width), strict=True)]
    padded = np.pad(x, ((0, 0), *((pad // 2, pad - pad // 2) for pad in pads), (0, 0)))
    result = np.zeros((n, *out, kernel.shape[-1]))
    for i in range(out[0]):
        for j in range(out[1]):
            window = padded[:, i * stride : i * stride + 3, j * stride : j * stride + 3, :]
            result[:, i, j] = np.tensordot(window, kernel, 3) + bias
    return result


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_trace_serves_every_size(backend: str) -> None:
    rng = np.random.default_rng(0)
    with keras.use_backend(backend):
        keras.utils.set_random_seed(0)
        model = strided_model()
        model.compile("sgd", "mse")
        for batch in (1, 7, 128):
            for height, width in SIZES:
                x = rng.normal(size=(batch, height, width, 2)).astype("float32")
                kernel, bias, dense, offset = model.get_weights()
                features = np.maximum(same_convolution(x, kernel, bias, 2), 0).mean((1, 2))
                expected = features @ dense + offset
                np.testing.assert_allclose(model.predict(x, batch_size=batch, verbose=0), expected, atol=1e-5)
                y = rng.normal(size=(batch, 2)).astype("float32")
                loss = model.train_on_batch(x, y, return_dict=True)["loss"]
                model.reset_metrics()
                np.testing.assert_allclose(loss, np.mean((expected - y) ** 2), rtol=1e-4)
                after = model.get_weights()
                by_output = 2 * (expected - y) / y.size
                np.testing.assert_allclose(after[3], offset - 0.01 * by_output.sum(0), atol=1e-5)
                np.testing.assert_allclose(after[2], dense - 0.01 * features.T @ by_output, atol=1e-5)
        assert model.make_train_function().trace_count == 1
        assert model.make_predict_function().trace_count == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_partial_last_batch_never_retraces(backend: str) -> None:
    x, y = np.ones((70, 4), "float32"), np.ones((70, 1), "float32")
    with keras.use_backend(backend):
        model = keras.Sequential([layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=32, epochs=2, verbose=0, validation_data=(x[:33], y[:33]))
        assert model.make_train_function().trace_count == 1
        assert model.make_test_function().trace_count == 1
