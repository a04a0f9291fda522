"""Cutting programs into parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu.ir.builder import Builder
from cornu.ir.types import TensorType
from cornu_openvino import executable
from cornu_openvino.parts import Part, cut
from cornu_openvino.sizes import with_sizes
from cornu_openvino.support import Place
from running import check, program

ROWS = TensorType("float32", (4, 3))
LABELS = TensorType("int64", (4,))


def parts_of(make: Callable[..., Any], *types: TensorType) -> list[Part]:
    return cut(with_sizes(program(make, *types), {}))


def on_host(parts: list[Part]) -> list[str]:
    return [node.op for part in parts if part.place is Place.HOST for node in part.nodes]


def test_one_part() -> None:
    parts = parts_of(lambda b, x: b.Exp(b.Neg(b.Exp(x))), ROWS)
    assert [(part.place, len(part.nodes)) for part in parts] == [(Place.OPENVINO, 3)]


def test_int64_that_fits_stays() -> None:
    def make(b: Builder, x: Any, flags: Any) -> list[Any]:
        best = b.ArgMax(x, axis=1, keepdims=False)
        return [
            b.Equal(best, 2),
            b.Min(best, b.Cast(flags, to="int64")),
            b.Gather(x, b.Reshape(best, shape=(2, 2)), axis=0),
        ]

    assert on_host(parts_of(make, ROWS, TensorType("bool", (4,)))) == []


def test_int64_of_any_size_goes() -> None:
    def make(b: Builder, x: Any, labels: Any) -> list[Any]:
        return [b.Equal(labels, 3), b.Gather(x, labels, axis=0), b.Add(b.ArgMax(x, axis=1, keepdims=False), 1)]

    assert on_host(parts_of(make, ROWS, LABELS)) == ["Equal", "Add"]


def test_int64_beside_one_that_fits() -> None:
    x = np.array([[0, 1], [1, 0], [0, 1]], np.float32)
    check(lambda b, x, y: b.Equal(b.ArgMax(x, axis=1, keepdims=False), y), x, np.array([1, 2**32, 2**32 + 1]))


def test_host_between_two_parts() -> None:
    def make(b: Builder, x: Any, labels: Any) -> Any:
        right = b.Equal(b.ArgMax(b.Exp(x), axis=1, keepdims=False), labels)
        return b.ReduceMean(b.Cast(right, to="float32"), axes=(0,), keepdims=False)

    parts = parts_of(make, ROWS, LABELS)
    assert [part.place for part in parts] == [Place.OPENVINO, Place.HOST, Place.OPENVINO]


def test_what_follows_a_barrier_is_a_part_of_its_own() -> None:
    def make(b: Builder, x: Any, y: Any) -> list[Any]:
        again = b.emit("Barrier", (x, b.Exp(y)), {})[0]
        return [b.Exp(x), b.Exp(again)]

    assert [part.place for part in parts_of(make, ROWS, ROWS)] == [Place.OPENVINO, Place.HOST, Place.OPENVINO]


def test_nothing_of_no_elements_meets_openvino() -> None:
    none = TensorType("float32", (0, 3))
    assert on_host(parts_of(lambda b, x: b.ReduceSum(b.Exp(x), axes=(0,), keepdims=False), none)) == [
        "Exp",
        "ReduceSum",
    ]


def test_float16_is_rounded() -> None:
    x = np.array([0.1, 1e6, 1e-8, 2049.0], np.float32)
    check(lambda b, x: b.Mul(b.Cast(b.Cast(b.Mul(x, 1.0), to="float16"), to="float32"), 1.0), x, tolerance=0)


def test_small_results_are_known_beforehand() -> None:
    sized = with_sizes(
        program(lambda b: [b.Add(b.DimValue(size=3), 2**40), b.Range(start=0, step=1, size=4, dtype="int64")]), {}
    )
    assert not sized.nodes
    assert [sized.constants[value].tolist() for value in sized.outputs] == [2**40 + 3, [0, 1, 2, 3]]


def test_a_train_step_has_few_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    cuts: list[list[Part]] = []

    def recorded(sized: Any) -> list[Part]:
        cuts.append(cut(sized))
        return cuts[-1]

    monkeypatch.setattr(executable, "cut", recorded)
    with keras.use_backend("openvino"):
        layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.MaxPooling2D(), keras.layers.Flatten()]
        more = [
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3, activation="softmax"),
        ]
        model = keras.Sequential([keras.Input((8, 8, 1)), *layers, *more])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.train_on_batch(np.ones((4, 8, 8, 1), "float32"), np.zeros(4, "int64"))
    step = max(cuts, key=lambda parts: sum(len(part.nodes) for part in parts))
    assert [part.place for part in step].count(Place.OPENVINO) == 2
    operators = set(on_host(step))
    assert operators <= {
        "Add",
        "Cast",
        "Equal",
        "GreaterOrEqual",
        "Less",
        "Max",
        "Min",
        "RandomBits",
        "Reshape",
        "Where",
    }
