"""Convolutions, pooling and reshaping: by formula at sizes that are free, masks, ties, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import onnxruntime
import pytest
from cornu import layers, ops

R = np.random.RandomState(5)


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with cornu.use_backend(request.param):
        yield


def draw(*shape: int) -> np.ndarray:
    return R.randn(*shape).astype(np.float32)


# -- formulas, on [batch, *spatial, channels] ----------------------------------------------------------------------


def same_padded(x: np.ndarray, kernel: int, stride: int, dilation: int, value: float) -> np.ndarray:
    """As much border as makes `ceil(size / stride)` windows, the smaller half of it in front."""
    widths = [(0, 0)]
    for size in x.shape[1:-1]:
        total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
        widths.append((total // 2, total - total // 2))
    return np.pad(x, [*widths, (0, 0)], constant_values=value)


def each_window(
    x: np.ndarray, kernel: int, stride: int, dilation: int, reduce: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """What `reduce` makes of every window [batch, *kernel, channels], in the shape of their places."""
    counts = [(size - (kernel - 1) * dilation - 1) // stride + 1 for size in x.shape[1:-1]]
    found = []
    for place in itertools.product(*map(range, counts)):
        within = (slice(p * stride, p * stride + (kernel - 1) * dilation + 1, dilation) for p in place)
        found.append(reduce(x[(slice(None), *within)]))
    result = np.stack(found, axis=1)
    return result.reshape(len(x), *counts, *result.shape[2:])


def depthwise(x: np.ndarray, kernel: np.ndarray, stride: int = 1, dilation: int = 1) -> np.ndarray:
    def one(window: np.ndarray) -> np.ndarray:
        spatial = "xyz"[: kernel.ndim - 2]
        return np.einsum(f"n{spatial}c,{spatial}cm->ncm", window, kernel).reshape(len(x), -1)

    return each_window(x, kernel.shape[0], stride, dilation, one)


def transposed(x: np.ndarray, kernel: np.ndarray, stride: int, dilation: int = 1) -> np.ndarray:
    """All that the windows reach: `y[n, p * stride + k * dilation, o] += x[n, p, c] * kernel[k, o, c]`."""
    extent = (kernel.shape[0] - 1) * dilation + 1
    sizes = [(size - 1) * stride + max(extent, stride) for size in x.shape[1:-1]]
    y = np.zeros((len(x), *sizes, kernel.shape[-2]), np.float32)
    for place in np.ndindex(*x.shape[1:-1]):
        for offset in np.ndindex(*kernel.shape[:-2]):
            at = tuple(p * stride + k * dilation for p, k in zip(place, offset, strict=True))
            y[(slice(None), *at)] += x[(slice(None), *place)] @ kernel[offset].T
    return y


def adaptive(x: np.ndarray, parts: int, reduce: Callable[..., np.ndarray]) -> np.ndarray:
    """Part `i` of `m` of `n` elements: those in `[floor(i n / m), ceil((i + 1) n / m))`."""
    for axis in range(1, x.ndim - 1):
        n = x.shape[axis]
        bounds = [(i * n // parts, -(-(i + 1) * n // parts)) for i in range(parts)]
        x = np.stack([reduce(np.take(x, range(*bound), axis), axis=axis) for bound in bounds], axis)
    return x


# -- free sizes ----------------------------------------------------------------------------------------------------


def at_free_sizes(layer: Any, rank: int, formula: Callable[..., np.ndarray], least: int = 4) -> Any:
    """Compares a layer's predictions, with free sizes and at several of them, with a formula of inputs and weights.

    Returns the model.
    """
    cornu.utils.clear_session(free_memory=False)
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    inputs = cornu.Input((2, *(None,) * rank) if first else (*(None,) * rank, 2))
    model = cornu.Model(inputs, layer(inputs))
    weights = [draw(*weight.shape) for weight in layer.weights]
    layer.set_weights(weights)
    for sizes in ((least, least + 1, least + 3)[:rank], (least + 2, least, least + 1)[:rank]):
        x = draw(2, *sizes, 2)
        wanted = formula(x, *weights)
        found = model.predict(np.moveaxis(x, -1, 1) if first else x, verbose=0)
        np.testing.assert_allclose(np.moveaxis(found, 1, -1) if first else found, wanted, rtol=1e-5, atol=1e-5)
        assert [None if free is None else size for free, size in zip(model.output_shape, found.shape, strict=True)] == [
            *model.output_shape
        ]
    return model


FORMATS = pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])


@FORMATS
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (2, 2)])
@pytest.mark.parametrize("rank", [1, 2])
def test_depthwise_convolutions(rank: int, stride: int, dilation: int, data_format: str) -> None:
    kind = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)[rank - 1]
    settings = {"strides": stride, "dilation_rate": dilation, "depth_multiplier": 3, "data_format": data_format}
    at_free_sizes(
        kind(2, padding="same", **settings),
        rank,
        lambda x, kernel, bias: depthwise(same_padded(x, 2, stride, dilation, 0), kernel, stride, dilation) + bias,
    )
    at_free_sizes(kind(2, use_bias=False, **settings), rank, lambda x, kernel: depthwise(x, kernel, stride, dilation))


@FORMATS
@pytest.mark.parametrize("rank", [1, 2])
def test_separable_convolutions(rank: int, data_format: str) -> None:
    kind = (layers.SeparableConv1D, layers.SeparableConv2D)[rank - 1]

    def formula(x: np.ndarray, deep: np.ndarray, across: np.ndarray, bias: np.ndarray) -> np.ndarray:
        return np.tanh(depthwise(x, deep, 2) @ across[(0,) * rank] + bias)

    layer = kind(5, 3, strides=2, depth_multiplier=2, activation="tanh", data_format=data_format)
    at_free_sizes(layer, rank, formula)


@FORMATS
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (4, 1), (1, 2)])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_transposed_convolutions(rank: int, stride: int, dilation: int, data_format: str) -> None:
    kind = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)[rank - 1]
    layer = kind(3, 3, strides=stride, dilation_rate=dilation, data_format=data_format)
    at_free_sizes(layer, rank, lambda x, kernel, bias: transposed(x, kernel, stride, dilation) + bias, least=2)


@pytest.mark.parametrize(("size", "stride"), [(5, 2), (3, 3), (4, 1)])
def test_a_transposed_convolution_of_the_same_size_is_the_adjoint_of_a_convolution(size: int, stride: int) -> None:
    kernel = draw(4, 2, 3)
    forward = layers.Conv1D(3, 4, strides=stride, padding="same", use_bias=False)
    back = layers.Conv1DTranspose(2, 4, strides=stride, padding="same", use_bias=False)
    long, short = draw(1, size * stride, 2), draw(1, size, 3)
    forward.build(long.shape)
    back.build(short.shape)
    forward.set_weights([kernel])
    back.set_weights([kernel])
    assert back(short).shape == long.shape
    np.testing.assert_allclose(
        float(ops.sum(forward(long) * short)), float(ops.sum(back(short) * long)), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(("extra", "whole", "same"), [(None, 9, 9), (0, 8, 6), (1, 9, 7), (2, 10, 8)])
def test_output_padding_sets_the_length_of_the_output(extra: int | None, whole: int, same: int) -> None:
    x = np.ones((1, 3, 1), np.float32)
    assert layers.Conv1DTranspose(1, 2, strides=3, output_padding=extra)(x).shape == (1, whole, 1)
    assert layers.Conv1DTranspose(1, 2, strides=3, padding="same", output_padding=extra)(x).shape == (1, same, 1)


@FORMATS
@pytest.mark.parametrize(("window", "stride"), [(2, None), (3, 2), (2, 1)])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_pooling(rank: int, window: int, stride: int | None, data_format: str) -> None:
    steps, axes = stride or window, tuple(range(1, rank + 1))
    settings = {"strides": stride, "data_format": data_format}
    largest = (layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)[rank - 1]
    average = (layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)[rank - 1]

    def formula(reduce: Callable[..., Any], value: float | None) -> Callable[[np.ndarray], np.ndarray]:
        def pooled(x: np.ndarray) -> np.ndarray:
            x = x if value is None else same_padded(x, window, steps, 1, value)
            return each_window(x, window, steps, 1, lambda part: reduce(part, axis=axes))

        return pooled

    at_free_sizes(largest(window, **settings), rank, formula(np.max, None))
    at_free_sizes(largest(window, padding="same", **settings), rank, formula(np.max, -np.inf))
    at_free_sizes(average(window, **settings), rank, formula(np.mean, None))
    at_free_sizes(average(window, padding="same", **settings), rank, formula(np.nanmean, np.nan))


@FORMATS
@pytest.mark.parametrize("parts", [1, 2, 3, 7])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_adaptive_pooling(rank: int, parts: int, data_format: str) -> None:
    for kind, reduce in (("Average", np.mean), ("Max", np.max)):
        layer = getattr(layers, f"Adaptive{kind}Pooling{rank}D")(parts, data_format=data_format)
        at_free_sizes(layer, rank, lambda x, reduce=reduce: adaptive(x, parts, reduce))
        x = draw(1, *(14, 10, 7)[:rank], 2)
        found = np.asarray(layer(np.moveaxis(x, -1, 1) if data_format == "channels_first" else x))
        found = np.moveaxis(found, 1, -1) if data_format == "channels_first" else found
        np.testing.assert_allclose(found, adaptive(x, parts, reduce), rtol=1e-5, atol=1e-6)


@FORMATS
@pytest.mark.parametrize("rank", [2, 3])
def test_borders_and_repetition(rank: int, data_format: str) -> None:
    widths = ((1, 2), (0, 1), (2, 0))[:rank]
    inside = (slice(None), *(slice(before, -after or None) for before, after in widths))
    at_free_sizes(
        getattr(layers, f"ZeroPadding{rank}D")(widths, data_format=data_format),
        rank,
        lambda x: np.pad(x, ((0, 0), *widths, (0, 0))),
    )
    at_free_sizes(getattr(layers, f"Cropping{rank}D")(widths, data_format=data_format), rank, lambda x: x[inside])
    at_free_sizes(
        getattr(layers, f"UpSampling{rank}D")((2, 3, 1)[:rank], data_format=data_format),
        rank,
        lambda x: np.repeat(np.repeat(x, 2, 1), 3, 2),
    )


def test_other_layers_of_free_sizes() -> None:
    at_free_sizes(layers.ZeroPadding1D((0, 2)), 1, lambda x: np.pad(x, ((0, 0), (0, 2), (0, 0))))
    at_free_sizes(layers.Cropping1D((2, 0)), 1, lambda x: x[:, 2:])
    at_free_sizes(layers.UpSampling1D(3), 1, lambda x: np.repeat(x, 3, 1))
    at_free_sizes(layers.Permute((3, 1, 2)), 2, lambda x: x.transpose(0, 3, 1, 2))
    at_free_sizes(layers.Flatten(), 2, lambda x: x.reshape(2, -1))
    at_free_sizes(layers.Reshape((-1, 1, 2)), 2, lambda x: x.reshape(2, -1, 1, 2))
    at_free_sizes(layers.GlobalMaxPooling2D(), 2, lambda x: x.max((1, 2)))
    at_free_sizes(layers.GlobalAveragePooling3D(keepdims=True), 3, lambda x: x.mean((1, 2, 3), keepdims=True))


def test_enlarging_a_free_size_by_interpolation() -> None:
    model = at_free_sizes(
        layers.UpSampling2D((1, 2), interpolation="bilinear"),
        2,
        lambda x: np.stack(  # at a quarter and three quarters between the pixels, the ends repeated
            [
                0.25 * np.concatenate([x[:, :, :1], x[:, :, :-1]], 2) + 0.75 * x,
                0.75 * x + 0.25 * np.concatenate([x[:, :, 1:], x[:, :, -1:]], 2),
            ],
            axis=3,
        ).reshape(*x.shape[:2], -1, x.shape[3]),
    )
    assert model.output_shape == (None, None, None, 2)


def test_free_sizes_are_exported(tmp_path: Path) -> None:
    inputs = cornu.Input((None, None, 2), name="image")
    x = layers.SeparableConv2D(3, 3, padding="same", strides=2)(inputs)
    x = layers.Conv2DTranspose(3, 3, padding="same", strides=2)(layers.ZeroPadding2D(1)(x))
    x = layers.AdaptiveMaxPooling2D(2)(layers.UpSampling2D(2)(layers.Cropping2D(1)(x)))
    model = cornu.Model(inputs, layers.Flatten()(x))
    model.export(tmp_path / "model.onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for size in (7, 10):
        image = draw(2, size, size + 1, 2)
        (found,) = session.run(None, {"image": image})
        np.testing.assert_allclose(found, model.predict(image, verbose=0), rtol=1e-5, atol=1e-5)


# -- gradients -----------------------------------------------------------------------------------------------------


def gradient(layer: Any, x: Any) -> np.ndarray:
    variable = cornu.Variable(np.asarray(x, np.float32))
    with cornu.GradientTape() as tape:
        total = ops.sum(layer(variable))
    return np.asarray(tape.gradient(total, [variable])[0])


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_the_first_maximum_of_a_part_has_the_gradient(parts: int) -> None:
    bounds = [(i * 5 // parts, -(-(i + 1) * 5 // parts)) for i in range(parts)]
    wanted = [sum(start == i for start, _ in bounds) for i in range(5)]
    assert gradient(layers.AdaptiveMaxPooling1D(parts), np.ones((1, 5, 1))).ravel().tolist() == wanted


def test_the_first_maximum_has_the_gradient_at_a_free_size() -> None:
    inputs = cornu.Input((None, 1))
    scale = layers.Dense(1, use_bias=False)
    model = cornu.Model(inputs, layers.AdaptiveMaxPooling1D(1)(scale(inputs)))
    scale.set_weights([np.zeros((1, 1), np.float32)])  # all are equal
    model.compile(cornu.optimizers.SGD(1.0), loss=lambda y, found: -found)
    model.train_on_batch(np.asarray([[[3.0], [5.0], [7.0]]], np.float32), np.zeros((1, 1, 1), np.float32))
    assert np.asarray(scale.kernel).item() == 3.0


def test_repeated_elements_add_up_their_gradients() -> None:
    x = np.ones((1, 2, 3, 1))
    assert (gradient(layers.UpSampling2D((2, 3)), x) == 6).all()
    assert (gradient(layers.RepeatVector(4), np.ones((2, 3))) == 4).all()
    cropped = gradient(layers.Cropping2D(((0, 1), (1, 0))), x)
    assert cropped[0, :, :, 0].tolist() == [[0, 1, 1], [0, 0, 0]]


# -- masks and kinds of numbers ------------------------------------------------------------------------------------


def test_the_average_over_time_leaves_masked_steps_out() -> None:
    x, mask = draw(3, 4, 2), np.asarray([[1, 0, 1, 1], [0, 0, 1, 0], [0, 0, 0, 0]], bool)
    wanted = np.asarray([x[0, [0, 2, 3]].mean(0), x[1, 2], [np.nan, np.nan]])
    average = layers.GlobalAveragePooling1D()
    np.testing.assert_allclose(np.asarray(average(x, mask=mask)), wanted, rtol=1e-6)
    first = layers.GlobalAveragePooling1D("channels_first", keepdims=True)
    np.testing.assert_allclose(np.asarray(first(x.swapaxes(1, 2), mask=mask)), wanted[..., None], rtol=1e-6)
    steps = np.asarray([[[1], [2], [4], [9]]], np.int32)
    assert np.asarray(average(steps, mask=mask[:1])).item() == pytest.approx(14 / 3)


def test_the_average_over_time_takes_the_mask_of_its_input_and_ends_it() -> None:
    embedding, average = layers.Embedding(5, 3, mask_zero=True), layers.GlobalAveragePooling1D()
    tokens = cornu.Input((None,), dtype="int32")
    outputs = average(embedding(tokens))
    assert outputs._keras_mask is None
    found = cornu.Model(tokens, outputs).predict(np.asarray([[4, 2, 0, 0]]), verbose=0)
    np.testing.assert_allclose(found[0], np.asarray(embedding.embeddings)[[4, 2]].mean(0), rtol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [layers.Flatten, lambda: layers.Reshape((-1,)), lambda: layers.Permute((2, 1)), layers.GlobalMaxPooling1D],
    ids=["Flatten", "Reshape", "Permute", "GlobalMaxPooling1D"],
)
def test_a_mask_that_gets_lost_is_told(layer: Callable[[], Any]) -> None:
    embedded = layers.Embedding(5, 3, mask_zero=True)(cornu.Input((4,), dtype="int32"))
    with pytest.warns(UserWarning, match="does not support masking"):
        layer()(embedded)


@pytest.mark.parametrize("dtype", ["int32", "uint8"])
def test_whole_numbers(dtype: str) -> None:
    x = np.asarray([[[3], [4], [250 if dtype == "uint8" else -5], [1]]], dtype)
    for layer, wanted, kind in (
        (layers.MaxPooling1D(2, padding="same", strides=3), [4, 1], dtype),
        (layers.AveragePooling1D(2), [3.5, (float(x[0, 2, 0]) + 1) / 2], "float32"),
        (layers.AdaptiveAveragePooling1D(1), [x.mean()], "float32"),
        (layers.AdaptiveMaxPooling1D(4), x.ravel().tolist(), dtype),
        (layers.UpSampling1D(1), x.ravel().tolist(), dtype),
        (layers.Cropping1D(1), x.ravel()[1:3].tolist(), dtype),
        (layers.ZeroPadding1D((1, 0)), [0, *x.ravel().tolist()], dtype),
    ):
        found = layer(x)
        assert found.dtype == kind
        assert np.asarray(found).ravel().tolist() == wanted


# -- reshaping -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "sizes"), [((8, 2), (4,)), ((-1, 6), (3, 6)), ((None, 3, 2), (3,))])
def test_a_target_that_fits_some_sizes_only(target: tuple[int | None, ...], sizes: tuple[int, ...]) -> None:
    inputs = cornu.Input((None, 4))
    model = cornu.Model(inputs, layers.Reshape(target)(inputs))
    assert model.output_shape == (None, *(None if size in (-1, None) else size for size in target))
    for size in sizes:
        x = draw(3, size, 4)
        wanted = x.reshape(3, *(-1 if size is None else size for size in target))
        np.testing.assert_array_equal(model.predict(x, verbose=0), wanted)
    with pytest.raises(ValueError, match="20 elements"):
        model.predict(draw(3, 5, 4), verbose=0)


def test_the_edges_of_reshaping() -> None:
    assert layers.Reshape(())(np.ones((2, 1), np.float32)).shape == (2,)
    assert layers.Reshape((0,))(np.ones((2, 0), np.float32)).shape == (2, 0)
    assert layers.Flatten()(np.ones(3, np.float32)).shape == (3, 1)
    assert layers.Permute(())(np.ones(3, np.float32)).shape == (3,)
    assert layers.Reshape([2, 3]).target_shape == (2, 3)
    assert layers.Cropping2D((1, (3, 4))).cropping == ((1, 1), (3, 4))
    assert layers.ZeroPadding1D([1, 2]).padding == (1, 2)


# -- what is refused -----------------------------------------------------------------------------------------------


def image(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


REFUSED: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    ("depthwise causal", lambda: layers.DepthwiseConv1D(2, padding="causal"), ValueError, "padding.*'causal'"),
    ("no multiplier", lambda: layers.DepthwiseConv2D(2, depth_multiplier=0), ValueError, "depth_multiplier.*got 0"),
    ("groups", lambda: layers.DepthwiseConv2D(2, groups=2), ValueError, "groups"),
    ("large window", lambda: layers.DepthwiseConv1D(7)(image(1, 5, 2)), ValueError, r"window of \(7,\).*\(1, 5, 2\)"),
    ("too many axes", lambda: layers.DepthwiseConv1D(2)(image(1, 5, 5, 2)), ValueError, r"3 axes.*\(1, 5, 5, 2\)"),
    ("too few axes", lambda: layers.SeparableConv2D(2, 2)(image(1, 5, 2)), ValueError, "min_ndim=4, found ndim=3"),
    ("free channels", lambda: layers.Conv1DTranspose(2, 2)(cornu.Input((5, None))), ValueError, "axis -1.*fixed size"),
    ("no filters", lambda: layers.SeparableConv1D(0, 2), ValueError, "`filters` must be a positive integer, got 0"),
    ("transposed groups", lambda: layers.Conv1DTranspose(4, 2, groups=2), ValueError, "groups"),
    ("transposed causal", lambda: layers.Conv1DTranspose(4, 2, padding="causal"), ValueError, "padding.*'causal'"),
    (
        "output padding",
        lambda: layers.Conv2DTranspose(4, 2, strides=(2, 1), output_padding=(1, 1)),
        ValueError,
        r"strictly less than `strides`.*\(1, 1\).*\(2, 1\)",
    ),
    ("negative padding", lambda: layers.Conv1DTranspose(4, 2, output_padding=-1), ValueError, "output_padding.*-1"),
    (
        "strides and dilation",
        lambda: layers.Conv2DTranspose(3, 2, strides=2, dilation_rate=2),
        ValueError,
        "strides > 1 and dilation_rate > 1",
    ),
    ("pooling causally", lambda: layers.MaxPooling1D(2, padding="causal"), ValueError, "padding.*'causal'"),
    ("a pool too large", lambda: layers.MaxPooling1D(7)(image(1, 5, 2)), ValueError, "window of 7.*axis of 5"),
    ("pool of an image", lambda: layers.AveragePooling3D(2)(image(1, 5, 5, 2)), ValueError, "ndim=5, found ndim=4"),
    ("two of three parts", lambda: layers.AdaptiveMaxPooling3D((2, 2)), TypeError, r"output_size.*\(2, 2\)"),
    ("half a part", lambda: layers.AdaptiveAveragePooling2D(2.5), TypeError, "output_size.*2.5"),
    ("no parts", lambda: layers.AdaptiveAveragePooling1D(0), ValueError, "output_size.*0"),
    ("wrong axes", lambda: layers.Permute((0, 1)), ValueError, r"dims.*\(0, 1\)"),
    ("an axis twice", lambda: layers.Permute((1, 1)), ValueError, r"dims.*\(1, 1\)"),
    ("axes of others", lambda: layers.Permute((2, 1))(image(1, 2, 3, 4)), ValueError, "ndim=3, found ndim=4"),
    ("repeat half", lambda: layers.RepeatVector(2.0), TypeError, "`n` must be an integer, got 2.0"),
    ("repeat never", lambda: layers.RepeatVector(0), ValueError, "`n` must be a positive integer, got 0"),
    ("repeat a matrix", lambda: layers.RepeatVector(2)(image(2, 3, 4)), ValueError, "ndim=2, found ndim=3"),
    ("crop all", lambda: layers.Cropping1D((2, 3))(image(2, 5, 3)), ValueError, "nothing of an axis of 5"),
    (
        "crop all channels first",
        lambda: layers.Cropping2D(3, data_format="channels_first")(image(2, 3, 7, 6)),
        ValueError,
        "nothing of an axis of 6",
    ),
    ("crop less", lambda: layers.Cropping1D(-1), ValueError, "cropping.*-1"),
    ("crop three ends", lambda: layers.Cropping1D((1, 2, 3)), ValueError, r"cropping.*\(1, 2, 3\)"),
    ("crop three axes", lambda: layers.Cropping2D((1, 2, 3)), ValueError, r"cropping.*\(1, 2, 3\)"),
    ("crop by words", lambda: layers.Cropping3D("abc"), ValueError, "cropping.*abc"),
    ("pad less", lambda: layers.ZeroPadding2D((1, -1)), ValueError, r"padding.*\(1, -1\)"),
    ("pad by halves", lambda: layers.ZeroPadding2D(1.5), ValueError, "padding.*1.5"),
    ("enlarge by none", lambda: layers.UpSampling1D(0), ValueError, "`size` must be a positive integer, got 0"),
    ("enlarge by a tuple", lambda: layers.UpSampling1D((2,)), TypeError, r"`size` must be an integer, got \(2,\)"),
    ("enlarge three axes", lambda: layers.UpSampling2D((1, 2, 3)), ValueError, r"size.*\(1, 2, 3\)"),
    ("interpolate somehow", lambda: layers.UpSampling2D(interpolation="area"), ValueError, "bilinear.*'area'"),
    ("two unknown sizes", lambda: layers.Reshape((-1, None)), ValueError, "at most one"),
    ("a negative size", lambda: layers.Reshape((-2,)), ValueError, "-2"),
    ("a misfit", lambda: layers.Reshape((5,))(cornu.Input((6,))), ValueError, r"6 elements.*\(6,\).*\(5,\)"),
    ("a misfit left over", lambda: layers.Reshape((5, -1))(image(2, 6)), ValueError, r"6 elements.*\(5, -1\)"),
    ("a scalar", lambda: layers.Flatten()(np.float32(3)), ValueError, "min_ndim=1, found ndim=0"),
]


@pytest.mark.parametrize(
    ("refused", "kind", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refused(refused: Callable[[], Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        refused()
