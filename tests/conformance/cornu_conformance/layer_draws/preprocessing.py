"""Draws of layers that prepare data. Those that change images at random leave them as they are in prediction."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu_conformance.layer_draws.drawn import Draw, Drawn, data_format, floats, integers


def rescaling(k: Any, draw: random.Random) -> Drawn:
    scale = draw.choice((0.5, 1 / 255, [1.0, 2.0, 3.0]))
    return Drawn(k.layers.Rescaling(scale, offset=draw.choice((0.0, -1.5))), (floats(draw, 3, 4, 3),))


def pixels(draw: random.Random, form: str, dtype: str = "float32") -> np.ndarray:
    """Images with values from 0 to 255."""
    sizes = (draw.randint(4, 7), draw.randint(4, 7))
    shape = (2, *sizes, 3) if form == "channels_last" else (2, 3, *sizes)
    values = np.random.RandomState(draw.randrange(2**32)).uniform(0, 255, shape)
    return values.astype(dtype)


def resizing(k: Any, draw: random.Random) -> Drawn:
    form = data_format(draw)
    ratio = draw.choice(({}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True, "fill_value": 2.0}))
    layer = k.layers.Resizing(
        draw.randint(2, 9),
        draw.randint(2, 9),
        interpolation=draw.choice(("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")),
        antialias=draw.random() < 0.5,
        data_format=form,
        **ratio,
    )
    shape = (2, 3, 5, 2) if form == "channels_last" else (2, 2, 3, 5)
    return Drawn(layer, (floats(draw, *shape),))


def center_crop(k: Any, draw: random.Random) -> Drawn:
    form = data_format(draw)
    layer = k.layers.CenterCrop(draw.randint(2, 6), draw.randint(2, 6), data_format=form)
    shape = (2, 5, 4, 2) if form == "channels_last" else (2, 2, 5, 4)
    return Drawn(layer, (floats(draw, *shape),))


def normalization(k: Any, draw: random.Random) -> Drawn:
    # Keras keeps what it has learned beside the weights, which these runs change: test_preprocessing_live.py adapts.
    axis, mean, variance = draw.choice(
        (
            (-1, [1.0, -1.0], [2.0, 0.5]),
            (1, [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 0.5, 0.1]),
            (None, 1.5, 4.0),
            ((1, 2), 1.5, 0.0001),
        )
    )
    layer = k.layers.Normalization(axis=axis, mean=mean, variance=variance, invert=draw.random() < 0.4)
    return Drawn(layer, (floats(draw, 3, 4, 2),))


def discretization(k: Any, draw: random.Random) -> Drawn:
    mode = draw.choice(("int", "one_hot", "multi_hot", "count"))
    layer = k.layers.Discretization(bin_boundaries=[-0.7, 0.0, 0.4], output_mode=mode)
    shape = draw.choice(((4, 1), (4, 3)))
    return Drawn(layer, (floats(draw, *shape),), trains=False, projects=False)


def category_encoding(k: Any, draw: random.Random) -> Drawn:
    mode = draw.choice(("multi_hot", "one_hot", "count"))
    numbers = integers(draw, 0, 5, *draw.choice(((4, 3), (4, 1))))
    weights = {"count_weights": floats(draw, *numbers.shape)} if mode == "count" and draw.random() < 0.5 else {}
    return Drawn(k.layers.CategoryEncoding(5, output_mode=mode), (numbers,), weights, trains=False)


def pipeline(k: Any, draw: random.Random) -> Drawn:
    layers = [
        k.layers.Rescaling(1 / 255),
        k.layers.RandomFlip(seed=3),
        k.layers.Resizing(3, 4, interpolation=draw.choice(("nearest", "bilinear"))),
    ]
    return Drawn(k.layers.Pipeline(layers), (pixels(draw, "channels_last"),), trains=False, projects=False)


def random_crop(k: Any, draw: random.Random) -> Drawn:
    form = data_format(draw)
    layer = k.layers.RandomCrop(draw.randint(2, 4), draw.randint(2, 4), seed=draw.randint(1, 9), data_format=form)
    return Drawn(layer, (pixels(draw, form),), trains=False, projects=False)


def auto_contrast(k: Any, draw: random.Random) -> Drawn:
    return Drawn(
        k.layers.AutoContrast(value_range=draw.choice(((0, 255), (0, 1)))),
        (pixels(draw, "channels_last"),),
        trains=False,
        projects=False,
    )


def changing(name: str, settings: Callable[[random.Random], dict[str, Any]], formats: bool = True) -> Draw:
    """The draw of a layer that acts in training only.

    Args:
        name: The layer's.
        settings: Draws its arguments.
        formats: Whether it has a data format and channels may come first.
    """

    def draw_layer(k: Any, draw: random.Random) -> Drawn:
        form = data_format(draw) if formats else "channels_last"
        more: dict[str, Any] = {"data_format": form} if formats else {}
        layer = getattr(k.layers, name)(**settings(draw), **more, seed=draw.choice((None, 5)))
        return Drawn(layer, (pixels(draw, form, draw.choice(("float32", "uint8"))),), trains=False, projects=False)

    return draw_layer


def bounds(draw: random.Random, least: float = 0.0, most: float = 1.0) -> Any:
    """A number, or two."""
    pair = sorted(round(draw.uniform(least, most), 3) for _ in range(2))
    return draw.choice((abs(pair[1]), tuple(pair)))


def ranged(draw: random.Random) -> dict[str, Any]:
    return draw.choice(({}, {"value_range": (0, 1)}))


def sampled(draw: random.Random) -> dict[str, Any]:
    return {
        "fill_mode": draw.choice(("reflect", "wrap", "constant", "nearest")),
        "interpolation": draw.choice(("nearest", "bilinear")),
        "fill_value": draw.choice((0.0, 2.0)),
    }


def mel_spectrogram(k: Any, draw: random.Random) -> Drawn:
    layer = k.layers.MelSpectrogram(
        fft_length=32,
        sequence_stride=draw.choice((8, 12)),
        sequence_length=draw.choice((None, 20)),
        window=draw.choice(("hann", "hamming")),
        sampling_rate=draw.choice((8000, 16000)),
        num_mel_bins=draw.randint(3, 6),
        max_freq=draw.choice((None, 3000.0)),
        power_to_db=draw.random() < 0.5,
        top_db=draw.choice((80.0, 5.0)),
        mag_exp=draw.choice((1.0, 2.0)),
        min_power=draw.choice((1e-10, 1.0)),
        ref_power=draw.choice((1.0, 3.0)),
    )
    return Drawn(layer, (floats(draw, 3, 70),), trains=False)


def stft_spectrogram(k: Any, draw: random.Random) -> Drawn:
    form = data_format(draw)
    layer = k.layers.STFTSpectrogram(
        mode=draw.choice(("log", "magnitude", "psd", "real", "imag", "angle", "stft")),
        frame_length=10,
        frame_step=draw.choice((None, 3)),
        fft_length=draw.choice((None, 16, 32)),
        window=draw.choice(("hann", "blackman", None)),
        periodic=draw.random() < 0.5,
        scaling=draw.choice(("density", "spectrum", None)),
        padding=draw.choice(("valid", "same")),
        expand_dims=draw.random() < 0.5,
        data_format=form,
    )
    return Drawn(layer, (floats(draw, *((2, 24, 2) if form == "channels_last" else (2, 2, 24))),))


DRAWS: dict[str, Draw] = {
    "AutoContrast": auto_contrast,
    "CategoryEncoding": category_encoding,
    "CenterCrop": center_crop,
    "CutMix": changing("CutMix", lambda draw: {"factor": bounds(draw)}),
    "Discretization": discretization,
    "MelSpectrogram": mel_spectrogram,
    "MixUp": changing("MixUp", lambda draw: {"alpha": draw.uniform(0.1, 1)}),
    "Normalization": normalization,
    "Pipeline": pipeline,
    "RandomBrightness": changing(
        "RandomBrightness", lambda draw: {"factor": bounds(draw, -1), **ranged(draw)}, formats=False
    ),
    "RandomColorDegeneration": changing(
        "RandomColorDegeneration", lambda draw: {"factor": bounds(draw, -1), **ranged(draw)}
    ),
    "RandomColorJitter": changing(
        "RandomColorJitter",
        lambda draw: {
            "brightness_factor": draw.choice((None, 0.2)),
            "contrast_factor": draw.choice((None, (0.1, 0.3))),
            "saturation_factor": draw.choice((None, 0.2)),
            "hue_factor": draw.choice((None, 0.1)),
            **ranged(draw),
        },
    ),
    "RandomContrast": changing("RandomContrast", lambda draw: {"factor": bounds(draw), **ranged(draw)}, formats=False),
    "RandomCrop": random_crop,
    "RandomErasing": changing(
        "RandomErasing",
        lambda draw: {
            "factor": bounds(draw),
            "scale": bounds(draw),
            "fill_value": draw.choice((None, 1.0)),
            **ranged(draw),
        },
    ),
    "RandomFlip": changing(
        "RandomFlip", lambda draw: {"mode": draw.choice(("horizontal", "vertical", "horizontal_and_vertical"))}
    ),
    "RandomGaussianBlur": changing(
        "RandomGaussianBlur",
        lambda draw: {
            "factor": bounds(draw),
            "kernel_size": draw.choice((3, (3, 5))),
            "sigma": bounds(draw, 0.1),
            **ranged(draw),
        },
    ),
    "RandomGrayscale": changing("RandomGrayscale", lambda draw: {"factor": draw.uniform(0, 1)}),
    "RandomHue": changing("RandomHue", lambda draw: {"factor": bounds(draw), **ranged(draw)}),
    "RandomInvert": changing("RandomInvert", lambda draw: {"factor": bounds(draw), **ranged(draw)}),
    "RandomPerspective": changing(
        "RandomPerspective",
        lambda draw: {
            "factor": bounds(draw),
            "scale": draw.uniform(0, 1),
            "interpolation": draw.choice(("nearest", "bilinear")),
            "fill_value": draw.choice((0.0, 3.0)),
        },
    ),
    "RandomPosterization": changing(
        "RandomPosterization", lambda draw: {"factor": draw.choice((3, (2, 5))), **ranged(draw)}
    ),
    "RandomRotation": changing("RandomRotation", lambda draw: {"factor": bounds(draw, -1), **sampled(draw)}),
    "RandomSaturation": changing("RandomSaturation", lambda draw: {"factor": bounds(draw, -1), **ranged(draw)}),
    "RandomSharpness": changing("RandomSharpness", lambda draw: {"factor": bounds(draw), **ranged(draw)}),
    # Keras does not read back what it writes for one number: (-a, a).
    "RandomShear": changing(
        "RandomShear", lambda draw: {"x_factor": (0.1, 0.4), "y_factor": (0.0, draw.random()), **sampled(draw)}
    ),
    "RandomTranslation": changing(
        "RandomTranslation",
        lambda draw: {"height_factor": bounds(draw, -1), "width_factor": bounds(draw, -1), **sampled(draw)},
    ),
    "RandomZoom": changing(
        "RandomZoom",
        lambda draw: {
            "height_factor": bounds(draw, -0.9),
            "width_factor": draw.choice((None, bounds(draw, -0.9))),
            **sampled(draw),
        },
    ),
    "Rescaling": rescaling,
    "Resizing": resizing,
    "STFTSpectrogram": stft_spectrogram,
    "Solarization": changing(
        "Solarization",
        lambda draw: {"addition_factor": bounds(draw), "threshold_factor": bounds(draw), **ranged(draw)},
        formats=False,
    ),
}
