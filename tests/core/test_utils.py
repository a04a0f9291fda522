"""Names, labels, sequences, data sets."""

from __future__ import annotations

import threading
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import utils
from cornu.utils import naming
from cornu.utils.dtypes import resolve_dtype


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Dense", "dense"),
        ("MaxPooling2D", "max_pooling2d"),
        ("LSTM", "lstm"),
        ("GlobalAveragePooling2D", "global_average_pooling2d"),
        ("TimeDistributed", "time_distributed"),
        ("AUC", "auc"),
        ("ReLU", "re_lu"),
        ("Conv2DTranspose", "conv2d_transpose"),
    ],
)
def test_snake_case_as_keras_names_layers(name: str, snake: str) -> None:
    assert naming.to_snake_case(name) == snake


def test_names_are_unique_per_process() -> None:
    first = naming.auto_name("TestThing")
    assert [naming.auto_name("TestThing"), naming.auto_name("TestThing")] == [f"{first}_1", f"{first}_2"]
    assert naming.get_uid("test_uid") == 1
    assert naming.get_uid("test_uid") == 2
    assert naming.object_name(np.sum) == "sum"


def test_names_are_unique_over_threads() -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.extend(naming.auto_name("Threaded") for _ in range(200)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 800


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "float32"),
        ("float", "float32"),
        ("int", "int32"),
        (np.float64, "float64"),
        (int, "int32"),
        ("mixed_bfloat16", "bfloat16"),
    ],
)
def test_dtypes(given: Any, name: str) -> None:
    assert resolve_dtype(given) == name
    with pytest.raises(TypeError):
        resolve_dtype("float31")


def test_to_categorical() -> None:
    assert utils.to_categorical([[0], [2]]).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert utils.to_categorical([1], num_classes=4).tolist() == [[0, 1, 0, 0]]
    assert utils.to_categorical([[0, 1], [1, 0]]).shape == (2, 2, 2)
    assert utils.to_categorical([0, 1]).dtype == np.float64
    with pytest.raises(ValueError, match="below 2"):
        utils.to_categorical([0, 2], num_classes=2)
    with cornu.use_backend("numpy"):
        tensor = cornu.ops.convert_to_tensor([[1], [0]])
        assert utils.to_categorical(tensor, 2).numpy().tolist() == [[0, 1], [1, 0]]
        with pytest.raises(ValueError, match="num_classes"):
            utils.to_categorical(tensor)


def test_normalize() -> None:
    assert utils.normalize(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[0.6, 0.8], [0.0, 0.0]]
    assert utils.normalize(np.array([[1.0], [3.0]]), axis=0, order=1).tolist() == [[0.25], [0.75]]


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        ({}, [[0, 0, 1], [2, 3, 0], [4, 5, 6]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 0], [4, 5, 6]]),
        ({"maxlen": 2}, [[0, 1], [3, 0], [5, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [4, 5]]),
        ({"maxlen": 4, "value": -1}, [[-1, -1, -1, 1], [-1, 2, 3, 0], [-1, 4, 5, 6]]),
    ],
)
def test_pad_sequences(arguments: dict[str, Any], want: list[list[int]]) -> None:
    assert utils.pad_sequences([[1], [2, 3, 0], [4, 5, 6]], **arguments).tolist() == want


def test_pad_sequences_of_vectors_and_errors() -> None:
    padded = utils.pad_sequences([[[1, 2]], [[3, 4], [5, 6]]], dtype="float32")
    assert padded.tolist() == [[[0, 0], [1, 2]], [[3, 4], [5, 6]]]
    assert utils.pad_sequences([[], [1]]).tolist() == [[0], [1]]
    for bad, message in (([1, 2], "list of sequences"), ([[[1, 2]], [[1]]], "shape")):
        with pytest.raises(ValueError, match=message):
            utils.pad_sequences(bad)
    with pytest.raises(ValueError, match="padding"):
        utils.pad_sequences([[1]], padding="left")
    with pytest.raises(ValueError, match="dtype=object"):
        utils.pad_sequences([["a"]], value="pad")


def test_split_dataset() -> None:
    x, y = np.arange(10), np.arange(10) * 2
    (left_x, left_y), (right_x, _) = utils.split_dataset((x, y), left_size=0.7)
    assert left_x.tolist() == list(range(7))
    assert left_y.tolist() == [2 * i for i in range(7)]
    assert right_x.tolist() == [7, 8, 9]
    left, right = utils.split_dataset(x, right_size=4, shuffle=True, seed=3)
    assert sorted([*left, *right]) == list(range(10))
    assert left.tolist() != list(range(6))
    for arguments in ({}, {"left_size": 1.5}, {"left_size": 11}, {"left_size": 0.5, "right_size": 6}):
        with pytest.raises(ValueError, match="split_dataset"):
            utils.split_dataset(x, **arguments)
    with pytest.raises(ValueError, match="same number"):
        utils.split_dataset((x, y[:3]), left_size=2)


class Numbers(utils.PyDataset):
    """Ten batches that note who made them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threads: set[int] = set()
        self.epochs: list[str] = []

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> Any:
        self.threads.add(threading.get_ident())
        if index == 7 and getattr(self, "broken", False):
            raise ValueError("broken batch")
        return np.array([index])

    def on_epoch_begin(self) -> None:
        self.epochs.append("begin")

    def on_epoch_end(self) -> None:
        self.epochs.append("end")


@pytest.mark.parametrize("workers", [1, 3])
def test_data_sets_by_number_come_in_order(workers: int) -> None:
    data = Numbers(workers=workers, max_queue_size=2)
    assert [int(batch[0]) for batch in data] == list(range(10))
    assert data.epochs == ["begin", "end"]
    assert (threading.get_ident() in data.threads) is (workers == 1)
    data.broken = True
    with pytest.raises(ValueError, match="broken batch"):
        list(data)


def test_a_data_set_that_does_not_call_super() -> None:
    class Bare(utils.PyDataset):
        def __init__(self) -> None:
            pass

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> int:
            return index

    assert list(Bare()) == [0, 1]
