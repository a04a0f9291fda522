"""Operations on images: values by hand and by formulas, free sizes, gradients, errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cornu import GradientTape, function, ops, use_backend

R = np.random.RandomState(0)
METHODS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with use_backend(request.param):
        yield


def array(x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x))


def close(found: Any, expected: Any, tolerance: float = 1e-5) -> None:
    found = np.asarray(found)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def row(*values: float, dtype: str = "float32") -> np.ndarray:
    """An image one pixel high, of one channel."""
    return np.asarray(values, dtype).reshape(1, -1, 1)


def resized(x: np.ndarray, width: int, **settings: Any) -> list[float]:
    """A row of another width."""
    return array(ops.image.resize(x, (1, width), **settings)).ravel().tolist()


# -- resize --------------------------------------------------------------------------------------------------------


def test_resize_by_hand() -> None:
    assert resized(row(0, 2), 4) == [0, 0.5, 1.5, 2]
    assert resized(row(0, 2), 4, interpolation="nearest") == [0, 0, 2, 2]
    assert resized(row(1, 2, 3, 4), 2, interpolation="nearest") == [2, 4]
    assert resized(row(1, 2, 3), 2, interpolation="nearest") == [1, 3]
    # Without antialiasing pixels 1 and 5 of 6 lie in the middle of thirds; with it all three of a third count.
    assert resized(row(0, 3, 0, 0, 9, 0), 2) == [3, 9]


def test_resize_with_antialias_by_hand() -> None:
    # Halving: a triangle four pixels wide, with weights 1/8 3/8 3/8 1/8, cut off and rescaled at the border.
    close(
        resized(row(7, 14, 21, 0, 8, 16), 3, antialias=True), [(3 * 7 + 3 * 14 + 21) / 7, (14 + 63 + 0 + 8) / 8, 72 / 7]
    )


def test_resize_cubic_by_hand() -> None:
    # At distances 1/4, 3/4, 5/4 and 7/4 Keys's kernel is 111/128, 29/128, -9/128 and -3/128.
    x = [3.0, -1.0, 4.0, 1.0, 5.0]
    expected = (-9 * x[1 - 1] + 111 * x[1] + 29 * x[2] - 3 * x[3]) / 128
    assert resized(row(*x), 10, interpolation="bicubic")[3] == pytest.approx(expected, abs=1e-5)


def test_resize_lanczos_by_hand() -> None:
    x = R.randn(12)
    for radius in (3, 5):
        distance = np.abs(np.arange(12) - 5.75)
        kernel = np.where(distance < radius, np.sinc(distance) * np.sinc(distance / radius), 0)
        found = resized(row(*x), 24, interpolation=f"lanczos{radius}")[12]
        assert found == pytest.approx(float(kernel @ x / kernel.sum()), abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_resize_keeps_constants_and_sizes(method: str) -> None:
    x = R.randn(2, 5, 7, 3).astype(np.float32)
    close(array(ops.image.resize(x, (5, 7), method)), x)
    close(array(ops.image.resize(np.full_like(x, 3.0), (4, 11), method, antialias=True)), np.full((2, 4, 11, 3), 3.0))


@pytest.mark.parametrize("method", METHODS)
def test_resize_layouts_agree(method: str) -> None:
    x = R.randn(2, 5, 7, 3).astype(np.float32)
    last = array(ops.image.resize(x, (4, 9), method, data_format="channels_last"))
    first = array(ops.image.resize(x.transpose(0, 3, 1, 2), (4, 9), method, data_format="channels_first"))
    close(first.transpose(0, 2, 3, 1), last)
    close(array(ops.image.resize(x[1], (4, 9), method)), last[1])


def test_resize_keeps_the_dtype() -> None:
    assert resized(row(0, 1, 2, 3, dtype="int32"), 2) == [0, 2]  # 0.5 and 2.5, rounded to even
    x = row(0, 0, 255, 255, 0, dtype="uint8")
    assert ops.image.resize(x, (1, 10), "bicubic").dtype == "uint8"
    assert max(resized(x, 10, interpolation="bicubic")) == 255  # without bounds 279
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        assert ops.image.resize(ops.cast(row(1, 2), dtype), (3, 3)).dtype == dtype


def test_resize_crops_and_pads() -> None:
    x = np.arange(24, dtype=np.float32).reshape(4, 6, 1)
    close(array(ops.image.resize(x, (4, 4), crop_to_aspect_ratio=True)), x[:, 1:5])
    framed = array(ops.image.resize(x, (6, 6), pad_to_aspect_ratio=True, fill_value=-1.0))
    close(framed, np.concatenate([np.full((1, 6, 1), -1.0), x, np.full((1, 6, 1), -1.0)]))


@pytest.mark.parametrize("settings", [{}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}])
@pytest.mark.parametrize("method", METHODS)
def test_resize_of_free_sizes(method: str, settings: dict[str, Any]) -> None:
    fixed = function(lambda x: ops.image.resize(x, (4, 6), method, antialias=True, **settings))
    double = function(lambda x: ops.image.resize(x, (ops.shape(x)[1] * 2, ops.shape(x)[2] + 1), method))
    for shape in ((4, 3, 5, 2), (2, 5, 3, 2), (3, 7, 8, 2)):
        x = R.randn(*shape).astype(np.float32)
        close(array(fixed(x)), array(ops.image.resize(x, (4, 6), method, antialias=True, **settings)))
        close(array(double(x)), array(ops.image.resize(x, (shape[1] * 2, shape[2] + 1), method)))
    assert fixed.trace_count == 2
    assert double.trace_count == 2


@pytest.mark.parametrize("method", METHODS)
def test_gradient_of_resize_is_its_adjoint(method: str) -> None:
    x = ops.convert_to_tensor(R.randn(2, 3, 5, 2).astype(np.float32))
    for size in ((6, 10), (4, 3)):
        weights = R.randn(2, *size, 2).astype(np.float32)
        with GradientTape() as tape:
            tape.watch(x)
            total = ops.sum(ops.image.resize(x, size, method) * weights)
        gradient = array(tape.gradient(total, x))
        # A linear map: the gradient's product with any input is the value there.
        y = R.randn(2, 3, 5, 2).astype(np.float32)
        value = np.sum(array(ops.image.resize(y, size, method)) * weights)
        assert np.sum(gradient * y) == pytest.approx(float(value), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 3}, "size"),
        ({"size": (3, 0)}, "positive"),
        ({"size": (3, 3), "interpolation": "area"}, "interpolation"),
        ({"size": (3, 3), "fill_mode": "reflect"}, "fill_mode"),
        ({"size": (3, 3), "crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "only one"),
        ({"size": (3, 3), "data_format": "rows"}, "data_format"),
    ],
)
def test_resize_refuses(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ops.image.resize(np.zeros((4, 4, 1), "float32"), **settings)
    with pytest.raises(ValueError, match="rank 3"):
        ops.image.resize(np.zeros((4, 4), "float32"), (2, 2))


def test_resize_in_a_functional_model() -> None:
    import cornu

    inputs = cornu.Input((None, None, 2))
    model = cornu.Model(inputs, ops.image.resize(inputs, (4, 4)))
    x = R.randn(2, 3, 5, 2).astype(np.float32)
    assert model.output_shape == (None, 4, 4, 2)
    close(model.predict(x, verbose=0), array(ops.image.resize(x, (4, 4))))
    again = cornu.Model.from_config(model.get_config())
    close(again.predict(x, verbose=0), array(ops.image.resize(x, (4, 4))))
