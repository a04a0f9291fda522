"""Model files: what returns, what survives a failure, what is refused, and what the errors say."""

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
from cornu import layers, saving
from cornu.saving import atomic
from cornu.saving.walk import items, parts

X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
Y = np.ones((4, 2), "float32")


def small_model(name: str = "small", units: int = 2) -> Any:
    model = cornu.Sequential(
        [cornu.Input((3,)), layers.Dense(4, activation="tanh", name="hidden"), layers.Dense(units, name="out")],
        name=name,
    )
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    return model


def untrained(units: int) -> Any:
    """The same layers, not compiled."""
    return cornu.Sequential([cornu.Input((3,)), *small_model(units=units).layers])


def trained_model() -> Any:
    model = small_model()
    model.fit(X, Y, epochs=2, verbose=0)
    return model


FORMATS = ("model.keras", "model.h5", "folder")


def save(model: Any, path: Path) -> None:
    model.save(path, zipped=False) if path.name == "folder" else model.save(path)


@pytest.mark.parametrize("name", FORMATS)
def test_a_trained_model_returns_and_goes_on_training_the_same(tmp_path: Path, name: str) -> None:
    model = trained_model()
    save(model, tmp_path / name)
    found = saving.load_model(tmp_path / name)
    assert np.array_equal(found.predict(X, verbose=0), model.predict(X, verbose=0))
    for before, after in zip(model.optimizer.variables, found.optimizer.variables, strict=True):
        assert np.array_equal(before.numpy(), after.numpy())
    for each in (model, found):
        each.train_on_batch(X, Y)
    for before, after in zip(model.weights, found.weights, strict=True):
        assert np.array_equal(before.numpy(), after.numpy())


def test_without_compile_there_is_no_optimizer(tmp_path: Path) -> None:
    trained_model().save(tmp_path / "m.keras")
    assert not saving.load_model(tmp_path / "m.keras", compile=False).compiled


def test_dropout_goes_on_with_the_same_draws(tmp_path: Path) -> None:
    model = cornu.Sequential([cornu.Input((3,)), layers.Dropout(0.5, seed=1)])
    model(X, training=True)
    model.save(tmp_path / "m.keras")
    found = saving.load_model(tmp_path / "m.keras")
    assert np.array_equal(np.asarray(found(X, training=True)), np.asarray(model(X, training=True)))


def test_an_open_file_takes_and_gives_a_model() -> None:
    model = trained_model()
    file = io.BytesIO()
    saving.save_model(model, file)
    file.seek(0)
    assert np.array_equal(saving.load_model(file).predict(X, verbose=0), model.predict(X, verbose=0))


# -- layout ------------------------------------------------------------------------------------------------------


def test_the_keras_layout(tmp_path: Path) -> None:
    trained_model().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert set(json.loads(archive.read("metadata.json"))) == {"keras_version", "date_saved"}
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
            names: list[str] = []
            file.visit(names.append)
            assert file["layers/dense_1/vars"].attrs["name"] == "out"
    assert [name for name in names if name.startswith("layers")] == [
        "layers",
        "layers/dense",
        "layers/dense/vars",
        "layers/dense/vars/0",
        "layers/dense/vars/1",
        "layers/dense_1",
        "layers/dense_1/vars",
        "layers/dense_1/vars/0",
        "layers/dense_1/vars/1",
    ]
    # iteration, learning rate, and two slots for each of four weights
    assert sum(name.startswith("optimizer/vars/") for name in names) == 10


class Branches(cornu.Model):
    """Layers in attributes and containers."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.b_first = layers.Dense(2)
        self.blocks = [layers.Dense(3), [layers.Dense(4), layers.ReLU()]]
        self.zebra = layers.Dense(1)
        self.named = {"b": layers.Dense(5), "a": layers.Dense(6)}

    def call(self, x: Any) -> Any:
        for layer in (self.b_first, self.blocks[0], *self.blocks[1], *self.named.values(), self.zebra):
            x = layer(x)
        return x


def test_a_subclassed_model_is_stored_by_attributes_as_in_keras(tmp_path: Path) -> None:
    model = Branches()
    model(X)
    model.save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5") as file:
        # As Keras 3.15 names them: `layers` comes alphabetically before `named` and `zebra`.
        shapes = {
            path: file[path]["vars/0"].shape
            for path in (
                "b_first",
                "blocks/dense",
                "blocks/container/dense",
                "layers/dense_4",
                "layers/dense_5",
                "layers/dense_3",
            )
            if path in file
        }
        assert shapes["b_first"] == (3, 2)
        assert shapes["blocks/dense"] == (2, 3)
        assert shapes["blocks/container/dense"] == (3, 4)
        assert "zebra" not in file
    other = Branches()
    other(X)
    other.load_weights(tmp_path / "m.weights.h5")
    assert np.array_equal(np.asarray(other(X)), np.asarray(model(X)))


def test_walking_names_parts_by_class_and_number() -> None:
    first, second = layers.Dense(1), layers.ReLU()
    assert [name for name, _ in items([first, second, 3, first, [second], {"x": second}])] == [
        "dense",
        "re_lu",
        "dense_1",
        "container",
        "container_1",
    ]
    assert list(parts(object())) == []


# -- atomicity ---------------------------------------------------------------------------------------------------


class FailingFile(io.FileIO):
    """A file whose n-th write fails."""

    left = 0

    def write(self, data: Any) -> int:
        FailingFile.left -= 1
        if FailingFile.left < 0:
            raise OSError(28, "No space left on device")
        return super().write(data)


def contents(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
    return {str(file): file.read_bytes() for file in files}


def names_in(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


@pytest.mark.parametrize("name", [*FORMATS, "m.weights.h5"])
def test_the_old_file_survives_a_failure_of_any_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    write = (lambda model: model.save_weights(path)) if name == "m.weights.h5" else (lambda model: save(model, path))
    write(trained_model())
    old, names = contents(path), names_in(tmp_path)
    other = small_model("other")
    monkeypatch.setattr(atomic, "open_new", lambda target: FailingFile(target, "x+"))
    failures = 0
    for allowed in range(10_000):
        FailingFile.left = allowed
        try:
            write(other)
            break
        except OSError:
            failures += 1
        assert contents(path) == old
        assert names_in(tmp_path) == names
    assert failures > 0
    assert contents(path) != old
    assert names_in(tmp_path) == names


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("what", ["fsync", "replace"])
def test_the_old_file_survives_a_failure_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    path = tmp_path / name
    save(trained_model(), path)
    old, names = contents(path), names_in(tmp_path)
    calls = []

    def fail(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 1:
            raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        if what == "fsync" and name != "folder":
            patched.setattr("cornu.saving.atomic.os.fsync", fail)
        else:
            patched.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="Input/output"):
            save(small_model("other"), path)
    assert contents(path) == old
    assert names_in(tmp_path) == names


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_old_file_survives_an_error_of_a_layer(tmp_path: Path, name: str, error: type[BaseException]) -> None:
    path = tmp_path / name
    trained_model().save(path)
    old = path.read_bytes()
    model = small_model()

    def fail(*args: Any) -> Any:
        raise error

    model.layers[1].save_own_variables = fail
    model.layers[1].get_config = fail
    with pytest.raises(error):
        model.save(path)
    assert path.read_bytes() == old
    assert names_in(tmp_path) == [name]


def test_a_link_and_permissions_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real.keras", tmp_path / "link.keras"
    trained_model().save(real)
    real.chmod(0o640)
    link.symlink_to(real)
    old = real.read_bytes()
    small_model().save(link)
    assert link.is_symlink()
    assert real.read_bytes() != old
    assert real.stat().st_mode & 0o777 == 0o640


def test_an_existing_file_is_not_overwritten_unless_allowed(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    model = trained_model()
    model.save(path)
    with pytest.raises(FileExistsError, match="overwrite"):
        model.save(path, overwrite=False)
    with pytest.raises(ValueError, match=r"`\.keras`"):
        model.save(tmp_path / "m.pb")
    with pytest.raises(ValueError, match=r"weights\.h5"):
        model.save_weights(tmp_path / "m.h5")
    with pytest.raises(FileNotFoundError, match="absent"):
        saving.load_model(tmp_path / "absent.keras")


# -- weights -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["m.weights.h5", "m.keras", "m.h5"])
def test_a_mismatch_names_layer_variable_and_shapes_or_is_skipped(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    model = trained_model()
    model.save_weights(path) if name == "m.weights.h5" else model.save(path)
    other = untrained(units=5)
    kept = other.get_layer("out").get_weights()[0]
    with pytest.raises(ValueError, match=r"out.*kernel.*\(4, 5\).*\(4, 2\)"):
        other.load_weights(path)
    with pytest.warns(UserWarning, match="out"):
        other.load_weights(path, skip_mismatch=True)
    assert np.array_equal(other.get_layer("out").get_weights()[0], kept)
    assert np.array_equal(other.get_layer("hidden").get_weights()[0], model.get_layer("hidden").get_weights()[0])


def test_weights_by_name(tmp_path: Path) -> None:
    model = trained_model()
    model.save(tmp_path / "m.h5")
    other = cornu.Sequential([cornu.Input((4,)), layers.Dense(2, name="out"), layers.Dense(7, name="new")])
    other.load_weights(tmp_path / "m.h5", by_name=True)
    assert np.array_equal(other.get_layer("out").get_weights()[0], model.get_layer("out").get_weights()[0])
    with pytest.raises(ValueError, match=r"Layer count mismatch.*new"):
        cornu.Sequential([cornu.Input((4,)), layers.Dense(2, name="new")]).load_weights(tmp_path / "m.h5")


def test_objects_to_skip_are_left_alone(tmp_path: Path) -> None:
    model = trained_model()
    model.save_weights(tmp_path / "m.weights.h5", objects_to_skip=[model.optimizer])
    with h5py.File(tmp_path / "m.weights.h5") as file:
        assert "optimizer" not in file
    other = small_model()
    hidden, kept = other.layers[0], other.layers[0].get_weights()[0]
    other.load_weights(tmp_path / "m.weights.h5", objects_to_skip=[hidden, other.optimizer])
    assert np.array_equal(hidden.get_weights()[0], kept)
    assert np.array_equal(other.layers[1].get_weights()[0], model.layers[1].get_weights()[0])


def test_an_unbuilt_model_has_no_weights_to_load(tmp_path: Path) -> None:
    trained_model().save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match="not yet been built"):
        cornu.Sequential([layers.Dense(2)]).load_weights(tmp_path / "m.weights.h5")


# -- custom objects ----------------------------------------------------------------------------------------------


class Shift(layers.Layer):
    """A layer with a weight and an asset."""

    def __init__(self, words: Any = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = list(words)

    def build(self, input_shape: Any) -> None:
        self.amount = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="amount")

    def call(self, inputs: Any) -> Any:
        return inputs + self.amount

    def save_assets(self, dir_path: str) -> None:
        (Path(dir_path) / "words.txt").write_text("\n".join(self.words))

    def load_assets(self, dir_path: str) -> None:
        self.words = (Path(dir_path) / "words.txt").read_text().split("\n")


@pytest.mark.parametrize("name", ["model.keras", "folder"])
def test_a_custom_layer_returns_with_its_assets(tmp_path: Path, name: str) -> None:
    model = cornu.Sequential([cornu.Input((3,)), Shift(["a", "b"])])
    save(model, tmp_path / name)
    with pytest.raises(TypeError, match="Unknown class 'Shift'"):
        saving.load_model(tmp_path / name)
    found = saving.load_model(tmp_path / name, custom_objects={"Shift": Shift})
    assert found.layers[0].words == ["a", "b"]


def test_a_custom_layer_returns_from_h5(tmp_path: Path) -> None:
    model = cornu.Sequential([cornu.Input((3,)), Shift()])
    model.layers[0].amount.assign([1.0, 2.0, 3.0])
    model.save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="Shift"):
        saving.load_model(tmp_path / "m.h5")
    found = saving.load_model(tmp_path / "m.h5", custom_objects={"Shift": Shift})
    assert np.asarray(found(np.zeros((1, 3), "float32"))).tolist() == [[1.0, 2.0, 3.0]]


class Twins(layers.Layer):
    """Two layers of one name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first, self.second = layers.Dense(3, name="same"), layers.Dense(3, name="same")

    def build(self, input_shape: Any) -> None:
        self.first.build(input_shape)
        self.second.build(input_shape)

    def call(self, inputs: Any) -> Any:
        return self.first(inputs) - self.second(inputs)


def test_weights_of_one_path_are_kept_apart(tmp_path: Path) -> None:
    model = cornu.Sequential([cornu.Input((3,)), Twins()])
    model.save(tmp_path / "m.h5")
    found = saving.load_model(tmp_path / "m.h5", custom_objects={"Twins": Twins})
    assert np.array_equal(found.predict(X, verbose=0), model.predict(X, verbose=0))
    assert np.abs(found.predict(X, verbose=0)).max() > 0


class Doubled(cornu.Model):
    """Two layers of one name in a model."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first, self.second = layers.Dense(3, name="same"), layers.Dense(3, name="same")

    def call(self, inputs: Any) -> Any:
        return self.second(self.first(inputs))


def test_layers_of_one_name_are_refused_by_h5_only(tmp_path: Path) -> None:
    model = Doubled()
    model(X)
    with pytest.raises(ValueError, match=r"several of the name same.*\.keras"):
        model.save(tmp_path / "m.h5")
    model.save(tmp_path / "m.keras")
    found = saving.load_model(tmp_path / "m.keras", custom_objects={"Doubled": Doubled})
    assert np.array_equal(found.predict(X, verbose=0), model.predict(X, verbose=0))
