"""Deep models cost in proportion to their layers, and no mix of calls traces a model again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu import layers
from counting import calls


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with keras.use_backend(request.param):
        yield


def dense(depth: int) -> keras.Model:
    hidden = [layers.Dense(4, activation="tanh") for _ in range(depth)]
    model = keras.Sequential([keras.Input((4,)), *hidden])
    model.compile("adam", "mse")
    return model


def costs(depth: int, path: Path) -> dict[str, int]:
    x = np.zeros((8, 4), np.float32)
    model = dense(depth)
    works: dict[str, Callable[[], Any]] = {
        "build": lambda: dense(depth),
        "first step": lambda: model.train_on_batch(x, x),
        "step": lambda: model.train_on_batch(x, x),
        "epoch": lambda: model.fit(x, x, batch_size=2, verbose=0),
        "prediction": lambda: model.predict(x, verbose=0),
        "frozen prediction": lambda: model.predict(x, verbose=0),
        "summary": lambda: model.summary(print_fn=lambda line: None),
        "weights": model.get_weights,
        "save": lambda: model.save(path),
        "load": lambda: keras.models.load_model(path),
    }
    return {what: calls(work) for what, work in works.items()}


def test_four_times_the_layers_cost_four_times_the_work(tmp_path: Path) -> None:
    costs(2, tmp_path / "first.keras")  # what is imported and filled once
    few, many = costs(8, tmp_path / "few.keras"), costs(32, tmp_path / "many.keras")
    assert {what: many[what] / few[what] for what in few if many[what] > 4.4 * few[what]} == {}


def test_one_program_serves_every_mix_of_calls() -> None:
    x, y = np.ones((70, 4), np.float32), np.ones((70, 1), np.float32)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dropout(0.5), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    for size in (32, 7, 70, 1):
        model.fit(x, y, batch_size=size, epochs=2, validation_split=0.3, verbose=0)
        model.evaluate(x, y, batch_size=size, verbose=0)
        model.predict(x, batch_size=size, verbose=0)
        model.predict(x[:size], verbose=0)
        model.train_on_batch(x[:size], y[:size])
        model.test_on_batch(x[:size], y[:size])
        model.predict_on_batch(x[:size])
    made = (model.make_train_function(), model.make_test_function(), model.make_predict_function())
    assert [function.trace_count for function in made] == [1, 1, 1]
