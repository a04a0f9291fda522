"""Draws of initializers: exact values of those that draw nothing, the distribution of those that do."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from training_draws.drawn import Choices, Draw, plain, some

SCALING: Choices = {"input_axes": ([0], [0, 1]), "output_axes": ([-1], [-2, -1])}
RANDOM: dict[str, Choices] = {
    "RandomNormal": {"mean": (1.0, -0.3), "stddev": (0.5, 2.0)},
    "TruncatedNormal": {"mean": (1.0, -0.3), "stddev": (0.5, 2.0)},
    "RandomUniform": {"minval": (-1.0, -0.2), "maxval": (0.5, 2.0)},
    "GlorotUniform": {},
    "GlorotNormal": {},
    "HeUniform": {},
    "HeNormal": {},
    "LecunUniform": {},
    "LecunNormal": {},
    "VarianceScaling": {
        "scale": (0.5, 2.0),
        "mode": ("fan_in", "fan_out", "fan_avg"),
        "distribution": ("truncated_normal", "untruncated_normal", "uniform"),
    },
    "Orthogonal": {"gain": (0.5, 2.0)},
}
FIXED: dict[str, Choices] = {
    "Zeros": {},
    "Ones": {},
    "Constant": {"value": (0.5, -2.0)},
    "Identity": {"gain": (0.5, 2.0)},
    "STFT": {
        "side": ("real", "imag"),
        "window": ("hann", "hamming", None),
        "scaling": ("density", "spectrum", None),
        "periodic": (True, False),
    },
}
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def _random(name: str) -> Draw:
    def run(k: Any, draw: random.Random) -> Any:
        arguments = {**some(draw, RANDOM[name]), "seed": draw.randint(0, 1000)}
        inner = [draw.randint(1, 4) for _ in range(draw.randint(0, 3))]
        sizes = (*inner, draw.randint(90, 120), draw.randint(90, 120))
        if "Glorot" in name or "He" in name or "Lecun" in name or name == "VarianceScaling":
            arguments |= some(draw, SCALING) if len(sizes) > 3 else {}
        elif name != "Orthogonal" and draw.random() < 0.3:
            sizes = (sizes[-2] * sizes[-1],)
        initializer = getattr(k.initializers, name)(**arguments)
        values = np.asarray(initializer(sizes))
        found: dict[str, Any] = {
            "sizes": list(values.shape),
            "dtype": str(values.dtype),
            "mean": values.mean(),
            "deviation": values.std(),
            "least": values.min(),
            "most": values.max(),
            "levels": np.quantile(values, LEVELS),
            "again": bool(np.array_equal(values, np.asarray(initializer(sizes)))),
            "config": initializer.get_config(),
        }
        if name == "Orthogonal":
            rows = values.reshape(-1, sizes[-1]).astype("float64")
            found["products"] = np.linalg.svd(rows, compute_uv=False)[[0, -1]]
        return plain(found)

    return run


def _fixed(name: str) -> Draw:
    def run(k: Any, draw: random.Random) -> Any:
        initializer = getattr(k.initializers, name)(**some(draw, FIXED[name]))
        sizes = tuple(draw.randint(2, 5) for _ in range(draw.choice((2,) if name == "Identity" else (1, 2, 3))))
        if name == "STFT":
            length = draw.choice((4, 6, 8))
            sizes = (length, 1, length // 2 + 1)
        dtype = draw.choice((None, "float16")) if name != "STFT" else None
        values = np.asarray(initializer(sizes, dtype=dtype))
        return plain(
            {"sizes": list(sizes), "dtype": str(values.dtype), "values": values, "config": initializer.get_config()}
        )

    return run


DRAWS = {**{name: _random(name) for name in RANDOM}, **{name: _fixed(name) for name in FIXED}}
