"""Layers that change images at random, with factors that leave nothing to chance, from real Keras or from Cornu alike.

A function of `DRAWS` is `(k, draw) -> result`: `k` is `keras` or `cornu`, `draw` a `random.Random`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from image_draws import form_of, pictures

FILL_MODES = ("reflect", "wrap", "constant", "nearest")


def same(value: float) -> tuple[float, float]:
    """Bounds that only one number lies within."""
    return (value, value)


def sampled(draw: random.Random, form: str) -> dict[str, Any]:
    return {
        "fill_mode": draw.choice(FILL_MODES),
        "interpolation": draw.choice(("bilinear", "bilinear", "nearest")),
        "fill_value": draw.choice((0.0, 3.0)),
        "data_format": form,
    }


def inputs(draw: random.Random, form: str, value_range: Any = (0, 1), channels: int = 3) -> Any:
    low, high = value_range
    x = pictures(draw, form, channels, least=3) * (high - low) + low
    return x.astype("float32")


def in_training(layer: Any, x: Any) -> Any:
    return layer(x, training=True)


def rotation(k: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    layer = k.layers.RandomRotation(same(draw.uniform(-1, 1)), **sampled(draw, form))
    return in_training(layer, inputs(draw, form))


def translation(k: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    layer = k.layers.RandomTranslation(same(draw.uniform(-1, 1)), same(draw.uniform(-1, 1)), **sampled(draw, form))
    return in_training(layer, inputs(draw, form))


def zoom(k: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    width = draw.choice((None, same(draw.uniform(-0.9, 1))))
    layer = k.layers.RandomZoom(same(draw.uniform(-0.9, 1)), width, **sampled(draw, form))
    return in_training(layer, inputs(draw, form))


def masks(k: Any, draw: random.Random) -> Any:
    layer = k.layers.RandomRotation(same(draw.uniform(-1, 1)), fill_mode=draw.choice(FILL_MODES), fill_value=2.0)
    x = inputs(draw, "channels_last")
    drawn = np.floor(x[..., :1] * 4)
    return layer({"images": x, "segmentation_masks": drawn}, training=True)["segmentation_masks"]


def value_range(draw: random.Random) -> tuple[int, int]:
    return draw.choice(((0, 255), (0, 1)))


def brightness(k: Any, draw: random.Random) -> Any:
    bounds = value_range(draw)
    layer = k.layers.RandomBrightness(same(draw.uniform(-1, 1)), value_range=bounds)
    return in_training(layer, inputs(draw, "channels_last", bounds))


def contrast(k: Any, draw: random.Random) -> Any:
    bounds = value_range(draw)
    layer = k.layers.RandomContrast(same(0.0), value_range=bounds)
    return in_training(layer, inputs(draw, "channels_last", bounds))


def hue(k: Any, draw: random.Random) -> Any:
    # Half the circle is the same in both directions.
    form, bounds = form_of(draw), value_range(draw)
    layer = k.layers.RandomHue(same(draw.choice((0.0, 1.0))), value_range=bounds, data_format=form)
    return in_training(layer, inputs(draw, form, bounds))


def saturation(k: Any, draw: random.Random) -> Any:
    # Above 0.5 Keras makes values below 0 where the range is not (0, 1).
    form, bounds = form_of(draw), value_range(draw)
    factor = draw.uniform(-0.5, 1.0 if bounds == (0, 1) else 0.5)
    layer = k.layers.RandomSaturation(same(factor), value_range=bounds, data_format=form)
    return in_training(layer, inputs(draw, form, bounds))


def degeneration(k: Any, draw: random.Random) -> Any:
    form, bounds = form_of(draw), value_range(draw)
    layer = k.layers.RandomColorDegeneration(same(draw.uniform(-1, 1)), value_range=bounds, data_format=form)
    return in_training(layer, inputs(draw, form, bounds))


def grayscale(k: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    return in_training(k.layers.RandomGrayscale(draw.choice((0.0, 1.0)), data_format=form), inputs(draw, form))


def invert(k: Any, draw: random.Random) -> Any:
    form, bounds = form_of(draw), draw.choice(((0, 255), (0, 1), (-1, 1)))
    layer = k.layers.RandomInvert(same(draw.choice((0.0, 1.0))), value_range=bounds, data_format=form)
    return in_training(layer, inputs(draw, form, bounds))


def posterization(k: Any, draw: random.Random) -> Any:
    form, bounds = form_of(draw), value_range(draw)
    layer = k.layers.RandomPosterization(same(draw.randint(1, 8)), value_range=bounds, data_format=form)
    return in_training(layer, inputs(draw, form, bounds))


def jitter(k: Any, draw: random.Random) -> Any:
    bounds = value_range(draw)
    factors = {
        "brightness_factor": draw.choice((None, same(draw.uniform(-0.3, 0.3)))),
        "contrast_factor": draw.choice((None, same(0.0))),
        "saturation_factor": draw.choice((None, same(draw.uniform(0, 0.5)))),
        "hue_factor": draw.choice((None, same(1.0))),
    }
    return in_training(k.layers.RandomColorJitter(bounds, **factors), inputs(draw, "channels_last", bounds))


def sharpness(k: Any, draw: random.Random) -> Any:
    form, bounds = form_of(draw), value_range(draw)
    layer = k.layers.RandomSharpness(same(draw.uniform(0, 1)), value_range=bounds, data_format=form)
    return in_training(layer, inputs(draw, form, bounds))


def blur(k: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    layer = k.layers.RandomGaussianBlur(
        same(1.0),
        kernel_size=draw.choice((1, 3, (5, 3))),
        sigma=same(draw.uniform(0.3, 1.0)),
        value_range=(0, 1),
        data_format=form,
    )
    return in_training(layer, inputs(draw, form))


def solarization(k: Any, draw: random.Random) -> Any:
    bounds = value_range(draw)
    return in_training(k.layers.Solarization(value_range=bounds), inputs(draw, "channels_last", bounds))


def auto_contrast(k: Any, draw: random.Random) -> Any:
    bounds = draw.choice(((0, 255), (0, 1), (-1, 1)))
    x = inputs(draw, "channels_last", bounds)
    x[..., 0] = bounds[1] / 2
    return in_training(k.layers.AutoContrast(bounds), x)


def equalization(k: Any, draw: random.Random) -> Any:
    form, bounds = form_of(draw), draw.choice(((0, 255), (0, 1)))
    layer = k.layers.Equalization(bounds, bins=draw.choice((256, 10, 64)), data_format=form)
    return in_training(layer, inputs(draw, form, bounds))


def perspective(k: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    layer = k.layers.RandomPerspective(same(1.0), scale=0.0, data_format=form)
    return in_training(layer, inputs(draw, form))


def erasing(k: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    layer = k.layers.RandomErasing(same(1.0), scale=same(draw.choice((0.0, 1.0))), fill_value=0.5, data_format=form)
    return in_training(layer, inputs(draw, form))


DRAWS: dict[str, Callable[[Any, random.Random], Any]] = {
    function.__name__: function
    for function in (
        auto_contrast,
        blur,
        brightness,
        contrast,
        degeneration,
        equalization,
        erasing,
        grayscale,
        hue,
        invert,
        jitter,
        masks,
        perspective,
        posterization,
        rotation,
        saturation,
        sharpness,
        solarization,
        translation,
        zoom,
    )
}


def call(k: Any, name: str, seed: int) -> Any:
    """What one drawn call returns."""
    return DRAWS[name](k, random.Random(f"{name} {seed}"))
