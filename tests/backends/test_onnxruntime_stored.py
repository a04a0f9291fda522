"""Models that the ONNX Runtime backend keeps on disk are those that it would make."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu.backend import config
from cornu.ir.builder import Builder
from cornu.ir.passes import freeze
from cornu.ir.program import Program
from cornu_onnxruntime import stored
from cornu_onnxruntime.model import Model
from cornu_onnxruntime.stored import is_worth_it, key_of, model_of
from programs import cnn, f32, mlp


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where models are kept during a test."""
    monkeypatch.setenv("CORNU_HOME", str(tmp_path))
    monkeypatch.setattr(config._process, "settings", replace(config._settings(), cache="on"))
    return tmp_path / "cache" / "onnxruntime"


@pytest.fixture
def nothing_made(monkeypatch: pytest.MonkeyPatch) -> Any:
    """From its call on, no model of a program that is kept can be made any more."""
    original = stored.make_model

    def refuse(program: Program, *others: Any) -> Model:
        assert not is_worth_it(program), "a model was made"
        return original(program, *others)

    return lambda: monkeypatch.setattr(stored, "make_model", refuse)


def train() -> tuple[list[float], np.ndarray]:
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    with keras.use_backend("onnxruntime"):
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.MaxPooling2D()(keras.layers.Conv2D(16, 3, activation="relu", name="conv")(inputs))
        model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
        model.compile("adam", "mse")
        rng = np.random.default_rng(0)
        x, y = rng.random((12, 8, 8, 3), dtype=np.float32), rng.random((12, 3), dtype=np.float32)
        history = model.fit(x, y, batch_size=4, epochs=2, verbose=0)
        return history.history["loss"], np.asarray(model.predict(x, verbose=0))


def test_a_second_process_makes_nothing(folder: Path, nothing_made: Any) -> None:
    losses, predictions = train()
    kept = sorted(folder.iterdir())
    assert kept
    nothing_made()
    again = train()
    assert again[0] == losses
    np.testing.assert_array_equal(again[1], predictions)
    assert sorted(folder.iterdir()) == kept


def test_a_damaged_model_is_made_again(folder: Path) -> None:
    program = cnn(train=True)
    model = model_of(program, None, True)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert model_of(program, None, True).proto == model.proto
    assert path.read_bytes() == whole


def test_what_is_found_is_what_was_made(nothing_made: Any) -> None:
    program = cnn(train=True)
    made = model_of(program, {"n": 5}, True)
    nothing_made()
    found = model_of(program, {"n": 5}, True)
    for name in ("proto", "outputs", "origins"):
        assert getattr(found, name) == getattr(made, name)
    assert list(found.input_names) == list(made.input_names)
    assert list(found.output_names) == list(made.output_names)


def test_everything_that_decides_has_a_part_in_the_key(set_passes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(program: Program, **changes: Any) -> Program:
        return Program(**{name: changes.get(name, getattr(program, name)) for name in program.__dataclass_fields__})

    set_passes("on")
    program = mlp(train=True)
    first, *rest = program.nodes
    keys = [
        key_of(program, None, True),
        key_of(mlp(train=False), None, True),
        key_of(program, {"n": 1}, True),
        key_of(program, {"n": 2}, True),
        key_of(program, None, False),
        key_of(other(program, name="another"), None, True),
        key_of(other(program, nodes=(replace(first, scope="layer"), *rest)), None, True),
    ]
    set_passes("off")
    keys.append(key_of(program, None, True))
    set_passes("on")
    monkeypatch.setattr(stored, "_surroundings", lambda: ("another version",))
    keys.append(key_of(program, None, True))
    assert len(set(keys)) == len(keys)
    assert key_of(mlp(train=True), None, True) == keys[-1]


def test_a_changed_source_is_noticed(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    path = inner / "a.py"
    path.write_text("1")
    seen = [list(stored._files(tmp_path))]
    path.write_text("12")
    os.utime(path, ns=(1, 1))
    seen.append(list(stored._files(tmp_path)))
    os.utime(path, ns=(1, 2))
    seen.append(list(stored._files(tmp_path)))
    (inner / "b.so").write_text("")
    seen.append(list(stored._files(tmp_path)))
    assert all(left != right for left, right in pairwise(seen))
    (inner / "c.txt").write_text("")
    assert list(stored._files(tmp_path)) == seen[-1]


def test_small_programs_and_weights_are_not_kept(folder: Path) -> None:
    b = Builder("one")
    x = b.input(f32(3), "x")
    assert not is_worth_it(b.finish([b.Exp(x)]))
    program = mlp(train=True)
    assert is_worth_it(program)
    place, shape = next((i, value.shape) for i, value in enumerate(program.inputs) if "n" not in str(value.type))
    frozen = freeze(program, {place: np.zeros([int(size) for size in shape], np.float32)})
    assert frozen.nodes[0].outputs[0].name
    assert not is_worth_it(frozen)
    model_of(frozen, None, True)
    assert not folder.exists()


def test_off_means_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config._process, "settings", replace(config._settings(), cache="off"))
    train()
    assert not folder.exists()
