"""Activation layers: masks, shared slopes, gradients at kinks, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import layers, ops


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with cornu.use_backend(request.param):
        yield


def draw(*shape: int) -> np.ndarray:
    return np.random.RandomState(3).randn(*shape).astype(np.float32)


# What real Keras (3.15, JAX) gives as derivatives at these points.
POINTS = [-1.0, 0.0, 0.5, 1.0, 6.0, 7.0]
SLOPES: dict[str, tuple[Callable[[], Any], list[float]]] = {
    "relu": (lambda: layers.ReLU(), [0, 0, 1, 1, 1, 1]),
    "relu up to 1": (lambda: layers.ReLU(max_value=1.0), [0, 0, 1, 0.5, 0, 0]),
    "relu up to 6": (lambda: layers.ReLU(max_value=6), [0, 0, 1, 1, 0, 0]),
    "leaky relu up to 6": (lambda: layers.ReLU(6.0, negative_slope=0.1), [0.1, 0, 1, 1, 0, 0]),
    "nothing": (lambda: layers.ReLU(max_value=0.0), [0, 0, 0, 0, 0, 0]),
    "relu from 0.5 to 6": (lambda: layers.ReLU(6.0, threshold=0.5), [0, 0, 0, 1, 0.5, 0]),
    "leaky relu from 1": (lambda: layers.ReLU(threshold=1.0, negative_slope=0.1), [0.1, 0.1, 0.1, 0, 1, 1]),
    "leaky relu": (lambda: layers.LeakyReLU(0.2), [0.2, 1, 1, 1, 1, 1]),
    "elu": (lambda: layers.ELU(0.7), [0.7 * np.exp(-1), 0.7, 1, 1, 1, 1]),
    "prelu": (lambda: layers.PReLU(cornu.initializers.Constant(0.3)), [0.3, 0, 1, 1, 1, 1]),
}


@pytest.mark.parametrize("name", SLOPES)
def test_gradients_at_kinks_are_those_of_keras(name: str) -> None:
    make, wanted = SLOPES[name]
    layer, x = make(), ops.convert_to_tensor([POINTS])
    with cornu.GradientTape() as tape:
        y = layer(x)
    np.testing.assert_allclose(np.asarray(tape.gradient(y, x))[0], wanted, rtol=1e-5)


def test_what_a_mask_hides_has_no_probability() -> None:
    x = draw(2, 4, 3)
    mask = np.random.RandomState(0).rand(2, 4, 3) < 0.6
    mask[0, 1] = False
    powers = np.exp(x) * mask
    for axis in (-1, 1, (1, 2), None):
        axes = axis if axis is not None else (0, 1, 2)
        total = powers.sum(axes, keepdims=True)
        wanted = np.divide(powers, total, out=np.zeros_like(powers), where=total > 0)
        found = layers.Softmax(axis)(x, mask=mask)
        np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-5, atol=1e-7)
    column = layers.Softmax(1)(x, mask=mask[:, :, :1])
    np.testing.assert_allclose(np.asarray(column)[~mask[:, :, 0]], 0)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_masks_of_numbers_and_short_floats(dtype: str) -> None:
    layer = layers.Softmax(dtype=dtype)
    found = layer(np.array([[5.0, 1.0, 1.0]], np.float32), mask=np.array([[0, 1, 2]]))
    assert np.asarray(found).tolist() == [[0.0, 0.5, 0.5]]


def test_hidden_elements_have_no_gradient() -> None:
    x = ops.convert_to_tensor(draw(2, 3))
    with cornu.GradientTape() as tape:
        y = layers.Softmax()(x, mask=np.array([[True, True, False], [False, False, False]])) * [1.0, 2.0, 3.0]
    found = np.asarray(tape.gradient(y, x))
    assert np.all(found[0, :2] != 0)
    np.testing.assert_array_equal(found[[0, 1, 1, 1], [2, 0, 1, 2]], 0)


def test_a_carried_mask_is_used() -> None:
    inputs = cornu.Input((4, 1))
    scores = layers.Softmax(axis=1)(layers.Reshape((4,))(inputs), mask=layers.Masking(9.0).compute_mask(inputs))
    model = cornu.Model(inputs, scores)
    found = model.predict(np.array([[[1.0], [9.0], [1.0], [9.0]]], np.float32), verbose=0)
    np.testing.assert_allclose(found, [[0.5, 0, 0.5, 0]], rtol=1e-6)


def test_slopes_are_shared_along_axes_that_may_be_free() -> None:
    inputs = cornu.Input((None, None, 3))
    layer = layers.PReLU(shared_axes=(1, 2))
    model = cornu.Model(inputs, layer(inputs))
    slopes = draw(1, 1, 3)
    layer.set_weights([slopes])
    assert layer.get_config()["shared_axes"] == [1, 2]
    for size in (2, 5):
        x = draw(2, size, size + 1, 3)
        np.testing.assert_allclose(model.predict(x, verbose=0), np.where(x > 0, x, slopes * x), rtol=1e-5)


def test_masks_pass() -> None:
    masked = layers.Masking()(cornu.Input((3, 2)))
    for layer in (layers.ELU(), layers.LeakyReLU(), layers.PReLU(), layers.ReLU(), layers.Activation("tanh")):
        assert layer(masked)._keras_mask is masked._keras_mask


def test_the_older_name_of_a_slope() -> None:
    with pytest.warns(UserWarning, match="negative_slope"):
        assert layers.LeakyReLU(alpha=0.1).negative_slope == 0.1


ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "elu": (lambda: layers.ELU(None), "`alpha`.*None"),
    "leaky: none": (lambda: layers.LeakyReLU(None), "negative_slope.*None"),
    "leaky: negative": (lambda: layers.LeakyReLU(-0.1), "negative_slope.*-0.1"),
    "relu: negative": (lambda: layers.ReLU(max_value=-1.0), "max_value=-1.0"),
    "prelu: free": (lambda: layers.PReLU(name="p")(cornu.Input((None, 3))), r"'p'.*axes \[1\].*None, None, 3"),
    "prelu: the batch": (lambda: layers.PReLU(shared_axes=0)(draw(2, 3)), r"shared_axes.*\[0\]"),
    "prelu: from the back": (lambda: layers.PReLU(shared_axes=[-1])(draw(2, 3)), r"shared_axes.*\[-1\]"),
    "prelu: out of range": (lambda: layers.PReLU(shared_axes=[2])(draw(2, 3)), r"from 1 to 1.*\[2\]"),
    "softmax: axis": (lambda: layers.Softmax("a"), "axis.*'a'"),
    "softmax: out of range": (lambda: layers.Softmax(-9)(draw(2, 3)), "-9"),
    "softmax: mask of another size": (
        lambda: layers.Softmax(name="s")(draw(2, 3), mask=np.ones((2, 2), bool)),
        r"'s'.*mask of shape \(2, 2\).*\(2, 3\)",
    ),
    "softmax: mask of steps": (
        lambda: layers.Softmax()(draw(2, 4, 3), mask=np.ones((2, 4), bool)),
        r"mask of shape \(2, 4\).*\(2, 4, 3\)",
    ),
    "softmax: mask of higher rank": (
        lambda: layers.Softmax()(draw(4, 3), mask=np.ones((2, 4, 3), bool)),
        r"mask of shape \(2, 4, 3\)",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_is_wrong(name: str) -> None:
    make, match = ERRORS[name]
    with pytest.raises(ValueError, match=match):
        make()
