"""Layers that prepare data: what is random about them, dictionaries, free sizes, training and prediction, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import layers, ops

R = np.random.RandomState(0)
IMAGES = (R.rand(6, 5, 7, 3) * 255).astype(np.float32)

# Every layer that changes images in training only, so that it surely changes them.
CHANGING: dict[str, Callable[..., Any]] = {
    "CutMix": lambda **more: layers.CutMix(**more),
    "Equalization": lambda **more: layers.Equalization(**{k: v for k, v in more.items() if k != "seed"}),
    "MixUp": lambda **more: layers.MixUp(1.0, **more),
    "RandomBrightness": lambda **more: layers.RandomBrightness(0.5, **more),
    "RandomColorDegeneration": lambda **more: layers.RandomColorDegeneration((0.5, 1.0), **more),
    "RandomColorJitter": lambda **more: layers.RandomColorJitter(brightness_factor=0.3, hue_factor=0.5, **more),
    "RandomContrast": lambda **more: layers.RandomContrast(0.5, **more),
    "RandomErasing": lambda **more: layers.RandomErasing((1.0, 1.0), scale=(0.3, 0.6), **more),
    "RandomFlip": lambda **more: layers.RandomFlip(**more),
    "RandomGaussianBlur": lambda **more: layers.RandomGaussianBlur((1.0, 1.0), **more),
    "RandomGrayscale": lambda **more: layers.RandomGrayscale(0.7, **more),
    "RandomHue": lambda **more: layers.RandomHue(1.0, **more),
    "RandomInvert": lambda **more: layers.RandomInvert((0.5, 0.7), **more),
    "RandomPerspective": lambda **more: layers.RandomPerspective((1.0, 1.0), **more),
    "RandomPosterization": lambda **more: layers.RandomPosterization(3, **more),
    "RandomRotation": lambda **more: layers.RandomRotation(0.4, **more),
    "RandomSaturation": lambda **more: layers.RandomSaturation((0.1, 0.4), **more),
    "RandomSharpness": lambda **more: layers.RandomSharpness(0.3, **more),
    "RandomShear": lambda **more: layers.RandomShear(0.5, 0.4, **more),
    "RandomTranslation": lambda **more: layers.RandomTranslation(0.4, 0.4, **more),
    "RandomZoom": lambda **more: layers.RandomZoom(0.4, **more),
    "Solarization": lambda **more: layers.Solarization(0.3, 0.9, **more),
}
FORMATS = ("channels_last", "channels_first")


def array(x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x))


def close(found: Any, expected: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(array(found), expected, rtol=tolerance, atol=tolerance)


def in_training(layer: Any, x: Any) -> np.ndarray:
    return array(layer(x, training=True))


def ramps(count: int, height: int = 20, width: int = 30) -> np.ndarray:
    """Images whose two channels are the row and the column of a pixel."""
    rows, columns = np.mgrid[:height, :width].astype("float32")
    return np.repeat(np.stack([rows, columns], -1)[None], count, axis=0)


# -- what all of them share ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHANGING)
def test_prediction_leaves_images_and_training_does_not(name: str) -> None:
    inputs = cornu.Input((5, 7, 3))
    model = cornu.Model(inputs, CHANGING[name](seed=1)(inputs))
    np.testing.assert_array_equal(model.predict(IMAGES, verbose=0), IMAGES)
    assert np.abs(array(model(IMAGES, training=True)) - IMAGES).max() > 1
    again = cornu.Model.from_config(model.get_config())
    np.testing.assert_array_equal(again.predict(IMAGES, verbose=0), IMAGES)


@pytest.mark.parametrize("name", CHANGING)
def test_a_seed_repeats_what_is_drawn_and_calls_differ(name: str) -> None:
    layer = CHANGING[name](seed=7)
    first, second = in_training(layer, IMAGES), in_training(layer, IMAGES)
    np.testing.assert_array_equal(in_training(CHANGING[name](seed=7), IMAGES), first)
    if name != "Equalization":
        assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("name", CHANGING)
def test_layouts_backends_and_traces_agree(name: str) -> None:
    eager = in_training(CHANGING[name](seed=3), IMAGES)
    with cornu.use_backend("onnxruntime"):
        close(in_training(CHANGING[name](seed=3), IMAGES), eager, 1e-3)
        layer = CHANGING[name](seed=3)
        close(cornu.function(lambda x: layer(x, training=True))(IMAGES), eager, 1e-3)
    noise = name == "RandomErasing"  # its numbers fill the images' shape in order
    if name not in ("RandomContrast", "RandomBrightness", "Solarization") and not noise:
        layer = CHANGING[name](seed=3, data_format="channels_first")
        close(in_training(layer, IMAGES.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1), eager, 1e-3)


@pytest.mark.parametrize("name", CHANGING)
def test_one_image_and_integers(name: str) -> None:
    one = in_training(CHANGING[name](seed=2), IMAGES[0])
    assert one.shape == IMAGES[0].shape
    if name in ("MixUp", "CutMix"):
        np.testing.assert_array_equal(one, IMAGES[0])  # there is no other image
    integers = IMAGES.astype("uint8")
    assert CHANGING[name](seed=2)(integers, training=True).dtype == "float32"
    found = array(CHANGING[name](seed=2)(integers, training=False))
    np.testing.assert_array_equal(found, integers)


@pytest.mark.parametrize("name", CHANGING)
def test_free_sizes_and_a_training_step(name: str) -> None:
    model = cornu.Sequential(
        [
            cornu.Input((None, None, 3)),
            CHANGING[name](seed=2),
            layers.Conv2D(2, 3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1),
        ]
    )
    model.compile(cornu.optimizers.SGD(1e-7), "mse")
    for shape in ((4, 5, 7, 3), (4, 8, 6, 3), (3, 9, 9, 3)):
        assert np.isfinite(model.train_on_batch(R.rand(*shape).astype("float32"), np.ones((shape[0], 1))))


@pytest.mark.parametrize("name", ["RandomRotation", "RandomFlip", "RandomPerspective", "CutMix", "RandomZoom"])
def test_masks_move_with_images(name: str) -> None:
    x = np.repeat(np.floor(R.rand(4, 9, 9, 1) * 5), 3, axis=-1).astype("float32")
    settings = {} if name in ("RandomFlip", "CutMix") else {"interpolation": "nearest"}
    layer = {
        "RandomRotation": lambda: layers.RandomRotation(0.4, seed=2, **settings),
        "RandomFlip": lambda: layers.RandomFlip(seed=2),
        "RandomPerspective": lambda: layers.RandomPerspective((1.0, 1.0), seed=2, **settings),
        "CutMix": lambda: layers.CutMix(seed=2),
        "RandomZoom": lambda: layers.RandomZoom(0.4, seed=2, **settings),
    }[name]()
    found = layer({"images": x, "segmentation_masks": x[..., :1], "labels": np.arange(4)}, training=True)
    np.testing.assert_array_equal(array(found["segmentation_masks"]), array(found["images"])[..., :1])
    assert np.abs(array(found["images"]) - x).max() > 0
    if name != "CutMix":
        assert array(found["labels"]).tolist() == [0, 1, 2, 3]


def test_dictionaries_refuse() -> None:
    with pytest.raises(ValueError, match="bounding_boxes"):
        layers.RandomFlip()({"images": IMAGES, "bounding_boxes": np.zeros((6, 1, 4))}, training=True)
    with pytest.raises(ValueError, match="images"):
        layers.RandomFlip()({"labels": np.zeros(6)}, training=True)
    with pytest.raises(ValueError, match="rank 3"):
        layers.RandomFlip()(IMAGES[0, 0], training=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RandomRotation(1.5), "factor"),
        (lambda: layers.RandomRotation("a"), "factor"),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), "factor"),
        (lambda: layers.RandomRotation(0.1, interpolation="cubic"), "interpolation"),
        (lambda: layers.RandomZoom(0.1, fill_mode="mirror"), "fill_mode"),
        (lambda: layers.RandomTranslation(0.1, 2.0), "width_factor"),
        (lambda: layers.RandomShear(y_factor=1.5), "y_factor"),
        (lambda: layers.RandomFlip("sideways"), "mode"),
        (lambda: layers.RandomContrast(-0.1), "factor"),
        (lambda: layers.RandomContrast(0.1, value_range=(1, 0)), "value_range"),
        (lambda: layers.RandomGrayscale(2.0), "factor"),
        (lambda: layers.RandomPosterization(9), "factor"),
        (lambda: layers.RandomPosterization((1.5, 2)), "bits"),
        (lambda: layers.RandomErasing(scale=2.0), "scale"),
        (lambda: layers.RandomGaussianBlur(kernel_size=0), "kernel_size"),
        (lambda: layers.RandomGaussianBlur(sigma=-1.0), "sigma"),
        (lambda: layers.MixUp(0), "alpha"),
        (lambda: layers.CutMix(1.5), "factor"),
        (lambda: layers.Equalization(bins=1), "bins"),
        (lambda: layers.Resizing(0, 3), "height"),
        (lambda: layers.Resizing(3, 3, interpolation="area"), "interpolation"),
        (lambda: layers.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "only one"),
        (lambda: layers.CenterCrop(3, -1), "width"),
        (lambda: layers.Normalization(mean=1.0), "variance"),
        (lambda: layers.Discretization(), "num_bins"),
        (lambda: layers.Discretization([1.0], num_bins=2), "num_bins"),
        (lambda: layers.Discretization([2.0, 1.0]), "ascend"),
        (lambda: layers.Discretization([1.0], output_mode="x"), "output_mode"),
        (lambda: layers.CategoryEncoding(), "num_tokens"),
        (lambda: layers.CategoryEncoding(3, output_mode="int"), "output_mode"),
        (lambda: layers.CategoryEncoding(3, sparse=True), "sparse"),
        (lambda: layers.Pipeline([3]), "layers"),
    ],
)
def test_settings_refuse(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


# -- geometry ------------------------------------------------------------------------------------------------------


def test_flips_half_of_the_images() -> None:
    x = R.rand(400, 2, 3, 1).astype("float32")
    for mode, axes in (("horizontal", (2,)), ("vertical", (1,)), ("horizontal_and_vertical", (1, 2))):
        found = in_training(layers.RandomFlip(mode, seed=1), x)
        outcomes = [x]
        for axis in axes:
            outcomes += [np.flip(y, axis) for y in outcomes]
        which = np.stack([np.abs(found - y).max((1, 2, 3)) < 1e-6 for y in outcomes])
        assert which.any(0).all()
        assert which.mean(1) == pytest.approx([1 / len(outcomes)] * len(outcomes), abs=0.08)


def test_shifts_are_spread_over_their_bounds() -> None:
    layer = layers.RandomTranslation((0.1, 0.3), (-0.2, 0.0), fill_mode="nearest", seed=4)
    shifts = ramps(300)[:, 10, 15] - in_training(layer, ramps(300))[:, 10, 15]
    for shift, low, high in ((shifts[:, 0] / 20, 0.1, 0.3), (shifts[:, 1] / 30, -0.2, 0.0)):
        assert (shift.min(), shift.max()) == pytest.approx((low, high), abs=0.02)
        assert shift.mean() == pytest.approx((low + high) / 2, abs=0.02)
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.2


def test_turns_are_spread_over_their_bounds() -> None:
    found = in_training(layers.RandomRotation((0.05, 0.2), seed=4), ramps(200, 21, 21))
    right = found[:, 10, 12] - found[:, 10, 10]
    turns = np.arctan2(right[:, 0], right[:, 1]) / (2 * np.pi)
    assert (turns.min(), turns.max()) == pytest.approx((0.05, 0.2), abs=0.01)
    assert turns.mean() == pytest.approx(0.125, abs=0.01)


def test_zoom_keeps_the_ratio_unless_told_otherwise() -> None:
    for width, same in ((None, True), ((-0.3, 0.3), False)):
        found = in_training(layers.RandomZoom((-0.3, 0.3), width, seed=4), ramps(50, 21, 21))
        steps = found[:, 11, 11] - found[:, 10, 10]
        assert np.allclose(steps[:, 0], steps[:, 1], atol=1e-4) == same
        assert 0.7 <= steps.min() < 0.8 < 1.2 < steps.max() <= 1.3


def test_shear_by_hand() -> None:
    found = in_training(layers.RandomShear((0.2, 0.2), (0.1, 0.1), fill_mode="nearest", seed=4), ramps(40))
    down, across = found[:, 11, 10] - found[:, 10, 10], found[:, 10, 11] - found[:, 10, 10]
    sign = np.sign(across[:, 0])
    assert set(sign) == {-1, 1}
    close(down[:, 1], 0.2 * sign)
    close(across[:, 0], 0.1 * sign)
    close(down[:, 0], np.ones(40))


def test_perspective_moves_corners() -> None:
    layer = layers.RandomPerspective((1.0, 1.0), scale=0.4, seed=4)
    found = in_training(layer, ramps(100, 21, 31))
    close(found[:, 0, 0], np.zeros((100, 2)), 1e-3)  # the top left one stays
    # Along the top edge a point at column `s` comes from `s / (1 + a)` for an affine map; `a` lies within 0.2.
    assert found[:, 0, 5, 0] == pytest.approx(np.zeros(100), abs=1e-3)
    assert 2.5 < found[:, 0, 5, 1].min() < 4.9 < 5.1 < found[:, 0, 5, 1].max() < 8
    half = in_training(layers.RandomPerspective((0.5, 0.5), seed=4), ramps(200, 7, 7))
    assert (np.abs(half - ramps(1, 7, 7)).max((1, 2, 3)) > 1e-3).mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("form", FORMATS)
def test_crops(form: str) -> None:
    x = R.rand(3, 6, 7, 2).astype("float32")
    fed = x if form == "channels_last" else x.transpose(0, 3, 1, 2)

    def last(y: Any) -> np.ndarray:
        return array(y) if form == "channels_last" else array(y).transpose(0, 2, 3, 1)

    np.testing.assert_array_equal(last(layers.CenterCrop(3, 4, data_format=form)(fed)), x[:, 1:4, 1:5])
    places = set()
    for seed in range(40):
        found = last(layers.RandomCrop(4, 6, seed=seed, data_format=form)(fed, training=True))
        where = [(i, k) for i in range(3) for k in range(2) if np.array_equal(found, x[:, i : i + 4, k : k + 6])]
        assert len(where) == 1
        places.update(where)
    assert len(places) == 6
    # Too small: resized, after a cut to the ratio of sides.
    small = last(layers.CenterCrop(8, 4, data_format=form)(fed))
    close(small, array(ops.image.resize(x, (8, 4), crop_to_aspect_ratio=True)))
    close(last(layers.RandomCrop(8, 4, data_format=form)(fed, training=True)), small)


@pytest.mark.parametrize("layer", [layers.CenterCrop, layers.RandomCrop, layers.Resizing])
def test_sizes_of_free_images(layer: Any) -> None:
    inputs = cornu.Input((None, None, 2))
    model = cornu.Model(inputs, layer(4, 5)(inputs))
    assert model.output_shape == (None, 4, 5, 2)
    for shape in ((2, 6, 7, 2), (3, 4, 5, 2), (2, 3, 9, 2)):
        assert model(np.ones(shape, "float32"), training=True).shape == (shape[0], 4, 5, 2)
    x = R.rand(2, 8, 9, 1)
    both = layer(4, 5)({"images": x, "segmentation_masks": x}, training=True)
    assert [both[key].shape for key in ("images", "segmentation_masks")] == [(2, 4, 5, 1)] * 2


# -- colours and effects -------------------------------------------------------------------------------------------


def test_factors_are_drawn_for_each_image() -> None:
    x = np.full((300, 2, 2, 3), 100.0, "float32")
    x[:, 0] = 110.0
    shift = (in_training(layers.RandomBrightness((-0.3, 0.2), seed=1), x) - x)[:, 0, 0, 0] / 255
    assert (shift.min(), shift.max(), shift.mean()) == pytest.approx((-0.3, 0.2, -0.05), abs=0.03)
    contrast = (in_training(layers.RandomContrast((0.3, 0.1), seed=1), x) - 105)[:, 0, 0, 0] / 5
    assert (contrast.min(), contrast.max()) == pytest.approx((0.9, 1.3), abs=0.02)
    assert contrast.mean() == pytest.approx(1.1, abs=0.02)


def test_hue_turns_both_ways() -> None:
    x = np.tile(np.float32([0.8, 0.2, 0.2]), (200, 2, 2, 1))
    found = ops.image.rgb_to_hsv(layers.RandomHue((0.1, 0.3), value_range=(0, 1), seed=2)(x, training=True))
    turned = (array(found)[:, 0, 0, 0] + 0.5) % 1 - 0.5
    assert (np.abs(turned).min(), np.abs(turned).max()) == pytest.approx((0.05, 0.15), abs=0.005)
    assert (turned > 0).mean() == pytest.approx(0.5, abs=0.12)
    close(array(found)[..., 1:], np.broadcast_to([0.75, 0.8], (200, 2, 2, 2)))


def test_saturation_stays_within_its_bounds() -> None:
    x = np.float32([[[200.0, 100.0, 100.0]]])
    for factor, expected in ((0.0, (200, 200)), (0.25, (200, 200 - 100 / 3)), (0.5, (200, 100)), (1.0, (200, 0))):
        found = in_training(layers.RandomSaturation((factor, factor)), x)
        close(found[0, 0, :2], expected, 1e-3)


@pytest.mark.parametrize(
    ("make", "changed"),
    [
        (lambda p: layers.RandomInvert(p, seed=1), lambda x: 255 - x),
        (lambda p: layers.RandomErasing(p, scale=(1.0, 1.0), fill_value=3.0, seed=1), lambda x: x * 0 + 3),
        (lambda p: layers.RandomGrayscale(p if isinstance(p, float) else p[0], seed=1), None),
    ],
)
def test_probabilities(make: Callable[[Any], Any], changed: Any) -> None:
    x = (R.rand(500, 3, 3, 3) * 255).astype("float32")
    found = in_training(make((0.3, 0.3)), x)
    differ = np.abs(found - x).max((1, 2, 3)) > 1e-3
    assert differ.mean() == pytest.approx(0.3, abs=0.07)
    if changed is not None:
        close(found[differ], changed(x[differ]), 1e-3)
    else:
        close(found[differ][..., 0], found[differ][..., 2])
        close(found[differ][..., :1], array(ops.image.rgb_to_grayscale(x[differ])), 1e-3)


def test_posterization_keeps_bits() -> None:
    x = np.repeat(np.arange(256, dtype="float32").reshape(1, 1, 256, 1), 100, axis=0)
    counts = [len(np.unique(image)) for image in in_training(layers.RandomPosterization((2, 4), seed=1), x)]
    assert set(counts) == {4, 8}


def test_solarization_by_hand() -> None:
    x = np.repeat(np.arange(0.0, 256.0).astype("float32").reshape(1, 1, 256, 1), 100, axis=0)
    found = in_training(layers.Solarization(threshold_factor=(0.2, 0.6), seed=1), x)[:, 0, :, 0]
    kept = (found == x[:, 0, :, 0]).sum(1) / 255
    assert (kept.min(), kept.max()) == pytest.approx((0.2, 0.6), abs=0.03)
    for row, share in zip(found, kept, strict=True):
        first = round(share * 255)
        close(row[first + 1 :], 255 - np.arange(first + 1, 256))
    brighter = in_training(layers.Solarization((0.1, 0.1), (1.0, 1.0)), np.full((1, 1, 1, 1), 100.0))
    assert brighter.ravel() == pytest.approx([125.5])


def test_equalization_by_hand() -> None:
    x = np.float32([0, 0, 10, 20, 20, 30]).reshape(1, 1, 6, 1)
    # Of six values two lie in the lowest bin, and 3, 5 and 6 in the others or below.
    expected = np.round(np.array([0, 0, 1, 3, 3, 4]) / 4 * 255)
    close(in_training(layers.Equalization(), x).ravel(), expected)
    np.testing.assert_array_equal(
        in_training(layers.Equalization(), np.full((2, 3, 3, 1), 7.5)), np.full((2, 3, 3, 1), 7.5)
    )


def test_blur_draws_widths() -> None:
    x = np.zeros((1, 9, 9, 1), "float32")
    x[0, 4, 4] = 255.0
    widths = []
    for seed in range(60):
        found = in_training(layers.RandomGaussianBlur((1.0, 1.0), 5, (0.5, 1.5), seed=seed), x)[0, :, :, 0]
        ratios = found[4, 5] / found[4, 4], found[5, 4] / found[4, 4]
        widths.append([np.sqrt(-1 / (2 * np.log(ratio))) for ratio in ratios])
    widths = np.array(widths)
    assert (widths.min(), widths.max()) == pytest.approx((0.5, 1.5), abs=0.1)
    assert np.abs(np.corrcoef(widths.T)[0, 1]) < 0.4
    assert widths.mean() == pytest.approx(1.0, abs=0.1)


# -- mixing --------------------------------------------------------------------------------------------------------


def boxes(changed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Height and width of the part of each image that is changed, which must be a box."""
    heights, widths = changed.any(2).sum(1), changed.any(1).sum(1)
    np.testing.assert_array_equal(changed.sum((1, 2)), heights * widths)
    return heights, widths


def test_erasing_draws_boxes() -> None:
    x = np.zeros((400, 40, 60, 1), "float32")
    found = in_training(layers.RandomErasing((1.0, 1.0), scale=(0.1, 0.4), fill_value=9.0, seed=1), x)[..., 0]
    heights, widths = boxes(found == 9)
    for sides, whole in ((heights / 40, 40), (widths / 60, 60)):
        assert (sides.min(), sides.max()) == pytest.approx((0.1**0.5, 0.4**0.5), abs=1.5 / whole)
        # The mean of sqrt(u) for u even on [0.1, 0.4].
        assert sides.mean() == pytest.approx((0.4**1.5 - 0.1**1.5) / 0.45, abs=0.02)
    assert abs(np.corrcoef(heights, widths)[0, 1]) < 0.15
    top = (found == 9).any(2).argmax(1)
    assert (top / (40 - heights)).mean() == pytest.approx(0.5, abs=0.06)


def test_erasing_fills_with_noise() -> None:
    x = np.full((20, 20, 20, 3), -1.0, "float32")
    found = in_training(layers.RandomErasing((1.0, 1.0), scale=(1.0, 1.0), value_range=(0, 10), seed=1), x)
    # Of normal numbers, times 10 and cut to [0, 10], half are 0 and 16 % are 10.
    assert (found.min(), found.max()) == (0, 10)
    assert (found == 0).mean() == pytest.approx(0.5, abs=0.02)
    assert (found == 10).mean() == pytest.approx(0.1587, abs=0.02)


def test_mixup() -> None:
    x = np.arange(300.0).reshape(300, 1, 1, 1) * np.ones((1, 2, 2, 1))
    found = layers.MixUp(0.2, seed=1)({"images": x.astype("float32"), "labels": np.eye(300)}, training=True)
    labels, images = array(found["labels"]), array(found["images"])
    close(labels.sum(1), np.ones(300))
    close(images[:, 0, 0, 0], labels @ np.arange(300), 1e-4)  # images are mixed as labels are
    own = np.diagonal(labels)[(labels > 0).sum(1) == 2]
    assert own.mean() == pytest.approx(0.5, abs=0.1)
    assert own.var() == pytest.approx(0.25 / 1.4, abs=0.04)  # that of Beta(0.2, 0.2)
    numbers = layers.MixUp(0.2, seed=1)({"images": x.astype("float32"), "labels": np.arange(300)}, training=True)
    close(numbers["labels"], labels @ np.arange(300), 1e-3)


def test_cutmix() -> None:
    x = np.arange(1.0, 301.0).reshape(300, 1, 1, 1) * np.ones((1, 20, 30, 1))
    found = layers.CutMix((1.0, 1.0), seed=1)({"images": x.astype("float32"), "labels": np.eye(300)}, training=True)
    labels, images = array(found["labels"]), array(found["images"])[..., 0]
    heights, widths = boxes(images != x[..., 0])
    close(labels.sum(1), np.ones(300))
    foreign = 1 - np.diagonal(labels)
    mixed = (labels > 0).sum(1) == 2
    assert heights[mixed] / 20 == pytest.approx(np.sqrt(foreign[mixed]), abs=1 / 20)
    assert widths[mixed] / 30 == pytest.approx(np.sqrt(foreign[mixed]), abs=1 / 30)
    assert foreign[mixed].mean() == pytest.approx(0.5, abs=0.06)  # even on [0, 1]
    for i in np.nonzero(mixed & (heights > 0))[0][:20]:
        others = set(np.unique(images[i])) - {i + 1}
        assert others == {1 + int(np.argmax(np.where(np.arange(300) == i, 0, labels[i])))}


# -- layers that learn of data, and vectors ------------------------------------------------------------------------


class Batches(cornu.utils.PyDataset):
    """An array in batches."""

    def __init__(self, data: np.ndarray, size: int = 3) -> None:
        super().__init__()
        self.data = data
        self.size = size

    def __len__(self) -> int:
        return -(-len(self.data) // self.size)

    def __getitem__(self, index: int) -> Any:
        return self.data[self.size * index : self.size * (index + 1)]


@pytest.mark.parametrize(("axis", "kept"), [(-1, (2,)), (1, (1,)), ((1, 2), (1, 2)), (None, ())])
def test_normalization_learns_mean_and_variance(axis: Any, kept: tuple[int, ...]) -> None:
    x = (R.randn(8, 4, 2) * 3 + 100).astype("float32")
    reduced = tuple(i for i in range(3) if i not in kept)
    expected = (x - x.mean(reduced, keepdims=True)) / x.std(reduced, keepdims=True)
    for data in (x, Batches(x), (x[i : i + 3] for i in range(0, 8, 3)), x.tolist()):
        layer = layers.Normalization(axis=axis)
        layer.adapt(data)
        close(layer(x), expected, 1e-3)
        assert [weight.name for weight in layer.weights] == ["mean", "variance", "count"]
    back = layers.Normalization(axis=axis, mean=x.mean(reduced), variance=x.var(reduced), invert=True)
    close(back(expected), x, 1e-3)


def test_normalization_refuses_and_forgets() -> None:
    layer = layers.Normalization()
    layer.adapt(np.float32([[1], [3]]))
    layer.adapt(np.float32([[11], [13]]))
    close(layer(np.float32([[12]])), [[0.0]])
    with pytest.raises(ValueError, match="given mean"):
        layers.Normalization(mean=0.0, variance=1.0).adapt(np.ones((2, 1)))
    with pytest.raises(ValueError, match="fixed sizes"):
        layers.Normalization(axis=1)(cornu.Input((None, 3)))
    with pytest.raises(ValueError, match="range"):
        layers.Normalization(axis=5)(np.ones((2, 3), "float32"))
    with pytest.raises(ValueError, match="does not fit"):
        layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])(np.ones((2, 3), "float32"))
    with pytest.raises(ValueError, match="inputs alone"):
        layers.Normalization().adapt((np.ones(2), np.ones(2)) for _ in range(2))
    with pytest.raises(ValueError, match="no data"):
        layers.Normalization().adapt(iter([]))


def test_normalization_in_a_model_and_its_file(tmp_path: Any) -> None:
    x = (R.randn(20, 3) * 2 + 5).astype("float32")
    layer = layers.Normalization()
    layer.adapt(x)
    model = cornu.Sequential([cornu.Input((3,)), layer, layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], epochs=1, verbose=0)
    close(layer(x), (x - x.mean(0)) / x.std(0), 1e-4)  # training leaves what was learned
    model.save(tmp_path / "m.keras")
    close(cornu.models.load_model(tmp_path / "m.keras").predict(x, verbose=0), model.predict(x, verbose=0))


def test_bins_by_hand() -> None:
    layer = layers.Discretization([0.0, 1.0])
    x = np.float32([[-1, 0, 0.5], [1, 2, np.inf]])
    assert array(layer(x)).tolist() == [[0, 1, 1], [2, 2, 2]]
    assert array(layers.Discretization([0.0, 1.0], output_mode="multi_hot")(x)).tolist() == [[1, 1, 0], [0, 0, 1]]
    assert array(layers.Discretization([0.0, 1.0], output_mode="count")(x)).tolist() == [[1, 2, 0], [0, 0, 3]]
    assert array(layers.Discretization([0.0, 1.0], output_mode="one_hot")(x[:, :1])).tolist() == [[1, 0, 0], [0, 0, 1]]


def test_bins_are_learned() -> None:
    layer = layers.Discretization(num_bins=4)
    with pytest.raises(ValueError, match="adapt"):
        layer(np.ones(2))
    layer.adapt(np.arange(1.0, 9.0))
    assert layer.bin_boundaries == pytest.approx([2, 4, 6])  # below each lie two more of the eight numbers
    x = R.randn(3000)
    layer.adapt(Batches(x, 700))
    assert np.bincount(array(layer(x))) == pytest.approx([750] * 4, abs=3000 * 0.03)
    layer.adapt(Batches(np.arange(30.0)), steps=1)
    assert max(layer.bin_boundaries) < 3
    again = layers.Discretization.from_config(layer.get_config())
    np.testing.assert_array_equal(array(again(np.arange(5.0))), array(layer(np.arange(5.0))))
    with pytest.raises(ValueError, match="given boundaries"):
        layers.Discretization([1.0]).adapt(np.ones(2))


def test_categories_by_hand() -> None:
    assert array(layers.CategoryEncoding(3)([[0, 2, 2]])).tolist() == [[1, 0, 1]]
    assert array(layers.CategoryEncoding(3, "one_hot")([[0, 2]])).tolist() == [[[1, 0, 0], [0, 0, 1]]]
    assert array(layers.CategoryEncoding(3, "one_hot")([5, -1])).tolist() == [[0, 0, 0], [0, 0, 0]]
    weighted = layers.CategoryEncoding(3, "count")([[0, 2, 2]], count_weights=[[0.5, 1.0, 2.0]])
    assert array(weighted).tolist() == [[0.5, 0, 3]]
    with pytest.raises(ValueError, match="count_weights"):
        layers.CategoryEncoding(3)([[0, 2, 2]], count_weights=[[0.5, 1.0, 2.0]])


def test_pipeline_hands_training_on() -> None:
    pipeline = layers.Pipeline([layers.Rescaling(1 / 255), layers.RandomInvert((1.0, 1.0), value_range=(0, 1))])
    close(pipeline(IMAGES, training=False), IMAGES / 255)
    close(pipeline(IMAGES, training=True), 1 - IMAGES / 255)
    inputs = cornu.Input((5, 7, 3))
    model = cornu.Model(inputs, pipeline(inputs))
    close(model.predict(IMAGES, verbose=0), IMAGES / 255)
