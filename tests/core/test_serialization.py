"""Objects as configs: Keras's JSON, names, registered and custom objects, safe mode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import cornu
import numpy as np
import pytest
from cornu.saving import deserialize_keras_object as deserialize
from cornu.saving import get_registered_name, get_registered_object
from cornu.saving import register_keras_serializable as register
from cornu.saving import serialize_keras_object as serialize
from cornu.saving.registry import get_custom_objects
from cornu.saving.scopes import ObjectSharingScope, drop_single_numbers


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    before = dict(get_custom_objects())
    yield
    get_custom_objects().clear()
    get_custom_objects().update(before)


def through_json(obj: Any, **options: Any) -> Any:
    return deserialize(json.loads(json.dumps(serialize(obj))), **options)


class Range:
    """A custom object."""

    def __init__(self, low: float = 0.0, inner: Any = None) -> None:
        self.low = low
        self.inner = inner

    def get_config(self) -> dict[str, Any]:
        return {"low": self.low, "inner": self.inner}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Range:
        return cls(config["low"], deserialize(config["inner"]))


def double(x: Any) -> Any:
    return x * 2


# Written by Keras 3.15 for these objects.
WRITTEN_BY_KERAS = [
    (
        lambda: cornu.regularizers.L2(0.1),
        '{"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.1}, "registered_name": null}',
    ),
    (
        lambda: cornu.DTypePolicy("mixed_float16"),
        '{"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_float16"},'
        ' "registered_name": null}',
    ),
    (
        lambda: cornu.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9),
        '{"module": "keras.optimizers.schedules", "class_name": "ExponentialDecay", "config": {"initial_learning_rate":'
        ' 0.1, "decay_steps": 10, "decay_rate": 0.9, "staircase": false, "name": "ExponentialDecay"},'
        ' "registered_name": null}',
    ),
    (
        lambda: cornu.losses.SparseCategoricalCrossentropy(from_logits=True),
        '{"module": "keras.losses", "class_name": "SparseCategoricalCrossentropy", "config": {"name":'
        ' "sparse_categorical_crossentropy", "reduction": "sum_over_batch_size", "from_logits": true, "ignore_class":'
        ' null}, "registered_name": null}',
    ),
    (
        lambda: cornu.losses.mean_squared_error,
        '{"module": "builtins", "class_name": "function", "config": "mean_squared_error", "registered_name":'
        ' "function"}',
    ),
    (
        lambda: cornu.metrics.Mean(),
        '{"module": "keras.metrics", "class_name": "Mean", "config": {"name": "mean", "dtype": "float32"},'
        ' "registered_name": null}',
    ),
    (
        lambda: cornu.constraints.NonNeg(),
        '{"module": "keras.constraints", "class_name": "NonNeg", "config": {}, "registered_name": null}',
    ),
    (
        lambda: cornu.layers.Dense(3, name="d", activation="relu"),
        '{"module": "keras.layers", "class_name": "Dense", "config": {"name": "d", "trainable": true, "dtype":'
        ' {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null},'
        ' "units": 3, "activation": "relu", "use_bias": true, "kernel_initializer": {"module": "keras.initializers",'
        ' "class_name": "GlorotUniform", "config": {"seed": null, "input_axes": null, "output_axes": null},'
        ' "registered_name": null}, "bias_initializer": {"module": "keras.initializers", "class_name": "Zeros",'
        ' "config": {}, "registered_name": null}, "kernel_regularizer": null, "bias_regularizer": null,'
        ' "kernel_constraint": null, "bias_constraint": null, "quantization_config": null}, "registered_name": null}',
    ),
]


@pytest.mark.parametrize(("make", "expected"), WRITTEN_BY_KERAS)
def test_writes_the_json_of_keras(make: Any, expected: str) -> None:
    assert json.dumps(serialize(make())) == expected


@pytest.mark.parametrize(("make", "expected"), WRITTEN_BY_KERAS)
def test_reads_the_json_of_keras(make: Any, expected: str) -> None:
    found = deserialize(json.loads(expected))
    assert json.dumps(serialize(found)) == expected


@pytest.mark.parametrize(
    "value", [None, True, 3, 2.5, "text", [1, [2, "x"]], {"a": 1, "b": {"c": None}}, b"bytes", slice(1, None, 2), ...]
)
def test_plain_values_return(value: Any) -> None:
    assert through_json(value) == value


def test_arrays_return_with_their_dtype() -> None:
    array = np.arange(6, dtype="int16").reshape(2, 3)
    found = through_json(array)
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)
    assert through_json(np.float32(0.5)) == 0.5
    assert through_json(np.array(7)) == 7


def test_tensors_return_as_tensors() -> None:
    found = through_json(cornu.ops.convert_to_tensor([[1.5, 2.0]]))
    assert found.dtype == "float32"
    assert found.numpy().tolist() == [[1.5, 2.0]]


def test_a_keras_2_tuple_is_a_tuple() -> None:
    assert deserialize({"class_name": "__tuple__", "items": [1, [2]]}) == (1, [2])


def test_a_typespec_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="needs TensorFlow"):
        deserialize({"class_name": "__typespec__", "spec_name": "TensorSpec", "config": [[1], "float32"]})


def test_objects_without_a_config_are_refused() -> None:
    with pytest.raises(TypeError, match=r"get_config"):
        serialize(object())


# -- custom objects ----------------------------------------------------------------------------------------------


def test_registered_classes_and_functions_return() -> None:
    register("mine")(Range)
    register("mine", "twice")(double)
    assert get_registered_name(Range) == "mine>Range"
    assert get_registered_object("mine>twice") is double
    assert serialize(Range(2.0))["registered_name"] == "mine>Range"
    found = through_json(Range(2.0, Range(3.0)))
    assert isinstance(found, Range)
    assert found.inner.low == 3.0
    assert through_json(double) is double


def test_a_class_without_config_cannot_be_registered() -> None:
    with pytest.raises(ValueError, match=r"get_config"):
        register()(type("Bare", (), {}))


def test_custom_objects_are_found_in_the_argument_and_in_scopes() -> None:
    config = {"module": "elsewhere", "class_name": "Limits", "config": {"low": 1.0, "inner": None}}
    assert deserialize(config, custom_objects={"Limits": Range}).low == 1.0
    with cornu.saving.custom_object_scope({"Limits": Range}):
        assert deserialize(config).low == 1.0
        with cornu.saving.custom_object_scope({"other": double}):
            assert get_registered_object("Limits") is Range
    with pytest.raises(TypeError, match=r"Limits.*register_keras_serializable"):
        deserialize(config)


def test_custom_objects_reach_objects_inside() -> None:
    outer = {
        "class_name": "Outer",
        "config": {"low": 0.0, "inner": {"class_name": "In", "config": {"low": 5.0, "inner": None}}},
    }
    assert deserialize(outer, custom_objects={"Outer": Range, "In": Range}).inner.low == 5.0


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("keras.saving", "load_model"),
        ("keras.utils", "get_file"),
        ("subprocess", "Popen"),
        ("cornu.saving.atomic", "atomic_file"),
        ("keras.layers.core", "__import__"),
    ],
)
def test_only_parts_of_models_can_be_named(module: str, name: str) -> None:
    with pytest.raises(TypeError, match="Unknown"):
        deserialize({"module": module, "class_name": name, "config": {}, "registered_name": None})
    with pytest.raises(TypeError, match="Unknown"):
        deserialize({"module": module, "class_name": "function", "config": name, "registered_name": name})


def test_a_builtin_class_with_a_foreign_registered_name_is_refused() -> None:
    config = {"module": "keras.layers", "class_name": "Flatten", "config": {}, "registered_name": "a>b"}
    with pytest.raises(ValueError, match="registered name"):
        deserialize(config)


def test_a_wrong_config_is_reported_with_the_class() -> None:
    with pytest.raises(TypeError, match=r"Dense could not be made.*unitz"):
        deserialize({"module": "keras.layers", "class_name": "Dense", "config": {"unitz": 3}, "registered_name": None})


# -- safe mode ---------------------------------------------------------------------------------------------------


def lambda_config() -> Any:
    with pytest.warns(UserWarning, match="lambda"):
        return json.loads(json.dumps(serialize(lambda x: x + 2)))


def test_lambdas_are_refused_unless_trusted() -> None:
    config = lambda_config()
    with pytest.raises(ValueError, match="safe_mode=False"):
        deserialize(config)
    assert deserialize(config, safe_mode=False)(1) == 3
    cornu.saving.enable_unsafe_deserialization()
    try:
        assert deserialize(config)(1) == 3
    finally:
        cornu.saving.disable_unsafe_deserialization()
    with pytest.raises(ValueError, match="lambda"):
        deserialize(config)


def test_safe_mode_holds_for_objects_inside() -> None:
    config = {"class_name": "R", "config": {"low": 0.0, "inner": lambda_config()}}
    with pytest.raises(ValueError, match="lambda"):
        deserialize(config, custom_objects={"R": Range})
    assert deserialize(config, custom_objects={"R": Range}, safe_mode=False).inner(1) == 3


def test_closures_and_defaults_of_lambdas_return() -> None:
    shift = 10
    with pytest.warns(UserWarning, match="lambda"):
        config = serialize(lambda x, y=3: x + y + shift)
    assert deserialize(json.loads(json.dumps(config)), safe_mode=False)(1) == 14


# -- shared objects ----------------------------------------------------------------------------------------------


def test_an_object_that_occurs_twice_returns_as_one() -> None:
    register("mine")(Range)
    one = Range(1.0)
    with ObjectSharingScope():
        config = json.loads(json.dumps(drop_single_numbers(serialize([one, one, Range(1.0)]))))
    assert [item.get("shared_object_id") for item in config] == [1, 1, None]
    with ObjectSharingScope():
        first, second, third = deserialize(config)
    assert first is second
    assert first is not third
