"""The scripts of examples/ run at small size on each built-in backend, and learn."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cornu as keras
import pytest

FOLDER = Path(__file__).parents[1] / "examples"
Curves = dict[str, list[float]]


def script(name: str) -> Any:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def clothes(curves: Curves) -> None:
    assert curves["loss"][-1] < 0.9 * curves["loss"][0]
    assert curves["val_accuracy"][-1] > 0.5 > 0.3 > curves["val_accuracy"][0]
    assert curves["learning_rate"] == pytest.approx([1e-3] * 5)


def sentences(curves: Curves) -> None:
    assert curves["val_accuracy"][-1] > 0.9
    assert curves["val_auc"][-1] > 0.95
    assert curves["val_loss"][-1] < 0.5 * curves["val_loss"][0]


def numbers(curves: Curves) -> None:
    assert curves["val_accuracy"][-1] > 0.8
    assert curves["val_loss"][-1] < 0.5 * curves["val_loss"][0]


def digits(curves: Curves) -> None:
    assert curves["val_loss"][-1] < 0.8 * curves["val_loss"][0]
    assert curves["divergence"][-1] > 2 * curves["divergence"][0]
    for total, first, second in zip(curves["loss"], curves["reconstruction"], curves["divergence"], strict=True):
        assert total == pytest.approx(first + second, rel=1e-4)


def houses(curves: Curves) -> None:
    assert curves["val_loss"][-1] < 0.3 * curves["val_loss"][0]
    assert curves["val_kind_accuracy"][-1] > 0.95
    assert 0.6 < curves["val_price_covered"][-1] <= 1
    assert sorted(name for name in curves if not name.startswith("val_")) == [
        "kind_accuracy", "kind_loss", "loss", "price_covered", "price_loss",
    ]  # fmt: skip
    for total, price, kind in zip(curves["loss"], curves["price_loss"], curves["kind_loss"], strict=True):
        assert total == pytest.approx(price + 0.2 * kind, rel=1e-3)


EXAMPLES: dict[str, tuple[Callable[[Curves], None], dict[str, Any]]] = {
    "fashion_mnist": (clothes, {"from_generator": True}),
    "sentiment": (sentences, {}),
    "transformer": (numbers, {}),
    "autoencoder": (digits, {}),
    "houses": (houses, {}),
}


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_it_learns(name: str, backend: str) -> None:
    check, arguments = EXAMPLES[name]
    with keras.use_backend(backend):
        curves = script(name).main(small=True, verbose=0, **arguments)
    losses = curves["loss"]
    assert losses == sorted(losses, reverse=True), "the loss rises somewhere"
    check(curves)


def test_the_data_set_comes_first(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    example = script("fashion_mnist")
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", lambda: (example.generated(7, 0),) * 2)
    (x, y), _ = example.load(from_generator=False, small=True)
    assert (len(x), len(y)) == (7, 7)

    def missing() -> None:
        raise OSError("no network")

    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", missing)
    (x, _), _ = example.load(from_generator=False, small=True)
    assert x.shape == (600, 28, 28)
    assert "Patterns stand in for Fashion-MNIST: no network" in capsys.readouterr().out


def test_the_list_is_complete() -> None:
    scripts = {path.stem for path in FOLDER.glob("*.py")}
    assert scripts == set(EXAMPLES)
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"[{name}.py]({name}.py)" in text for name in scripts)
