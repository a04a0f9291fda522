"""The backends agree: the same losses from the same seed, and the same random bits."""

from __future__ import annotations

import re

import cornu as keras
import numpy as np
import pytest
from cornu.cli import main
from cornu.ops import convert_to_numpy


def test_dropout_masks_are_bit_equal() -> None:
    masks = []
    for backend in ("numpy", "onnxruntime"):
        with keras.use_backend(backend):
            masks.append(convert_to_numpy(keras.random.dropout(np.ones((33, 257), "float32"), 0.3, seed=5)))
    np.testing.assert_array_equal(*masks)
    assert set(np.unique(masks[0])) == {np.float32(0), np.float32(1) * np.float32(1 / 0.7)}
    assert abs((masks[0] == 0).mean() - 0.3) < 0.02


@pytest.mark.slow
def test_quickstart_prints_the_same_losses_to_three_decimals(
    capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tables = []
    for backend in ("numpy", "onnxruntime"):
        assert main(["quickstart", "--backend", backend, "--output", str(tmp_path_factory.mktemp(backend))]) == 0
        lines = re.findall(r"^ +\d+ +\S+ +(\S+) +\S+ +(\S+)$", capsys.readouterr().out, re.MULTILINE)
        tables.append([[f"{float(value):.3f}" for value in line] for line in lines])
    assert len(tables[0]) >= 3
    assert tables[0] == tables[1]
