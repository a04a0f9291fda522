"""Operations on images with drawn arguments, from real Keras or from Cornu alike.

A function of `DRAWS` is `(image, draw) -> result`: `image` is `keras.ops.image` or `cornu.ops.image`, `draw` a
`random.Random`. The same draws make the same call of both.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

INTERPOLATIONS = ("nearest", "bilinear")
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def pictures(draw: random.Random, form: str, channels: int = 2, least: int = 1, dtype: str = "float32") -> np.ndarray:
    """Random images, with or without a batch, in a data format."""
    values = np.random.RandomState(draw.randint(0, 10**6))
    shape = (draw.randint(1, 3), draw.randint(least, least + 7), draw.randint(least, least + 7), channels)
    x = values.rand(*shape)
    x = (x if dtype == "float32" else x * 200).astype(dtype)
    x = x.transpose(0, 3, 1, 2) if form == "channels_first" else x
    return x[0] if draw.random() < 0.3 else x


def form_of(draw: random.Random) -> str:
    return draw.choice(("channels_last", "channels_first"))


def resize(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    ratio = draw.choice(("", "", "crop_to_aspect_ratio", "pad_to_aspect_ratio"))
    more = {ratio: True, "fill_value": 0.5} if ratio else {}
    methods = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
    return image.resize(
        pictures(draw, form),
        (draw.randint(1, 12), draw.randint(1, 12)),
        draw.choice(methods),
        antialias=draw.random() < 0.5,
        data_format=form,
        **more,
    )


def scale_and_translate(image: Any, draw: random.Random) -> Any:
    x = pictures(draw, "channels_last")
    axes = draw.choice(((-3, -2), (-2, -3), (-2,)))
    shape = list(x.shape)
    for axis in axes:
        shape[axis] = draw.randint(1, 9)
    numbers = [np.array([draw.uniform(0.3, 2.0) for _ in axes], "float32") for _ in range(2)]
    method = draw.choice(("linear", "bilinear", "cubic", "bicubic", "lanczos3", "lanczos5"))
    axes = tuple(axis + x.ndim for axis in axes)
    return image.scale_and_translate(x, tuple(shape), *numbers, axes, method, antialias=draw.random() < 0.5)


def rgb_to_grayscale(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    x = pictures(draw, form, draw.choice((1, 3, 3)), dtype=draw.choice(("float32", "uint8")))
    return image.rgb_to_grayscale(x, data_format=form)


def rgb_to_hsv(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    x = pictures(draw, form, 3)
    # Rounded, so that channels are often equal and often 0.
    return image.rgb_to_hsv(np.round(x * 3) / 3 if draw.random() < 0.5 else x, data_format=form)


def hsv_to_rgb(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    return image.hsv_to_rgb(pictures(draw, form, 3) * draw.choice((1.0, 1.5)), data_format=form)


def pad_images(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    x = pictures(draw, form, dtype=draw.choice(("float32", "int32")))
    height, width = x.shape[-3:-1] if form == "channels_last" else x.shape[-2:]
    vertical = {"top_padding": draw.randint(0, 2), "bottom_padding": draw.randint(0, 2)}
    horizontal = {"left_padding": draw.randint(0, 2), "right_padding": draw.randint(0, 2)}
    vertical["target_height"] = height + sum(vertical.values())
    horizontal["target_width"] = width + sum(horizontal.values())
    for given in (vertical, horizontal):
        del given[draw.choice(list(given))]
    return image.pad_images(x, **vertical, **horizontal, data_format=form)


def crop_images(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    x = pictures(draw, form, least=4)
    height, width = x.shape[-3:-1] if form == "channels_last" else x.shape[-2:]
    vertical = {"top_cropping": draw.randint(0, 2), "bottom_cropping": draw.randint(0, 1)}
    horizontal = {"left_cropping": draw.randint(0, 2), "right_cropping": draw.randint(0, 1)}
    vertical["target_height"] = height - sum(vertical.values())
    horizontal["target_width"] = width - sum(horizontal.values())
    for given in (vertical, horizontal):
        del given[draw.choice(list(given))]
    return image.crop_images(x, **vertical, **horizontal, data_format=form)


def extract_patches(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    steps, gap = draw.choice((None, 1, 2, (1, 3))), draw.choice((1, 1, 2))
    return image.extract_patches(
        pictures(draw, form, least=6, dtype=draw.choice(("float32", "int32"))),
        draw.choice((2, 3, (1, 3))),
        strides=steps if gap == 1 else 1,  # JAX has no windows with steps and gaps
        dilation_rate=gap,
        padding=draw.choice(("valid", "same")),
        data_format=form,
    )


def extract_patches_3d(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    x = np.random.RandomState(draw.randint(0, 10**6)).rand(2, 4, 5, 6, 2).astype("float32")
    x = x.transpose(0, 4, 1, 2, 3) if form == "channels_first" else x
    function = draw.choice((image.extract_patches, image.extract_patches_3d))
    return function(
        x[0] if draw.random() < 0.3 else x,
        draw.choice(((2, 2, 2), (1, 3, 2))),
        strides=draw.choice((None, 1, (2, 1, 2))),
        padding=draw.choice(("valid", "same")),
        data_format=form,
    )


def map_coordinates(image: Any, draw: random.Random) -> Any:
    values = np.random.RandomState(draw.randint(0, 10**6))
    shape = tuple(draw.randint(1, 5) for _ in range(draw.randint(1, 3)))
    x = (values.rand(*shape) * 100).astype(draw.choice(("float32", "int32")))
    places = values.uniform(-9, 9, (len(shape), *draw.choice(((4,), (2, 3))))).astype("float32")
    return image.map_coordinates(
        x, places, draw.choice((0, 1)), fill_mode=draw.choice(FILL_MODES), fill_value=draw.choice((0, 7))
    )


def affine_transform(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    x = pictures(draw, form, dtype=draw.choice(("float32", "float32", "uint8")))
    many = x.ndim == 4 and draw.random() < 0.7

    def transform() -> list[float]:
        turn = [draw.uniform(-1.5, 1.5) for _ in range(4)]
        shift = [draw.uniform(-5, 5) for _ in range(2)]
        return [turn[0], turn[1], shift[0], turn[2], turn[3], shift[1], 0.0, 0.0]

    return image.affine_transform(
        x,
        np.array([transform() for _ in x] if many else transform(), "float32")
        if many or x.ndim == 3
        else np.array([transform()] * len(x), "float32"),
        draw.choice(INTERPOLATIONS),
        draw.choice(FILL_MODES),
        draw.choice((0, 9)),
        data_format=form,
    )


def perspective_transform(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    x = pictures(draw, form, least=3, dtype=draw.choice(("float32", "float32", "uint8")))
    height, width = x.shape[-3:-1] if form == "channels_last" else x.shape[-2:]
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], "float32")

    def points() -> np.ndarray:
        shifts = [[draw.uniform(-0.6, 0.6) for _ in range(2)] for _ in range(4)]
        return corners + np.array(shifts, "float32")

    start, end = (np.stack([points() for _ in x]) if x.ndim == 4 else points() for _ in range(2))
    return image.perspective_transform(
        x, start, end, draw.choice(INTERPOLATIONS), draw.choice((0, 0.5)), data_format=form
    )


def gaussian_blur(image: Any, draw: random.Random) -> Any:
    form = "channels_first"  # with channels last Keras 3.15 on JAX smooths the channels, too
    size = (draw.randint(1, 5), draw.randint(1, 5))
    sigma = (draw.uniform(0.3, 2.0), draw.uniform(0.3, 2.0))
    return image.gaussian_blur(pictures(draw, form), size, sigma, data_format=form)


def sobel_edges(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    x = pictures(draw, form, least=2)
    return image.sobel_edges(x if x.ndim == 4 else x[None], data_format=form)


def ssim(image: Any, draw: random.Random) -> Any:
    form = form_of(draw)
    x = pictures(draw, form, least=7)
    y = np.clip(x + np.random.RandomState(draw.randint(0, 99)).randn(*x.shape) * 0.2, 0, 1).astype("float32")
    if draw.random() < 0.5:
        return image.ssim(x, y, filter_size=7, data_format=form)
    more = {"max_val": 2.0, "filter_size": 4, "filter_sigma": 0.7, "k1": 0.02, "k2": 0.05}
    return image.ssim(x, y, **more, data_format=form)


DRAWS: dict[str, Callable[[Any, random.Random], Any]] = {
    function.__name__: function
    for function in (
        affine_transform,
        crop_images,
        extract_patches,
        extract_patches_3d,
        gaussian_blur,
        hsv_to_rgb,
        map_coordinates,
        pad_images,
        perspective_transform,
        resize,
        rgb_to_grayscale,
        rgb_to_hsv,
        scale_and_translate,
        sobel_edges,
        ssim,
    )
}


def call(image: Any, name: str, seed: int) -> Any:
    """What one drawn call returns."""
    return DRAWS[name](image, random.Random(f"{name} {seed}"))
