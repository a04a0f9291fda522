"""Files of real Keras load here and predict the same; recorded by make_fixtures.py, so no Keras is needed."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import cornu
import h5py
import numpy as np
import pytest
from draw import register

register(cornu)  # what a user's own layers of the fixtures are here
FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("model_*.zip"))


@pytest.fixture(params=FIXTURES, ids=lambda path: path.stem)
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, np.ndarray], list[np.ndarray]]:
    """The folder with a fixture's files, its arrays and the variables of its optimizer."""
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(tmp_path)
    with np.load(tmp_path / "arrays.npz") as stored:
        arrays = dict(stored)
    with np.load(tmp_path / "optimizer.npz") as stored:
        optimizer = [stored[f"v{i}"] for i in range(len(stored))]
    return tmp_path, arrays, optimizer


def numbered(arrays: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    return [arrays[f"{prefix}{i}"] for i in range(len(arrays)) if f"{prefix}{i}" in arrays]


def one_or_list(items: list[Any]) -> Any:
    return items if len(items) > 1 else items[0]


def test_there_are_twenty_of_each() -> None:
    assert len(FIXTURES) >= 20
    for path in FIXTURES:
        with zipfile.ZipFile(path) as archive:
            assert {"model.keras", "model.h5"} <= set(archive.namelist())


def outputs_of(model: Any, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    found = model.predict(one_or_list(numbered(arrays, "x")), verbose=0)
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_predicts_what_keras_predicted(saved: Any, name: str) -> None:
    folder, arrays, _ = saved
    model = cornu.saving.load_model(folder / name)
    for found, expected in zip(outputs_of(model, arrays), numbered(arrays, "y"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_restores_the_optimizer(saved: Any, name: str) -> None:
    folder, _, expected = saved
    model = cornu.saving.load_model(folder / name)
    variables = model.optimizer.variables
    if model.optimizer.iterations.numpy() > 0:  # before its first step Keras saves no slots
        assert [variable.shape for variable in variables] == [array.shape for array in expected]
    for variable, array in zip(variables[: len(expected)], expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), array, rtol=1e-6)


def test_trains_on_as_keras_did(saved: Any) -> None:
    folder, arrays, _ = saved
    expected = numbered(arrays, "after")
    if not expected:
        pytest.skip("has dropout, whose draws differ")
    model = cornu.saving.load_model(folder / "model.keras")
    x, y = one_or_list(numbered(arrays, "x")), one_or_list(numbered(arrays, "t"))
    for _ in range(3):
        model.train_on_batch(x, y)
    for found, wanted in zip(outputs_of(model, arrays), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_the_fixture_archives_are_small() -> None:
    assert sum(path.stat().st_size for path in FIXTURES) < 900_000


def test_reads_from_an_open_file(saved: Any) -> None:
    folder, arrays, _ = saved
    model = cornu.saving.load_model(io.BytesIO((folder / "model.keras").read_bytes()), compile=False)
    np.testing.assert_allclose(outputs_of(model, arrays)[0], arrays["y0"], rtol=1e-5, atol=1e-5)


def plain(config: Any) -> Any:
    """A config without what only says how it was written.

    Keras also notes input shapes of layers that need no building, an empty compile config for inner models, and
    `training=False` where a model was not being trained while it was put together.
    """
    if isinstance(config, list):
        return [plain(item) for item in config]
    if not isinstance(config, dict):
        return config
    dropped = {"shared_object_id"}
    if config.get("class_name") in ("Rescaling", "Flatten", "Functional"):
        dropped.add("build_config")
    if not config.get("compile_config"):
        dropped.add("compile_config")
    if config.get("training") is False:
        dropped.add("training")
    return {key: plain(value) for key, value in config.items() if key not in dropped}


def test_writes_the_config_that_keras_wrote(saved: Any) -> None:
    folder, _, _ = saved
    cornu.saving.load_model(folder / "model.keras").save(folder / "again.keras")
    configs = []
    for name in ("model.keras", "again.keras"):
        with zipfile.ZipFile(folder / name) as archive:
            configs.append(plain(json.loads(archive.read("config.json"))))
    assert configs[1] == configs[0]


def test_writes_the_arrays_that_keras_wrote(saved: Any) -> None:
    folder, _, _ = saved
    cornu.utils.clear_session(free_memory=False)  # layers inside layers are named anew
    model = cornu.saving.load_model(folder / "model.keras")
    model.save(folder / "again.keras")
    layouts = []
    for name in ("model.keras", "again.keras"):
        with zipfile.ZipFile(folder / name) as archive:
            layouts.append(layout(archive.read("model.weights.h5")))
    for path, array in layouts[0].items():
        assert np.array_equal(layouts[1][path], array), path
    extra = {path for path in layouts[1] if path not in layouts[0] and "seed_generator" not in path}
    # An optimizer that had no slots in Keras's file has them here, as it would have in Keras.
    assert not {path for path in extra if not path.startswith("optimizer/")}


def layout(data: bytes) -> dict[str, Any]:
    """Every array of an HDF5 file, and the names that its groups note, by path."""
    found: dict[str, Any] = {}
    with h5py.File(io.BytesIO(data)) as file:
        file.visititems(
            lambda path, item: found.__setitem__(
                path, item[()] if isinstance(item, h5py.Dataset) else str(dict(item.attrs))
            )
        )
    return found
