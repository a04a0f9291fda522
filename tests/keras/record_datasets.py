"""Records what real Keras makes of the tiny files of tests/core/test_datasets.py.

Run it in an environment that has Keras: `KERAS_BACKEND=jax python tests/keras/record_datasets.py`.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

OUTPUT = Path(__file__).parent / "fixtures" / "datasets.json"

TRAIN = [[1, 2, 9], [4], [5, 6, 7, 8], [3, 3]]
TEST = [[10, 2], [1, 1, 1], [6]]

IMDB: list[dict[str, Any]] = [
    {},
    {"num_words": 8},
    {"num_words": 8, "skip_top": 5, "seed": 1},
    {"num_words": 8, "oov_char": None},
    {"maxlen": 4},
    {"start_char": None, "index_from": 0},
    {"start_char": None, "index_from": 10, "oov_char": 99, "num_words": 15},
]
REUTERS = [*IMDB, {"test_split": 0.5}, {"test_split": 0.0}]
HOUSING: list[dict[str, Any]] = [{}, {"seed": 1}, {"test_split": 0.45}, {"test_split": 0.0}]


def rows(lists: list[list[int]]) -> np.ndarray:
    array = np.empty(len(lists), dtype=object)
    array[:] = lists
    return array


def as_lists(split: Any) -> Any:
    return [[[list(map(int, row)) for row in x], [int(label) for label in y]] for x, y in split]


def main() -> None:
    """Writes the fixture."""
    from keras.src.datasets import boston_housing, imdb, reuters

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "data.npz"
        with mock.patch("keras.src.datasets.imdb.get_file", return_value=str(path)):
            np.savez(path, x_train=rows(TRAIN), y_train=np.arange(4), x_test=rows(TEST), y_test=np.arange(3) + 10)
            imdb_cases = [{"arguments": a, "split": as_lists(imdb.load_data(**a))} for a in IMDB]
        with mock.patch("keras.src.datasets.reuters.get_file", return_value=str(path)):
            np.savez(path, x=rows(TRAIN + TEST), y=np.arange(7))
            reuters_cases = [{"arguments": a, "split": as_lists(reuters.load_data(**a))} for a in REUTERS]
        with mock.patch("keras.src.datasets.boston_housing.get_file", return_value=str(path)):
            np.savez(path, x=np.arange(20.0).reshape(10, 2), y=np.arange(10.0))
            housing_cases = []
            for arguments in HOUSING:
                (_, train), (_, test) = boston_housing.load_data(**arguments)
                housing_cases.append({"arguments": arguments, "train": train.tolist(), "test": test.tolist()})
    recorded = {"imdb": imdb_cases, "reuters": reuters_cases, "housing": housing_cases}
    OUTPUT.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
