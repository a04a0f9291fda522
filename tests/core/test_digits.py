"""The data set that is shipped."""

from __future__ import annotations

import zipfile
from importlib.resources import files

import numpy as np
import pytest
from cornu.datasets import digits


def test_shapes_types_and_values() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1497, 8, 8)
    assert y_train.shape == (1497,)
    assert x_test.shape == (300, 8, 8)
    assert y_test.shape == (300,)
    for array in (x_train, y_train, x_test, y_test):
        assert array.dtype == np.uint8
    assert (x_train.min(), x_train.max()) == (0, 16)
    # the counts that the data set's own description states
    counts = np.bincount(np.concatenate([y_train, y_test]))
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_images_keep_their_labels() -> None:
    pairs = []
    for seed in (0, 1):
        (x_train, y_train), (x_test, y_test) = digits.load_data(seed=seed)
        images = np.concatenate([x_train, x_test]).reshape(1797, 64)
        pairs.append(sorted(map(bytes, np.column_stack([images, np.concatenate([y_train, y_test])]))))
    assert pairs[0] == pairs[1]


def test_split_is_deterministic_and_seeded() -> None:
    first, again, other = digits.load_data(seed=3), digits.load_data(seed=3), digits.load_data(seed=4)
    np.testing.assert_array_equal(first[0][0], again[0][0])
    np.testing.assert_array_equal(first[1][1], again[1][1])
    assert not np.array_equal(first[1][1], other[1][1])
    # pinned, since a changed split would change every accuracy that was ever quoted
    assert digits.load_data()[1][1][:10].tolist() == PINNED


PINNED = [2, 8, 2, 6, 6, 7, 1, 9, 8, 5]


def test_fraction() -> None:
    (x_train, _), (x_test, _) = digits.load_data(test_fraction=0.5)
    assert (len(x_train), len(x_test)) == (899, 898)
    for wrong in (0, 1, -0.1, 1e-9):
        with pytest.raises(ValueError, match="test_fraction must leave images on both sides"):
            digits.load_data(test_fraction=wrong)


def test_arrays_are_the_callers_own() -> None:
    digits.load_data()[0][0][:] = 0
    assert digits.load_data()[0][0].any()


def test_licence_is_shipped_beside_the_data() -> None:
    folder = files("cornu.datasets.digits")
    notice = (folder / "NOTICE.txt").read_text()
    assert "CC BY 4.0" in notice
    assert "Alpaydin" in notice
    with (folder / "digits.npz").open("rb") as file:
        assert sorted(zipfile.ZipFile(file).namelist()) == ["images.npy", "labels.npy"]
