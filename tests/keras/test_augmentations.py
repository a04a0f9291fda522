"""Layers that change images at random, with fixed factors, against what real Keras made of the same images.

Recorded by record_augmentations.py. What is random about them is measured in tests/core/test_layers_preprocessing.py.
"""

from __future__ import annotations

from pathlib import Path

import cornu
import numpy as np
import pytest
from augmentation_draws import DRAWS, call

RECORDED = np.load(Path(__file__).parent / "fixtures" / "augmentations.npz")


@pytest.mark.parametrize("case", RECORDED.files)
def test_makes_what_keras_makes(case: str) -> None:
    name, _, seed = case.partition("/")
    with cornu.use_backend(("numpy", "onnxruntime")[int(seed) % 2]):
        found = call(cornu, name, int(seed)).numpy()
    wanted = RECORDED[case]
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(wanted).max()))


def test_every_draw_is_recorded() -> None:
    assert {case.partition("/")[0] for case in RECORDED.files} == set(DRAWS)
