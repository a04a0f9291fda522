"""Layers that learn of data before training, beside a live Keras 3: what they learn, and files both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cornu
import numpy as np
import pytest

pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # inside Keras
]

R = np.random.RandomState(0)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), None])
@pytest.mark.parametrize("invert", [False, True])
def test_normalization_learns_what_keras_learns(axis: Any, invert: bool, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    data, x = (R.normal(2, 3, (5, 4, 3)).astype("float32") for _ in range(2))
    models = {}
    for k in (cornu, keras):
        layer = k.layers.Normalization(axis=axis, invert=invert)
        layer.adapt(data)
        inputs = k.Input((4, 3))
        models[k] = k.Model(inputs, layer(inputs))
        models[k].save(tmp_path / f"{k.__name__}.keras")
    wanted = models[keras].predict(x, verbose=0)
    np.testing.assert_allclose(models[cornu].predict(x, verbose=0), wanted, rtol=1e-5, atol=1e-5)
    for maker, reader in ((cornu, keras), (keras, cornu)):
        read = reader.models.load_model(tmp_path / f"{maker.__name__}.keras")
        np.testing.assert_allclose(read.predict(x, verbose=0), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("epsilon", [0.01, 0.1])
@pytest.mark.parametrize("bins", [2, 3, 7])
def test_discretization_learns_what_keras_learns(bins: int, epsilon: float, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    batches = [R.normal(size=(count, 2)) for count in (300, 41, 5)]
    x = R.normal(size=(50, 3)).astype("float32")
    layers = [k.layers.Discretization(num_bins=bins, epsilon=epsilon) for k in (cornu, keras)]
    for layer in layers:
        for batch in batches:
            layer.update_state(batch)
        layer.finalize_state()
    ours, theirs = layers
    # Keras counts in 32 bits.
    np.testing.assert_allclose(ours.bin_boundaries, theirs.bin_boundaries, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(np.asarray(ours(x)), np.asarray(theirs(x)))
    for layer, reader in ((theirs, cornu), (ours, keras)):
        again = reader.layers.Discretization.from_config({**layer.get_config(), "name": "again"})
        np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(layer(x)))
