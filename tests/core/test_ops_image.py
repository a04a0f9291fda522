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


# -- scale_and_translate -------------------------------------------------------------------------------------------


def test_scale_and_translate_moves_and_stretches() -> None:
    x = R.rand(6, 5, 2).astype(np.float32)
    ones, none = np.ones(2, "float32"), np.zeros(2, "float32")
    close(array(ops.image.scale_and_translate(x, (6, 5, 2), ones, none, (0, 1), "cubic")), x)
    moved = array(ops.image.scale_and_translate(x, (6, 5, 2), ones, np.float32([2, -1]), (0, 1), "linear"))
    close(moved[2:, :-1], x[:-2, 1:])
    close(moved[:2], np.zeros((2, 5, 2)))  # where there was nothing
    doubled = array(ops.image.scale_and_translate(x, (12, 10, 2), ones * 2, none, (0, 1), "bilinear"))
    close(doubled, array(ops.image.resize(x, (12, 10))))
    with pytest.raises(ValueError, match="output_shape"):
        ops.image.scale_and_translate(x, (6, 5, 3), ones, none, (0, 1), "linear")
    with pytest.raises(ValueError, match="method"):
        ops.image.scale_and_translate(x, (6, 5, 2), ones, none, (0, 1), "nearest")
    with pytest.raises(ValueError, match="`scale` must be 2"):
        ops.image.scale_and_translate(x, (6, 5, 2), np.ones(1, "float32"), none, (0, 1), "linear")


# -- colours -------------------------------------------------------------------------------------------------------


def test_colours_by_hand() -> None:
    rgb = np.float32([[[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0.25, 0.25]]])
    hsv = [[0, 1, 1], [1 / 3, 1, 1], [2 / 3, 1, 1], [1 / 6, 1, 1], [0, 0, 0.5], [0, 0, 0], [0, 0.5, 0.5]]
    close(array(ops.image.rgb_to_hsv(rgb)), [hsv])
    close(array(ops.image.hsv_to_rgb(np.float32([hsv]))), rgb)
    first = array(ops.image.rgb_to_hsv(rgb.transpose(2, 0, 1), data_format="channels_first"))
    close(first.transpose(1, 2, 0), [hsv])
    close(array(ops.image.rgb_to_grayscale(rgb[:, :4])).ravel(), [0.2989, 0.587, 0.114, 0.8859])
    grey = array(ops.image.rgb_to_grayscale(np.uint8([[[10, 20, 30]]])))
    assert grey.tolist() == [[[18]]]
    assert grey.dtype == np.uint8


def test_colours_there_and_back() -> None:
    rgb = R.rand(2, 5, 6, 3).astype(np.float32)
    close(array(ops.image.hsv_to_rgb(ops.image.rgb_to_hsv(rgb))), rgb)


def test_colours_refuse() -> None:
    with pytest.raises(ValueError, match="float dtype"):
        ops.image.rgb_to_hsv(np.zeros((2, 2, 3), "uint8"))
    with pytest.raises(ValueError, match="3 channels"):
        ops.image.hsv_to_rgb(np.zeros((2, 2, 4), "float32"))
    with pytest.raises(ValueError, match="rank 3"):
        ops.image.rgb_to_grayscale(np.zeros((2, 3), "float32"))


# -- borders and patches -------------------------------------------------------------------------------------------


def test_borders() -> None:
    x = R.rand(2, 4, 5, 3).astype(np.float32)
    wide = np.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0)))
    close(array(ops.image.pad_images(x, 1, 0, 2, 3)), wide)
    close(array(ops.image.pad_images(x, top_padding=1, target_height=7, right_padding=3, target_width=8)), wide)
    close(array(ops.image.crop_images(wide, 1, 0, 2, 3)), x)
    close(array(ops.image.crop_images(wide, 1, 0, target_height=4, target_width=5)), x)
    free = function(lambda x: ops.image.crop_images(ops.image.pad_images(x, 1, 2, 0, 0), 1, 2, 0, 0))
    for shape in ((2, 3, 4, 1), (3, 4, 5, 1), (4, 6, 7, 1)):
        close(array(free(np.ones(shape, "float32"))), np.ones(shape))
    assert free.trace_count == 2


@pytest.mark.parametrize("borders", [(), (1, 0, 1, 0, 6), (-1, 0, 1, 0), (5, 0, 1, 0)])
def test_borders_refuse(borders: tuple[int, ...]) -> None:
    x = np.zeros((3, 4, 1), "float32")
    with pytest.raises(ValueError, match=r"top_cropping|target_height"):
        ops.image.crop_images(x, *borders)
    if borders != (5, 0, 1, 0):
        with pytest.raises(ValueError, match="top_padding"):
            ops.image.pad_images(x, *borders)


def test_patches_by_hand() -> None:
    x = np.arange(2 * 5 * 6 * 2).reshape(2, 5, 6, 2)
    found = array(ops.image.extract_patches(x, (2, 3), strides=(2, 1)))
    assert found.shape == (2, 2, 4, 12)
    np.testing.assert_array_equal(found[1, 1, 2], x[1, 2:4, 2:5].ravel())
    gaps = array(ops.image.extract_patches(x, 2, strides=1, dilation_rate=3))
    np.testing.assert_array_equal(gaps[0, 1, 2], x[0, 1::3, 2::3].ravel())
    blocks = array(ops.image.extract_patches(x, 2))
    assert blocks.shape == (2, 2, 3, 8)
    np.testing.assert_array_equal(blocks[0, 1, 2], x[0, 2:4, 4:6].ravel())
    same = array(ops.image.extract_patches(x, 3, padding="same"))
    np.testing.assert_array_equal(same[0, 0, 0].reshape(3, 3, 2), np.pad(x[0], ((0, 1), (0, 0), (0, 0)))[:3, :3])
    volume = np.arange(3 * 4 * 5 * 2).reshape(3, 4, 5, 2)
    inside = array(ops.image.extract_patches_3d(volume, (2, 1, 3), strides=1))
    np.testing.assert_array_equal(inside[1, 3, 2], volume[1:3, 3:4, 2:5].ravel())
    np.testing.assert_array_equal(array(ops.image.extract_patches(volume, (2, 1, 3), strides=1)), inside)


def test_patches_of_free_sizes() -> None:
    for settings in ({"size": 2}, {"size": 3, "strides": 2}, {"size": 2, "strides": 1, "padding": "same"}):
        free = function(lambda x, settings=settings: ops.image.extract_patches(x, **settings))
        for shape in ((2, 3, 4, 1), (3, 4, 7, 1), (4, 8, 5, 1)):
            x = R.rand(*shape).astype(np.float32)
            close(array(free(x)), array(ops.image.extract_patches(x, **settings)))
        assert free.trace_count == 2


def test_patches_refuse() -> None:
    x = np.zeros((2, 4, 4, 1), "float32")
    with pytest.raises(ValueError, match="larger"):
        ops.image.extract_patches(x, 5)
    with pytest.raises(ValueError, match="size"):
        ops.image.extract_patches(x, (1, 2, 3, 4))
    with pytest.raises(ValueError, match="padding"):
        ops.image.extract_patches(x, 2, padding="full")
    with pytest.raises(ValueError, match="rank"):
        ops.image.extract_patches(x[0, 0], 2)


# -- sampling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "row_of_far"),
    [
        ("constant", [9, 9, 9, 9, 0, 1, 2, 9, 9, 9, 9]),
        ("nearest", [0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]),
        ("wrap", [2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]),
        ("mirror", [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]),
        ("reflect", [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]),
    ],
)
def test_what_lies_outside(mode: str, row_of_far: list[int]) -> None:
    places = np.arange(-4, 7, dtype="float32")[None]
    for order in (0, 1):
        found = ops.image.map_coordinates(np.float32([0, 1, 2]), places, order, mode, 9)
        assert array(found).tolist() == row_of_far
    between = array(ops.image.map_coordinates(np.float32([0, 1, 2]), places[:, :-1] + 0.25, 1, mode, 9))
    close(between, np.array(row_of_far)[:-1] * 0.75 + np.array(row_of_far)[1:] * 0.25)


def test_coordinates_by_hand() -> None:
    x = R.rand(4, 5, 3)
    found = array(ops.image.map_coordinates(x.astype("float32"), np.float32([[1.5], [2.25], [1.0]]), 1))
    close(found, [(x[1:3, 2, 1] * 0.75 + x[1:3, 3, 1] * 0.25).mean()])
    halves = ops.image.map_coordinates(np.arange(5.0), np.float32([[0.5, 1.5, 2.4, -0.4]]), 0)
    assert array(halves).tolist() == [1, 2, 2, 0]
    with pytest.raises(ValueError, match="order"):
        ops.image.map_coordinates(x, np.zeros((3, 1)), 2)
    with pytest.raises(ValueError, match="coordinates"):
        ops.image.map_coordinates(x, np.zeros((2, 1)), 1)
    with pytest.raises(ValueError, match="fill_mode"):
        ops.image.map_coordinates(x, np.zeros((3, 1)), 1, "grid-wrap")


def test_affine_transform_by_hand() -> None:
    x = R.rand(2, 4, 4, 3).astype(np.float32)
    turned = array(ops.image.affine_transform(x, [0, -1, 3, 1, 0, 0, 0, 0]))
    close(turned, np.rot90(x, -1, axes=(2, 1)))
    both = np.float32([[1, 0, 1, 0, 1, 0, 0, 0], [1, 0, 0, 0, 1, 1, 0, 0]])
    found = array(ops.image.affine_transform(x, both, fill_value=7.0))
    close(found[0, :, :-1], x[0, :, 1:])
    close(found[1, :-1], x[1, 1:])
    close(found[0, :, -1], np.full((4, 3), 7.0))
    # The column that pixel `x` comes from is x / (0.5 x + 1).
    line = array(ops.image.affine_transform(row(0, 1, 2, 3), [1, 0, 0, 0, 1, 0, 0.5, 0])).ravel()
    close(line, [0, 2 / 3, 1, 1.2])
    with pytest.raises(ValueError, match="transform"):
        ops.image.affine_transform(x, np.zeros(7))
    with pytest.raises(ValueError, match="3 transforms do not fit 2 images"):
        ops.image.affine_transform(x, np.zeros((3, 8)))
    with pytest.raises(ValueError, match="interpolation"):
        ops.image.affine_transform(x, np.zeros(8), "bicubic")


def test_affine_transform_of_free_sizes_and_its_gradient() -> None:
    matrix = np.float32([0.9, 0.2, -0.4, -0.1, 1.1, 0.3, 0, 0])
    free = function(lambda x: ops.image.affine_transform(x, matrix, fill_mode="reflect"))
    for shape in ((2, 3, 4, 1), (3, 4, 7, 1), (4, 8, 5, 1)):
        x = R.rand(*shape).astype(np.float32)
        close(array(free(x)), array(ops.image.affine_transform(x, matrix, fill_mode="reflect")))
    assert free.trace_count == 2
    weights, y = R.rand(2, 3, 4, 1).astype(np.float32), R.rand(2, 3, 4, 1).astype(np.float32)
    x = ops.convert_to_tensor(R.rand(2, 3, 4, 1).astype(np.float32))
    with GradientTape() as tape:
        tape.watch(x)
        total = ops.sum(ops.image.affine_transform(x, matrix, fill_mode="reflect") * weights)
    gradient = array(tape.gradient(total, x))
    assert np.sum(gradient * y) == pytest.approx(float(np.sum(array(free(y)) * weights)), rel=1e-4)


def test_perspective_transform_by_hand() -> None:
    x = R.rand(2, 4, 5, 3).astype(np.float32)
    corners = np.float32([[0, 0], [4, 0], [0, 3], [4, 3]])
    close(array(ops.image.perspective_transform(x, corners, corners)), x)
    shifted = array(ops.image.perspective_transform(x, corners, corners + np.float32([1, 0]), fill_value=2.0))
    close(shifted[:, :, 1:], x[:, :, :-1])
    close(shifted[:, :, 0], np.full((2, 4, 3), 2.0))
    flipped = array(ops.image.perspective_transform(x, corners, corners[[1, 0, 3, 2]]))
    close(flipped, x[:, :, ::-1])
    # Where the corners of a warped image come to are those of the image.
    start = np.float32([[0.25, 0.5], [3.5, 0.25], [0.5, 2.5], [3.75, 2.75]])
    warped = array(ops.image.perspective_transform(x[0], start, corners))
    for (column, line), point in zip(corners.astype(int), start, strict=True):
        exact = ops.image.map_coordinates(x[0, :, :, 1], point[::-1, None], 1)
        assert warped[line, column, 1] == pytest.approx(array(exact)[0], abs=1e-4)
    with pytest.raises(ValueError, match="start_points"):
        ops.image.perspective_transform(x, corners[:3], corners[:3])
    with pytest.raises(ValueError, match="same shape"):
        ops.image.perspective_transform(x, corners[None], corners)


def test_elastic_transform_moves_by_smooth_noise() -> None:
    rows, columns = np.mgrid[:120, :120].astype("float32")
    x = np.stack([rows, columns], axis=-1)
    for alpha, sigma in ((1.0, 1.0), (3.0, 2.0)):
        moved = ops.image.elastic_transform(x, alpha=alpha, sigma=sigma, seed=3)
        shifts = (array(moved) - x)[25:-25, 25:-25]
        places = np.arange(-12, 13)
        weights = np.exp(-(places**2) / (2 * sigma**2))
        weights /= weights.sum()
        assert shifts.std((0, 1)) == pytest.approx([alpha * sigma * (weights**2).sum()] * 2, rel=0.2)
        neighbours = np.mean(shifts[:, 1:] * shifts[:, :-1]) / np.mean(shifts**2)
        assert neighbours == pytest.approx((weights[1:] * weights[:-1]).sum() / (weights**2).sum(), abs=0.05)
        assert abs(np.corrcoef(shifts[..., 0].ravel(), shifts[..., 1].ravel())[0, 1]) < 0.2
    again = ops.image.elastic_transform(x, alpha=3.0, sigma=2.0, seed=3)
    np.testing.assert_array_equal(array(again), array(moved))
    other = ops.image.elastic_transform(x.transpose(2, 0, 1), 3.0, 2.0, seed=3, data_format="channels_first")
    close(array(other).transpose(1, 2, 0), array(moved))
    with pytest.raises(ValueError, match="fill_mode"):
        ops.image.elastic_transform(x, fill_mode="black")


# -- filters -------------------------------------------------------------------------------------------------------


def test_blur_by_hand() -> None:
    x = np.zeros((1, 5, 7, 2), "float32")
    x[0, 2, 3, 1] = 1.0
    across, down = (np.exp(-(d**2) / (2 * s**2)) for d, s in ((np.arange(-2, 3), 0.8), (np.arange(-1, 2), 1.5)))
    expected = np.zeros_like(x)
    expected[0, 1:4, 1:6, 1] = np.outer(down / down.sum(), across / across.sum())
    close(array(ops.image.gaussian_blur(x, (5, 3), (0.8, 1.5))), expected)
    first = ops.image.gaussian_blur(x.transpose(0, 3, 1, 2), (5, 3), (0.8, 1.5), data_format="channels_first")
    close(array(first), expected.transpose(0, 3, 1, 2))


def test_edges_by_hand() -> None:
    rows, columns = np.mgrid[:5, :6].astype("float32")
    found = array(ops.image.sobel_edges((2 * rows + 3 * columns)[None, ..., None]))
    assert found.shape == (1, 5, 6, 1, 2)
    close(found[0, 1:-1, 1:-1, 0], np.broadcast_to([2 * 8.0, 3 * 8.0], (3, 4, 2)))


def test_similarity_by_its_formula() -> None:
    x, y = R.rand(2, 4, 4, 2), R.rand(2, 4, 4, 2)
    g = np.exp(-((np.arange(4) - 1.5) ** 2) / (2 * 0.7**2))
    w = (np.outer(g, g) / g.sum() ** 2)[None, :, :, None]

    def moment(values: np.ndarray) -> np.ndarray:
        return (values * w).sum((1, 2))

    mx, my = moment(x), moment(y)
    vx, vy, c = moment(x * x) - mx**2, moment(y * y) - my**2, moment(x * y) - mx * my
    c1, c2 = (0.02 * 2) ** 2, (0.05 * 2) ** 2
    expected = ((2 * mx * my + c1) * (2 * c + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean(1)
    close(array(ops.image.ssim(x.astype("float32"), y.astype("float32"), 2.0, 4, 0.7, 0.02, 0.05)), expected, 1e-4)
    close(array(ops.image.ssim(x[0], x[0], filter_size=3)), 1.0)
    with pytest.raises(ValueError, match="smaller"):
        ops.image.ssim(x, y)
    with pytest.raises(ValueError, match="same shape"):
        ops.image.ssim(x, y[:1])
