"""`cornu.ops.image` on drawn calls, against what real Keras computed; recorded by record_ops_image.py."""

from __future__ import annotations

from pathlib import Path

import cornu
import numpy as np
import pytest
from image_draws import DRAWS, call

RECORDED = np.load(Path(__file__).parent / "fixtures" / "ops_image.npz")
# No two runs of what is random agree: tests/core/test_ops_image.py measures it.
RANDOM = {"elastic_transform"}


@pytest.mark.parametrize("case", RECORDED.files)
def test_computes_what_keras_computes(case: str) -> None:
    name, _, seed = case.partition("/")
    with cornu.use_backend(("numpy", "onnxruntime")[int(seed) % 2]):
        found = call(cornu.ops.image, name, int(seed)).numpy()
    wanted = RECORDED[case]
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_every_function_is_drawn() -> None:
    assert set(cornu.ops.image.__all__) == set(DRAWS) | RANDOM
    assert {case.partition("/")[0] for case in RECORDED.files} == set(DRAWS)
