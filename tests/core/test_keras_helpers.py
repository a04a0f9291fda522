"""Keras's small helpers: trees, names, limits, and a loss as a function of state."""

from __future__ import annotations

from typing import Any, NamedTuple

import cornu as keras
import numpy as np
import pytest
from cornu import layers, tree


class Point(NamedTuple):
    x: Any
    y: Any


NESTED = {"b": [1, Point(2, 3)], "a": None}


def test_paths() -> None:
    assert tree.flatten_with_path(NESTED) == [(("a",), None), (("b", 0), 1), (("b", 1, "x"), 2), (("b", 1, "y"), 3)]
    tree.assert_same_paths([1, 2], (1, 2))
    with pytest.raises(ValueError, match=r"Paths differ: \['\(1,\)'\]"):
        tree.assert_same_paths([1], [1, 2])


def test_packing() -> None:
    packed = tree.pack_sequence_as(NESTED, [7, 8, 9, 10])
    assert packed == {"b": [8, Point(9, 10)], "a": 7}
    assert list(packed) == ["b", "a"]
    with pytest.raises(ValueError, match="too few"):
        tree.pack_sequence_as(NESTED, [7])
    with pytest.raises(TypeError, match="flat_sequence"):
        tree.pack_sequence_as(NESTED, 7)


def test_mapping() -> None:
    assert tree.map_structure(lambda x: x, [1, None], none_is_leaf=False) == [1, None]
    assert tree.map_structure(str, [1, None]) == ["1", "None"]
    assert tree.map_structure(lambda x: x + 1, {"a": [1, None]}, none_is_leaf=False) == {"a": [2, None]}
    assert tree.map_structure_up_to({"a": 0, "b": 0}, lambda x, y: (x, y), {"a": [1], "b": 2}, {"b": 4, "a": 3}) == {
        "a": ([1], 3),
        "b": (2, 4),
    }
    with pytest.raises(ValueError, match="Structures differ"):
        tree.map_structure_up_to([0, 0], len, [1])
    assert tree.map_shape_structure(lambda s: (1, *s), {"a": [2, 3], "b": ((None,), [4])}) == {
        "a": (1, 2, 3),
        "b": ((1, None), (1, 4)),
    }


def test_traversing() -> None:
    def double(part: Any) -> Any:
        if part == 3:
            return tree.MAP_TO_NONE
        return part * 2 if isinstance(part, int) else None

    assert tree.traverse(double, NESTED) == {"b": [2, Point(4, None)], "a": None}
    order: list[Any] = []
    tree.traverse(order.append, [1, (2,)], top_down=False)
    assert order == [1, 2, (2,), [1, (2,)]]
    assert tree.lists_to_tuples([1, {"a": [2]}]) == (1, {"a": (2,)})


@pytest.mark.parametrize(("left", "right"), [([1], [1, 2]), ([1], (1,)), ({"a": 1}, {"b": 1}), ([1], 1)])
def test_structures_that_differ(left: Any, right: Any) -> None:
    with pytest.raises(ValueError, match="Structures differ"):
        tree.assert_same_structure(left, right)


def test_source_inputs() -> None:
    a, b, c = (keras.Input((2,), name=name) for name in "abc")
    joined = layers.Dense(1)(b) + layers.Dense(1)(a)
    assert [source.name for source in keras.utils.get_source_inputs(joined)] == ["b", "a"]
    assert keras.utils.get_source_inputs(c) == [c]


def test_dtypes_and_names() -> None:
    assert keras.utils.standardize_dtype(None) == "float32"
    assert keras.backend.standardize_dtype("int") == "int32"
    with pytest.raises(ValueError, match="nonsense"):
        keras.utils.standardize_dtype("nonsense")
    layers.Dense(1)
    keras.utils.clear_session()
    assert layers.Dense(1).name == "dense"
    assert keras.version() == keras.__version__
    assert keras.utils.unpack_x_y_sample_weight(keras.utils.pack_x_y_sample_weight(1, 2)) == (1, 2, None)


def test_mixed_precision_under_its_older_names() -> None:
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        assert keras.config.dtype_policy().compute_dtype == "bfloat16"
    finally:
        keras.config.set_dtype_policy(None)
    assert keras.mixed_precision.global_policy().name == "float32"


def test_limits_on_training() -> None:
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((8, 1), "float32")
    keras.config.set_max_epochs(2)
    keras.config.set_max_steps_per_epoch(3)
    try:
        model.fit(x, x, batch_size=1, epochs=5, verbose=0)
        assert int(np.asarray(model.optimizer.iterations)) == 6
        assert len(model.predict(x, batch_size=1, verbose=0)) == 3
    finally:
        keras.config.set_max_epochs(None)
        keras.config.set_max_steps_per_epoch(0)
    assert (keras.config.max_epochs(), keras.config.max_steps_per_epoch()) == (None, None)
    assert len(model.predict(x, batch_size=1, verbose=0)) == 8


def test_the_loss_as_a_function_of_state() -> None:
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, use_bias=False, kernel_regularizer="l2")])
    model.compile("sgd", "mse")
    kernel = np.ones((2, 1), "float32")
    x, y = np.array([[1.0, 2.0]], "float32"), np.zeros((1, 1), "float32")
    before = model.get_weights()
    arguments = ([kernel], [], [v.value for v in model.metrics_variables])
    loss, (trainable, _, _) = model.stateless_compute_loss(*arguments, x=x, y=y, y_pred=keras.ops.array([[3.0]]))
    assert float(loss) == pytest.approx(9 + 0.02)
    np.testing.assert_array_equal(trainable[0], kernel)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
