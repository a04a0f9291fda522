"""Merging layers: ranks that differ, masks, free sizes, the functional forms, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import layers, ops

R = np.random.RandomState(5)
NAMES = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract", "Concatenate")
ELEMENTWISE = NAMES[:-1]


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with cornu.use_backend(request.param):
        yield


def draw(*shape: int) -> np.ndarray:
    return R.randn(*shape).astype(np.float32)


def close(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-5, atol=1e-5)


# -- values ------------------------------------------------------------------------------------------------------------


def test_axes_are_put_in_after_the_batch() -> None:
    x, y, z = draw(2, 3, 4, 5), draw(2, 5), draw(2, 4, 1)
    wanted = x + y[:, None, None, :] + z[:, None]
    close(layers.Add()([x, y, z]), wanted)
    close(layers.Add()([y, z, x]), wanted)
    close(layers.Average()([x, y, z]), wanted / 3)
    close(layers.Subtract()([y, x]), y[:, None, None, :] - x)
    close(layers.Multiply()([x, y]), x * y[:, None, None, :])


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_free_sizes(name: str) -> None:
    first, second = cornu.Input((None, 3)), cornu.Input((3,))
    layer = getattr(layers, name)()
    outputs = layer([first, second])
    assert outputs.shape == (None, None, 3)
    model = cornu.Model([first, second], outputs)
    for length in (1, 4):
        x, y = draw(2, length, 3), draw(2, 3)
        close(model.predict([x, y], verbose=0), np.asarray(layer([x, y])))
    assert layer([cornu.Input((None, 3)), cornu.Input((4, 1))]).shape in ((None, 4, 3), (None, None, 3))


def test_one_input_is_passed_on() -> None:
    x = draw(2, 3)
    for name in NAMES:
        if name != "Subtract":
            close(getattr(layers, name)()([x]), x)


def test_functional_forms() -> None:
    x, y = draw(2, 3), draw(2, 3)
    close(layers.add([x, y]), x + y)
    close(layers.average([x, y]), (x + y) / 2)
    close(layers.maximum([x, y]), np.maximum(x, y))
    close(layers.minimum([x, y]), np.minimum(x, y))
    close(layers.multiply([x, y]), x * y)
    close(layers.subtract([x, y]), x - y)
    close(layers.concatenate([x, y]), np.concatenate([x, y], 1))
    close(layers.concatenate([x, y], axis=0), np.concatenate([x, y], 0))
    close(layers.dot([x, y]), (x * y).sum(1, keepdims=True))
    norms = np.linalg.norm(x, axis=1, keepdims=True) * np.linalg.norm(y, axis=1, keepdims=True)
    close(layers.dot([x, y], axes=1, normalize=True), (x * y).sum(1, keepdims=True) / norms)
    made = layers.add([cornu.Input((3,)), cornu.Input((3,))], name="sum")
    assert made._keras_history.operation.name == "sum"


@pytest.mark.parametrize(
    ("axes", "first", "second", "wanted"),
    [
        (1, (2, 3), (2, 3), (2, 1)),
        (2, (2, 4, 3), (2, 5, 3), (2, 4, 5)),
        ((2, 1), (2, 4, 3), (2, 3), (2, 4)),
        ((1, 2), (2, 3), (2, 4, 3), (2, 4)),
        ((3, 2), (2, 4, 5, 3), (2, 4, 3, 6), (2, 4, 5, 4, 6)),
        ((1, 2), (2, 4, 5, 3), (2, 7, 4), (2, 5, 3, 7)),
        ([1, 1], (2, 4, 5, 3, 2), (2, 4, 5), (2, 5, 3, 2, 5)),
        ((-1, -2), (2, 5, 3), (2, 3, 7), (2, 5, 7)),
    ],
)
def test_products_sample_by_sample(axes: Any, first: Any, second: Any, wanted: Any) -> None:
    x, y = draw(*first), draw(*second)
    pair = (axes, axes) if isinstance(axes, int) else axes
    places = [axis % array.ndim - 1 for axis, array in zip(pair, (x, y), strict=True)]
    samples = [np.tensordot(a, b, axes=places) for a, b in zip(x, y, strict=True)]
    found = np.asarray(layers.Dot(axes)([x, y]))
    assert found.shape == wanted
    close(found, np.reshape(samples, wanted))


def test_products_of_free_sizes() -> None:
    inputs = [cornu.Input((None, 3)), cornu.Input((None, 3))]
    over_features, over_steps = layers.Dot(2)(inputs), layers.Dot(1)(inputs)
    assert (over_features.shape, over_steps.shape) == ((None, None, None), (None, 3, 3))
    model = cornu.Model(inputs, over_features)
    for lengths in ((2, 4), (5, 1)):
        x, y = (draw(2, length, 3) for length in lengths)
        close(model.predict([x, y], verbose=0), x @ y.swapaxes(1, 2))
    model = cornu.Model(inputs, over_steps)
    x, y = draw(2, 6, 3), draw(2, 6, 3)
    close(model.predict([x, y], verbose=0), x.swapaxes(1, 2) @ y)


# -- masks: what real Keras makes of them ------------------------------------------------------------------------------

FIRST = np.array([[1, 1, 0, 0], [1, 0, 1, 0]], bool)
SECOND = np.array([[1, 0, 0, 1], [0, 0, 1, 0]], bool)
EITHER = [[1, 1, 0, 1], [1, 0, 1, 0]]
ONES = [[1, 1, 1, 1], [1, 1, 1, 1]]


def masked(layer: Any, *masks: np.ndarray | None) -> Any:
    inputs = []
    for mask in masks:
        tensor = ops.convert_to_tensor(draw(2, 4, 3))
        tensor._keras_mask = None if mask is None else ops.convert_to_tensor(mask)
        inputs.append(tensor)
    found = getattr(layer(inputs), "_keras_mask", None)
    return None if found is None else np.asarray(found).astype(int).tolist()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_step_is_kept_that_any_input_keeps(name: str) -> None:
    layer = getattr(layers, name)
    assert masked(layer(), FIRST, SECOND) == EITHER
    assert masked(layer(), FIRST, None) is None
    assert masked(layer(), None, SECOND) is None
    assert masked(layer(), None, None) is None


def test_an_input_without_a_mask_keeps_all() -> None:
    assert masked(layers.Concatenate(), FIRST, SECOND) == EITHER
    assert masked(layers.Concatenate(2), FIRST, None) == ONES
    assert masked(layers.Concatenate(), None, SECOND) == ONES
    assert masked(layers.Concatenate(), None, None) is None
    assert masked(layers.Concatenate(), FIRST[:, :, None].repeat(3, 2), None) == ONES
    both = np.concatenate([FIRST, SECOND], 1).astype(int).tolist()
    assert masked(layers.Concatenate(1), FIRST, SECOND) == both
    assert masked(layers.Concatenate(1), FIRST, None) == [[1, 1, 0, 0, 1, 1, 1, 1], [1, 0, 1, 0, 1, 1, 1, 1]]
    assert masked(layers.Concatenate(1), None, SECOND) == [[1, 1, 1, 1, 1, 0, 0, 1], [1, 1, 1, 1, 0, 0, 1, 0]]


def test_products_end_masks() -> None:
    assert masked(layers.Dot(2), FIRST, SECOND) is None


def test_masks_of_higher_ranks() -> None:
    tensors = [ops.convert_to_tensor(draw(2, 4, 3, 2)) for _ in range(2)]
    for tensor, mask in zip(tensors, (FIRST, SECOND), strict=True):
        tensor._keras_mask = ops.convert_to_tensor(mask)
    found = np.asarray(layers.Concatenate(1)(tensors)._keras_mask)
    assert found.shape == (2, 8, 3)
    np.testing.assert_array_equal(found[:, :, 0], np.concatenate([FIRST, SECOND], 1))


# -- errors ------------------------------------------------------------------------------------------------------------


def called(name: str, *shapes: tuple[int, ...], **settings: Any) -> Callable[[], Any]:
    return lambda: getattr(layers, name)(name="m", **settings)([draw(*shape) for shape in shapes])


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    **{
        f"{name}: one tensor": (lambda name=name: getattr(layers, name)()(draw(2, 3)), ValueError, "list of")
        for name in NAMES
    },
    **{
        f"{name}: none": (lambda name=name: getattr(layers, name)()([]), ValueError, "list of at least 1")
        for name in NAMES
    },
    **{f"{name}: sizes": (called(name, (2, 3), (2, 4)), ValueError, r"'m'.*\[3, 4\].*axis -1") for name in ELEMENTWISE},
    **{f"{name}: batches": (called(name, (2, 3), (4, 3)), ValueError, "'m'.*batch sizes") for name in ELEMENTWISE},
    "ranks": (called("Add", (5, 2, 3), (5, 2)), ValueError, r"\[2, 3\] meet on axis -1"),
    "a dict": (lambda: layers.Add()({"a": draw(2, 3), "b": draw(2, 3)}), ValueError, "list of"),
    "three to subtract": (called("Subtract", (2, 3), (2, 3), (2, 3)), ValueError, "exactly 2"),
    "one to subtract": (called("Subtract", (2, 3)), ValueError, "exactly 2"),
    "joined: ranks": (called("Concatenate", (5, 2, 3), (5, 3)), ValueError, "'m'.*one rank"),
    "joined: sizes": (called("Concatenate", (2, 1, 3), (2, 4, 3)), ValueError, "'m'.*concatenation axis -1"),
    "joined: axis": (called("Concatenate", (2, 3), (4, 3), axis=5), ValueError, "axis 5"),
    "joined: no axis": (called("Concatenate", (2, 3), axis=None), ValueError, "axis.*None"),
    "products: a fraction": (lambda: layers.Dot(1.0), TypeError, "axes.*1.0"),
    "products: three axes": (lambda: layers.Dot((1, 2, 3)), ValueError, r"axes.*\(1, 2, 3\)"),
    "products: half an axis": (lambda: layers.Dot((1, 2.0)), ValueError, r"axes.*2\.0"),
    "products: the batch": (called("Dot", (2, 3), (2, 3), axes=0), ValueError, "'m'.*axis 0.*batch"),
    "products: the batch from the back": (called("Dot", (2, 3), (2, 3), axes=(-2, 1)), ValueError, "axis -2.*batch"),
    "products: out of range": (called("Dot", (2, 3), (2, 3), axes=4), ValueError, "axis 4"),
    "products: sizes": (called("Dot", (2, 3), (2, 4), axes=1), ValueError, "sizes 3 and 4"),
    "products: batches": (called("Dot", (2, 3), (1, 3), axes=1), ValueError, "batch sizes differ"),
    "products: three": (called("Dot", (2, 3), (2, 3), (2, 3), axes=1), ValueError, "list of 2 inputs"),
    "products: one tensor": (lambda: layers.Dot(1)(draw(2, 3)), ValueError, "list of"),
    "masks: no list": (
        lambda: layers.Add(name="m").compute_mask([draw(2, 4, 3)] * 2, FIRST),
        ValueError,
        "'m'.*`mask` must be a list",
    ),
    "masks: too few": (
        lambda: layers.Concatenate(name="m").compute_mask([draw(2, 4, 3)] * 2, [FIRST]),
        ValueError,
        "one length, got 2 and 1",
    ),
    "masks: no inputs": (
        lambda: layers.Concatenate(name="m").compute_mask(draw(2, 4, 3), [FIRST]),
        ValueError,
        "`inputs` must be a list",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_is_wrong(name: str) -> None:
    make, kind, match = ERRORS[name]
    with pytest.raises(kind, match=match):
        make()
