"""EinsumDense, Lambda, Masking and the other layers of structure: what draws from Keras cannot show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import layers, ops

R = np.random.RandomState(11)


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with cornu.use_backend(request.param):
        yield


def draw(*shape: int) -> np.ndarray:
    return R.randn(*shape).astype(np.float32)


def close(found: Any, wanted: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=tolerance, atol=tolerance)


def sample(*shape: int | None, dtype: str = "float32") -> Any:
    return cornu.Input(shape, dtype=dtype)


# -- EinsumDense -------------------------------------------------------------------------------------------------------

# Equation, output shape, the input's shape, the bias's axes → the output's, the kernel's and the bias's shape: Keras's.
EQUATIONS = [
    ("ab,bc->ac", 64, (3,), "c", (None, 64), (3, 64), (64,)),
    ("abc,cd->abd", (None, 64), (32, 128), "d", (None, 32, 64), (128, 64), (64,)),
    ("...x,xy->...y", 64, (32, 128), "y", (None, 32, 64), (128, 64), (64,)),
    ("abc,cde->abde", (5, 3, 4), (5, 6), "bde", (None, 5, 3, 4), (6, 3, 4), (5, 3, 4)),
    ("abc,cde->abde", (None, 3, 4), (None, 6), "de", (None, None, 3, 4), (6, 3, 4), (3, 4)),
    ("ab...,bc->ac...", 7, (3, 5, 6), "c", (None, 7, 5, 6), (3, 7), (7, 1, 1)),
    ("...bx,xy->...by", (None, 64), (32, 128), None, (None, 32, 64), (128, 64), None),
    ("abc,cd->adb", (20, None), (5, 30), None, (None, 20, 5), (30, 20), None),
    ("ab,bcd->adc", (20, 30), (100,), "d", (None, 20, 30), (100, 30, 20), (20, 1)),
    ("ab,b->a", (), (3,), None, (None,), (3,), None),
]


@pytest.mark.parametrize("case", EQUATIONS, ids=lambda case: case[0])
def test_shapes_follow_from_the_equation(case: Any) -> None:
    equation, output_shape, shape, bias_axes, wanted, kernel, bias = case
    layer = layers.EinsumDense(equation, output_shape, bias_axes=bias_axes)
    assert layer(sample(*shape)).shape == wanted
    assert layer.kernel.shape == kernel
    assert (None if layer.bias is None else layer.bias.shape) == bias
    for weight in layer.weights:
        weight.assign(draw(*weight.shape))
    x = draw(2, *[size or 4 for size in shape])
    outputs = np.einsum(equation, x, np.asarray(layer.kernel)) + (0 if bias is None else np.asarray(layer.bias))
    close(layer(x), outputs, 1e-4)


def test_free_sizes_and_gradients() -> None:
    inputs = sample(None, 4)
    layer = layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="e", activation="tanh")
    model = cornu.Model(inputs, layer(inputs))
    model.compile(cornu.optimizers.SGD(1.0), "mse")
    for length in (2, 5):
        x = draw(3, length, 4)
        kernel, bias = model.get_weights()
        y = np.tanh(np.einsum("abc,cde->abde", x, kernel) + bias)
        close(model.predict(x, verbose=0), y)
        model.train_on_batch(x, np.zeros_like(y))
        pull = 2 * y * (1 - y * y) / y.size
        close(layer.kernel, kernel - np.einsum("abc,abde->cde", x, pull), 1e-4)
        close(layer.bias, bias - pull.sum((0, 1, 2)), 1e-4)


@pytest.mark.parametrize(
    ("equation", "output_shape", "shape", "fans"),
    [
        ("abc,cde->abde", (None, 30, 40), (5, 60), (60, 1200)),
        ("abcd,cde->abe", (None, 100), (3, 20, 30), (600, 100)),
        ("abc,bcd->abd", (30, 40), (30, 50), (50, 1200)),
        ("abc,bc->abc", (30, 50), (30, 50), (1, 1500)),
    ],
)
def test_initial_kernels_know_inputs_from_outputs(
    equation: str, output_shape: Any, shape: Any, fans: tuple[int, int]
) -> None:
    layer = layers.EinsumDense(equation, output_shape)
    layer.build((None, *shape))
    limit = np.sqrt(6 / sum(fans))  # Glorot's
    assert 0.97 * limit < np.abs(layer.kernel.numpy()).max() <= limit
    assert layer.get_config()["kernel_initializer"]["config"]["input_axes"] is None
    layer = layers.EinsumDense(equation, output_shape, kernel_initializer="lecun_uniform")
    layer.build((None, *shape))
    assert np.abs(layer.kernel.numpy()).max() == pytest.approx(np.sqrt(3 / fans[0]), rel=0.03)


def test_an_initializer_with_axes_of_its_own_keeps_them() -> None:
    initializer = cornu.initializers.GlorotUniform(input_axes=(0,), output_axes=(1,))
    layer = layers.EinsumDense("abc,cde->abde", (None, 30, 40), kernel_initializer=initializer)
    layer.build((None, 5, 60))
    assert np.abs(layer.kernel.numpy()).max() == pytest.approx(np.sqrt(6 / 90), rel=0.03)


# -- Identity and Wrapper ----------------------------------------------------------------------------------------------


def test_identity_passes_structures_and_masks() -> None:
    x = ops.ones((2, 3))
    layer = layers.Identity()
    assert layer(x) is x
    assert set(layer({"a": x, "b": [x]})) == {"a", "b"}
    assert layer(np.ones(2, np.int32)).dtype == "int32"
    masked = layers.Masking()(sample(3, 2))
    assert [tensor._keras_mask for tensor in layer([masked, masked])] == [masked._keras_mask] * 2


class Doubled(layers.Wrapper):
    def call(self, inputs: Any) -> Any:
        return self.layer(inputs) * 2


def test_a_wrapper_builds_names_and_describes_what_it_holds(tmp_path: Path) -> None:
    inner = layers.Dense(2)
    layer = Doubled(inner, name="outside")
    inputs = sample(3)
    model = cornu.Model(inputs, layer(inputs))
    assert [weight.path for weight in layer.weights] == [f"outside/{inner.name}/{name}" for name in ("kernel", "bias")]
    assert Doubled.from_config(layer.get_config()).layer.units == 2
    layer.trainable = False
    assert inner.trainable_weights == []
    model.save(tmp_path / "model.keras")
    read = cornu.models.load_model(tmp_path / "model.keras", custom_objects={"Doubled": Doubled})
    x = draw(4, 3)
    close(read.predict(x, verbose=0), 2 * (x @ inner.kernel.numpy()))


def test_a_built_layer_is_wrapped_as_it_is() -> None:
    inner = layers.Dense(2)
    inner.build((None, 3))
    kernel = inner.kernel
    Doubled(inner)(draw(1, 3))
    assert inner.kernel is kernel


# -- Lambda ------------------------------------------------------------------------------------------------------------


@cornu.saving.register_keras_serializable("tests")
def shifted(x: Any, by: float = 1.0) -> Any:
    return x + by


def test_a_function_gets_its_arguments_the_mask_and_whether_it_trains() -> None:
    seen = []

    def function(x: Any, by: float, mask: Any = None, training: Any = None) -> Any:
        seen.append((mask is not None, training))
        return x + by

    layer = layers.Lambda(function, arguments={"by": 2.0}, mask=lambda inputs, mask: mask)
    x = layers.Masking()(ops.ones((1, 2, 1)))
    outputs = layer(x, training=True)
    assert np.asarray(outputs).tolist() == [[[3.0], [3.0]]]
    assert outputs._keras_mask is x._keras_mask
    layer(ops.ones((1,)))
    assert seen == [(True, True), (False, None)]


def test_masks_end_unless_they_are_made() -> None:
    masked = layers.Masking()(sample(3, 2))
    with pytest.warns(UserWarning, match="does not support masking"):
        assert getattr(layers.Lambda(shifted)(masked), "_keras_mask", None) is None
    mask = np.array([[True, False]])
    assert layers.Lambda(shifted, mask=mask)(draw(1, 2, 2))._keras_mask is mask


def test_shapes_are_traced_or_said() -> None:
    assert layers.Lambda(lambda x: x[..., :2])(sample(None, 3)).shape == (None, None, 2)
    assert layers.Lambda(lambda x: x, output_shape=(7,))(sample(3)).shape == (None, 7)
    layer = layers.Lambda(lambda xs: xs, output_shape=[(3,), (4, None)])
    assert [tensor.shape for tensor in layer([sample(3), sample(4, 5)])] == [(None, 3), (None, 4, None)]
    layer = layers.Lambda(lambda x: x, output_shape=lambda shape: (*shape, 2))
    assert layer.compute_output_shape((5, 3)) == (5, 3, 2)
    assert layer(sample(3)).shape == (None, 3, 2)
    assert layers.Lambda(shifted).compute_output_shape((5, 3)) == (5, 3)


def test_a_named_function_in_a_file(tmp_path: Path) -> None:
    inputs = sample(3)
    layer = layers.Lambda(shifted, arguments={"by": 2.0}, output_shape=(3,))
    model = cornu.Model(inputs, layer(inputs))
    config = layer.get_config()
    assert config["function"] == {
        "module": "builtins",
        "class_name": "function",
        "config": "tests>shifted",
        "registered_name": "function",
    }
    assert config["arguments"] == {"by": 2.0}
    model.save(tmp_path / "model.keras")
    read = cornu.models.load_model(tmp_path / "model.keras")
    close(read.predict(np.ones((1, 3), np.float32), verbose=0), [[3.0, 3.0, 3.0]])
    assert read.layers[1].compute_output_shape((2, 9)) == (2, 3)


def test_a_function_that_is_handed_in() -> None:
    def own(x: Any) -> Any:
        return x * 3

    config = layers.Lambda(own).get_config()
    assert float(layers.Lambda.from_config(config, custom_objects={"own": own})(ops.ones(()))) == 3.0
    with pytest.raises(TypeError, match="'own'"):
        layers.Lambda.from_config(config)


def test_lambdas_in_files_are_read_only_when_asked_for(tmp_path: Path) -> None:
    factor = 5.0
    inputs = sample(3)
    outputs = layers.Lambda(lambda x, y=2.0: x * factor + y, name="timed", mask=lambda inputs, mask: mask)(inputs)
    model = cornu.Model(inputs, outputs)
    written = model.layers[1].get_config()["function"]
    assert written["class_name"] == "__lambda__"
    assert list(written["config"]) == ["code", "defaults", "closure"]
    assert (written["config"]["defaults"], written["config"]["closure"]) == ((2.0,), (5.0,))
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"Lambda layer 'timed'.*`function`.*safe_mode=False"):
        cornu.models.load_model(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="safe_mode"):
        layers.Lambda.from_config(model.layers[1].get_config())
    read = cornu.models.load_model(tmp_path / "model.keras", safe_mode=False)
    close(read.predict(np.ones((1, 3), np.float32), verbose=0), [[7.0, 7.0, 7.0]])


def test_any_part_of_a_lambda_layer_may_hold_code() -> None:
    for part in ("output_shape", "mask"):
        config = layers.Lambda(shifted, **{part: lambda *given: given[-1]}).get_config()
        with pytest.raises(ValueError, match=f"`{part}`"):
            layers.Lambda.from_config(config)


def test_partial_functions_work_but_have_no_config() -> None:
    layer = layers.Lambda(partial(shifted, by=4.0))
    assert float(layer(ops.ones(()))) == 5.0
    with pytest.raises(TypeError, match="partial"):
        layer.get_config()


# -- Masking -----------------------------------------------------------------------------------------------------------


def test_masks_and_hidden_steps() -> None:
    layer = layers.Masking(2.0)
    outputs = layer(np.array([[[2, 2], [2, 1], [3, 4]]], np.float32))
    assert np.asarray(outputs).tolist() == [[[0, 0], [2, 1], [3, 4]]]
    assert np.asarray(outputs._keras_mask).tolist() == [[False, True, True]]
    integers = layers.Masking(1)(np.array([[[1, 1], [0, 1]]]))
    assert integers.dtype.startswith("int")
    assert np.asarray(integers._keras_mask).tolist() == [[False, True]]


def test_masks_are_operations_in_a_model_as_in_keras(tmp_path: Path) -> None:
    """The operations, and their order, in the file of real Keras for this model."""
    inputs = sample(4, 3)
    first, second = layers.Masking(2.0)(inputs), layers.Masking(3.0)(inputs)
    joined = layers.Concatenate()([layers.Add()([first, second]), inputs])
    both = layers.Concatenate(axis=1)([joined, joined])
    model = cornu.Model(inputs, layers.BatchNormalization()(both))
    assert " ".join(entry["class_name"] for entry in model.get_config()["layers"]) == (
        "InputLayer NotEqual NotEqual Masking Masking Any Any Add LogicalOr ExpandDims ZerosLike LogicalOr OnesLike "
        "Concatenate Concatenate Any ExpandDims ZerosLike ExpandDims ZerosLike LogicalOr LogicalOr "
        "Concatenate Concatenate Any BatchNormalization"
    )
    model.save(tmp_path / "model.keras")
    read = cornu.models.load_model(tmp_path / "model.keras")
    x = R.choice([1.0, 2.0, 3.0], size=(5, 4, 3)).astype(np.float32)
    close(read.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_mask_reaches_a_layer_in_training() -> None:
    inputs = sample(None, 2)
    layer = layers.BatchNormalization(momentum=0.0)
    model = cornu.Model(inputs, layer(layers.Masking()(inputs)))
    model.compile("sgd", "mse")
    x = draw(3, 4, 2)
    x[0, 1:] = 0
    x[1, 2] = 0
    model.train_on_batch(x, np.zeros_like(x))
    close(layer.moving_mean, x[np.any(x != 0, -1)].mean(0))


# -- ReversibleEmbedding -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tied", [True, False])
def test_there_and_back(tied: bool) -> None:
    layer = layers.ReversibleEmbedding(5, 3, tie_weights=tied, logit_soft_cap=2.0)
    inputs = sample(None, dtype="int32")
    model = cornu.Model(inputs, layer(layer(inputs), reverse=True))
    names = ["embeddings"] if tied else ["embeddings", "reverse_embeddings"]
    assert [weight.path.rpartition("/")[2] for weight in layer.weights] == names
    table, back = draw(5, 3), draw(3, 5)
    layer.set_weights([table] if tied else [table, back])
    rows = np.array([[1, 4, 0]], np.int32)
    scores = table[rows] @ (table.T if tied else back)
    close(model.predict(rows, verbose=0), 2 * np.tanh(scores / 2))


def test_a_tied_table_learns_from_both_ways() -> None:
    layer = layers.ReversibleEmbedding(3, 2)
    inputs = sample(dtype="int32")
    model = cornu.Model(inputs, layer(layer(inputs), reverse=True))
    table = draw(3, 2)
    layer.set_weights([table])
    model.compile(cornu.optimizers.SGD(1.0), "mse")
    model.train_on_batch(np.array([1], np.int32), np.zeros((1, 3), np.float32))
    vector = table[1]
    pull = 2 * (table @ vector) / 3
    gradient = np.outer(pull, vector)
    gradient[1] += pull @ table
    close(layer.embeddings, table - gradient, 1e-4)


def test_only_indices_have_a_mask() -> None:
    layer = layers.ReversibleEmbedding(4, 3, mask_zero=True)
    vectors = layer(np.array([[0, 2]]))
    assert np.asarray(vectors._keras_mask).tolist() == [[False, True]]
    assert getattr(layer(vectors, reverse=True), "_keras_mask", None) is None


@pytest.mark.parametrize(
    ("settings", "dtypes"),
    [
        ({}, ("float32", "float32")),
        ({"reverse_dtype": "float16"}, ("float32", "float16")),
        ({"dtype": "mixed_float16"}, ("float16", "float16")),
        ({"dtype": "mixed_float16", "reverse_dtype": "float32"}, ("float16", "float32")),
    ],
)
def test_dtypes_of_both_ways(settings: dict[str, str], dtypes: tuple[str, str]) -> None:
    layer = layers.ReversibleEmbedding(4, 3, **settings)
    assert (layer(np.array([1])).dtype, layer(draw(2, 3), reverse=True).dtype) == dtypes
    assert layer.embeddings.dtype == "float32"


# -- errors ------------------------------------------------------------------------------------------------------------


def einsum(equation: str, output_shape: Any, *shape: int | None, **more: Any) -> Callable[[], Any]:
    return lambda: layers.EinsumDense(equation, output_shape, name="e", **more)(sample(*shape))


FORM = "'e'.*must have the form"
ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "no output": (einsum("abc,cd", 3, 2, 4), FORM),
    "no kernel": (einsum("abc->abd", 3, 2, 4), FORM),
    "spaces": (einsum("ab , bc -> ac", 3, 4), FORM),
    "dots on one side": (einsum("...b,bc->c...", 3, 4), FORM),
    "dots in the kernel": (einsum("...abc,...abcd->...abcd", (1, 2, 3, 4), 2, 3), FORM),
    "dots twice": (einsum("...b...,bc->...c...", 3, 4), FORM),
    "rank": (einsum("abc,cd->abd", (2, 3), 4), r"does not fit the rank.*\(None, 4\)"),
    "output rank": (einsum("abc,cd->abd", 3, 2, 4), r"'abd'.*output_shape=\(3,\).*leave the batch out"),
    "output rank with dots": (einsum("...x,xy->...y", (2, 3), 2, 4), r"'y'.*output_shape=\(2, 3\)"),
    "contradiction": (einsum("abc,cd->abd", (3, 6), 2, 4), "axis 'b' has the size 2.*but 3"),
    "no batch in front": (einsum("ab,bc->ca", 4, 3), "axis 'a' has the size None.*but 4"),
    "bias axes": (einsum("abc,cd->abd", (2, 3), 2, 4, bias_axes="x"), "no axes 'x'"),
    "bias axes of the input": (einsum("abc,cd->abd", (2, 3), 2, 4, bias_axes="c"), "no axes 'c'"),
    "no bias axes": (einsum("abc,cd->abd", (2, 3), 2, 4, bias_axes=""), "no axes ''"),
    "free kernel": (einsum("abc,cd->abd", (None, 6), 2, None), "axis 'c' of the kernel must be known"),
    "free output": (einsum("abc,cd->abd", (None, None), 2, 4), "axis 'd' of the kernel must be known"),
    "free bias": (einsum("abc,cd->abd", (None, 6), None, 4, bias_axes="bd"), "axis 'b' of the bias must be known"),
    "low rank": (lambda: layers.EinsumDense("ab,bc->ac", 4, lora_rank=2), "lora_rank=2"),
    "quantized": (lambda: layers.EinsumDense("ab,bc->ac", 4, gptq_unpacked_column_size=2), "gptq_unpacked"),
    "wrapper": (lambda: layers.Wrapper(3), "must be a layer, got 3"),
    "lambda: function": (lambda: layers.Lambda(3), "callable, got 3"),
    "lambda: arguments": (lambda: layers.Lambda(shifted, arguments=[1]), r"dict, got \[1\]"),
    "embedding: rows": (lambda: layers.ReversibleEmbedding(0, 3), "input_dim"),
    "embedding: cap": (lambda: layers.ReversibleEmbedding(2, 3, logit_soft_cap=0), "logit_soft_cap.*got 0"),
    "embedding: back": (
        lambda: layers.ReversibleEmbedding(2, 3, name="r")(draw(2, 7), reverse=True),
        r"'r'.*size 3, got input shape \(2, 7\)",
    ),
    "embedding: low rank": (lambda: layers.ReversibleEmbedding(2, 3, lora_rank=1), "lora_rank=1"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_is_wrong(name: str) -> None:
    make, match = ERRORS[name]
    with pytest.raises(ValueError, match=match):
        make()
